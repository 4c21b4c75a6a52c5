/*
 * socket.c - see socket.h.
 *
 * ready holds what a direction was last seen to be; only the socket's own EAGAIN takes it back. So
 * nothing is lost whichever kind of loop reports: one that reports again (level) or one that does
 * not (edge). Under an edge-triggered loop of ours a direction that is not ready will be reported,
 * hence a read or write of it need not be tried, and a short read is the last one: what comes after
 * it is a new event, except where OS_UNSURE was seen (epoll(7), questions 9).
 *
 * TCP_NODELAY is set at the second write in a row. A dialogue of commands and replies has none, and
 * that is one system call less a dial; where there is one, Nagle would hold it for a round trip.
 */
#include "os/system.h"

#include "os/socket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/ip.h"
#include "base/mem.h"
#include "base/spares.h"
#include "os/descriptor.h"
#include "os/private.h"

#if OS_IS_LINUX && !defined(IPV6_PREFER_SRC_PUBLIC)
#define IPV6_PREFER_SRC_PUBLIC                                                                     \
    0x0002 /* RFC 5014; stands only in a header that clashes with ours                             \
            */
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* macOS: SO_NOSIGPIPE instead */
#endif

enum {
    SOCKET_BOTH = MOX_READ | MOX_WRITE,
    PROBE_PORT = 25 /* source() sends nothing to it; a number that no system takes amiss */
};

/* SOCKET_CONNECTING -> SOCKET_DECIDED (the loop said so) -> SOCKET_OPEN or SOCKET_FAILED (asked) */
enum socket_state { SOCKET_CONNECTING = 0, SOCKET_DECIDED, SOCKET_OPEN, SOCKET_FAILED };

struct os_sockets {
    struct mox_socket_ops ops;
    struct mox_ctx *ctx; /* borrowed */
    bool edge;
    struct spares spares; /* of struct os_socket */
};

struct os_socket {
    struct os_sockets *sockets;
    uint64_t id;
    int fd;
    int error;        /* errno of a connect that failed */
    int interest;     /* what the loop was asked for, private bits included */
    uint8_t state;    /* enum socket_state */
    uint8_t ready;    /* MOX_READ, MOX_WRITE: not known to block */
    uint8_t wanted;   /* the same: to be reported */
    bool suspect : 1; /* the loop saw an error while connecting */
    bool unsure : 1;  /* OS_UNSURE was seen */
    bool nodelay : 1; /* TCP_NODELAY is set */
    bool wrote : 1;   /* the last transfer was a write */
    bool lent : 1;    /* the descriptor was given out: a duplicate may outlive it */
};

static_assert(sizeof(struct os_socket) <= 48, "ten thousand of them should be nothing");

/* ------------------------------------------------------------------------------------------------
 * readiness */

static int report(struct os_socket *s)
{
    int due = s->ready & s->wanted;

    if (due == 0)
        return MOX_OK;
    s->wanted = (uint8_t)(s->wanted & ~due);
    return mox_socket_ready(s->sockets->ctx, s->id, due);
}

/* Level mode. fn: on_event. */
static int set_interest(struct os_socket *s, int events, mox_watch_fn *fn)
{
    int status;

    if (s->interest == events)
        return MOX_OK;
    status = mox_ctx_watch(s->sockets->ctx, s->fd, events, fn, s);
    if (status == MOX_OK)
        s->interest = events;
    return status;
}

/* As mox_watch_fn. */
static void on_event(void *arg, intptr_t fd, int events)
{
    struct os_socket *s = arg;
    int idle = events & SOCKET_BOTH & ~s->wanted;

    (void)fd;
    s->ready = (uint8_t)(s->ready | (events & SOCKET_BOTH));
    if (events & OS_UNSURE)
        s->unsure = true;
    if (s->state == SOCKET_CONNECTING) {
        if (events & OS_FAILED)
            s->suspect = true;
        if (!(events & MOX_WRITE))
            return;
        s->state = SOCKET_DECIDED;
    }
    report(s); /* MOX_E_STALE: nobody waits any more, its close is on the way */
    if (!s->sockets->edge && idle != 0) /* nobody takes it: a level-triggered loop would spin */
        set_interest(s, s->wanted & ~s->ready, on_event);
}

