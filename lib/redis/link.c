/* link.c - see link.h. */
#include "redis/link.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apart/apart.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* macOS: SO_NOSIGPIPE instead */
#endif

enum {
    SILENCE_US = 2000000, /* a connect, and the next byte of a reply that is due */
    REST_FIRST_US = 100000,
    REST_LAST_US = 5000000,
    READ_BYTES = 16 << 10
};

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_UP, LINK_RESTING };

struct link {
    struct place place;
    struct link_events events;
    struct mox_ctx *ctx;
    enum link_state state;
    int fd, watched;        /* watched: MOX_READ, MOX_WRITE bits */
    size_t address, failed; /* which one is connected to; how many have failed in this turn */
    bool heard;             /* a reply, on this connection */
    int64_t rest_us;
    redisReader *reader;
    size_t due, taken; /* replies; bytes since the last of them */
    char *out;         /* owned */
    size_t len, sent, cap;
    char problem[LINK_PROBLEM];
};

static void on_event(void *arg, intptr_t fd, int events);

void link_note(struct link *link, const char *format, ...)
{
    va_list args;
    int len = snprintf(link->problem, sizeof link->problem, "store redis:%s: ", link->place.name);

    va_start(args, format);
    vsnprintf(link->problem + len, sizeof link->problem - (size_t)len, format, args);
    va_end(args);
    for (char *c = link->problem; *c != '\0'; c++) { /* the server's words may be in it */
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
}

const char *link_problem(const struct link *link)
{
    return link->problem;
}

static void note_errno(struct link *link, const char *what, int error)
{
    char reason[128] = "";

    if (strerror_r(error, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "errno %d", error);
    link_note(link, "%s: %s", what, reason);
}

/* The end of a connection. */

static void set_timer(struct link *link, int64_t delay_us)
{
    mox_ctx_timer(link->ctx, delay_us, on_event,
                  link); /* without one the context's deadlines are */
}

static void close_socket(struct link *link)
{
    if (link->fd < 0)
        return;
    if (link->watched != 0)
        mox_ctx_watch(link->ctx, link->fd, 0, on_event, link);
    link->watched = 0;
    close(link->fd);
    link->fd = -1;
}

static void forget(struct link *link)
{
    if (link->reader != NULL)
        redisReaderFree(link->reader);
    link->reader = NULL;
    free(link->out);
    link->out = NULL;
    link->len = link->sent = link->cap = 0;
    link->due = link->taken = 0;
}

/* Ends it: the reason was noted. rest: leave the server alone for a while, longer each time. */
static void lose(struct link *link, bool rest)
{
    bool due = link->due > 0;

    close_socket(link);
    forget(link);
    link->state = LINK_DOWN;
    set_timer(link, -1);
    if (rest && mox_ctx_timer(link->ctx, link->rest_us, on_event, link) == MOX_OK) {
        link->state = LINK_RESTING;
        link->rest_us = link->rest_us < REST_LAST_US / 2 ? 2 * link->rest_us : REST_LAST_US;
    }
    if (due)
        link->events.lost(link->events.user);
}

/* Its beginning. */

static int watch(struct link *link, int events)
{
    int status = MOX_OK;

    if (events != link->watched)
        status = mox_ctx_watch(link->ctx, link->fd, events, on_event, link);
    if (status == MOX_OK)
        link->watched = events;
    return status;
}

static bool prepare_socket(int fd, int family)
{
    int on = 1, flags = fcntl(fd, F_GETFL);

    if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
        return false;
#ifdef SO_NOSIGPIPE
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return family == AF_UNIX ||
           setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, (socklen_t)sizeof on) == 0;
}

/* To one address. MOX_E_STORE: it said no at once, the reason is noted. */
static int connect_to(struct link *link, size_t address)
{
    const struct sockaddr *to = (const struct sockaddr *)&link->place.address[address];
    int status;

    link->fd = socket(to->sa_family, SOCK_STREAM, 0);
    if (link->fd < 0 || !prepare_socket(link->fd, to->sa_family) ||
        (connect(link->fd, to, link->place.len[address]) != 0 && errno != EINPROGRESS)) {
        note_errno(link, "cannot be reached", errno);
        close_socket(link);
        return MOX_E_STORE;
    }
    status = watch(link, MOX_WRITE); /* which comes also where it is connected already */
    if (status != MOX_OK) {
        close_socket(link);
        return status;
    }
    link->state = LINK_CONNECTING;
    set_timer(link, SILENCE_US);
    return MOX_OK;
}

/* To the next of its addresses that does not say no at once. */
static int connect_next(struct link *link)
{
    int status = MOX_E_STORE;

    while (status == MOX_E_STORE && link->failed < link->place.n) {
        status = connect_to(link, link->address);
        if (status == MOX_OK)
            return MOX_OK;
        link->address = (link->address + 1) % link->place.n;
        link->failed++;
    }
    return status;
}

static int begin(struct link *link)
{
    int status;

    if (link->state == LINK_RESTING)
        return MOX_E_STORE; /* the reason is that of the last failure */
    if (link->state != LINK_DOWN)
        return MOX_OK;
    link->reader = redisReaderCreate();
    if (link->reader == NULL)
        return MOX_E_NOMEM;
    link->failed = 0;
    link->heard = false;
    status = connect_next(link);
    if (status != MOX_OK)
        lose(link, true);
    return status;
}

static void finish_connect(struct link *link)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error == 0) {
        link->state = LINK_UP;
        return;
    }
    note_errno(link, "cannot be reached", error);
    close_socket(link);
    link->address = (link->address + 1) % link->place.n;
    link->failed++;
    if (connect_next(link) != MOX_OK)
        lose(link, true);
}

