/* wire_world.c - see wire_world.h. */
#include "wire_world.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <moxdial/redis.h>

enum { TURNS = 6 };

struct wire_world wire;

static int64_t get_now(void *user)
{
    (void)user;
    return wire.now_us;
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

void wire_listen(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%s", store_file("link"));
    unlink(address.sun_path);
    wire.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(wire.listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(wire.listener, 16), 0);
    ck_assert_int_eq(fcntl(wire.listener, F_SETFL, O_NONBLOCK), 0);
}

void wire_close_server(void)
{
    if (wire.server >= 0)
        close(wire.server);
    wire.server = -1;
}

void wire_setup(void)
{
    const struct mox_sys_ops sys = {.size = sizeof sys,
                                    .monotonic_us = get_now,
                                    .unix_s = unix_s,
                                    .utc_offset_s = utc_offset_s,
                                    .random = fill};

    wire.now_us = 5LL * US_PER_S;
    wire.server = -1;
    wire.done = 0;
    memset(wire.ops, 0, sizeof wire.ops);
    wire_listen();
    store_world_open_with(&wire.store, STORE_REDIS, store_file("link"), &sys);
}

void wire_teardown(void)
{
    test_fail_alloc(0);
    for (size_t i = 0; i < ARRAY_LEN(wire.ops) && wire.store.ctx != NULL; i++)
        store_cancel(&wire.ops[i]);
    buffer_free(&wire.listed);
    store_world_close(&wire.store);
    wire_close_server();
    close(wire.listener);
}

void wire_done(struct ctx_store_op *op)
{
    (void)op;
    wire.done++;
}

static void on_item(struct ctx_store_op *op, const char *key, struct slice value)
{
    (void)op;
    buffer_append_text(&wire.listed, key);
    buffer_append_text(&wire.listed, "=");
    buffer_append(&wire.listed, value.ptr, value.len);
    buffer_append_text(&wire.listed, " ");
}

int wire_start(size_t i, enum question what)
{
    const uint64_t late = 3600ull * US_PER_S;

    store_cancel(&wire.ops[i]);
    wire.ops[i] = (struct ctx_store_op){.done = wire_done, .item = on_item};
    switch (what) {
    case ASK_GET:
        return store_get(wire.store.ctx, &wire.ops[i], "k", late);
    case ASK_PUT:
        return store_put(wire.store.ctx, &wire.ops[i], "k", slice_of("v"), 9, late);
    case ASK_ADD:
        return store_add(wire.store.ctx, &wire.ops[i], "n", 2, 9, late);
    default:
        return store_each(wire.store.ctx, &wire.ops[i], "p/", late);
    }
}

void wire_turn(void)
{
    for (int i = 0; i < TURNS; i++)
        mox_ctx_wait(wire.store.ctx, 0);
    if (wire.server < 0)
        wire.server = accept(wire.listener, NULL, NULL);
    for (int i = 0; i < TURNS; i++)
        mox_ctx_wait(wire.store.ctx, 0);
}

const char *wire_request(void)
{
    static char text[8192];
    ssize_t n;

    wire_turn();
    ck_assert_int_ge(wire.server, 0);
    n = recv(wire.server, text, sizeof text - 1, MSG_DONTWAIT);
    text[n < 0 ? 0 : n] = '\0';
    return text;
}

void wire_reply(const char *text)
{
    size_t len = strlen(text);

    ck_assert_int_eq(send(wire.server, text, len, MSG_NOSIGNAL), (ssize_t)len);
    wire_turn();
}

const char *wire_problem(void)
{
    return mox_redis_problem(wire.store.redis);
}

void wire_greet(void)
{
    int before = wire.done;

    ck_assert_int_eq(wire_start(3, ASK_GET), MOX_OK);
    wire_request();
    wire_reply("$1\r\nv\r\n");
    ck_assert_int_eq(wire.done, before + 1);
    ck_assert_int_eq(wire.ops[3].status, MOX_OK);
}
