/*
 * smtp_thread.h - an SMTP server on loopback, in a thread of the test: for connections that are
 * real descriptors.
 */
#ifndef SMTP_THREAD_H
#define SMTP_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct smtp_thread {
    pthread_t thread;
    int fd;                             /* it listens */
    uint16_t port;                      /* on 127.0.0.1 */
    char server[32];                    /* for mox_dial_request::server */
    atomic_int greeted, quits, hung_up; /* clients; those that said QUIT, and that did not */
};

/* False: there is no loopback. */
bool smtp_thread_start(struct smtp_thread *server);

/* Its clients have hung up. */
void smtp_thread_stop(struct smtp_thread *server);

#endif
