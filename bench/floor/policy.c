/*
 * policy.c - PATH: what a server of netstrings at a unix socket costs that decides nothing: epoll,
 * one read, the look for the comma, one write of the same answer.
 */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { EVENTS = 128, BYTES = 2048 };

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void watch(int loop, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("epoll_ctl");
}

static void answer(int fd)
{
    static const char answers[] = "6:OK v4:,";
    char bytes[BYTES];
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);

    if (n <= 0)
        close(fd);
    else if (bytes[n - 1] == ',')
        n = send(fd, answers, sizeof answers - 1, MSG_NOSIGNAL);
}

int main(int argc, char *argv[])
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct epoll_event events[EVENTS];
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), loop = epoll_create1(0);

    if (argc < 2)
        return 2;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[1]);
    unlink(address.sun_path);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 512) != 0)
        fail("listen");
    watch(loop, listener);
    for (;;) {
        int n = epoll_wait(loop, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (fd == listener)
                watch(loop, accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
            else
                answer(fd);
        }
    }
}
