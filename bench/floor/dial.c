/*
 * dial.c - the floor of a dial: the system calls that the work needs, one epoll loop and nothing
 * else. socket, connect, greeting, EHLO, reply, QUIT, reply, close.
 *
 *   dial ADDRESS PORT COUNT CONCURRENCY
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, REPLIES = 3 };

struct conn {
    int fd, replies;
};

struct floor {
    struct sockaddr_in server;
    int poll, failed;
    unsigned long started, done, count;
};

static void start(struct floor *f, struct conn *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

    if (f->started == f->count)
        return;
    f->started++;
    c->replies = 0;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    connect(c->fd, (struct sockaddr *)&f->server, sizeof f->server);
    if (epoll_ctl(f->poll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
        perror("dial");
        exit(1);
    }
}

/* Whether the last line of what was read ends a reply. */
static int is_reply(const char *text, ssize_t len)
{
    const char *line = text + len - 1;

    if (len < 5 || *line != '\n')
        return 0;
    while (line > text && line[-1] != '\n')
        line--;
    return line[3] == ' ';
}

static void on_readable(struct floor *f, struct conn *c)
{
    static const char ehlo[] = "EHLO bench.example\r\n", quit[] = "QUIT\r\n";
    char text[512];
    ssize_t n = recv(c->fd, text, sizeof text, 0), sent = 1;

    if (n > 0 && !is_reply(text, n))
        return;
    if (n > 0 && ++c->replies < REPLIES) {
        sent = c->replies == 1 ? send(c->fd, ehlo, sizeof ehlo - 1, MSG_NOSIGNAL)
                               : send(c->fd, quit, sizeof quit - 1, MSG_NOSIGNAL);
        if (sent > 0)
            return;
    }
    f->failed |= n <= 0 || sent <= 0 || text[0] != '2';
    close(c->fd);
    f->done++;
    start(f, c);
}

int main(int argc, char **argv)
{
    struct floor f = {.server.sin_family = AF_INET};
    struct epoll_event events[EVENTS];
    struct conn *conns;
    unsigned long concurrency;

    if (argc != 5 || inet_pton(AF_INET, argv[1], &f.server.sin_addr) != 1)
        return 64;
    f.server.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    f.count = strtoul(argv[3], NULL, 10);
    concurrency = strtoul(argv[4], NULL, 10);
    conns = calloc(concurrency, sizeof *conns);
    f.poll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned long i = 0; conns != NULL && i < concurrency; i++)
        start(&f, &conns[i]);
    while (f.done < f.started) {
        int n = epoll_wait(f.poll, events, EVENTS, -1);

        for (int i = 0; i < n; i++)
            on_readable(&f, events[i].data.ptr);
    }
    free(conns);
    return f.failed || f.done != f.count;
}
