/*
 * loop_epoll.c - see loop_backend.h; Linux.
 *
 * What epoll watches is an open file, not a number: a closed descriptor may go on being reported,
 * for a forked child has it still, when its number is long another's. So each registration has a
 * tag, and what bears an old one is dropped.
 */
#include "os/system.h"

#if OS_IS_LINUX

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "os/loop_backend.h"
#include "os/private.h"

enum {
    EVENTS_AT_ONCE = 128, /* what is left over comes with the next wait, before what is new */
    EDGE_MASK = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI
};

static const uint64_t waker_data = UINT64_MAX; /* no descriptor has this number */

static int open_epoll(struct os_loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = waker_data};
    int fd = epoll_create1(EPOLL_CLOEXEC), error;

    if (fd < 0)
        return MOX_ERRNO(errno);
    if (epoll_ctl(fd, EPOLL_CTL_ADD, loop->waker.read_fd, &event) != 0) {
        error = errno;
        close(fd);
        return MOX_ERRNO(error);
    }
    loop->fd = fd;
    return MOX_OK;
}

static uint32_t to_epoll(int events)
{
    uint32_t mask = 0;

    if (events & OS_EDGE)
        return (uint32_t)EDGE_MASK | (uint32_t)EPOLLET;
    if (events & MOX_READ)
        mask |= EPOLLIN;
    if (events & MOX_WRITE)
        mask |= EPOLLOUT;
    return mask;
}

/* A failed descriptor is ready for both, so that whoever waits goes and meets the error. */
static int from_epoll(uint32_t mask)
{
    int events = 0;

    if (mask & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        events |= MOX_READ;
    if (mask & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        events |= MOX_WRITE;
    if (mask & (EPOLLHUP | EPOLLERR))
        events |= OS_FAILED;
    if (mask & (EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR))
        events |= OS_UNSURE;
    return events;
}

static int watch_epoll(struct os_loop *loop, int fd, struct loop_slot *slot, int events)
{
    struct epoll_event event = {.events = to_epoll(events)};
    bool known = slot->events != 0;

    if (!(events & LOOP_BOTH)) {
        if (!(events & OS_CLOSING))
            epoll_ctl(loop->fd, EPOLL_CTL_DEL, fd, &event); /* may be closed already */
        return MOX_OK;
    }
    if (!known)
        slot->tag++;
    event.data.u64 = (uint64_t)slot->tag << 32 | (uint32_t)fd;
    if (epoll_ctl(loop->fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0)
        return MOX_OK;
    /* The owner closed it unsaid and got the number again, or has undone its closing by dup2. */
    if (errno == (known ? ENOENT : EEXIST) &&
        epoll_ctl(loop->fd, known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == 0)
        return MOX_OK;
    return MOX_ERRNO(errno);
}

static int wait_epoll(struct os_loop *loop, int64_t timeout_us)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(loop->fd, events, EVENTS_AT_ONCE, loop_timeout_ms(timeout_us));

    if (n < 0) /* a signal ends the wait: the host may have something to do about it */
        return errno == EINTR ? MOX_OK : MOX_ERRNO(errno);
    for (int i = 0; i < n; i++) {
        uint64_t data = events[i].data.u64;
        const struct loop_slot *slot = loop_slot_find(loop, (int64_t)(data & UINT32_MAX));

        if (data == waker_data)
            os_waker_drain(&loop->waker);
        else if (slot != NULL && slot->tag == data >> 32)
            loop_report(loop, slot, from_epoll(events[i].events));
    }
    return MOX_OK;
}

/* In a forked child as well: this closes its copy of the descriptor, and takes nothing out. */
static void close_epoll(struct os_loop *loop)
{
    close(loop->fd);
}

const struct loop_backend loop_epoll = {
    .name = "epoll",
    .edge = true,
    .open = open_epoll,
    .watch = watch_epoll,
    .wait = wait_epoll,
    .close = close_epoll,
};

#else
typedef int os_no_epoll; /* a translation unit is never empty */
#endif
