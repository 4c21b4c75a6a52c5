/*
 * dns_thread.h - a name server on loopback, over UDP and TCP, in a thread of the test. It knows one
 * address: every name has the A record 192.0.2.25, and no record of any other type.
 */
#ifndef DNS_THREAD_H
#define DNS_THREAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum dns_thread_mode {
    DNS_THREAD_ANSWERS,
    DNS_THREAD_FAILS,   /* SERVFAIL, with the extended error "DNSSEC Bogus" and a text */
    DNS_THREAD_CUTS,    /* over UDP nothing but the TC bit */
    DNS_THREAD_OLD,     /* FORMERR for whatever has an OPT record */
    DNS_THREAD_IS_SLOW, /* it answers when the mode is another again */
    DNS_THREAD_IS_SILENT
};

enum { DNS_THREAD_EDE_BOGUS = 6 };
#define DNS_THREAD_EDE_TEXT "signature expired"

struct dns_thread {
    pthread_t thread;
    int udp, tcp, stop[2];
    char server[32];                 /* for mox_ctx_options::dns_servers */
    atomic_int mode, by_udp, by_tcp; /* enum dns_thread_mode; questions that came */
};

/* Asserts that there is a loopback. */
void dns_thread_start(struct dns_thread *server, enum dns_thread_mode mode);
void dns_thread_stop(struct dns_thread *server);

#endif
