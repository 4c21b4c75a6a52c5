/*
 * tls_flight.h - what lies between mbedTLS and the stream below: the records of a flight leave as
 * one, and what the server sends is read ahead. By itself mbedTLS makes a system call of each
 * record that it sends, and two, header and body, of each that it reads; in a resumed handshake
 * they cost as much as its cryptography.
 *
 * Memory is held only while bytes are in it. Without memory the bytes go as mbedTLS has them.
 */
#ifndef STREAM_TLS_FLIGHT_H
#define STREAM_TLS_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stream/stream.h"

struct tls_flight {      /* all zero: empty */
    unsigned char *out;  /* held back, [sent, held) is still to go; NULL: nothing */
    unsigned char *in;   /* read ahead, [at, len) is not yet asked for; NULL: nothing */
    uint16_t sent, held; /* sent < held */
    uint16_t at, len;    /* at < len */
};

/* Whether a flight is held back; whether there are bytes to read that the stream below has no more.
 */
static inline bool tls_flight_holds(const struct tls_flight *f)
{
    return f->out != NULL;
}

static inline bool tls_flight_is_ahead(const struct tls_flight *f)
{
    return f->in != NULL;
}

/* As write of a stream, but what fits in MOX_LIMIT_TLS_FLIGHT is held back. */
int tls_flight_gather(struct tls_flight *f, struct stream *under, const void *buf, size_t len,
                      size_t *n);

/* What is held back, until all of it has left: MOX_OK; else what the stream below says. */
int tls_flight_send(struct tls_flight *f, struct stream *under);

/* As write of a stream. What is held back goes before it, together with it where it fits, and
 * nothing of buf is held back. */
int tls_flight_write(struct tls_flight *f, struct stream *under, const void *buf, size_t len,
                     size_t *n);

/* As read of a stream; up to MOX_LIMIT_TLS_AHEAD bytes are read at once. What is held back is the
 * caller's to send first. */
int tls_flight_read(struct tls_flight *f, struct stream *under, void *buf, size_t cap, size_t *n);

/* What was held back or read ahead is gone. */
void tls_flight_end(struct tls_flight *f);

#endif
