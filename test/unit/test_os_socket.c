/*
 * test_os_socket.c - connections over loopback, served by every kind of loop a context may have:
 * ours edge-triggered, ours level-triggered, and a host's.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ip.h"
#include "ctx/socket.h"
#include "os_world.h"
#include "test.h"

enum { PATIENCE_MS = 5000, TURNS = 5 };

static const struct mode {
    const char *name;
    int backend;
    bool edge;
} modes[] = {
    {"our best loop", OS_BACKEND_BEST, true},
    {"our best loop, level-triggered", OS_BACKEND_BEST, false},
    {"poll", OS_BACKEND_POLL, false},
#if defined(__linux__)
    {"a host's edge-triggered loop", OS_WORLD_HOST, false},
#endif
};

static struct os_world world;
static const struct mox_socket_ops *op; /* of the world */

struct end { /* our end of a connection */
    struct ctx_socket socket;
    void *handle;
    int events, reports;
};

static void open_mode(int mode)
{
    ck_assert(os_world_open(&world, modes[mode].backend, modes[mode].edge));
    op = os_sockets_ops(world.sockets);
}

static void on_ready(struct ctx_socket *socket, int events)
{
    struct end *end = (struct end *)socket; /* its first member */

    end->events |= events;
    end->reports++;
}

/* A start that fails leaves nothing to close. */
static int start(struct end *end, const char *remote, uint16_t port, const char *local)
{
    struct mox_ip to = os_world_ip(remote), from = {0};
    int status;

    *end = (struct end){.socket.fn = on_ready};
    if (local != NULL)
        from = os_world_ip(local);
    ck_assert_int_eq(socket_register(world.ctx, &end->socket), MOX_OK);
    status = op->connect(op->user, end->socket.id, &to, port, local != NULL ? &from : NULL,
                         &end->handle);
    if (status != MOX_OK) {
        ck_assert_ptr_null(end->handle);
        socket_unregister(world.ctx, &end->socket);
    }
    return status;
}

static void stop(struct end *end)
{
    socket_unregister(world.ctx, &end->socket);
    op->close(op->user, end->handle);
}

/* Waits until one of the events was reported, and takes the report. */
static void await(struct end *end, int events)
{
    for (int i = 0; i < TURNS && !(end->events & events); i++)
        ck_assert_int_ge(mox_ctx_wait(world.ctx, PATIENCE_MS), 0);
    ck_assert_msg((end->events & events) != 0, "not reported: %d", events);
    end->events &= ~events;
}

/* Some turns in which nothing may be reported. */
static void stay_quiet(struct end *end)
{
    int reports = end->reports;

    for (int i = 0; i < TURNS; i++)
        ck_assert_int_ge(mox_ctx_wait(world.ctx, 0), 0);
    ck_assert_int_eq(end->reports, reports);
}

static int outcome(struct end *end)
{
    return op->connected(op->user, end->handle, NULL, NULL);
}

static void want(struct end *end, int events)
{
    ck_assert_int_eq(op->want(op->user, end->handle, events), MOX_OK);
}

static int get(struct end *end, char *buf, size_t cap, size_t *n)
{
    return op->read(op->user, end->handle, buf, cap, n);
}

static int put(struct end *end, const char *text)
{
    size_t n = 0, len = strlen(text);
    int status = op->write(op->user, end->handle, text, len, &n);

    ck_assert_uint_eq(n, status == MOX_OK ? len : 0);
    return status;
}

static void tell(int peer, const char *text)
{
    ck_assert_int_eq(send(peer, text, strlen(text), 0), (ssize_t)strlen(text));
}

/* A connection between end and the descriptor that is returned. */
static int make_connection(struct end *end, const char *address)
{
    uint16_t port;
    int listener = os_world_listen(address, 1, &port), peer;

    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(start(end, address, port, NULL), MOX_OK);
    await(end, MOX_WRITE);
    ck_assert_int_eq(outcome(end), MOX_OK);
    peer = accept(listener, NULL, NULL);
    ck_assert_int_ge(peer, 0);
    close(listener);
    return peer;
}

