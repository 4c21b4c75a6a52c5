/*
 * tls_server.h - the server's end of TLS, by mbedTLS, without I/O: records in and out, words in and
 * out. Whoever has the connection carries the bytes.
 */
#ifndef SIM_TLS_SERVER_H
#define SIM_TLS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/sim/authority.h"

enum tls_server_version { TLS_SERVER_ANY = 0, TLS_SERVER_12, TLS_SERVER_13 };

struct tls_server_options {              /* what is zero has its default */
    const struct credential *credential; /* borrowed */
    enum tls_server_version version;     /* alone */
    const int *suites;                   /* 0 at the end; lives as long as the server; NULL: all */
    bool tickets, cache;                 /* what it resumes by; the cache is of TLS 1.2 */
    uint32_t ticket_life_s;              /* 0: a day */
    bool asks;                           /* for a client's certificate, and takes any */
    bool old_secret;                     /* no extended master secret (RFC 7627) */
    uint64_t seed;                       /* of its random numbers, but for mbedTLS's own of 1.3 */
};

struct tls_server;  /* what its sessions share: certificate, ticket keys, cache */
struct tls_session; /* one connection */

struct tls_server *tls_server_new(const struct tls_server_options *options);
void tls_server_free(struct tls_server *server); /* after its sessions; accepts NULL */

/* The keys of its tickets, and its cache, are made anew: nothing older is resumed. */
void tls_server_forget(struct tls_server *server);

struct tls_session *tls_session_new(struct tls_server *server);
void tls_session_free(struct tls_session *session); /* accepts NULL */

/* Bytes from the client; how many of them there was room for. */
size_t tls_session_feed(struct tls_session *session, const void *bytes, size_t len);

/* Bytes for the client, at most cap; 0: none now. */
size_t tls_session_take(struct tls_session *session, void *out, size_t cap);

/* Goes on with the handshake, then with what is to be read: the number of bytes that the client
 * said; 0: none now, or never again. */
size_t tls_session_read(struct tls_session *session, void *out, size_t cap);

/* After the handshake. False: it cannot be said (any more). */
bool tls_session_write(struct tls_session *session, const void *bytes, size_t len);

/* Alerts to the client: close_notify; a warning, which changes nothing; any other, which ends the
 * session. */
void tls_session_close(struct tls_session *session);
void tls_session_ask_again(struct tls_session *session); /* HelloRequest of TLS 1.2 */
void tls_session_warn(struct tls_session *session, int alert);
void tls_session_alert(struct tls_session *session, int alert);

enum tls_session_state {
    TLS_SESSION_HANDSHAKE = 0,
    TLS_SESSION_OPEN,
    TLS_SESSION_CLOSED, /* by close_notify of the client */
    TLS_SESSION_FAILED
};
enum tls_session_state tls_session_state(const struct tls_session *session);

bool tls_session_resumed(const struct tls_session *session);

/* Of one that failed by the client's alert: its number; -1: otherwise. */
int tls_session_alerted(const struct tls_session *session);

const char *tls_session_name(const struct tls_session *session); /* SNI; "": none */
const char *tls_session_version(const struct tls_session *session);

/* Whether the client showed a certificate. */
bool tls_session_certified(const struct tls_session *session);

/* tls-unique on TLS 1.2, tls-exporter on 1.3, as this end has it; the length, 0: none. */
size_t tls_session_binding(struct tls_session *session, unsigned char out[32]);

#endif