static int want_op(void *user, void *handle, int events)
{
    struct os_sockets *sockets = user;
    struct os_socket *s = handle;
    int missing, status;

    if (s->state == SOCKET_CONNECTING) /* its decision is reported anyway */
        return MOX_OK;
    s->wanted = (uint8_t)(events & SOCKET_BOTH);
    missing = s->wanted & ~s->ready;
    status = report(s);
    if (sockets->edge || status != MOX_OK || (missing & ~s->interest) == 0)
        return status;
    return set_interest(s, missing, on_event);
}

/* ------------------------------------------------------------------------------------------------
 * connecting */

static int set_option(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value);
}

/*
 * A temporary address (RFC 8981) never has a PTR record. No failure: a kernel without the choice
 * has no such addresses either, or makes them the administrator's.
 */
static void prefer_public(int fd)
{
#if defined(IPV6_ADDR_PREFERENCES) && defined(IPV6_PREFER_SRC_PUBLIC)
    set_option(fd, IPPROTO_IPV6, IPV6_ADDR_PREFERENCES, IPV6_PREFER_SRC_PUBLIC);
#elif defined(IPV6_PREFER_TEMPADDR)
    set_option(fd, IPPROTO_IPV6, IPV6_PREFER_TEMPADDR, 0);
#else
    (void)fd;
#endif
}

