/*
 * asker.c - PATH CLIENTS QUESTIONS: so many clients of a socketmap at a unix socket, each with one
 * question under way, until so many are answered. Prints how long that took.
 */
#define _GNU_SOURCE

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, ANSWER = 256 };

/* Some that a route matches, some that none does. */
static const char *const questions[] = {
    "29:transport someone@example.org,",
    "31:transport someone@other.example,",
    "20:families example.org,",
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0)
        fail("connect");
    return fd;
}

static void ask(int fd, unsigned long n)
{
    const char *question = questions[n % QUESTIONS];
    size_t len = strlen(question);

    if (send(fd, question, len, MSG_NOSIGNAL) != (ssize_t)len)
        fail("send");
}

/* An answer comes in one piece: it is short, and the only one under way. */
static void take_answer(int fd)
{
    char answer[ANSWER];
    ssize_t n = recv(fd, answer, sizeof answer, 0);

    if (n < 4 || answer[n - 1] != ',')
        fail("answer");
}

int main(int argc, char *argv[])
{
    unsigned long clients = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
    unsigned long wanted = argc > 3 ? strtoul(argv[3], NULL, 10) : 0, asked = 0, answered = 0;
    struct epoll_event events[EVENTS];
    int loop = epoll_create1(EPOLL_CLOEXEC);
    double begin;

    if (wanted < clients || clients == 0) {
        fputs("usage: asker PATH CLIENTS QUESTIONS\n", stderr);
        return 2;
    }
    for (unsigned long i = 0; i < clients; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = connect_to(argv[1])};

        if (epoll_ctl(loop, EPOLL_CTL_ADD, event.data.fd, &event) != 0)
            fail("epoll_ctl");
        ask(event.data.fd, asked++);
    }
    for (unsigned long i = 0; i < clients; i++) { /* all are connected: now it counts */
        int n = epoll_wait(loop, events, 1, -1);

        if (n < 1)
            fail("epoll_wait");
        take_answer(events[0].data.fd);
        ask(events[0].data.fd, i);
    }
    begin = now_s();
    asked = clients;
    while (answered < wanted) {
        int n = epoll_wait(loop, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            take_answer(events[i].data.fd);
            answered++;
            if (asked < wanted)
                ask(events[i].data.fd, asked++);
        }
    }
    printf("seconds=%.6f answers=%lu\n", now_s() - begin, answered);
    return 0;
}
