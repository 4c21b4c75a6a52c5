/*
 * descriptor.h - descriptors as this library makes them: close-on-exec, non-blocking. And a waker,
 * which makes one readable from another thread or from a signal handler.
 */
#ifndef OS_DESCRIPTOR_H
#define OS_DESCRIPTOR_H

/* The descriptor, or -1 and errno. family, type: of socket(2). */
int os_descriptor_socket(int family, int type);

struct os_waker { /* an eventfd, where both ends are one, or a pipe */
    int read_fd, write_fd;
};

/* 0, or -1 and errno; then there is nothing to close. */
int os_waker_open(struct os_waker *waker);

/* read_fd becomes readable. Async-signal-safe; errno is left as it was. */
void os_waker_ring(const struct os_waker *waker);

/* However often it rang: read_fd is readable no more. */
void os_waker_drain(const struct os_waker *waker);
void os_waker_close(const struct os_waker *waker);

#endif
