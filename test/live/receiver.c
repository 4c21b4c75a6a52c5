/*
 * receiver.c - a server that knows what it has taken: a message is in its file before it is
 * answered.
 *
 *   receiver ADDRESS PORT FILE [SEED LIFE]
 *
 * A line for each message: its Message-Id, which must stand first, its length in bytes without
 * dot-stuffing, their Adler-32, its recipients. The local part "gone" is refused for good. With a
 * seed it also refuses for now, whatever and whenever the seed says, and kills itself after some
 * LIFE steps of its work, in the middle of it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/live/adler.h"

enum { EVENTS = 256, BACKLOG = 512, READ = 256 << 10, LINE = 1024, REPLIES = 1 << 20 };
enum { ONE_CLOSES = 400, ONE_NOT_NOW = 50, ONE_TOO_MANY = 50, ONE_FAILS = 100 }; /* … of so many */

struct peer {
    int fd;
    bool in_data, line_start, closing;
    unsigned dot; /* at the start of a line: 1 after ".", 2 after ".\r" */
    uint32_t sum;
    unsigned long long body; /* bytes */
    size_t len, rcpts_len;   /* in line, in rcpts */
    char line[LINE];         /* the command begun; in a message, its first bytes */
    char rcpts[LINE];        /* each after a blank */
};

struct server {
    int poll, listener, file;
    uint64_t chance;        /* 0: nothing is left to it */
    unsigned long long end; /* steps until it kills itself; 0: never */
    size_t out_len;
    char in[READ], out[REPLIES];
};

static uint64_t draw(struct server *s)
{
    s->chance ^= s->chance << 13;
    s->chance ^= s->chance >> 7;
    s->chance ^= s->chance << 17;
    return s->chance;
}

static bool one_of(struct server *s, unsigned n)
{
    return s->chance != 0 && draw(s) % n == 0;
}

static void step(struct server *s)
{
    if (s->end != 0 && --s->end == 0)
        raise(SIGKILL);
}

static void say(struct server *s, struct peer *peer, const char *text)
{
    size_t len = strlen(text);

    if (s->out_len + len > sizeof s->out) {
        peer->closing = true;
        return;
    }
    memcpy(s->out + s->out_len, text, len);
    s->out_len += len;
}

static void take_rcpt(struct server *s, struct peer *peer)
{
    const char *from = strchr(peer->line, '<');
    size_t len = from == NULL ? 0 : strcspn(from + 1, ">");

    if (len == 0 || peer->rcpts_len + len + 2 > sizeof peer->rcpts) {
        say(s, peer, "501 5.1.3 No\r\n");
    } else if (strncmp(from, "<gone@", 6) == 0) {
        say(s, peer, "550 5.1.1 Gone\r\n");
    } else if (one_of(s, ONE_NOT_NOW)) {
        say(s, peer, "450 4.2.1 Not now\r\n");
    } else if (peer->rcpts_len > 0 && one_of(s, ONE_TOO_MANY)) {
        say(s, peer, "452 4.5.3 Too many recipients\r\n");
    } else {
        peer->rcpts[peer->rcpts_len] = ' ';
        memcpy(peer->rcpts + peer->rcpts_len + 1, from + 1, len);
        peer->rcpts_len += len + 1;
        say(s, peer, "250 2.1.5 Ok\r\n");
    }
}

/* One command, whole. */
static void obey(struct server *s, struct peer *peer)
{
    if (strncasecmp(peer->line, "EHLO", 4) == 0) {
        say(s, peer,
            "250-live.example\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n"
            "250 ENHANCEDSTATUSCODES\r\n");
    } else if (strncasecmp(peer->line, "MAIL", 4) == 0) {
        peer->closing = one_of(s, ONE_CLOSES);
        say(s, peer, peer->closing ? "421 4.3.2 I close\r\n" : "250 2.1.0 Ok\r\n");
        peer->rcpts_len = 0;
    } else if (strncasecmp(peer->line, "RCPT", 4) == 0) {
        take_rcpt(s, peer);
    } else if (strncasecmp(peer->line, "DATA", 4) == 0 && peer->rcpts_len == 0) {
        say(s, peer, "554 5.5.1 No recipients\r\n");
    } else if (strncasecmp(peer->line, "DATA", 4) == 0) {
        say(s, peer, "354 Go on\r\n");
        peer->in_data = peer->line_start = true;
        peer->body = 0;
        peer->sum = 1;
    } else if (strncasecmp(peer->line, "QUIT", 4) == 0) {
        say(s, peer, "221 2.0.0 Bye\r\n");
        peer->closing = true;
    } else {
        say(s, peer, "250 2.0.0 Ok\r\n");
    }
}

static bool record(struct server *s, struct peer *peer)
{
    char line[3 * LINE], *id = memchr(peer->line, '<', peer->len);
    size_t left = id == NULL ? 0 : (size_t)(peer->line + peer->len - id);
    const char *end = left == 0 ? NULL : memchr(id, '>', left);
    int n;

    if (end == NULL) {
        fprintf(stderr, "receiver: a message without a Message-Id\n");
        exit(1);
    }
    n = snprintf(line, sizeof line, "%.*s %llu %lu%.*s\n", (int)(end + 1 - id), id, peer->body,
                 (unsigned long)peer->sum, (int)peer->rcpts_len, peer->rcpts);
    return write(s->file, line, (size_t)n) == n;
}

