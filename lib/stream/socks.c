/*
 * socks.c - see socks.h.
 *
 * All that will be said is written down when the stream is made, so that nothing can fail for
 * memory later, and is wiped with the password as soon as it has been said. Replies are read to
 * their last byte and no further: what comes behind is SMTP, and belongs to whoever reads then.
 *
 * The proxy is the administrator's, and a wrong proxy is no reason to return mail: every failure is
 * temporary. It is not trusted beyond that.
 */
#include "stream/socks.h"

#include <stdio.h>
#include <string.h>

#include <moxdial/ops.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/mem.h"

enum { VERSION = 5, LOGIN_VERSION = 1 }; /* the login's is its own (RFC 1929) */
enum { METHOD_NONE = 0, METHOD_LOGIN = 2, METHOD_REFUSED = 0xff };
enum { COMMAND_CONNECT = 1 };
enum { TYPE_IPV4 = 1, TYPE_NAME = 3, TYPE_IPV6 = 4 };

enum {
    REPLY_PAIR = 2,                       /* bytes: version, and the method or the status */
    REPLY_TYPE = 3,                       /* where the type of the address stands */
    REPLY_FIRST = 4,                      /* where the address begins */
    PORT = 2,                             /* bytes */
    REPLY_LEAST = REPLY_FIRST + 1 + PORT, /* with an empty name */
    REPLY_MOST = REPLY_FIRST + 1 + UINT8_MAX + PORT
};

/* Greeting, login and request at their longest. */
enum { SCRIPT_MOST = 4 + 3 + 2 * UINT8_MAX + REPLY_FIRST + 16 + PORT };

/*
 * LOWER -> GREETING -> METHOD -+----------------------> REQUEST -> REPLY -> OPEN
 *                              `-> LOGIN -> STATUS ----'
 *
 * What fails stays where it is, with its status.
 */
enum socks_state {
    SOCKS_LOWER = 0, /* the stream to the proxy opens */
    SOCKS_GREETING,
    SOCKS_METHOD,
    SOCKS_LOGIN,
    SOCKS_STATUS,
    SOCKS_REQUEST,
    SOCKS_REPLY,
    SOCKS_OPEN
};

struct socks {
    struct stream stream; /* first: the stream is the socks */
    struct stream *under; /* owned */
    struct buffer script; /* owned: greeting, login, request; secret until it is gone */
    size_t said;          /* bytes of the script that are through, or passed over */
    size_t greeting_end, login_end;
    size_t got;    /* bytes of the awaited reply */
    int status;    /* why it failed */
    uint8_t state; /* enum socks_state */
    bool login;    /* offered */
    bool ipv6;     /* the target */
    char why[120]; /* of a failure that is the proxy's; empty: the lower stream's */
    unsigned char reply[REPLY_MOST];
};

/* ------------------------------------------------------------------------------------------------
 * what is said */

static int append_byte(struct buffer *b, unsigned value)
{
    unsigned char byte = (unsigned char)value;

    return buffer_append(b, &byte, 1);
}

static int append_counted(struct buffer *b, struct slice s)
{
    int status = append_byte(b, (unsigned)s.len);

    return status == MOX_OK ? buffer_append(b, s.ptr, s.len) : status;
}

static bool fits(struct slice s)
{
    return s.len >= 1 && s.len <= UINT8_MAX;
}

/* The room is there, so that none of this fails. */
static void write_script(struct socks *s, const struct socks_target *target)
{
    const unsigned char greeting[] = {VERSION, s->login ? 2 : 1, METHOD_NONE, METHOD_LOGIN};
    const unsigned char request[] = {VERSION, COMMAND_CONNECT, 0, s->ipv6 ? TYPE_IPV6 : TYPE_IPV4};
    const unsigned char port[PORT] = {(unsigned char)(target->port >> 8),
                                      (unsigned char)(target->port & 0xff)};

    buffer_append(&s->script, greeting, s->login ? 4 : 3);
    s->greeting_end = s->script.len;
    if (s->login) {
        append_byte(&s->script, LOGIN_VERSION);
        append_counted(&s->script, slice_of(target->username));
        append_counted(&s->script, slice_of(target->password));
    }
    s->login_end = s->script.len;
    buffer_append(&s->script, request, sizeof request);
    buffer_append(&s->script, target->remote.bytes, s->ipv6 ? 16 : 4);
    buffer_append(&s->script, port, sizeof port);
}