/* Reads as a session does: what is there, and else waits for more, until len bytes have come. */
static void expect(struct end *end, const char *text, size_t cap)
{
    char got[256] = "";
    size_t len = 0, n;

    while (len < strlen(text)) {
        int status = get(end, got + len, cap < sizeof got - len ? cap : sizeof got - len, &n);

        len += n;
        if (status == MOX_E_AGAIN) {
            want(end, MOX_READ);
            await(end, MOX_READ);
        } else {
            ck_assert_int_eq(status, MOX_OK);
        }
    }
    ck_assert_mem_eq(got, text, len);
}

START_TEST(connection_and_its_addresses)
{
    struct sockaddr_storage seen;
    socklen_t len = sizeof seen;
    struct mox_ip local, remote;
    uint16_t port, local_port, remote_port;
    struct end end;
    int listener, peer, fd;

    open_mode(_i);
    listener = os_world_listen("127.0.0.1", 1, &port);
    ck_assert_int_eq(start(&end, "127.0.0.1", port, NULL), MOX_OK);
    ck_assert_int_eq(outcome(&end), MOX_E_AGAIN);
    ck_assert_int_eq(put(&end, "x"), MOX_E_AGAIN);
    want(&end, MOX_READ); /* no use before the decision, and no harm */
    await(&end, MOX_WRITE);
    ck_assert_int_eq(outcome(&end), MOX_OK);
    ck_assert_int_eq(op->connected(op->user, end.handle, &local, &local_port), MOX_OK);
    peer = accept(listener, (struct sockaddr *)&seen, &len);
    ck_assert_int_eq(mox_ip_from_sockaddr((struct sockaddr *)&seen, &remote, &remote_port), MOX_OK);
    ck_assert(ip_equal(&local, &remote));
    ck_assert_uint_eq(local_port, remote_port);
    fd = (int)op->fd(op->user, end.handle);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    stop(&end);
    ck_assert_int_eq(recv(peer, &len, sizeof len, MSG_DONTWAIT), -1); /* the duplicate holds it */
    close(fd);
    ck_assert_int_eq(recv(peer, &len, sizeof len, 0), 0); /* and nothing else does */
    close(peer);
    close(listener);
    os_world_close(&world);
}
END_TEST

START_TEST(nobody_listens)
{
    struct end end;
    uint16_t port;
    int fd, status;

    open_mode(_i);
    fd = os_world_listen("127.0.0.1", 0, &port);
    status = start(&end, "127.0.0.1", port, NULL);
    if (status == MOX_OK) {
        await(&end, MOX_WRITE);
        ck_assert_int_eq(outcome(&end), MOX_ERRNO(ECONNREFUSED));
        status = outcome(&end); /* the system tells it once, we as often as we are asked */
        stop(&end);
    }
    ck_assert_int_eq(status, MOX_ERRNO(ECONNREFUSED));
    close(fd);
    os_world_close(&world);
}
END_TEST

static const struct start_case {
    const char *name, *remote, *local;
    int status;
} starts[] = {
    {"to everybody", "255.255.255.255", NULL, MOX_ERRNO(ENETUNREACH)},
    {"from another family", "127.0.0.1", "::1", MOX_E_INVAL},
    {"from an address that is not ours", "127.0.0.1", "192.0.2.1", MOX_E_NO_SOURCE},
    {"from an IPv6 address that is not ours", "::1", "2001:db8::1", MOX_E_NO_SOURCE},
};

START_TEST(start_that_fails_at_once)
{
    const struct start_case *c = &starts[_i];
    struct mox_ip none = {0};
    struct end end;
    int status, next = dup(0);

    close(next);
    for (int mode = 0; mode < (int)ARRAY_LEN(modes); mode++) {
        open_mode(mode);
        status = start(&end, c->remote, 25, c->local);
        if (status == MOX_ERRNO(ENETUNREACH) && strchr(c->remote, ':') != NULL)
            printf("skipped: no IPv6 here, %s\n", c->name);
        else
            ck_assert_msg(status == c->status, "%s, %s: %d", c->name, modes[mode].name, status);
        ck_assert_int_eq(op->connect(op->user, 1, &none, 25, NULL, &end.handle), MOX_E_INVAL);
        ck_assert_int_eq(op->source(op->user, &none, &none), MOX_E_INVAL);
        os_world_close(&world);
    }
    ck_assert_int_eq(dup(0), next); /* no descriptor has stayed */
    close(next);
}
END_TEST

