/*
 * test_api_ctx.c - mox_ctx_new takes options of any version and refuses what is incomplete; a
 * context with open connections in a forked child.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <moxdial.h>

#include "ctx/ctx.h"
#include "smtp_thread.h"
#include "test.h"

static const char *const good_servers[] = {"192.0.2.53", "[2001:db8::53]:5353", "127.0.0.1:53"};

/* Tables whose functions are never called here. */
static int watch(void *user, intptr_t fd, int events)
{
    (void)user;
    (void)fd;
    return events < 0 ? MOX_E_INVAL : MOX_OK;
}

static int timer(void *user, int64_t delay_us)
{
    (void)user;
    return delay_us < -1 ? MOX_E_INVAL : MOX_OK;
}

static int query(void *user, uint64_t id, const char *name, uint16_t type)
{
    (void)user;
    (void)id;
    (void)name;
    return type == 0 ? MOX_E_INVAL : MOX_E_DNS;
}

static void cancel(void *user, uint64_t id)
{
    (void)user;
    (void)id;
}

static int connect_any(void *user, uint64_t id, const struct mox_ip *remote, uint16_t port,
                       const struct mox_ip *local, void **handle)
{
    (void)user;
    (void)id;
    (void)remote;
    (void)port;
    (void)local;
    *handle = NULL;
    return MOX_ERRNO(ENETUNREACH);
}

static int connected(void *user, void *handle, struct mox_ip *local, uint16_t *port)
{
    (void)user;
    (void)handle;
    (void)local;
    *port = 0;
    return MOX_OK;
}

static int read_none(void *user, void *handle, void *buf, size_t cap, size_t *n)
{
    (void)user;
    (void)handle;
    memset(buf, 0, cap);
    *n = 0;
    return MOX_E_AGAIN;
}

static int write_none(void *user, void *handle, const void *buf, size_t len, size_t *n)
{
    (void)user;
    (void)handle;
    (void)buf;
    *n = len;
    return MOX_OK;
}

static int want(void *user, void *handle, int events)
{
    (void)user;
    (void)handle;
    (void)events;
    return MOX_OK;
}

static void close_none(void *user, void *handle)
{
    (void)user;
    (void)handle;
}

static int64_t constant(void *user)
{
    (void)user;
    return 1;
}

static int32_t offset(void *user, int64_t unix_s)
{
    (void)user;
    return (int32_t)(unix_s * 0);
}

static int no_chance(void *user, void *buf, size_t len)
{
    (void)user;
    memset(buf, 0, len);
    return MOX_OK;
}

static int get_none(void *user, uint64_t id, const char *key)
{
    (void)user;
    (void)id;
    (void)key;
    return MOX_OK;
}

static int put_none(void *user, uint64_t id, const char *key, const void *value, size_t len,
                    uint32_t ttl_s)
{
    (void)value;
    (void)len;
    (void)ttl_s;
    return get_none(user, id, key);
}

static int add_none(void *user, uint64_t id, const char *key, int64_t delta, uint32_t ttl_s)
{
    (void)delta;
    (void)ttl_s;
    return get_none(user, id, key);
}

static int fetch_none(void *user, uint64_t id, const char *url, size_t max_bytes,
                      uint32_t timeout_ms)
{
    (void)max_bytes;
    (void)timeout_ms;
    return get_none(user, id, url);
}

struct all {
    struct mox_loop_ops loop;
    struct mox_socket_ops socket;
    struct mox_dns_ops dns;
    struct mox_store_ops store;
    struct mox_fetch_ops fetch;
    struct mox_sys_ops sys;
    struct mox_ctx_options options;
};

/* All tables complete. */
static void fill(struct all *all)
{
    *all = (struct all){
        .loop = {.size = sizeof all->loop, .watch = watch, .timer = timer},
        .socket = {.size = sizeof all->socket,
                   .connect = connect_any,
                   .connected = connected,
                   .read = read_none,
                   .write = write_none,
                   .want = want,
                   .close = close_none},
        .dns = {.size = sizeof all->dns, .query = query, .cancel = cancel},
        .store = {.size = sizeof all->store, .get = get_none, .put = put_none, .add = add_none},
        .fetch = {.size = sizeof all->fetch, .fetch = fetch_none},
        .sys = {.size = sizeof all->sys,
                .monotonic_us = constant,
                .unix_s = constant,
                .utc_offset_s = offset,
                .random = no_chance},
        .options = {.size = sizeof all->options,
                    .loop = &all->loop,
                    .socket = &all->socket,
                    .dns = &all->dns,
                    .store = &all->store,
                    .fetch = &all->fetch,
                    .sys = &all->sys},
    };
}