/* A socket of the address's family; bound: prefer_public is not needed. MOX_OK or MOX_ERRNO. */
static int make_socket(int family, int type, bool bound, int *fd)
{
    bool ipv6 = family == MOX_IPV6;

    *fd = os_descriptor_socket(ipv6 ? AF_INET6 : AF_INET, type);
    if (*fd < 0) /* a kernel without the family is no worse than one without a route */
        return MOX_ERRNO(errno == EAFNOSUPPORT ? ENETUNREACH : errno);
    if (ipv6 && set_option(*fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0) {
        int error = errno;

        close(*fd);
        return MOX_ERRNO(error);
    }
    if (ipv6 && !bound)
        prefer_public(*fd);
#if defined(SO_NOSIGPIPE)
    set_option(*fd, SOL_SOCKET, SO_NOSIGPIPE, 1);
#endif
    return MOX_OK;
}

/* The port is chosen by connect, which knows the remote end and so can share ports. */
static int bind_source(int fd, const struct mox_ip *local)
{
    struct sockaddr_storage address;
    size_t len = mox_ip_to_sockaddr(local, 0, &address, sizeof address);

#if defined(IP_BIND_ADDRESS_NO_PORT)
    set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
#endif
    if (bind(fd, (struct sockaddr *)&address, (socklen_t)len) == 0)
        return MOX_OK;
    if (errno == EADDRNOTAVAIL)
        return MOX_E_NO_SOURCE;
    return errno == EADDRINUSE || errno == EAGAIN ? MOX_E_NO_PORTS : MOX_ERRNO(errno);
}

static int source_op(void *user, const struct mox_ip *remote, struct mox_ip *local)
{
    struct sockaddr_storage address = {0};
    socklen_t len = (socklen_t)mox_ip_to_sockaddr(remote, PROBE_PORT, &address, sizeof address);
    int fd, status;

    (void)user;
    if (len == 0)
        return MOX_E_INVAL;
    status = make_socket(remote->family, SOCK_DGRAM, false, &fd);
    if (status != MOX_OK)
        return status;
    if (connect(fd, (struct sockaddr *)&address, len) != 0) /* a route and no address: no route */
        status = MOX_ERRNO(errno == EADDRNOTAVAIL ? ENETUNREACH : errno);
    len = sizeof address;
    if (status == MOX_OK && getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        status = MOX_ERRNO(errno);
    if (status == MOX_OK)
        status = mox_ip_from_sockaddr((struct sockaddr *)&address, local, NULL);
    close(fd);
    return status;
}

/*
 * What connect's errno means. EADDRNOTAVAIL has two causes: no port is left, or (IPv6 has a route
 * and no address, as in many containers) no source; only the first is ours to wait for.
 */
static int connect_failed(const struct mox_ip *remote, bool bound, int error)
{
    struct mox_ip source;
    int status;

    if (error == EADDRINUSE || error == EAGAIN)
        return MOX_E_NO_PORTS;
    if (error != EADDRNOTAVAIL)
        return MOX_ERRNO(error);
    status = bound ? MOX_OK : source_op(NULL, remote, &source);
    return status == MOX_OK ? MOX_E_NO_PORTS : status;
}

/* MOX_OK: it is under way, or done already: the loop says which. */
static int start_connect(int fd, const struct mox_ip *remote, uint16_t port,
                         const struct mox_ip *local)
{
    struct sockaddr_storage address;
    size_t len = mox_ip_to_sockaddr(remote, port, &address, sizeof address);
    int status = local == NULL ? MOX_OK : bind_source(fd, local);

    if (status != MOX_OK)
        return status;
    if (connect(fd, (struct sockaddr *)&address, (socklen_t)len) == 0 || errno == EINPROGRESS ||
        errno == EINTR)
        return MOX_OK;
    return connect_failed(remote, local != NULL, errno);
}

static int connect_op(void *user, uint64_t id, const struct mox_ip *remote, uint16_t port,
                      const struct mox_ip *local, void **handle)
{
    struct os_sockets *sockets = user;
    struct os_socket *s;
    int status;

    *handle = NULL;
    if (ip_size(remote) == 0 || (local != NULL && local->family != remote->family))
        return MOX_E_INVAL;
    s = spares_new(&sockets->spares, sizeof *s);
    if (s == NULL)
        return MOX_E_NOMEM;
    s->sockets = sockets;
    s->id = id;
    s->wanted = MOX_WRITE;
    s->interest = sockets->edge ? SOCKET_BOTH | OS_EDGE : MOX_WRITE;
    status = make_socket(remote->family, SOCK_STREAM, local != NULL, &s->fd);
    if (status != MOX_OK)
        goto failed;
    status = start_connect(s->fd, remote, port, local);
    if (status == MOX_OK) /* not before: what is not yet connecting counts as hung up */
        status = mox_ctx_watch(sockets->ctx, s->fd, s->interest, on_event, s);
    if (status != MOX_OK) {
        close(s->fd);
        goto failed;
    }
    *handle = s;
    return MOX_OK;
failed:
    spares_free(&sockets->spares, s, sizeof *s);
    return status;
}

/* The outcome: asked of the system once, and not at all if the loop saw that it went well. */
static int decide(struct os_socket *s)
{
    socklen_t len = sizeof s->error;

    if (s->state == SOCKET_DECIDED && (s->suspect || !s->sockets->edge) &&
        getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &s->error, &len) != 0)
        s->error = errno;
    if (s->state == SOCKET_DECIDED)
        s->state = s->error == 0 ? SOCKET_OPEN : SOCKET_FAILED;
    return s->state == SOCKET_FAILED ? MOX_ERRNO(s->error) : MOX_OK;
}

static int local_end(int fd, struct mox_ip *local, uint16_t *port)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof address;
    struct mox_ip unused;

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return MOX_ERRNO(errno);
    return mox_ip_from_sockaddr((struct sockaddr *)&address, local != NULL ? local : &unused, port);
}

static int connected_op(void *user, void *handle, struct mox_ip *local, uint16_t *port)
{
    struct os_socket *s = handle;
    int status;

    (void)user;
    if (s->state == SOCKET_CONNECTING)
        return MOX_E_AGAIN;
    status = decide(s);
    return status != MOX_OK || (local == NULL && port == NULL) ? status
                                                               : local_end(s->fd, local, port);
}