static void end_message(struct server *s, struct peer *peer)
{
    if (one_of(s, ONE_FAILS)) {
        say(s, peer, "451 4.3.0 Not this time\r\n");
    } else if (record(s, peer)) {
        step(s);
        say(s, peer, "250 2.0.0 Taken\r\n");
    } else {
        perror("receiver: its file");
        exit(1);
    }
    peer->in_data = false;
    peer->len = peer->rcpts_len = 0;
}

static void keep(struct peer *peer, const char *bytes, size_t len)
{
    size_t room = sizeof peer->line - peer->len, n = len < room ? len : room;

    memcpy(peer->line + peer->len, bytes, n);
    peer->len += n;
    peer->body += len;
    peer->sum = adler32(peer->sum, bytes, len);
}

/* Bytes of a message, at most to the end of a line; how many. */
static size_t take_body(struct server *s, struct peer *peer, const char *bytes, size_t len)
{
    const char *end;

    if (peer->line_start && *bytes == '.') {
        peer->line_start = false;
        peer->dot = 1;
        return 1;
    }
    if (peer->dot == 1 && *bytes == '\r') {
        peer->dot = 2;
        return 1;
    }
    if (peer->dot == 2 && *bytes == '\n') {
        peer->dot = 0;
        end_message(s, peer);
        return 1;
    }
    if (peer->dot == 2)
        keep(peer, "\r", 1);
    peer->dot = 0;
    end = memchr(bytes, '\n', len);
    peer->line_start = end != NULL;
    len = end == NULL ? len : (size_t)(end - bytes) + 1;
    keep(peer, bytes, len);
    return len;
}

static size_t take_line(struct server *s, struct peer *peer, const char *bytes, size_t len)
{
    const char *end = memchr(bytes, '\n', len);
    size_t n = end == NULL ? len : (size_t)(end - bytes) + 1;
    size_t room = sizeof peer->line - 1 - peer->len, kept = n < room ? n : room;

    memcpy(peer->line + peer->len, bytes, kept);
    peer->len += kept;
    if (end != NULL) {
        peer->line[peer->len] = '\0';
        peer->len = 0;
        obey(s, peer);
    }
    return n;
}

/* In two halves, between which it may end. */
static bool answer(struct server *s, const struct peer *peer)
{
    size_t half = s->out_len / 2, rest = s->out_len - half;

    if (half > 0 && send(peer->fd, s->out, half, MSG_NOSIGNAL) != (ssize_t)half)
        return false;
    step(s);
    return rest == 0 || send(peer->fd, s->out + half, rest, MSG_NOSIGNAL) == (ssize_t)rest;
}

static void serve(struct server *s, struct peer *peer)
{
    ssize_t n = read(peer->fd, s->in, sizeof s->in);

    step(s);
    s->out_len = 0;
    for (size_t i = 0; n > 0 && i < (size_t)n && !peer->closing;)
        i += peer->in_data ? take_body(s, peer, s->in + i, (size_t)n - i)
                           : take_line(s, peer, s->in + i, (size_t)n - i);
    if (n > 0 && answer(s, peer) && !peer->closing)
        return;
    close(peer->fd);
    free(peer);
}

static void accept_all(struct server *s)
{
    int one = 1;

    for (int fd; (fd = accept(s->listener, NULL, NULL)) >= 0;) {
        struct peer *peer = calloc(1, sizeof *peer);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

        if (peer == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
            epoll_ctl(s->poll, EPOLL_CTL_ADD, fd, &event) != 0 ||
            send(fd, "220 live.example ESMTP\r\n", 24, MSG_NOSIGNAL) != 24) {
            free(peer);
            close(fd);
            continue;
        }
        peer->fd = fd;
    }
}

static int start(struct server *s, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10))};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    int one = 1;

    s->poll = epoll_create1(EPOLL_CLOEXEC);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    s->file = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (inet_pton(AF_INET, argv[1], &at.sin_addr) != 1 || s->file < 0 || s->listener < 0 ||
        setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(s->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(s->listener, BACKLOG) != 0)
        return -1;
    return epoll_ctl(s->poll, EPOLL_CTL_ADD, s->listener, &event);
}

int main(int argc, char **argv)
{
    static struct server server;
    struct epoll_event events[EVENTS];

    if (argc != 4 && argc != 6) {
        fprintf(stderr, "usage: receiver ADDRESS PORT FILE [SEED LIFE]\n");
        return 64;
    }
    if (argc == 6) {
        server.chance = strtoull(argv[4], NULL, 10) * 0x9e3779b97f4a7c15 + 1;
        draw(&server);
        server.end = 1 + draw(&server) % (2 * strtoull(argv[5], NULL, 10) + 1);
    }
    if (start(&server, argv) != 0) {
        perror("receiver");
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(server.poll, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(&server);
            else
                serve(&server, events[i].data.ptr);
        }
    }
}
