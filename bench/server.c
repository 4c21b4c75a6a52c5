/*
 * server.c - what the benchmarks talk to, the library and the floors alike: one thread, loopback.
 *
 *   server smtp [mute]   greeting, EHLO, QUIT; MAIL is refused. mute: accepts and never says a word
 *   server dns           X.example has the MX host mX.example, that has 127.0.0.1 and, unless X
 *                        begins with v (IPv4 only), 2001:db8:1::1, which leads nowhere
 *
 * Prints its port, then serves until it is ended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, BACKLOG = 4096, HEADER = 12, QUESTION_TAIL = 4, DNS_MESSAGE = 512 };
enum { TYPE_A = 1, TYPE_MX = 15, TYPE_AAAA = 28 };

static const char greeting[] = "220 bench.example ESMTP\r\n";

/* Binds to a free port and tells which; -1: no. */
static int open_socket(int type)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        return -1;
    if ((type & SOCK_STREAM) != 0 && listen(fd, BACKLOG) != 0)
        return -1;
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static void say(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) < 0)
        close(fd);
}

static void accept_all(int poll, int listener, int mute)
{
    struct epoll_event event = {.events = EPOLLIN};
    int one = 1;

    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0;) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        event.data.fd = fd;
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        if (!mute)
            say(fd, greeting);
    }
}

/* Clients send one command at a time, so its first letter tells which it is. */
static void answer(int fd, int mute)
{
    char in[1024];
    ssize_t n = read(fd, in, sizeof in);

    if (n <= 0) {
        close(fd);
        return;
    }
    if (mute)
        return;
    switch (in[0]) {
    case 'E':
        say(fd, "250-bench.example\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n"
                "250 ENHANCEDSTATUSCODES\r\n");
        return;
    case 'M':
        say(fd, "550 5.7.0 No mail today\r\n");
        return;
    case 'Q':
        say(fd, "221 2.0.0 Bye\r\n");
        close(fd);
        return;
    default:
        say(fd, "250 2.0.0 Ok\r\n");
    }
}

static int serve_smtp(int mute)
{
    int listener = open_socket(SOCK_STREAM | SOCK_NONBLOCK), poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS];

    if (listener < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) != 0) {
        perror("server smtp");
        return 1;
    }
    for (;;) {
        int n = epoll_wait(poll, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                accept_all(poll, listener, mute);
            else
                answer(events[i].data.fd, mute);
        }
    }
}

/* The record data for a question; 0: there is none. */
static size_t make_rdata(const unsigned char *name, int type, unsigned char *out)
{
    static const unsigned char nowhere[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 1};
    size_t label = name[0];

    switch (type) {
    case TYPE_MX: /* preference 10, then "m" and the name */
        out[0] = 0;
        out[1] = 10;
        out[2] = (unsigned char)(label + 1);
        out[3] = 'm';
        memcpy(out + 4, name + 1, label);
        out[4 + label] = 0xc0; /* the rest stands in the question */
        out[5 + label] = (unsigned char)(HEADER + 1 + label);
        return 6 + label;
    case TYPE_A:
        memcpy(out, "\177\0\0\1", 4);
        return 4;
    case TYPE_AAAA:
        if (name[1] == 'v' || name[2] == 'v')
            return 0;
        memcpy(out, nowhere, sizeof nowhere);
        return sizeof nowhere;
    default:
        return 0;
    }
}

/* Makes the question that stands in wire an answer; its length, 0: that was no question. */
static size_t make_answer(unsigned char *wire, size_t len)
{
    static const unsigned char owner[] = {0xc0, HEADER}, ttl[] = {0, 1, 0, 0, 1, 44};
    size_t name = HEADER, end = HEADER, rdlen;
    int type;

    while (end < len && wire[end] != 0)
        end += 1u + wire[end];
    end += 1 + QUESTION_TAIL;
    if (end > len || end > DNS_MESSAGE / 2 || wire[name] > 60)
        return 0;
    type = wire[end - 3];
    rdlen = make_rdata(wire + name, type, wire + end + 12);
    memcpy(wire + 2, "\x85\x80\0\1\0\0\0\0\0", 10);
    if (rdlen == 0)
        return end;
    wire[7] = 1;
    memcpy(wire + end, owner, 2);
    wire[end + 2] = 0;
    wire[end + 3] = (unsigned char)type;
    memcpy(wire + end + 4, ttl, sizeof ttl);
    wire[end + 10] = 0;
    wire[end + 11] = (unsigned char)rdlen;
    return end + 12 + rdlen;
}

static int serve_dns(void)
{
    int fd = open_socket(SOCK_DGRAM), room = 4 << 20;
    struct sockaddr_storage peer;

    if (fd < 0) {
        perror("server dns");
        return 1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    for (;;) {
        unsigned char wire[DNS_MESSAGE + 128];
        socklen_t peer_len = sizeof peer;
        ssize_t n = recvfrom(fd, wire, DNS_MESSAGE, 0, (struct sockaddr *)&peer, &peer_len);
        size_t len = n < HEADER ? 0 : make_answer(wire, (size_t)n);

        if (len > 0)
            sendto(fd, wire, len, 0, (struct sockaddr *)&peer, peer_len);
    }
}

int main(int argc, char **argv)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "smtp") == 0)
        return serve_smtp(argc > 2 && strcmp(argv[2], "mute") == 0);
    if (argc > 1 && strcmp(argv[1], "dns") == 0)
        return serve_dns();
    fprintf(stderr, "usage: server smtp [mute] | server dns\n");
    return 64;
}