/* The context can be made, and is ended. */
static void assert_made(const struct mox_ctx_options *options)
{
    struct mox_error err = {.code = 1};
    struct mox_ctx *ctx = mox_ctx_new(options, &err);

    ck_assert_ptr_nonnull(ctx);
    ck_assert_int_eq(err.code, MOX_OK);
    mox_ctx_free(ctx);
    ctx = mox_ctx_new(options, NULL);
    ck_assert_ptr_nonnull(ctx);
    mox_ctx_free(ctx);
}

/* It cannot, for this reason, and the message has this word. */
static void assert_refused(const struct mox_ctx_options *options, int code, const char *word)
{
    struct mox_error err = {.code = 1};

    ck_assert_ptr_null(mox_ctx_new(options, NULL));
    ck_assert_ptr_null(mox_ctx_new(options, &err));
    ck_assert_int_eq(err.code, code);
    ck_assert_msg(strstr(err.message, word) != NULL, "\"%s\" lacks \"%s\"", err.message, word);
}

START_TEST(defaults_and_complete_tables)
{
    struct mox_ctx_options none = {.size = sizeof none};
    struct all all;

    fill(&all);
    assert_made(NULL);
    assert_made(&none);
    assert_made(&all.options);
}
END_TEST

START_TEST(structs_of_other_versions)
{
    struct longer {
        struct mox_ctx_options options;
        unsigned char tail[64];
    } newer = {.options.size = sizeof newer};
    struct mox_ctx_options older = {.size = offsetof(struct mox_ctx_options, token)};
    struct all all;

    older.token = (mox_token_fn *)(uintptr_t)1; /* not there for the library to see */
    assert_made(&older);
    assert_made(&newer.options);
    newer.tail[63] = 1;
    assert_refused(&newer.options, MOX_E_UNSUPPORTED, "mox_ctx_options");
    older.size = 0;
    assert_refused(&older, MOX_E_INVAL, "size");
    older.size = sizeof(size_t);
    assert_refused(&older, MOX_E_INVAL, "size");
    fill(&all);
    all.loop.size = offsetof(struct mox_loop_ops, wait); /* what is optional may be missing */
    all.socket.size = offsetof(struct mox_socket_ops, source);
    all.store.size = offsetof(struct mox_store_ops, each);
    assert_made(&all.options);
    all.dns.size = 0;
    assert_refused(&all.options, MOX_E_INVAL, "mox_dns_ops");
}
END_TEST

START_TEST(a_table_that_lacks_a_function_is_refused)
{
    static const struct {
        const char *table;
        size_t at; /* of the pointer, in struct all */
    } cases[] = {
        {"mox_loop_ops", offsetof(struct all, loop.watch)},
        {"mox_loop_ops", offsetof(struct all, loop.timer)},
        {"mox_socket_ops", offsetof(struct all, socket.connect)},
        {"mox_socket_ops", offsetof(struct all, socket.connected)},
        {"mox_socket_ops", offsetof(struct all, socket.read)},
        {"mox_socket_ops", offsetof(struct all, socket.write)},
        {"mox_socket_ops", offsetof(struct all, socket.want)},
        {"mox_socket_ops", offsetof(struct all, socket.close)},
        {"mox_dns_ops", offsetof(struct all, dns.query)},
        {"mox_store_ops", offsetof(struct all, store.get)},
        {"mox_store_ops", offsetof(struct all, store.put)},
        {"mox_store_ops", offsetof(struct all, store.add)},
        {"mox_fetch_ops", offsetof(struct all, fetch.fetch)},
        {"mox_sys_ops", offsetof(struct all, sys.monotonic_us)},
        {"mox_sys_ops", offsetof(struct all, sys.unix_s)},
        {"mox_sys_ops", offsetof(struct all, sys.utc_offset_s)},
        {"mox_sys_ops", offsetof(struct all, sys.random)},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct all all;

        fill(&all);
        memset((char *)&all + cases[i].at, 0, sizeof(void (*)(void)));
        assert_refused(&all.options, MOX_E_INVAL, cases[i].table);
    }
}
END_TEST

