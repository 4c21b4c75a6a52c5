/*
 * deliver.c - the floor of a delivery: one epoll loop over PIPELINING. The final dot of a message
 * and the envelope of the next leave in one write with the message between.
 *
 *   deliver ADDRESS PORT MESSAGES SIZE PER_CONNECTION CONCURRENCY
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, LINE = 78 };

struct conn {
    int fd;
    unsigned long left; /* messages to come on this connection */
    enum { GREETING, EHLO, ENVELOPE, QUIT } state;
    int replies; /* that are due before the next step */
};

struct floor {
    struct sockaddr_in server;
    int poll, failed;
    unsigned long started, done, count, size, per_conn;
    char *next, *last; /* a message with its dot and the next envelope; with its dot and QUIT */
    size_t next_len, last_len;
};

static const char ehlo[] = "EHLO bench.example\r\n", quit[] = ".\r\nQUIT\r\n";
static const char envelope[] = "MAIL FROM:<a@bench.example> SIZE=4096 BODY=8BITMIME\r\n"
                               "RCPT TO:<b@bench.example>\r\nDATA\r\n";

static void start(struct floor *f, struct conn *c)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    int one = 1;

    if (f->started >= f->count)
        return;
    c->left = f->count - f->started < f->per_conn ? f->count - f->started : f->per_conn;
    f->started += c->left;
    c->state = GREETING;
    c->replies = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connect(c->fd, (struct sockaddr *)&f->server, sizeof f->server);
    if (epoll_ctl(f->poll, EPOLL_CTL_ADD, c->fd, &event) != 0) {
        perror("deliver");
        exit(1);
    }
}

static int send_all(int fd, const char *bytes, size_t len)
{
    return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* All replies are in: what comes next. */
static int step(struct floor *f, struct conn *c)
{
    switch (c->state) {
    case GREETING:
        c->state = EHLO;
        c->replies = 1;
        return send_all(c->fd, ehlo, sizeof ehlo - 1);
    case EHLO:
        c->state = ENVELOPE;
        c->replies = 3;
        return send_all(c->fd, envelope, sizeof envelope - 1);
    case ENVELOPE:
        if (--c->left > 0) {
            c->replies = 4;
            return send_all(c->fd, f->next, f->next_len);
        }
        c->state = QUIT;
        c->replies = 2;
        return send_all(c->fd, f->last, f->last_len);
    default:
        return 0;
    }
}

static void on_readable(struct floor *f, struct conn *c)
{
    char text[1024];
    ssize_t n = recv(c->fd, text, sizeof text, 0);

    for (const char *line = text; n > 0 && line < text + n;) {
        const char *end = memchr(line, '\n', (size_t)(text + n - line));

        if (end == NULL)
            break;
        c->replies -= line[3] == ' ';
        f->failed |= line[0] != '2' && line[0] != '3';
        f->done += c->state == ENVELOPE && strncmp(line, "250 2.0.0 Taken", 15) == 0;
        f->done += c->state == QUIT && strncmp(line, "250 2.0.0 Taken", 15) == 0;
        line = end + 1;
    }
    if (n > 0 && (c->replies > 0 || (c->state != QUIT && step(f, c))))
        return;
    f->failed |= n <= 0 || c->state != QUIT;
    close(c->fd);
    start(f, c);
}

/* Lines as mail has them. */
static void fill(struct floor *f)
{
    size_t rest = f->size;

    f->next = malloc(f->size + sizeof envelope + sizeof quit);
    f->last = malloc(f->size + sizeof quit);
    if (f->next == NULL || f->last == NULL)
        exit(1);
    for (size_t at = 0; rest > 0;) {
        size_t line = rest < LINE + 2 ? rest : rest - LINE == 1 ? LINE - 1 : LINE;

        memset(f->next + at, 'x', line);
        memcpy(f->next + at + line - 2, "\r\n", 2);
        at += line;
        rest -= line;
    }
    memcpy(f->last, f->next, f->size);
    memcpy(f->last + f->size, quit, sizeof quit - 1);
    f->last_len = f->size + sizeof quit - 1;
    memcpy(f->next + f->size, ".\r\n", 3);
    memcpy(f->next + f->size + 3, envelope, sizeof envelope - 1);
    f->next_len = f->size + 3 + sizeof envelope - 1;
}

int main(int argc, char **argv)
{
    struct floor f = {.server.sin_family = AF_INET};
    struct epoll_event events[EVENTS];
    struct conn *conns;
    unsigned long concurrency;

    if (argc != 7 || inet_pton(AF_INET, argv[1], &f.server.sin_addr) != 1)
        return 64;
    f.server.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
    f.count = strtoul(argv[3], NULL, 10);
    f.size = strtoul(argv[4], NULL, 10);
    f.per_conn = strtoul(argv[5], NULL, 10);
    concurrency = strtoul(argv[6], NULL, 10);
    fill(&f);
    conns = calloc(concurrency, sizeof *conns);
    f.poll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned long i = 0; conns != NULL && i < concurrency; i++)
        start(&f, &conns[i]);
    while (f.done < f.count && !f.failed) {
        int n = epoll_wait(f.poll, events, EVENTS, -1);

        for (int i = 0; i < n; i++)
            on_readable(&f, events[i].data.ptr);
    }
    free(conns);
    free(f.next);
    free(f.last);
    return f.failed || f.done != f.count;
}