START_TEST(no_descriptor_or_memory_left)
{
    struct rlimit old, none;
    struct end end = {0};
    int status;
    long nth = 0;

    open_mode(_i);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    status = start(&end, "127.0.0.1", 25, NULL);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    ck_assert_int_eq(status, MOX_ERRNO(EMFILE));
    for (status = MOX_E_NOMEM; status != MOX_OK;) {
        struct mox_ip to = os_world_ip("127.0.0.1");

        test_fail_alloc(++nth);
        status = op->connect(op->user, 1, &to, 25, NULL, &end.handle);
        test_fail_alloc(0);
        ck_assert(status == MOX_OK || status == MOX_E_NOMEM);
    }
    ck_assert_int_gt(nth, 1);
    op->close(op->user, end.handle);
    os_world_close(&world);
    test_fail_alloc(1);
    ck_assert_ptr_null(os_sockets_new(true, NULL));
}
END_TEST

START_TEST(source_addresses)
{
    struct mox_ip remote = os_world_ip("127.0.0.1"), local;
    struct sockaddr_storage seen;
    socklen_t len = sizeof seen;
    uint16_t port;
    struct end end;
    int listener, peer;

    open_mode(_i);
    ck_assert_int_eq(op->source(op->user, &remote, &local), MOX_OK);
    ck_assert(ip_equal(&remote, &local));
    listener = os_world_listen("127.0.0.1", 1, &port);
    if (start(&end, "127.0.0.1", port, "127.0.0.2") == MOX_OK) { /* elsewhere than on Linux: not */
        remote = os_world_ip("127.0.0.2");
        await(&end, MOX_WRITE);
        ck_assert_int_eq(outcome(&end), MOX_OK);
        peer = accept(listener, (struct sockaddr *)&seen, &len);
        ck_assert_int_eq(mox_ip_from_sockaddr((struct sockaddr *)&seen, &local, NULL), MOX_OK);
        ck_assert(ip_equal(&remote, &local));
        close(peer);
        stop(&end);
    }
    close(listener);
    os_world_close(&world);
}
END_TEST

START_TEST(ipv6_means_ipv6_only)
{
    struct mox_ip remote = os_world_ip("::1"), local;
    struct end end;
    uint16_t port;
    int listener = os_world_listen("::1", 0, &port), peer, only = 0, fd;
    socklen_t len = sizeof only;

    if (listener < 0) {
        printf("skipped: no IPv6 loopback here\n");
        return;
    }
    close(listener);
    open_mode(_i);
    peer = make_connection(&end, "::1");
    fd = (int)op->fd(op->user, end.handle);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len), 0);
    ck_assert_int_eq(only, 1);
    close(fd);
    ck_assert_int_eq(op->source(op->user, &remote, &local), MOX_OK);
    ck_assert(ip_equal(&remote, &local));
    tell(peer, "hello");
    expect(&end, "hello", 256);
    close(peer);
    stop(&end);
    os_world_close(&world);
}
END_TEST

/* Each buffer size makes another mixture of reads that fill it, short ones and EAGAIN. */
START_TEST(dialogue_loses_nothing)
{
    struct end end;
    char line[16];
    int peer;

    open_mode(_i);
    peer = make_connection(&end, "127.0.0.1");
    for (size_t cap = 1; cap < 20; cap++) {
        tell(peer, "220 hello\r\n");
        expect(&end, "220 hello\r\n", cap);
        ck_assert_int_eq(put(&end, "QUIT\r\n"), MOX_OK);
        ck_assert_int_eq(recv(peer, line, sizeof line, 0), 6);
    }
    want(&end, MOX_READ);
    stay_quiet(&end);
    tell(peer, "x");
    await(&end, MOX_READ);
    close(peer);
    stop(&end);
    os_world_close(&world);
}
END_TEST