/* Sending. */

static bool make_room(struct link *link, size_t more)
{
    size_t cap = link->cap == 0 ? READ_BYTES : link->cap;
    char *grown;

    if (link->sent > 0) {
        memmove(link->out, link->out + link->sent, link->len - link->sent);
        link->len -= link->sent;
        link->sent = 0;
    }
    while (cap - link->len < more)
        cap *= 2;
    if (cap == link->cap)
        return true;
    grown = realloc(link->out, cap);
    if (grown == NULL)
        return false;
    link->out = grown;
    link->cap = cap;
    return true;
}

static int append(struct link *link, const struct command *c)
{
    char *text;
    long long len = redisFormatCommandArgv(&text, c->argc, c->argv, c->len);
    int status = MOX_OK;

    if (len < 0)
        return MOX_E_NOMEM;
    if (len > (long long)(LINK_UNSENT - (link->len - link->sent)))
        status = MOX_E_LIMIT;
    else if (!make_room(link, (size_t)len))
        status = MOX_E_NOMEM;
    if (status == MOX_OK) {
        memcpy(link->out + link->len, text, (size_t)len);
        link->len += (size_t)len;
    }
    redisFreeCommand(text);
    return status;
}

/* MOX_E_AGAIN: some is left. MOX_E_STORE: errno says why. */
static int write_out(struct link *link)
{
    while (link->sent < link->len) {
        ssize_t n = send(link->fd, link->out + link->sent, link->len - link->sent, MSG_NOSIGNAL);

        if (n >= 0)
            link->sent += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return MOX_E_AGAIN;
        else if (errno != EINTR)
            return MOX_E_STORE;
    }
    link->len = link->sent = 0;
    return MOX_OK;
}

/* Sent at once where it can be: who ends right after it has not spoken in vain. */
int link_send(struct link *link, const struct command *commands, size_t n)
{
    int status = begin(link);
    size_t unsent = link->len - link->sent;

    if (status != MOX_OK)
        return status;
    for (size_t i = 0; i < n && status == MOX_OK; i++)
        status = append(link, &commands[i]);
    if (status != MOX_OK) {
        link->len = link->sent + unsent; /* none of them */
        return status;
    }
    if (link->due == 0 && link->state == LINK_UP)
        set_timer(link, SILENCE_US);
    link->due += n;
    if (link->state == LINK_UP && unsent == 0 && write_out(link) != MOX_OK)
        watch(link, MOX_READ | MOX_WRITE); /* the rest, or the failure, is the loop's */
    return MOX_OK;
}

