/*
 * tls.h - a TLS client over any stream, by mbedTLS (2.28 or 3.6: base/mbed.h).
 *
 * The handshake proves nothing by itself: it takes whatever certificate comes, and the owner looks
 * at tls_chain before it says another word (policy/certificate.h, policy/dane.h). What it found is
 * kept with the session (tls_keep), so that a resumed session is as good as the one it came of: the
 * key under which it is kept holds all that the finding rests on.
 *
 * TLS 1.2 at least, no renegotiation, groups x25519, P-256, P-384, P-521.
 */
#ifndef STREAM_TLS_H
#define STREAM_TLS_H

#include <stdint.h>

#include "ctx/ctx.h"
#include "stream/stream.h"

struct mbedtls_x509_crt;
struct tls_identity; /* a client certificate and its key */

enum { TLS_KEY = 32 /* bytes: SHA-256 */, TLS_BINDING = 32 /* bytes at most */ };

struct tls_options {
    const char *sni;          /* A-labels, copied; NULL: none */
    const unsigned char *key; /* TLS_KEY bytes, copied; NULL: never resumed, never kept */
    const struct tls_identity *identity; /* must outlive the stream; NULL: none */
    bool narrow;                         /* after tls_wants_narrow */
};

/* What was found out about a server; kept with a session. All of it is copied; one of more than
 * MOX_LIMIT_TLS_SESSION bytes is not kept. */
struct tls_proof {
    int32_t verified;         /* enum mox_tls_need that was proven: MOX_TLS_NONE, _PKIX, _DANE */
    uint8_t pkix, dane;       /* enum certificate_fault, enum dane_fault: what a report says of it,
                                 whatever had to be proven */
    const char *by;           /* the TLSA record or the name that matched; NULL: nothing proven */
    const char *const *names; /* DNS names of the certificate, NULL at the end */
    int64_t expires_s;        /* of the certificate, unix; for people */
    int64_t until_s;          /* unix: a kept session does not outlive it; 0: no such date */
};

/*
 * under: an open stream with nothing unread in it; owned by the new one from MOX_OK on, and *out is
 * set then alone. `opened` does the handshake and asks the stream below for what it needs, so its
 * owner has only to call it again when told that it is ready. Where the last flight is ours, it
 * leaves with what the owner writes first, or when it reads or says what it wants, which it must
 * (0 will do). MOX_OK, MOX_E_NOMEM, MOX_E_OS (no randomness), with err.
 *
 * Beyond stream.h: read gives MOX_E_EOF after close_notify and MOX_E_CLOSED where the connection
 * just ended; other failures are MOX_E_TLS or the lower stream's; `failure` has the words, with
 * MOX_STAGE_TLS: the alert that came, the version or suite not agreed on, in a sentence. A
 * connection that ends in the handshake is MOX_E_TLS. A write that said MOX_E_AGAIN must be tried
 * again with the same bytes; there may be more behind them. `fd` gives none.
 *
 * A handshake that fails after a kept session was offered has it forgotten, so the next one is a
 * full one.
 */
int tls_open(struct mox_ctx *ctx, struct stream *under, const struct tls_options *options,
             struct stream **out, struct mox_error *err);

/* Of an open one. "TLSv1.2", "TLSv1.3"; the suite's IANA name. */
const char *tls_version(const struct stream *s);
const char *tls_cipher(const struct stream *s);

/* The chain as the server sent it, leaf first; NULL: the session was resumed. Borrowed. */
const struct mbedtls_x509_crt *tls_chain(const struct stream *s);

/* What was kept with the session; NULL: this handshake was a full one. Borrowed. */
const struct tls_proof *tls_proof(const struct stream *s);

/* The handshake failed by something that a second one need not offer (base/mbed.h). */
bool tls_wants_narrow(const struct stream *s);

/* A kept session was offered in the handshake, taken or not. */
bool tls_offered(const struct stream *s);

/* The server is as it must be: the session, or the ticket when it comes, may be kept with this. Not
 * called for one that must not be resumed. Without memory it just is not kept. Nothing is to be
 * done for a session that was itself resumed. */
void tls_keep(struct stream *s, const struct tls_proof *proof);

/* The server is not as it must be: bad_certificate is sent as an alert when the stream is closed,
 * and what is kept under its key is forgotten. */
void tls_reject(struct stream *s);

/*
 * Channel binding (RFC 5929 tls-unique on TLS 1.2, RFC 9266 tls-exporter on TLS 1.3): bytes in
 * data, their number in *len, its name for SCRAM as the result; NULL: this build or this session
 * has none that is sure to be right.
 */
const char *tls_binding(struct stream *s, unsigned char data[TLS_BINDING], size_t *len);

/* Frees what it can free early: the chain and the handshake's memory. After tls_keep. */
void tls_settle(struct stream *s);

/* PEM files; key NULL: it is in the same file. MOX_E_CONFIG (what is wrong with which file),
 * MOX_E_NOMEM, and what keeps a file from being read. */
int tls_identity_load(const char *certificate, const char *key, struct tls_identity **out,
                      struct mox_error *err);
void tls_identity_free(struct tls_identity *identity); /* accepts NULL; wipes the key */

#endif