/* ------------------------------------------------------------------------------------------------
 * failures */

static int fail(struct socks *s, int status, const char *why)
{
    snprintf(s->why, sizeof s->why, "%s", why);
    return status;
}

static int fail_byte(struct socks *s, const char *what, unsigned byte)
{
    snprintf(s->why, sizeof s->why, "the proxy does not speak SOCKS5: %s is 0x%02x", what, byte);
    return MOX_E_PROXY;
}

/* RFC 1928 section 6. Where the target is to blame, it is as if we had dialed it ourselves. */
static int refused(struct socks *s, unsigned code)
{
    switch (code) {
    case 1:
        return fail(s, MOX_E_PROXY, "the proxy could not connect, and does not say why");
    case 2:
        return fail(s, MOX_E_PROXY, "the proxy's rules do not allow this connection");
    case 3:
        return fail(s, MOX_E_CONNECT, "the proxy could not connect: network unreachable");
    case 4:
        return fail(s, MOX_E_CONNECT, "the proxy could not connect: host unreachable");
    case 5:
        return fail(s, MOX_E_CONNECT, "the proxy could not connect: connection refused");
    case 6:
        return fail(s, MOX_E_CONNECT, "the proxy could not connect: no answer in time");
    case 7:
        return fail(s, MOX_E_PROXY, "the proxy does not connect for others (no CONNECT)");
    case 8:
        return fail(s, MOX_E_PROXY,
                    s->ipv6 ? "the proxy does not connect to IPv6 addresses"
                            : "the proxy does not connect to IPv4 addresses");
    default:
        snprintf(s->why, sizeof s->why, "the proxy could not connect: unknown reply 0x%02x", code);
        return MOX_E_PROXY;
    }
}

/* ------------------------------------------------------------------------------------------------
 * the states */

/* Writes the script up to there. */
static int say(struct socks *s, size_t end)
{
    while (s->said < end) {
        size_t n = 0;
        int status = s->under->ops->write(s->under, s->script.ptr + s->said, end - s->said, &n);

        if (status != MOX_OK)
            return status;
        s->said += n;
    }
    s->got = 0;
    return MOX_OK;
}

/* Reads until `end` bytes of the reply are there. */
static int hear(struct socks *s, size_t end)
{
    while (s->got < end) {
        size_t n = 0;
        int status = s->under->ops->read(s->under, s->reply + s->got, end - s->got, &n);

        if (status == MOX_E_EOF || status == MOX_E_CLOSED)
            return fail(s, MOX_E_PROXY, "the proxy closed the connection before it had connected");
        if (status != MOX_OK)
            return status;
        s->got += n;
    }
    return MOX_OK;
}

static int run_lower(struct socks *s, enum socks_state *next)
{
    *next = SOCKS_GREETING;
    return s->under->ops->opened(s->under);
}

static int run_greeting(struct socks *s, enum socks_state *next)
{
    *next = SOCKS_METHOD;
    return say(s, s->greeting_end);
}

static int run_method(struct socks *s, enum socks_state *next)
{
    int status = hear(s, REPLY_PAIR);

    if (s->got > 0 && s->reply[0] != VERSION)
        return fail_byte(s, "its first byte", s->reply[0]);
    if (status != MOX_OK)
        return status;
    switch (s->reply[1]) {
    case METHOD_NONE:
        s->said = s->login_end;
        *next = SOCKS_REQUEST;
        return MOX_OK;
    case METHOD_LOGIN:
        *next = SOCKS_LOGIN;
        return s->login ? MOX_OK : fail_byte(s, "the method, which was not offered,", METHOD_LOGIN);
    case METHOD_REFUSED:
        return fail(s, MOX_E_AUTH,
                    s->login ? "the proxy lets us in neither without login nor with a password"
                             : "the proxy wants a login; add Username and Password to Socks");
    default:
        return fail_byte(s, "the method, which was not offered,", s->reply[1]);
    }
}

static int run_login(struct socks *s, enum socks_state *next)
{
    *next = SOCKS_STATUS;
    return say(s, s->login_end);
}

/* Some proxies put the version of SOCKS where that of the login belongs. */
static int run_status(struct socks *s, enum socks_state *next)
{
    int status = hear(s, REPLY_PAIR);

    if (s->got > 0 && s->reply[0] != LOGIN_VERSION && s->reply[0] != VERSION)
        return fail_byte(s, "the version of its reply to the login", s->reply[0]);
    if (status != MOX_OK)
        return status;
    if (s->reply[1] != 0)
        return fail(s, MOX_E_AUTH, "the proxy refused the Username or Password of Socks");
    *next = SOCKS_REQUEST;
    return MOX_OK;
}