/* Receiving. */

/* Tells all replies that are complete. */
static int take_replies(struct link *link)
{
    void *reply = NULL;

    while (redisReaderGetReply(link->reader, &reply) == REDIS_OK) {
        if (reply == NULL)
            return MOX_OK;
        if (link->due == 0) {
            freeReplyObject(reply);
            link_note(link, "it answers what it was not asked");
            return MOX_E_STORE;
        }
        link->due--;
        link->taken = 0;
        link->heard = true;
        link->rest_us = REST_FIRST_US;
        link->events.reply(link->events.user, reply);
        freeReplyObject(reply);
    }
    link_note(link, "no Redis is there: %s", link->reader->errstr);
    return MOX_E_STORE;
}

/* MOX_E_AGAIN: nothing more is there now. */
static int read_in(struct link *link)
{
    char bytes[READ_BYTES];
    ssize_t n = recv(link->fd, bytes, sizeof bytes, 0);

    if (n < 0 && errno == EINTR)
        return MOX_OK;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return MOX_E_AGAIN;
    if (n < 0)
        note_errno(link, "the connection is lost", errno);
    if (n == 0 && link->due > 0) /* else it may */
        link_note(link, "it has closed the connection");
    if (n <= 0)
        return MOX_E_STORE;
    link->taken += (size_t)n;
    if (link->taken > LINK_REPLY) {
        link_note(link, "a reply of over %d bytes", LINK_REPLY);
        return MOX_E_STORE;
    }
    if (redisReaderFeed(link->reader, bytes, (size_t)n) != REDIS_OK) {
        link_note(link, "out of memory");
        return MOX_E_STORE;
    }
    return take_replies(link);
}

static void serve(struct link *link, int events)
{
    int status = MOX_OK;

    if ((events & MOX_WRITE) != 0) {
        status = write_out(link);
        if (status == MOX_E_STORE)
            note_errno(link, "the connection is lost", errno);
    }
    if (status != MOX_E_STORE && (events & MOX_READ) != 0) {
        do
            status = read_in(link);
        while (status == MOX_OK);
        if (status == MOX_E_AGAIN) /* it is alive */
            set_timer(link, link->due > 0 ? SILENCE_US : -1);
    }
    if (status != MOX_E_STORE &&
        watch(link, link->sent < link->len ? MOX_READ | MOX_WRITE : MOX_READ) != MOX_OK) {
        link_note(link, "out of memory");
        status = MOX_E_STORE;
    }
    if (status == MOX_E_STORE)
        lose(link, !link->heard);
}

/* Called by the context. */
static void on_event(void *arg, intptr_t fd, int events)
{
    struct link *link = arg;

    if (fd < 0 && link->state == LINK_RESTING) {
        link->state = LINK_DOWN;
    } else if (fd < 0) {
        link_note(link, "no answer for %d seconds", SILENCE_US / 1000000);
        link->address = (link->address + 1) % link->place.n;
        lose(link, true);
    } else if (link->state == LINK_CONNECTING) {
        finish_connect(link);
        if (link->state == LINK_UP) {
            set_timer(link, SILENCE_US);
            serve(link, MOX_WRITE);
        }
    } else {
        serve(link, events);
    }
}

struct link *link_new(const struct place *place, const struct link_events *events)
{
    struct link *link = calloc(1, sizeof *link);

    if (link == NULL)
        return NULL;
    link->place = *place;
    link->events = *events;
    link->fd = -1;
    link->rest_us = REST_FIRST_US;
    return link;
}

void link_attach(struct link *link, struct mox_ctx *ctx)
{
    link->ctx = ctx;
}

void link_free(struct link *link)
{
    if (link == NULL)
        return;
    if (link->fd >= 0)
        close(link->fd);
    forget(link);
    free(link);
}
