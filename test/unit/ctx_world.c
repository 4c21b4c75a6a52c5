/* ctx_world.c - see ctx_world.h. */
#include "ctx_world.h"

#include <string.h>

#include "test.h"

static int64_t now_us(void *user)
{
    return ((struct ctx_world *)user)->now_us;
}

static int64_t unix_s(void *user)
{
    (void)user;
    return 1700000000;
}

static int32_t utc_offset_s(void *user, int64_t at)
{
    (void)user;
    (void)at;
    return 0;
}

static int fill(void *user, void *buf, size_t len)
{
    (void)user;
    memset(buf, 7, len);
    return MOX_OK;
}

static int on_watch(void *user, intptr_t fd, int events)
{
    struct ctx_world *world = user;

    world->watches++;
    world->watch_fd = fd;
    world->watch_events = events;
    return world->watch_status;
}

static int on_timer(void *user, int64_t delay_us)
{
    struct ctx_world *world = user;

    world->timers++;
    world->timer_us = delay_us;
    return MOX_OK;
}

static int on_wait(void *user, int64_t timeout_us)
{
    struct ctx_world *world = user;

    world->waits++;
    world->wait_us = timeout_us;
    if (world->in_wait != NULL)
        world->in_wait(world);
    else if (timeout_us > 0)
        world->now_us += timeout_us;
    return world->wait_status;
}

static int on_query(void *user, uint64_t id, const char *name, uint16_t type)
{
    struct ctx_world *world = user;

    world->queries++;
    world->query_id = id;
    world->query_name = name;
    world->query_type = type;
    if (world->in_query != NULL)
        world->in_query(world);
    return world->query_status;
}

static void on_cancel(void *user, uint64_t id)
{
    struct ctx_world *world = user;

    world->cancels++;
    world->cancelled_id = id;
}

static void open_with(struct ctx_world *world, const struct ctx_loop_extra *extra)
{
    struct mox_loop_ops loop = {
        .size = sizeof loop, .user = world, .watch = on_watch, .timer = on_timer, .wait = on_wait};
    struct mox_socket_ops socket = {.size = sizeof socket};
    struct mox_dns_ops dns = {
        .size = sizeof dns, .user = world, .query = on_query, .cancel = on_cancel};
    struct mox_sys_ops sys = {.size = sizeof sys,
                              .user = world,
                              .monotonic_us = now_us,
                              .unix_s = unix_s,
                              .utc_offset_s = utc_offset_s,
                              .random = fill};
    struct mox_ctx_options options = {
        .size = sizeof options, .loop = &loop, .socket = &socket, .dns = &dns, .sys = &sys};

    *world = (struct ctx_world){.now_us = WORLD_START_US};
    world->ctx = ctx_new(&options, extra);
    ck_assert_ptr_nonnull(world->ctx);
}

void ctx_world_open(struct ctx_world *world)
{
    open_with(world, &(struct ctx_loop_extra){.fd = -1});
}

void ctx_world_open_pull(struct ctx_world *world)
{
    open_with(world, &(struct ctx_loop_extra){.loop = world, .fd = 42});
}

void ctx_world_close(struct ctx_world *world)
{
    mox_ctx_free(world->ctx);
    *world = (struct ctx_world){0};
}

static void finish(struct ctx_op *op)
{
    struct world_op *mine = (struct world_op *)op;

    mine->finished++;
    if (mine->on_finish != NULL)
        mine->on_finish(mine);
}

static void cancel(struct ctx_op *op)
{
    ((struct world_op *)op)->cancelled++;
}

static void shut_down(struct ctx_op *op)
{
    ((struct world_op *)op)->shut_down++;
    ctx_op_complete(op);
}

const struct ctx_op_class world_op_class = {
    .finish = finish, .cancel = cancel, .shutdown = shut_down};

mox_op_id world_op_start(struct ctx_world *world, struct world_op *op)
{
    mox_op_id id = ctx_op_start(world->ctx, &op->op, &world_op_class, NULL);

    ck_assert_uint_ne(id, 0);
    return id;
}