START_TEST(name_servers)
{
#ifndef MOX_NO_CARES
    static const char *const bad[] = {"",
                                      "ns.example.org",
                                      "192.0.2.256",
                                      "192.0.2.53:0",
                                      "192.0.2.53:65536",
                                      "[2001:db8::53",
                                      "192.0.2.53:x"};
    struct mox_ctx_options options = {.size = sizeof options, .dns_servers = good_servers};

    options.ndns_servers = ARRAY_LEN(good_servers);
    assert_made(&options);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        options.dns_servers = &bad[i];
        options.ndns_servers = 1;
        assert_refused(&options, MOX_E_INVAL, "name server");
    }
    options.dns_servers = NULL;
    assert_refused(&options, MOX_E_INVAL, "dns_servers is NULL");
#else
    (void)good_servers;
#endif
}
END_TEST

static int token(void *user, const char *transport, const char *username, char *buf, size_t cap)
{
    (void)user;
    (void)transport;
    (void)username;
    (void)buf;
    return (int)cap;
}

START_TEST(what_is_given_is_kept)
{
    char file[] = "/etc/roots.pem";
    struct mox_ctx_options options = {.size = sizeof options, .ca_file = file};
    struct all all;
    struct mox_ctx *ctx;

    options.token = token;
    options.token_user = file;
    ctx = mox_ctx_new(&options, NULL);
    memset(file, 'x', sizeof file - 1);
    ck_assert_str_eq(ctx->ca_file, "/etc/roots.pem");
    ck_assert(ctx->options.token == token && ctx->options.token_user == file);
    ck_assert(ctx->store.each != NULL); /* memory */
    ck_assert(ctx->fetch.fetch == NULL);
    mox_ctx_free(ctx);
    fill(&all);
    ctx = mox_ctx_new(&all.options, NULL);
    memset(&all, 0, sizeof all);
    ck_assert_ptr_null(ctx->ca_file);
    ck_assert(ctx->store.get == get_none && ctx->store.each == NULL);
    ck_assert(ctx->fetch.fetch == fetch_none && ctx->fetch.cancel == NULL);
    mox_ctx_free(ctx);
}
END_TEST

START_TEST(limits_have_defaults)
{
    struct mox_ctx_options options = {.size = sizeof options, .max_conns = MOX_UNLIMITED};
    struct mox_ctx *ctx = mox_ctx_new(&options, NULL);

    ck_assert_uint_eq(ctx->options.max_conns, MOX_UNLIMITED);
    ck_assert_uint_eq(ctx->options.max_conns_per_address, 20);
    mox_ctx_free(ctx);
}
END_TEST

START_TEST(no_memory_at_any_call_leaks_nothing)
{
    /* Not through c-ares, whose own failures are for test_resolver_resolver.c. */
    struct all all;
    bool failed = true;
    long nth;

    fill(&all);
    all.options.loop = NULL;
    all.options.socket = NULL;
    all.options.store = NULL;
    all.options.ca_file = "/etc/roots.pem";
    for (nth = 1; failed; nth++) {
        struct mox_error err;
        struct mox_ctx *ctx;

        test_fail_alloc(nth); /* libcheck allocates too: no assertion until it is off */
        ctx = mox_ctx_new(&all.options, &err);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert_int_eq(ctx == NULL, failed);
        ck_assert_int_eq(err.code, failed ? MOX_E_NOMEM : MOX_OK);
        mox_ctx_free(ctx);
    }
    ck_assert_int_gt((int)nth, 3);
}
END_TEST

/* Waits until the server has counted so many; the test's own time-out ends it otherwise. */
static void await(atomic_int *counter, int wanted)
{
    struct pollfd nothing = {.fd = -1};

    while (atomic_load(counter) < wanted)
        poll(&nothing, 1, 5);
}

