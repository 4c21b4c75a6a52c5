/*
 * sink.c - a server that takes every message, for the benchmarks of delivery: one thread, loopback,
 * PIPELINING; the replies to what came together leave together.
 *
 *   sink [bytes]   bytes: prints how many it has read when a connection ends
 *
 * Prints its port, then serves until it is ended.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BACKLOG = 4096, READ = 256 << 10, LINE = 1024, REPLIES = 64 << 10 };

struct peer {
    int fd, in_data;
    unsigned matched; /* bytes of the final dot seen so far, its line end before included */
    size_t len;       /* of the command line begun */
    char line[LINE];
};

static char out[REPLIES];
static size_t out_len;

static void say(const char *text)
{
    size_t len = strlen(text);

    if (out_len + len <= sizeof out) {
        memcpy(out + out_len, text, len);
        out_len += len;
    }
}

/* One command, whole. */
static void obey(struct peer *peer)
{
    switch (peer->line[0]) {
    case 'E':
        say("250-bench.example\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n"
            "250 ENHANCEDSTATUSCODES\r\n");
        return;
    case 'D':
        say("354 Go on\r\n");
        peer->in_data = 1;
        peer->matched = 2; /* an empty message is a dot at once */
        return;
    case 'Q':
        say("221 2.0.0 Bye\r\n");
        return;
    default:
        say("250 2.0.0 Ok\r\n");
    }
}

/* The bytes of a message up to its final dot; how many. */
static size_t swallow(struct peer *peer, const char *bytes, size_t len)
{
    static const char end[] = "\r\n.\r\n";
    size_t i = 0;

    while (i < len) {
        if (peer->matched == 0) {
            const char *found = memchr(bytes + i, '\r', len - i);

            if (found == NULL)
                return len;
            i = (size_t)(found - bytes);
        }
        if (bytes[i] == end[peer->matched]) {
            peer->matched++;
            i++;
        } else if (peer->matched == 0) {
            i++;
        } else {
            peer->matched = bytes[i] == '\r' && peer->matched != 1;
            i += peer->matched;
        }
        if (peer->matched == sizeof end - 1) {
            say("250 2.0.0 Taken\r\n");
            peer->in_data = 0;
            return i;
        }
    }
    return len;
}

static size_t take_line(struct peer *peer, const char *bytes, size_t len)
{
    const char *end = memchr(bytes, '\n', len);
    size_t n = end == NULL ? len : (size_t)(end - bytes) + 1;
    size_t room = sizeof peer->line - peer->len, kept = n < room ? n : room;

    memcpy(peer->line + peer->len, bytes, kept);
    peer->len += kept;
    if (end != NULL) {
        obey(peer);
        peer->len = 0;
    }
    return n;
}

static void serve(struct peer *peer, int tell)
{
    static char bytes[READ];
    static unsigned long long total;
    ssize_t n = read(peer->fd, bytes, sizeof bytes);

    if (n <= 0) {
        if (tell) {
            printf("%llu\n", total);
            fflush(stdout);
        }
        close(peer->fd);
        free(peer);
        return;
    }
    total += (unsigned long long)n;
    out_len = 0;
    for (size_t i = 0; i < (size_t)n;)
        i += peer->in_data ? swallow(peer, bytes + i, (size_t)n - i)
                           : take_line(peer, bytes + i, (size_t)n - i);
    if (out_len > 0 && write(peer->fd, out, out_len) < 0)
        perror("sink");
}

static void accept_all(int poll, int listener)
{
    int one = 1;

    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
        struct peer *peer = calloc(1, sizeof *peer);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = peer};

        if (peer == NULL) {
            close(fd);
            continue;
        }
        peer->fd = fd;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        if (write(fd, "220 bench.example ESMTP\r\n", 25) < 0)
            perror("sink");
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int poll = epoll_create1(EPOLL_CLOEXEC), tell = argc > 1 && strcmp(argv[1], "bytes") == 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];

    if (listener < 0 || bind(listener, (struct sockaddr *)&at, len) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0 ||
        listen(listener, BACKLOG) != 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) != 0) {
        perror("sink");
        return 1;
    }
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    for (;;) {
        int n = epoll_wait(poll, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(poll, listener);
            else
                serve(events[i].data.ptr, tell);
        }
    }
}
