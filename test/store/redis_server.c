/* redis_server.c - see redis_server.h. */
#include "redis_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_world.h"

struct redis_server *redis_server_shared(void)
{
    static struct redis_server shared;

    return &shared;
}

/* A port that nobody had a moment ago. */
static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        address.sin_port = 0;
    if (fd >= 0)
        close(fd);
    return ntohs(address.sin_port);
}

static void run(const struct redis_server *server, const char *program, int out)
{
    dup2(out, STDOUT_FILENO);
    execl(program, program, "--port", server->port, "--bind", "127.0.0.1", "--unixsocket",
          server->path, "--save", "", "--appendonly", "no", "--dir", store_folder(),
          "--enable-debug-command", "yes", (char *)NULL);
    _exit(127);
}

/* Reads its log up to the line that says it is ready. */
static bool wait_until_ready(int log)
{
    char text[16384];
    size_t len = 0;

    for (;;) {
        ssize_t n = read(log, text + len, sizeof text - 1 - len);

        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
        if (strstr(text, "Ready to accept connections") != NULL)
            return true;
    }
}

bool redis_server_restart(struct redis_server *server)
{
    const char *program = getenv("MOX_REDIS_SERVER");
    int fds[2];

    if (program == NULL || *program == '\0' || pipe(fds) != 0)
        return false;
    server->pid = fork();
    if (server->pid == 0) {
        close(fds[0]);
        run(server, program, fds[1]);
    }
    close(fds[1]);
    server->log = fds[0];
    if (wait_until_ready(server->log))
        return true;
    redis_server_kill(server);
    return false;
}

bool redis_server_start(struct redis_server *server, const char *name)
{
    unsigned port = free_port();

    *server = (struct redis_server){.pid = 0};
    snprintf(server->path, sizeof server->path, "%s", store_file(name));
    snprintf(server->port, sizeof server->port, "%u", port);
    snprintf(server->address, sizeof server->address, "127.0.0.1:%u", port);
    return redis_server_restart(server);
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    close(server->log);
    server->pid = 0;
}