START_TEST(data_that_nobody_wants_yet)
{
    struct end end;
    int peer;

    open_mode(_i);
    peer = make_connection(&end, "127.0.0.1");
    want(&end, 0);
    tell(peer, "early");
    stay_quiet(&end);
    want(&end, MOX_READ);
    await(&end, MOX_READ);
    want(&end, MOX_READ); /* reported and not read: it is there still */
    await(&end, MOX_READ);
    expect(&end, "early", 3);
    want(&end, MOX_READ | MOX_WRITE);
    await(&end, MOX_WRITE);
    tell(peer, "late"); /* still wanted */
    await(&end, MOX_READ);
    expect(&end, "late", 256);
    close(peer);
    stop(&end);
    os_world_close(&world);
}
END_TEST

START_TEST(idle_connection_does_not_spin)
{
    struct pollfd loop = {.events = POLLIN};
    struct end end;
    int peer;

    open_mode(_i);
    peer = make_connection(&end, "127.0.0.1");
    tell(peer, "x");
    want(&end, MOX_READ);
    await(&end, MOX_READ);
    stay_quiet(&end);
    loop.fd = os_world_fd(&world);
    if (loop.fd >= 0)
        ck_assert_int_eq(poll(&loop, 1, 0), 0);
    close(peer);
    stop(&end);
    os_world_close(&world);
}
END_TEST

START_TEST(end_of_file_after_data)
{
    struct end end;
    char buf[16];
    size_t n;
    int peer;

    open_mode(_i);
    peer = make_connection(&end, "127.0.0.1");
    tell(peer, "221 bye");
    close(peer); /* data and end in one event */
    want(&end, MOX_READ);
    await(&end, MOX_READ);
    expect(&end, "221 bye", 256);
    want(&end, MOX_READ); /* though the read was a short one */
    await(&end, MOX_READ);
    ck_assert_int_eq(get(&end, buf, sizeof buf, &n), MOX_E_EOF);
    ck_assert_uint_eq(n, 0);
    stop(&end);
    os_world_close(&world);
}
END_TEST

