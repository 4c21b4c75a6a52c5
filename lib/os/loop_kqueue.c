/*
 * loop_kqueue.c - see loop_backend.h; the BSDs and macOS.
 *
 * A kqueue watches numbers, and forgets one when it is closed, so nothing stale comes. It is not
 * inherited: in a forked child its number may be another file's.
 */
#include "os/system.h"

#if OS_IS_BSD

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>

#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/units.h"
#include "os/loop_backend.h"
#include "os/private.h"

enum { EVENTS_AT_ONCE = 128, NS_PER_US = 1000 };

/* 0, or -1 and errno. */
static int change(const struct os_loop *loop, const struct kevent *changes, int n)
{
    return kevent(loop->fd, changes, n, NULL, 0, NULL);
}

static int open_kqueue(struct os_loop *loop)
{
    struct kevent waker;
    int error;

    loop->fd = kqueue();
    if (loop->fd < 0)
        return MOX_ERRNO(errno);
    EV_SET(&waker, (uintptr_t)loop->waker.read_fd, EVFILT_READ, EV_ADD, 0, 0, 0);
    if (fcntl(loop->fd, F_SETFD, FD_CLOEXEC) != 0 || change(loop, &waker, 1) != 0) {
        error = errno;
        close(loop->fd);
        return MOX_ERRNO(error);
    }
    return MOX_OK;
}

/* Adds the change of one direction, if there is one; returns how many there are now. */
static int add_change(struct kevent *changes, int n, int fd, int direction, int was, int events)
{
    short filter = direction == MOX_READ ? EVFILT_READ : EVFILT_WRITE;
    unsigned short clear = events & OS_EDGE ? EV_CLEAR : 0;

    if ((was & (direction | OS_EDGE)) == (events & (direction | OS_EDGE)))
        return n;
    if (events & direction)
        EV_SET(&changes[n], (uintptr_t)fd, filter, (unsigned short)(EV_ADD | clear), 0, 0, 0);
    else if (was & direction)
        EV_SET(&changes[n], (uintptr_t)fd, filter, EV_DELETE, 0, 0, 0);
    else
        return n;
    return n + 1;
}

static int watch_kqueue(struct os_loop *loop, int fd, struct loop_slot *slot, int events)
{
    struct kevent changes[2];
    int n = 0;

    if (events & OS_CLOSING)
        return MOX_OK;
    n = add_change(changes, n, fd, MOX_READ, slot->events, events);
    n = add_change(changes, n, fd, MOX_WRITE, slot->events, events);
    if (n == 0 || change(loop, changes, n) == 0)
        return MOX_OK;
    if (!(events & LOOP_BOTH)) /* to be forgotten, and closed already */
        return MOX_OK;
    return MOX_ERRNO(errno);
}

/* A failed descriptor is ready for both, so that whoever waits goes and meets the error. */
static int from_kevent(const struct kevent *event)
{
    int events = event->filter == EVFILT_READ ? MOX_READ : MOX_WRITE;

    if (!(event->flags & EV_EOF))
        return events;
    if (event->filter == EVFILT_WRITE || event->fflags != 0) /* fflags: the socket's error */
        events |= LOOP_BOTH | OS_FAILED;
    return events | OS_UNSURE;
}

static int wait_kqueue(struct os_loop *loop, int64_t timeout_us)
{
    struct kevent events[EVENTS_AT_ONCE];
    struct timespec timeout = {0};
    int n;

    if (timeout_us > 0) {
        timeout.tv_sec = (time_t)(timeout_us / US_PER_S);
        timeout.tv_nsec = (long)(timeout_us % US_PER_S) * NS_PER_US;
    }
    n = kevent(loop->fd, NULL, 0, events, EVENTS_AT_ONCE, timeout_us < 0 ? NULL : &timeout);
    if (n < 0) /* a signal ends the wait: the host may have something to do about it */
        return errno == EINTR ? MOX_OK : MOX_ERRNO(errno);
    for (int i = 0; i < n; i++) {
        int fd = (int)events[i].ident;
        const struct loop_slot *slot = loop_slot_find(loop, fd);

        if (fd == loop->waker.read_fd)
            os_waker_drain(&loop->waker);
        else if (slot != NULL)
            loop_report(loop, slot, from_kevent(&events[i]));
    }
    return MOX_OK;
}

static void close_kqueue(struct os_loop *loop)
{
    if (getpid() == loop->owner)
        close(loop->fd);
}

const struct loop_backend loop_kqueue = {
    .name = "kqueue",
    .edge = true,
    .open = open_kqueue,
    .watch = watch_kqueue,
    .wait = wait_kqueue,
    .close = close_kqueue,
};

#else
typedef int os_no_kqueue; /* a translation unit is never empty */
#endif