static int run_request(struct socks *s, enum socks_state *next)
{
    int status = say(s, s->script.len);

    if (status == MOX_OK)
        buffer_wipe(&s->script);
    *next = SOCKS_REPLY;
    return status;
}

/* The length of the whole reply by its type; 0: there is no such type. */
static size_t reply_len(const struct socks *s)
{
    switch (s->reply[REPLY_TYPE]) {
    case TYPE_IPV4:
        return REPLY_FIRST + 4 + PORT;
    case TYPE_IPV6:
        return REPLY_FIRST + 16 + PORT;
    case TYPE_NAME:
        return (size_t)REPLY_FIRST + 1 + s->reply[REPLY_FIRST] + PORT;
    default:
        return 0;
    }
}

/* What a refusal has behind its code is of no use, and some proxies do not send it. */
static int run_reply(struct socks *s, enum socks_state *next)
{
    int status = hear(s, REPLY_LEAST);

    if (s->got > 0 && s->reply[0] != VERSION)
        return fail_byte(s, "the version of its reply", s->reply[0]);
    if (s->got > 1 && s->reply[1] != 0)
        return refused(s, s->reply[1]);
    if (status != MOX_OK)
        return status;
    if (reply_len(s) == 0)
        return fail_byte(s, "the type of its address", s->reply[REPLY_TYPE]);
    *next = SOCKS_OPEN;
    return hear(s, reply_len(s));
}

static const struct {
    int events; /* what is waited for in it */
    /* Do what can be done now. MOX_OK: go on in *next; MOX_E_AGAIN; else it failed. */
    int (*run)(struct socks *s, enum socks_state *next);
} states[] = {
    [SOCKS_LOWER] = {MOX_WRITE, run_lower},  [SOCKS_GREETING] = {MOX_WRITE, run_greeting},
    [SOCKS_METHOD] = {MOX_READ, run_method}, [SOCKS_LOGIN] = {MOX_WRITE, run_login},
    [SOCKS_STATUS] = {MOX_READ, run_status}, [SOCKS_REQUEST] = {MOX_WRITE, run_request},
    [SOCKS_REPLY] = {MOX_READ, run_reply},   [SOCKS_OPEN] = {0, NULL},
};

/* ------------------------------------------------------------------------------------------------
 * the stream */

static int under_want(struct stream *s, int events)
{
    struct socks *socks = (struct socks *)s;

    return socks->under->ops->want(socks->under, events);
}

static int under_read(struct stream *s, void *buf, size_t cap, size_t *n)
{
    struct socks *socks = (struct socks *)s;

    return socks->under->ops->read(socks->under, buf, cap, n);
}

static int under_write(struct stream *s, const void *buf, size_t len, size_t *n)
{
    struct socks *socks = (struct socks *)s;

    return socks->under->ops->write(socks->under, buf, len, n);
}

static intptr_t under_fd(struct stream *s)
{
    struct socks *socks = (struct socks *)s;

    return socks->under->ops->fd(socks->under);
}

static int under_failure(const struct stream *s, struct mox_error *err)
{
    const struct socks *socks = (const struct socks *)s;

    return socks->under->ops->failure(socks->under, err);
}

static int always_open(struct stream *s)
{
    (void)s;
    return MOX_OK;
}

static int unknown_local(struct stream *s, struct mox_ip *ip, uint16_t *port)
{
    (void)s, (void)ip, (void)port;
    return MOX_E_UNSUPPORTED;
}

static void socks_close(struct stream *s, bool quietly)
{
    struct socks *socks = (struct socks *)s;

    socks->under->ops->close(socks->under, quietly);
    buffer_wipe(&socks->script);
    mem_free(socks);
}

/* An open one is the stream below, whose failures have words or have none. */
static const struct stream_ops open_ops = {
    .read = under_read,
    .write = under_write,
    .want = under_want,
    .opened = always_open,
    .local = unknown_local,
    .fd = under_fd,
    .close = socks_close,
};

static const struct stream_ops open_worded_ops = {
    .read = under_read,
    .write = under_write,
    .want = under_want,
    .opened = always_open,
    .local = unknown_local,
    .fd = under_fd,
    .close = socks_close,
    .failure = under_failure,
};

