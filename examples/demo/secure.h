/*
 * secure.h - the TLS of the demo's mail server: its certificates, and its sessions over sockets.
 */
#ifndef DEMO_SECURE_H
#define DEMO_SECURE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct secure;         /* the certificates, and how TLS is spoken */
struct secure_session; /* one connection */

/* mx.dane.example signs for itself, smarthost.example has an authority; whoever asks for another
 * name gets the first. NULL: mbedTLS fails. */
struct secure *secure_new(void);
void secure_free(struct secure *secure); /* accepts NULL */

/* The authority's certificate, PEM. */
const char *secure_authority(const struct secure *secure);

/* Of the key of the host that is so named: 32 bytes, see papers_hash. */
bool secure_hash(const struct secure *secure, const char *host, unsigned char *hash);

/* Both are borrowed until secure_close. NULL: mbedTLS fails. */
struct secure_session *secure_accept(const struct secure *secure, int fd);

/* Shakes hands first. The bytes read; 0: they are still to come; -1: it is over. */
ssize_t secure_read(struct secure_session *session, char *out, size_t cap);
void secure_write(struct secure_session *session, const char *text);

void secure_close(struct secure_session *session); /* accepts NULL */

#endif