START_TEST(reset_raises_no_signal)
{
    const struct linger hard = {.l_onoff = 1};
    struct end end;
    char buf[16];
    size_t n;
    int peer;

    open_mode(_i);
    peer = make_connection(&end, "127.0.0.1");
    ck_assert_int_eq(setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    close(peer);
    want(&end, MOX_READ);
    await(&end, MOX_READ);
    ck_assert_int_eq(get(&end, buf, sizeof buf, &n), MOX_ERRNO(ECONNRESET));
    ck_assert_int_eq(put(&end, "x"), MOX_ERRNO(EPIPE));
    stop(&end);
    os_world_close(&world);
}
END_TEST

/* A read stops before an urgent byte though there is more behind it. */
START_TEST(urgent_data_hides_nothing)
{
    struct end end;
    int peer;

    open_mode(_i);
    peer = make_connection(&end, "127.0.0.1");
    for (int i = 0; i < 3; i++) {
        tell(peer, "ab");
        ck_assert_int_eq(send(peer, "!", 1, MSG_OOB), 1);
        tell(peer, "cd");
        expect(&end, "abcd", 200);
    }
    close(peer);
    stop(&end);
    os_world_close(&world);
}
END_TEST

/* Empties the peer's buffer; adds what came to *got. The bytes count up, modulo a prime. */
static void drain(int peer, size_t *got)
{
    static unsigned char in[60000];
    size_t wrong = 0;
    ssize_t n;

    while ((n = recv(peer, in, sizeof in, 0)) > 0) {
        for (size_t i = 0; i < (size_t)n; i++)
            wrong += in[i] != (*got + i) % 251;
        *got += (size_t)n;
    }
    ck_assert_uint_eq(wrong, 0);
}

START_TEST(more_than_the_peer_takes)
{
    enum { TOTAL = 251 << 16 }; /* beyond what the buffers of both ends hold */
    static unsigned char out[TOTAL];
    size_t sent = 0, got = 0, waits = 0, n;
    struct end end;
    int peer;

    open_mode(_i);
    peer = make_connection(&end, "127.0.0.1");
    ck_assert_int_eq(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    for (size_t i = 0; i < TOTAL; i++)
        out[i] = (unsigned char)(i % 251);
    while (sent < TOTAL) {
        int status = op->write(op->user, end.handle, out + sent, TOTAL - sent, &n);

        sent += n;
        if (status == MOX_OK)
            continue;
        ck_assert_int_eq(status, MOX_E_AGAIN);
        waits++;
        want(&end, MOX_WRITE);
        drain(peer, &got);
        await(&end, MOX_WRITE);
    }
    ck_assert_uint_gt(waits, 0);
    stop(&end);
    for (struct pollfd more = {peer, POLLIN, 0}; got < TOTAL && poll(&more, 1, PATIENCE_MS) == 1;)
        drain(peer, &got);
    ck_assert_uint_eq(got, TOTAL);
    close(peer);
    os_world_close(&world);
}
END_TEST

START_TEST(second_write_in_a_row_is_not_held_back)
{
    struct end end;
    int peer, fd, on = 1;
    socklen_t len = sizeof on;

    open_mode(_i);
    peer = make_connection(&end, "127.0.0.1");
    fd = (int)op->fd(op->user, end.handle);
    ck_assert_int_eq(put(&end, "EHLO a\r\n"), MOX_OK);
    tell(peer, "250 b\r\n");
    expect(&end, "250 b\r\n", 256);
    ck_assert_int_eq(put(&end, "DATA\r\n"), MOX_OK);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    ck_assert_int_eq(on, 0);
    ck_assert_int_eq(put(&end, ".\r\n"), MOX_OK);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len), 0);
    ck_assert_int_ne(on, 0);
    close(fd);
    close(peer);
    stop(&end);
    os_world_close(&world);
}
END_TEST

START_TEST(lent_descriptor_leaves_the_loop)
{
    struct pollfd loop = {.events = POLLIN};
    struct end end;
    int peer, copy;

    open_mode(_i);
    peer = make_connection(&end, "127.0.0.1");
    copy = (int)op->fd(op->user, end.handle);
    stop(&end);
    tell(peer, "x");
    loop.fd = os_world_fd(&world);
    if (loop.fd >= 0)
        ck_assert_int_eq(poll(&loop, 1, 0), 0);
    ck_assert_int_eq(send(copy, "y", 1, 0), 1);
    close(copy);
    close(peer);
    os_world_close(&world);
}
END_TEST

TCase *test_os_socket(void)
{
    const int n = (int)ARRAY_LEN(modes);
    TCase *tcase = tcase_create("os/socket");

    tcase_add_loop_test(tcase, connection_and_its_addresses, 0, n);
    tcase_add_loop_test(tcase, nobody_listens, 0, n);
    tcase_add_loop_test(tcase, start_that_fails_at_once, 0, (int)ARRAY_LEN(starts));
    tcase_add_loop_test(tcase, no_descriptor_or_memory_left, 0, n);
    tcase_add_loop_test(tcase, source_addresses, 0, n);
    tcase_add_loop_test(tcase, ipv6_means_ipv6_only, 0, n);
    tcase_add_loop_test(tcase, dialogue_loses_nothing, 0, n);
    tcase_add_loop_test(tcase, data_that_nobody_wants_yet, 0, n);
    tcase_add_loop_test(tcase, idle_connection_does_not_spin, 0, n);
    tcase_add_loop_test(tcase, end_of_file_after_data, 0, n);
    tcase_add_loop_test(tcase, reset_raises_no_signal, 0, n);
    tcase_add_loop_test(tcase, urgent_data_hides_nothing, 0, n);
    tcase_add_loop_test(tcase, more_than_the_peer_takes, 0, n);
    tcase_add_loop_test(tcase, second_write_in_a_row_is_not_held_back, 0, n);
    tcase_add_loop_test(tcase, lent_descriptor_leaves_the_loop, 0, n);
    return tcase;
}