static int opening_read(struct stream *s, void *buf, size_t cap, size_t *n)
{
    (void)s, (void)buf, (void)cap, (void)n;
    return MOX_E_STATE;
}

static int opening_write(struct stream *s, const void *buf, size_t len, size_t *n)
{
    (void)s, (void)buf, (void)len, (void)n;
    return MOX_E_STATE;
}

/* Who waits for it to open waits for what the negotiation waits for. */
static int opening_want(struct stream *s, int events)
{
    struct socks *socks = (struct socks *)s;

    return under_want(s, events == 0 ? 0 : states[socks->state].events);
}

static int advance(struct socks *s)
{
    int status = MOX_OK;

    while (status == MOX_OK && s->state != SOCKS_OPEN) {
        enum socks_state next;

        status = states[s->state].run(s, &next);
        if (status == MOX_OK)
            s->state = (uint8_t)next;
    }
    return status;
}

static int opening_opened(struct stream *s)
{
    struct socks *socks = (struct socks *)s;
    int status = socks->status;

    if (status == MOX_OK)
        status = advance(socks);
    if (status == MOX_OK) {
        s->ops = socks->under->ops->failure == NULL ? &open_ops : &open_worded_ops;
        return MOX_OK;
    }
    if (status == MOX_E_AGAIN)
        status = under_want(s, states[socks->state].events);
    if (status == MOX_OK)
        return MOX_E_AGAIN;
    buffer_wipe(&socks->script);
    socks->status = status;
    return status;
}

/* Of the stream below, which is not one to the host that is dialed: the proxy is named. */
static int lower_failure(const struct socks *s, struct mox_error *err)
{
    int status;

    if (s->under->ops->failure != NULL)
        return s->under->ops->failure(s->under, err);
    status = error_from_op(err, s->status,
                           s->state == SOCKS_LOWER ? "cannot connect to the proxy"
                                                   : "the connection to the proxy broke");
    if (status == MOX_E_OS && err != NULL)
        err->code = MOX_E_PROXY;
    return status == MOX_E_OS ? MOX_E_PROXY : status;
}

static int opening_failure(const struct stream *s, struct mox_error *err)
{
    const struct socks *socks = (const struct socks *)s;
    int status = socks->why[0] == '\0' ? lower_failure(socks, err)
                                       : error_set(err, socks->status, "%s", socks->why);

    if (err != NULL)
        err->stage = MOX_STAGE_PROXY;
    return status;
}

static intptr_t opening_fd(struct stream *s)
{
    (void)s;
    return -1;
}

static const struct stream_ops opening_ops = {
    .read = opening_read,
    .write = opening_write,
    .want = opening_want,
    .opened = opening_opened,
    .local = unknown_local,
    .fd = opening_fd,
    .close = socks_close,
    .failure = opening_failure,
};

/* Until it is open its owner waits for MOX_WRITE, whatever is waited for below. */
static void on_ready(void *arg, struct stream *under, int events)
{
    struct socks *socks = arg;

    (void)under;
    if (socks->stream.ready != NULL)
        socks->stream.ready(socks->stream.arg, &socks->stream,
                            socks->state == SOCKS_OPEN ? events : MOX_WRITE);
}

int socks_open(struct stream *under, const struct socks_target *target, struct stream **out)
{
    bool login = target->username != NULL;
    struct socks *socks;
    int status;

    *out = NULL;
    if ((target->remote.family != MOX_IPV4 && target->remote.family != MOX_IPV6) ||
        (login && (!fits(slice_of(target->username)) || !fits(slice_of(target->password)))))
        return MOX_E_INVAL;
    socks = mem_new(sizeof *socks);
    if (socks == NULL)
        return MOX_E_NOMEM;
    if (buffer_room(&socks->script, SCRIPT_MOST) == NULL) {
        mem_free(socks);
        return MOX_E_NOMEM;
    }
    socks->stream.ops = &opening_ops;
    socks->under = under;
    socks->login = login;
    socks->ipv6 = target->remote.family == MOX_IPV6;
    write_script(socks, target);
    status = under->ops->want(under, MOX_WRITE);
    if (status != MOX_OK) {
        buffer_wipe(&socks->script);
        mem_free(socks);
        return status;
    }
    stream_notify(under, on_ready, socks);
    *out = &socks->stream;
    return MOX_OK;
}
