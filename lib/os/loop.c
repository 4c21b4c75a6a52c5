/* loop.c - see loop.h. What all backends share: the table of descriptors and the waker. */
#include "os/system.h"

#include "os/loop.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/units.h"
#include "os/loop_backend.h"
#include "os/private.h"

enum { FIRST_SLOTS = 64 };

/* In the order of enum os_backend; NULL: not on this system. */
static const struct loop_backend *const backends[] = {
    [OS_BACKEND_BEST] = NULL,
#if OS_IS_LINUX
    [OS_BACKEND_EPOLL] = &loop_epoll,
#endif
#if OS_IS_BSD
    [OS_BACKEND_KQUEUE] = &loop_kqueue,
#endif
    [OS_BACKEND_POLL] = &loop_poll,
};

void loop_report(const struct os_loop *loop, const struct loop_slot *slot, int events)
{
    if (!(slot->events & OS_EDGE))
        events &= slot->events & LOOP_BOTH;
    if (events != 0 && loop->ctx != NULL)
        mox_ctx_ready(loop->ctx, slot - loop->slots, events);
}

int loop_timeout_ms(int64_t timeout_us)
{
    if (timeout_us < 0)
        return -1;
    if (timeout_us / US_PER_MS >= INT_MAX)
        return INT_MAX;
    return (int)(timeout_us / US_PER_MS + (timeout_us % US_PER_MS != 0));
}

/* Makes room for the descriptor; NULL: no memory. */
static struct loop_slot *slot_for(struct os_loop *loop, size_t fd)
{
    size_t cap = loop->nslots == 0 ? FIRST_SLOTS : loop->nslots;
    struct loop_slot *slots;

    while (cap <= fd)
        cap *= 2;
    if (cap > loop->nslots) {
        slots = mem_resize(loop->slots, cap, sizeof *slots);
        if (slots == NULL)
            return NULL;
        memset(slots + loop->nslots, 0, (cap - loop->nslots) * sizeof *slots);
        loop->slots = slots;
        loop->nslots = cap;
    }
    return &loop->slots[fd];
}

static int watch(void *user, intptr_t fd, int events)
{
    struct os_loop *loop = user;
    struct loop_slot *slot = loop_slot_find(loop, fd);
    bool forget = !(events & LOOP_BOTH);
    int status;

    if (fd < 0 || fd >= MOX_LIMIT_DESCRIPTORS)
        return MOX_E_INVAL;
    if (slot == NULL && forget)
        return MOX_OK;
    if (slot == NULL)
        slot = slot_for(loop, (size_t)fd);
    if (slot == NULL)
        return MOX_E_NOMEM;
    if (slot->events == events)
        return MOX_OK;
    status = loop->backend->watch(loop, (int)fd, slot, events);
    if (status == MOX_OK)
        slot->events = forget ? 0 : events;
    return status;
}

static int wait(void *user, int64_t timeout_us)
{
    struct os_loop *loop = user;

    return loop->backend->wait(loop, timeout_us);
}

/* No timer is kept: the context waits no longer than its first deadline. */
static int no_timer(void *user, int64_t delay_us)
{
    (void)user;
    (void)delay_us;
    return MOX_OK;
}

static int open_best(struct os_loop *loop)
{
    int status = MOX_E_UNSUPPORTED;

    for (size_t i = 0; i < ARRAY_LEN(backends); i++) {
        if (backends[i] == NULL)
            continue;
        loop->backend = backends[i];
        status = loop->backend->open(loop);
        if (status != MOX_ERRNO(ENOSYS))
            break;
    }
    return status;
}

static int open_backend(struct os_loop *loop, int backend)
{
    if (backend == OS_BACKEND_BEST)
        return open_best(loop);
    if (backend < 0 || backend >= (int)ARRAY_LEN(backends) || backends[backend] == NULL)
        return MOX_E_UNSUPPORTED;
    loop->backend = backends[backend];
    return loop->backend->open(loop);
}

struct os_loop *os_loop_new(int backend, struct mox_error *err)
{
    struct os_loop *loop = mem_new(sizeof *loop);
    int status;

    if (loop == NULL) {
        error_nomem(err);
        return NULL;
    }
    if (os_waker_open(&loop->waker) != 0) {
        status = MOX_ERRNO(errno);
        goto failed;
    }
    loop->fd = -1;
    loop->owner = getpid();
    status = open_backend(loop, backend);
    if (status != MOX_OK) {
        os_waker_close(&loop->waker);
        goto failed;
    }
    loop->ops = (struct mox_loop_ops){
        .size = sizeof loop->ops, .user = loop, .watch = watch, .timer = no_timer, .wait = wait};
    error_none(err);
    return loop;
failed:
    mem_free(loop);
    if (status == MOX_E_NOMEM)
        error_nomem(err);
    else if (status == MOX_E_UNSUPPORTED)
        error_set(err, status, "this system does not have the event loop that was asked for");
    else
        error_from_op(err, status, "making the event loop");
    return NULL;
}

const struct mox_loop_ops *os_loop_ops(const struct os_loop *loop)
{
    return &loop->ops;
}

void os_loop_attach(struct os_loop *loop, struct mox_ctx *ctx)
{
    loop->ctx = ctx;
}

int os_loop_fd(const struct os_loop *loop)
{
    return loop->fd;
}

void os_loop_wakeup(struct os_loop *loop)
{
    os_waker_ring(&loop->waker);
}

bool os_loop_is_edge(const struct os_loop *loop)
{
    return loop->backend->edge;
}

const char *os_loop_name(const struct os_loop *loop)
{
    return loop->backend->name;
}

void os_loop_free(struct os_loop *loop)
{
    if (loop == NULL)
        return;
    loop->backend->close(loop);
    os_waker_close(&loop->waker);
    mem_free(loop->slots);
    mem_free(loop);
}