static struct mox_conn *dial(struct mox_ctx *ctx, const struct smtp_thread *server)
{
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "b@example.org"};
    struct mox_dial_request request = {
        .size = sizeof request, .envelope = &envelope, .server = server->server};
    struct mox_conn *conn = NULL;
    struct mox_error err;

    ck_assert_msg(mox_dial(ctx, &request, &conn, &err) == MOX_OK, "%s", err.message);
    return conn;
}

static void on_watch(void *arg, int status, const struct mox_error *err)
{
    (void)err;
    *(int *)arg = status == MOX_OK ? 1 : status;
}

/* The child frees what its parent has: 0 if all went well. */
static int child_frees(struct mox_ctx *ctx, struct mox_config *config)
{
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "b@example.org"};
    struct mox_route route;

    if (mox_route_lookup(config, &envelope, &route, NULL) != MOX_OK)
        return 1;
    mox_ctx_free(ctx);
    mox_config_free(config);
    return 0;
}

START_TEST(a_child_frees_its_copy_and_the_parent_goes_on)
{
    struct mox_ctx *ctx = mox_ctx_new(NULL, NULL);
    struct mox_config *config = mox_config_parse("", 0, NULL);
    struct mox_conn *watched, *idle;
    struct smtp_thread server;
    int seen = 0, status = -1;
    char reply[64];
    size_t n;
    pid_t child;

    ck_assert(smtp_thread_start(&server));
    watched = dial(ctx, &server);
    idle = dial(ctx, &server);
    ck_assert_uint_ne(mox_conn_watch(watched, MOX_READ, on_watch, &seen, NULL), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(child_frees(ctx, config));
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(atomic_load(&server.quits), 0); /* the child said nothing */
    ck_assert_int_eq(atomic_load(&server.hung_up), 0);
    ck_assert_int_eq(mox_conn_write(watched, "NOOP\r\n", 6, &n), MOX_OK);
    while (seen == 0)
        ck_assert_int_ge(mox_ctx_wait(ctx, 5000), 0); /* the loop still serves the watch */
    ck_assert_int_eq(seen, 1);
    ck_assert_int_eq(mox_conn_read(watched, reply, sizeof reply, &n), MOX_OK);
    ck_assert_int_eq(memcmp(reply, "250", 3), 0);
    mox_conn_close(idle);
    await(&server.quits, 1);
    mox_ctx_free(ctx); /* the watched one had been written to: its QUIT is the host's */
    await(&server.hung_up, 1);
    smtp_thread_stop(&server);
    mox_config_free(config);
}
END_TEST

static void free_all(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct mox_ctx **ctx = arg;

    (void)conn; /* freed with its context */
    ck_assert_int_eq(status, MOX_OK);
    ck_assert_ptr_null(err);
    mox_ctx_free(*ctx);
    *ctx = NULL;
}

START_TEST(a_context_freed_where_its_dial_ends_says_quit)
{
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "b@example.org"};
    struct mox_dial_request request = {.size = sizeof request, .envelope = &envelope};
    struct mox_ctx *ctx = mox_ctx_new(NULL, NULL);
    struct smtp_thread server;

    ck_assert(smtp_thread_start(&server));
    request.server = server.server;
    ck_assert_uint_ne(mox_dial_start(ctx, &request, free_all, &ctx, NULL), 0);
    while (ctx != NULL)
        ck_assert_int_ge(mox_ctx_wait(ctx, 5000), 0);
    await(&server.quits, 1);
    smtp_thread_stop(&server);
}
END_TEST

TCase *test_api_ctx(void)
{
    TCase *tc = tcase_create("api/ctx");

    tcase_add_test(tc, defaults_and_complete_tables);
    tcase_add_test(tc, structs_of_other_versions);
    tcase_add_test(tc, a_table_that_lacks_a_function_is_refused);
    tcase_add_test(tc, name_servers);
    tcase_add_test(tc, what_is_given_is_kept);
    tcase_add_test(tc, limits_have_defaults);
    tcase_add_test(tc, no_memory_at_any_call_leaks_nothing);
    tcase_add_test(tc, a_child_frees_its_copy_and_the_parent_goes_on);
    tcase_add_test(tc, a_context_freed_where_its_dial_ends_says_quit);
    return tc;
}
