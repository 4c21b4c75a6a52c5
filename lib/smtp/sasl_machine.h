/*
 * sasl_machine.h - a login and the table of mechanisms, for sasl*.c alone.
 *
 * To add a mechanism is to add a row. Each has at most two functions; `step` counts the challenges
 * that were answered, `done` says that all has been said.
 */
#ifndef SMTP_SASL_MACHINE_H
#define SMTP_SASL_MACHINE_H

#include <mbedtls/md.h>

#include "base/limits.h"
#include "smtp/sasl.h"

enum sasl_trait {
    SASL_PLUS = 1,        /* binds to the TLS channel */
    SASL_SECRET = 2,      /* whoever reads along has the password */
    SASL_TOKEN = 4,       /* takes a token for a password; shown too */
    SASL_CERTIFICATE = 8, /* rests on the client certificate */
    SASL_SCRAM = 16
};

enum {
    SASL_NONCE_TEXT = 32 /* bytes that hold it in base64; the RFCs' examples have more of it */
};

struct sasl {
    const struct sasl_mechanism *mechanism;
    struct sasl_facts facts; /* its password is the one below */
    char *password;          /* owned, wiped */
    unsigned step;
    bool done;
    bool failed; /* nothing is said any more */
    bool told;   /* the server said what is wrong: the login is, not the server */
    char detail[MOX_LIMIT_SASL_DETAIL];
    /* SCRAM alone */
    char nonce[SASL_NONCE_TEXT];                    /* as text */
    char header[sizeof "p=tls-server-end-point,,"]; /* the GS2 header (RFC 5802 section 7) */
    struct buffer bare;                             /* owned: client-first-message-bare */
    unsigned char signature[MBEDTLS_MD_MAX_SIZE];   /* what the server must prove itself with */
};

struct sasl_mechanism {
    const char *name;
    mbedtls_md_type_t md; /* the hash it needs; MBEDTLS_MD_NONE: none */
    unsigned traits;      /* enum sasl_trait bits */
    /* As sasl_first; NULL: there is no initial response. */
    int (*first)(struct sasl *sasl, struct buffer *out, struct mox_error *err);
    /* As sasl_next; NULL: no challenge may come. */
    int (*next)(struct sasl *sasl, struct slice challenge, struct buffer *out,
                struct mox_error *err);
};

/* The server's words, cleaned and cut as slice_clean does; not if it echoes the password. */
void sasl_words(const struct sasl *sasl, struct slice said, char *out, size_t cap);

int sasl_plain_first(struct sasl *sasl, struct buffer *out, struct mox_error *err);
int sasl_external_first(struct sasl *sasl, struct buffer *out, struct mox_error *err);
int sasl_login_next(struct sasl *sasl, struct slice challenge, struct buffer *out,
                    struct mox_error *err);
int sasl_cram_next(struct sasl *sasl, struct slice challenge, struct buffer *out,
                   struct mox_error *err);
int sasl_scram_first(struct sasl *sasl, struct buffer *out, struct mox_error *err);
int sasl_scram_next(struct sasl *sasl, struct slice challenge, struct buffer *out,
                    struct mox_error *err);
int sasl_bearer_first(struct sasl *sasl, struct buffer *out, struct mox_error *err);
int sasl_xoauth2_first(struct sasl *sasl, struct buffer *out, struct mox_error *err);
int sasl_bearer_next(struct sasl *sasl, struct slice challenge, struct buffer *out,
                     struct mox_error *err);
int sasl_xoauth2_next(struct sasl *sasl, struct slice challenge, struct buffer *out,
                      struct mox_error *err);

#endif
