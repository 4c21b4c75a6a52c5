/*
 * descriptor.c - see descriptor.h. Where the system has no flag for it, close-on-exec comes by
 * fcntl: a fork and exec of another thread just then would inherit the descriptor.
 */
#include "os/system.h"

#include "os/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#if OS_IS_LINUX
#include <sys/eventfd.h>
#endif

#if !OS_IS_LINUX || !defined(SOCK_CLOEXEC)
/* 0, or -1 with errno and the descriptor closed. */
static int prepare(int fd)
{
    int flags = fcntl(fd, F_GETFL), error;

    if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
        fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
        return 0;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}
#endif

#if defined(SOCK_CLOEXEC) && defined(SOCK_NONBLOCK)
int os_descriptor_socket(int family, int type)
{
    return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}
#else
int os_descriptor_socket(int family, int type)
{
    int fd = socket(family, type, 0);

    return fd >= 0 && prepare(fd) != 0 ? -1 : fd;
}
#endif

#if OS_IS_LINUX
int os_waker_open(struct os_waker *waker)
{
    waker->read_fd = waker->write_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return waker->read_fd < 0 ? -1 : 0;
}
#else
int os_waker_open(struct os_waker *waker)
{
    int ends[2];

    if (pipe(ends) != 0)
        return -1;
    if (prepare(ends[0]) != 0) {
        close(ends[1]);
        return -1;
    }
    if (prepare(ends[1]) != 0) {
        close(ends[0]);
        return -1;
    }
    waker->read_fd = ends[0];
    waker->write_fd = ends[1];
    return 0;
}
#endif

void os_waker_ring(const struct os_waker *waker)
{
    static const uint64_t one = 1; /* what an eventfd takes; a pipe takes anything */
    int error = errno;
    ssize_t n;

    do {
        n = write(waker->write_fd, &one, sizeof one);
    } while (n < 0 && errno == EINTR);
    errno = error; /* EAGAIN: it is full, so it is readable already */
}

void os_waker_drain(const struct os_waker *waker)
{
    char rings[512];
    ssize_t n;

    do {
        n = read(waker->read_fd, rings, sizeof rings);
    } while (n == (ssize_t)sizeof rings || (n < 0 && errno == EINTR));
}

void os_waker_close(const struct os_waker *waker)
{
    close(waker->read_fd);
    if (waker->write_fd != waker->read_fd)
        close(waker->write_fd);
}
