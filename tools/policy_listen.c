/*
 * policy_listen.c - see policy_listen.h.
 */
#include "policy_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "error.h"
#include "option_rows.h"

enum { HOST = 256, ONLY_ME = 0177 };

static int fail(struct mox_error *err, const char *where, const char *what)
{
    return tool_error(err, MOX_E_OS, MOX_STAGE_NONE, "--listen %s: %s: %s", where, what,
                      strerror(errno));
}

bool policy_make_async(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags != -1 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* Whether somebody listens there. What is no socket any more refuses. */
static bool answers(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool answered;

    if (fd < 0)
        return true; /* not known: leave it alone */
    answered = !policy_make_async(fd) ||
               connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
               errno != ECONNREFUSED;
    close(fd);
    return answered;
}

/* MOX_OK: nothing is at that path any more. */
static int make_room(const struct sockaddr_un *address, const char *where, struct mox_error *err)
{
    struct stat info;

    if (lstat(address->sun_path, &info) != 0)
        return errno == ENOENT ? MOX_OK : fail(err, where, "cannot look at it");
    if (!S_ISSOCK(info.st_mode))
        return tool_error(err, MOX_E_OS, MOX_STAGE_NONE,
                          "--listen %s: a file is there that is no socket", where);
    if (answers(address))
        return tool_error(err, MOX_E_OS, MOX_STAGE_NONE,
                          "--listen %s: another process listens there; end it first", where);
    return unlink(address->sun_path) == 0 || errno == ENOENT
               ? MOX_OK
               : fail(err, where, "cannot remove the socket nobody listens at");
}

static struct policy_socket *add_socket(struct policy_sockets *sockets, int domain,
                                        const char *where, struct mox_error *err)
{
    struct policy_socket *socket_of;
    int fd;

    if (sockets->count == POLICY_LISTENERS) {
        tool_error(err, MOX_E_LIMIT, MOX_STAGE_NONE, "--listen %s: over %d sockets", where,
                   POLICY_LISTENERS);
        return NULL;
    }
    fd = socket(domain, SOCK_STREAM, 0);
    if (fd < 0) {
        fail(err, where, "cannot make a socket");
        return NULL;
    }
    socket_of = &sockets->items[sockets->count++];
    *socket_of = (struct policy_socket){.fd = fd};
    if (policy_make_async(fd))
        return socket_of;
    fail(err, where, "cannot set the socket up");
    return NULL;
}

/* Nobody else may connect before the mode is set. */
static int bind_path(struct policy_socket *made, const struct sockaddr_un *address, uint32_t mode)
{
    mode_t before = umask(ONLY_ME);
    int status = bind(made->fd, (const struct sockaddr *)address, sizeof *address), error = errno;

    umask(before);
    errno = error;
    return status != 0 ? status : chmod(address->sun_path, (mode_t)mode);
}

static int listen_at_path(struct policy_sockets *sockets, const char *where, uint32_t mode,
                          struct mox_error *err)
{
    const char *path = where + strlen("unix:");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct policy_socket *made;
    struct stat info;

    if (strlen(path) >= sizeof address.sun_path)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "--listen %s: the path is over %zu bytes long", where,
                          sizeof address.sun_path - 1);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (make_room(&address, where, err) != MOX_OK)
        return err->code;
    made = add_socket(sockets, AF_UNIX, where, err);
    if (made == NULL)
        return err->code;
    if (bind_path(made, &address, mode) != 0 || lstat(path, &info) != 0)
        return fail(err, where, "cannot make it");
    made->path = path;
    made->device = info.st_dev;
    made->inode = info.st_ino;
    return listen(made->fd, POLICY_BACKLOG) == 0 ? MOX_OK : fail(err, where, "cannot listen");
}

static int listen_at_address(struct policy_sockets *sockets, const struct addrinfo *address,
                             const char *where, struct mox_error *err)
{
    struct policy_socket *made = add_socket(sockets, address->ai_family, where, err);
    int yes = 1;

    if (made == NULL)
        return err->code;
    setsockopt(made->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (address->ai_family == AF_INET6)
        setsockopt(made->fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    if (bind(made->fd, address->ai_addr, address->ai_addrlen) != 0 ||
        listen(made->fd, POLICY_BACKLOG) != 0)
        return fail(err, where, "cannot listen");
    return MOX_OK;
}

static int listen_at_host(struct policy_sockets *sockets, const char *where, struct mox_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[HOST];
    int status = MOX_OK, failed;

    option_split_host_port(where, host, sizeof host); /* set_listen saw that it can */
    failed = getaddrinfo(host, strrchr(where, ':') + 1, &hints, &found);
    if (failed != 0)
        return tool_error(err, MOX_E_OS, MOX_STAGE_NONE, "--listen %s: %s", where,
                          gai_strerror(failed));
    for (const struct addrinfo *at = found; at != NULL && status == MOX_OK; at = at->ai_next)
        status = listen_at_address(sockets, at, where, err);
    freeaddrinfo(found);
    return status;
}

int policy_listen(struct policy_sockets *sockets, const struct list *where, uint32_t mode,
                  struct mox_error *err)
{
    int status = MOX_OK;

    for (size_t i = 0; i < where->count && status == MOX_OK; i++) {
        const char *item = where->items[i];

        status = strncmp(item, "unix:", 5) == 0 ? listen_at_path(sockets, item, mode, err)
                                                : listen_at_host(sockets, item, err);
    }
    return status;
}

void policy_listen_close(struct policy_sockets *sockets)
{
    struct stat info;

    for (size_t i = 0; i < sockets->count; i++) {
        const struct policy_socket *item = &sockets->items[i];

        if (item->path != NULL && lstat(item->path, &info) == 0 && info.st_dev == item->device &&
            info.st_ino == item->inode)
            unlink(item->path);
        close(item->fd);
    }
    sockets->count = 0;
}
