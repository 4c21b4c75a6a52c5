/* smtp_thread.c - see smtp_thread.h. */
#include "smtp_thread.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os_world.h"

enum { CLIENTS = 16, LINE = 512 };

/* A client sends a line at a time, so that what is read is a line. */
static bool answer(struct smtp_thread *server, int fd)
{
    char line[LINE];
    ssize_t n = recv(fd, line, sizeof line, 0);
    bool quit = n >= 4 && memcmp(line, "QUIT", 4) == 0;
    const char *reply = quit ? "221 bye\r\n" : "250 fine\r\n";

    if (n <= 0) {
        atomic_fetch_add(&server->hung_up, 1);
        return false;
    }
    if (quit)
        atomic_fetch_add(&server->quits, 1);
    return send(fd, reply, strlen(reply), MSG_NOSIGNAL) > 0 && !quit;
}

/* The new client, greeted; -1: the server is to stop. */
static int greet(struct smtp_thread *server)
{
    static const char greeting[] = "220 test.example ESMTP\r\n";
    int fd = accept(server->fd, NULL, NULL);

    if (fd >= 0 && send(fd, greeting, sizeof greeting - 1, MSG_NOSIGNAL) > 0)
        atomic_fetch_add(&server->greeted, 1);
    return fd;
}

static void *serve(void *arg)
{
    struct smtp_thread *server = arg;
    struct pollfd fds[1 + CLIENTS] = {{.fd = server->fd, .events = POLLIN}};

    for (int i = 1; i <= CLIENTS; i++)
        fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    while (poll(fds, 1 + CLIENTS, -1) > 0) {
        for (int i = 1; i <= CLIENTS; i++) {
            if (fds[i].fd >= 0 && fds[i].revents != 0 && !answer(server, fds[i].fd)) {
                close(fds[i].fd);
                fds[i].fd = -1;
            }
            if (fds[i].fd >= 0 || fds[0].revents == 0)
                continue;
            fds[i].fd = greet(server);
            if (fds[i].fd < 0)
                return NULL;
            fds[0].revents = 0;
        }
    }
    return NULL;
}

bool smtp_thread_start(struct smtp_thread *server)
{
    memset(server, 0, sizeof *server);
    server->fd = os_world_listen("127.0.0.1", CLIENTS, &server->port);
    if (server->fd < 0)
        return false;
    snprintf(server->server, sizeof server->server, "127.0.0.1:%u", (unsigned)server->port);
    return pthread_create(&server->thread, NULL, serve, server) == 0;
}

void smtp_thread_stop(struct smtp_thread *server)
{
    shutdown(server->fd, SHUT_RDWR); /* accept fails */
    pthread_join(server->thread, NULL);
    close(server->fd);
}
