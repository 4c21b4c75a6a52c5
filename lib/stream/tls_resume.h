/*
 * tls_resume.h - one stream's part in resumption: what it offers, and what is kept of it.
 *
 * TLS 1.2 has its ticket, or its session's id, when the handshake ends; TLS 1.3 sends tickets when
 * it likes. A session of 1.2 is kept when the owner is content with the server (tls_keep), one of
 * 1.3 when both have come.
 */
#ifndef STREAM_TLS_RESUME_H
#define STREAM_TLS_RESUME_H

#include "stream/tls_part.h"

struct tls_resume {
    unsigned char key[TLS_KEY];
    bool keyed;          /* it may be resumed and kept */
    bool offered;        /* the handshake began with a kept session */
    bool resumed;        /* and the server took it */
    bool bound;          /* tls_hello_extends_secret, of all handshakes the session goes back to */
    bool ticketed;       /* TLS 1.3: a ticket has come */
    uint64_t ticket;     /* a hash of the one that was offered */
    struct tls_kept *of; /* what the offered session was kept with; NULL: none was offered */
    struct tls_kept *keep; /* what to keep a session with; NULL: the owner has not said */
};

/* Before the handshake: offers what is kept. MOX_OK, also if there is nothing; MOX_E_NOMEM. */
int tls_resume_offer(struct tls_resume *r, struct tls_part *part, mbedtls_ssl_context *ssl);

/* After it. bound: this handshake's. What was resumed is kept on with what it was kept with. */
void tls_resume_opened(struct tls_resume *r, struct tls_part *part, const mbedtls_ssl_context *ssl,
                       bool bound);

/* The owner is content with a server that it looked at; a ticket has come. */
void tls_resume_keep(struct tls_resume *r, struct tls_part *part, const mbedtls_ssl_context *ssl,
                     const struct tls_proof *proof);
void tls_resume_ticket(struct tls_resume *r, struct tls_part *part, const mbedtls_ssl_context *ssl);

/* What is kept under the key is no good. */
void tls_resume_forget(struct tls_resume *r, struct tls_part *part);

void tls_resume_end(struct tls_resume *r);

#endif
