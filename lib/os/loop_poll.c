/*
 * loop_poll.c - see loop_backend.h; any POSIX system.
 *
 * The array is what poll(2) takes, without gaps; a slot's tag says where in it a descriptor stands.
 * The waker is always the first.
 */
#include "os/system.h"

#include <errno.h>
#include <poll.h>

#include "base/mem.h"
#include "os/loop_backend.h"
#include "os/private.h"

enum { FIRST_POLLS = 16 };

struct poll_set {
    struct pollfd *polls;
    size_t len, cap;
};

static int append(struct poll_set *set, int fd, short events)
{
    if (set->len == set->cap) {
        size_t cap = set->cap == 0 ? FIRST_POLLS : 2 * set->cap;
        struct pollfd *polls = mem_resize(set->polls, cap, sizeof *polls);

        if (polls == NULL)
            return MOX_E_NOMEM;
        set->polls = polls;
        set->cap = cap;
    }
    set->polls[set->len++] = (struct pollfd){.fd = fd, .events = events};
    return MOX_OK;
}

static int open_poll(struct os_loop *loop)
{
    struct poll_set *set = mem_new(sizeof *set);

    if (set == NULL)
        return MOX_E_NOMEM;
    if (append(set, loop->waker.read_fd, POLLIN) != MOX_OK) {
        mem_free(set);
        return MOX_E_NOMEM;
    }
    loop->state = set;
    return MOX_OK;
}

static short to_poll(int events)
{
    return (short)((events & MOX_READ ? POLLIN : 0) | (events & MOX_WRITE ? POLLOUT : 0));
}

/* The last one takes the place of the one that goes. */
static void take_out(struct os_loop *loop, size_t at)
{
    struct poll_set *set = loop->state;

    set->polls[at] = set->polls[--set->len];
    if (at < set->len)
        loop->slots[set->polls[at].fd].tag = (uint32_t)at;
}

static int watch_poll(struct os_loop *loop, int fd, struct loop_slot *slot, int events)
{
    struct poll_set *set = loop->state;
    int status;

    if (!(events & LOOP_BOTH)) {
        take_out(loop, slot->tag);
        return MOX_OK;
    }
    if (slot->events != 0) {
        set->polls[slot->tag].events = to_poll(events);
        return MOX_OK;
    }
    status = append(set, fd, to_poll(events));
    if (status == MOX_OK)
        slot->tag = (uint32_t)(set->len - 1);
    return status;
}

/* A failed descriptor is ready for both, so that whoever waits goes and meets the error. */
static int from_poll(short mask)
{
    int events = 0;

    if (mask & (POLLIN | POLLHUP | POLLERR | POLLNVAL))
        events |= MOX_READ;
    if (mask & (POLLOUT | POLLHUP | POLLERR | POLLNVAL))
        events |= MOX_WRITE;
    return events;
}

static int wait_poll(struct os_loop *loop, int64_t timeout_us)
{
    struct poll_set *set = loop->state;
    int n = poll(set->polls, (nfds_t)set->len, loop_timeout_ms(timeout_us));

    if (n < 0) /* a signal ends the wait: the host may have something to do about it */
        return errno == EINTR ? MOX_OK : MOX_ERRNO(errno);
    if (n > 0 && set->polls[0].revents != 0)
        os_waker_drain(&loop->waker);
    for (size_t i = set->len - 1; i > 0 && n > 0; i--) { /* downwards: take_out moves the last */
        struct pollfd ready = set->polls[i];

        if (ready.revents == 0)
            continue;
        n--;
        loop_report(loop, &loop->slots[ready.fd], from_poll(ready.revents));
        if (ready.revents & POLLNVAL) { /* closed unsaid: it would end every wait from now on */
            take_out(loop, i);
            loop->slots[ready.fd].events = 0;
        }
    }
    return MOX_OK;
}

static void close_poll(struct os_loop *loop)
{
    struct poll_set *set = loop->state;

    mem_free(set->polls);
    mem_free(set);
}

const struct loop_backend loop_poll = {
    .name = "poll",
    .edge = false,
    .open = open_poll,
    .watch = watch_poll,
    .wait = wait_poll,
    .close = close_poll,
};