/* ------------------------------------------------------------------------------------------------
 * bytes */

/* Whether trying is of no use: it would block, and the loop will say when it no longer does. */
static bool must_wait(const struct os_socket *s, int event)
{
    return s->state == SOCKET_CONNECTING || (s->sockets->edge && !(s->ready & event));
}

/* errno of a transfer as a status. */
static int transfer_failed(struct os_socket *s, int event)
{
    if (errno != EAGAIN && errno != EWOULDBLOCK)
        return MOX_ERRNO(errno);
    s->ready = (uint8_t)(s->ready & ~event);
    return MOX_E_AGAIN;
}

static int read_op(void *user, void *handle, void *buf, size_t cap, size_t *n)
{
    struct os_sockets *sockets = user;
    struct os_socket *s = handle;
    ssize_t got;

    *n = 0;
    if (must_wait(s, MOX_READ))
        return MOX_E_AGAIN;
    do {
        got = recv(s->fd, buf, cap, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return transfer_failed(s, MOX_READ);
    if (got == 0 && cap > 0)
        return MOX_E_EOF;
    if (sockets->edge && !s->unsure && (size_t)got < cap)
        s->ready = (uint8_t)(s->ready & ~MOX_READ);
    s->wrote = false;
    *n = (size_t)got;
    return MOX_OK;
}

static int write_op(void *user, void *handle, const void *buf, size_t len, size_t *n)
{
    struct os_socket *s = handle;
    ssize_t sent;

    (void)user;
    *n = 0;
    if (must_wait(s, MOX_WRITE))
        return MOX_E_AGAIN;
    if (s->wrote && !s->nodelay) { /* should it fail: slower, not wrong */
        set_option(s->fd, IPPROTO_TCP, TCP_NODELAY, 1);
        s->nodelay = true;
    }
    do {
        sent = send(s->fd, buf, len, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return transfer_failed(s, MOX_WRITE);
    s->wrote = true;
    *n = (size_t)sent;
    return MOX_OK;
}

/* ------------------------------------------------------------------------------------------------
 * the end */

/* The caller's own descriptor for the same connection; the handle is closed after it. */
static intptr_t fd_op(void *user, void *handle)
{
    struct os_socket *s = handle;
    int duplicate = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);

    (void)user;
    s->lent = duplicate >= 0;
    return duplicate;
}

/* A duplicate keeps the open file, and with it what the loop has registered. */
static void close_op(void *user, void *handle)
{
    struct os_sockets *sockets = user;
    struct os_socket *s = handle;

    mox_ctx_watch(sockets->ctx, s->fd, sockets->edge && !s->lent ? OS_CLOSING : 0, on_event, s);
    close(s->fd); /* once, whatever it says: after EINTR the number may be another's already */
    spares_free(&sockets->spares, s, sizeof *s);
}

struct os_sockets *os_sockets_new(bool edge, struct mox_error *err)
{
    struct os_sockets *sockets = mem_new(sizeof *sockets);

    if (sockets == NULL) {
        error_nomem(err);
        return NULL;
    }
    sockets->edge = edge;
    sockets->ops = (struct mox_socket_ops){
        .size = sizeof sockets->ops,
        .user = sockets,
        .connect = connect_op,
        .connected = connected_op,
        .read = read_op,
        .write = write_op,
        .want = want_op,
        .close = close_op,
        .source = source_op,
        .fd = fd_op,
    };
    error_none(err);
    return sockets;
}

const struct mox_socket_ops *os_sockets_ops(const struct os_sockets *sockets)
{
    return &sockets->ops;
}

void os_sockets_attach(struct os_sockets *sockets, struct mox_ctx *ctx)
{
    sockets->ctx = ctx;
}

void os_sockets_free(struct os_sockets *sockets)
{
    if (sockets == NULL)
        return;
    spares_end(&sockets->spares);
    mem_free(sockets);
}
