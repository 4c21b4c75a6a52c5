/*
 * sasl.h - AUTH mechanisms (RFC 4954, RFC 4422; semantics.md 8.4) as a machine without I/O: raw
 * challenges in, raw responses out; base64 and the lines are the session's.
 */
#ifndef SMTP_SASL_H
#define SMTP_SASL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/buffer.h"
#include "base/slice.h"

enum { SASL_NONCE = 12 /* random bytes */, SASL_BINDING = 32 /* bytes at most */ };

/* What the choice and the mechanisms rest on. A login copies it, and its password, which it wipes;
 * the other texts are borrowed until sasl_free. */
struct sasl_facts {
    const char *const *mechanisms;   /* the transport's, NULL at the end; NULL: mox's five */
    const char *username, *password; /* of OAUTHBEARER and XOAUTH2 the token; NULL: empty */
    const char *host;                /* for OAUTHBEARER: as the transport has it */
    uint16_t port;                   /* the same */
    bool tls;                        /* the session is encrypted */
    bool certificate;                /* … and we showed a client certificate */
    const char *binding_name;        /* "tls-exporter", "tls-unique"; NULL: no channel binding */
    unsigned char binding[SASL_BINDING];
    size_t binding_len;
    unsigned char nonce[SASL_NONCE]; /* fresh and random */
};

struct sasl_mechanism; /* of the table */
struct sasl;           /* one login */

/*
 * The first mechanism of the list that the server announced and that may be used here: PLUS only
 * with a channel binding, those that show the secret only over TLS, EXTERNAL only with a client
 * certificate. offered: as the server said it in EHLO, in capitals, a blank between; NULL: no AUTH.
 * NULL: none; err is MOX_E_AUTH, permanent as mox has it, and says what was offered, what is
 * configured and why nothing fits.
 */
const struct sasl_mechanism *sasl_choose(const struct sasl_facts *facts, const char *offered,
                                         struct mox_error *err);
const char *sasl_mechanism_name(const struct sasl_mechanism *mechanism);

/* Whether the mechanism takes a token rather than the password. */
bool sasl_wants_token(const struct sasl_mechanism *mechanism);

/* offered: as above, for SCRAM's "y" flag. NULL: no memory. */
struct sasl *sasl_new(const struct sasl_mechanism *mechanism, const struct sasl_facts *facts,
                      const char *offered);

/*
 * The initial response, appended to out, raw. 1: there is one (it may be empty), 0: there is none;
 * MOX_E_INVAL: the name or the password cannot be used with it (err says which, not what);
 * MOX_E_NOMEM.
 */
int sasl_first(struct sasl *sasl, struct buffer *out, struct mox_error *err);

/*
 * The answer to a challenge, appended to out, raw. MOX_OK; MOX_E_AUTH: the server broke the
 * mechanism or failed to prove itself: say "*"; MOX_E_NOMEM. No secret is in err. SCRAM computes
 * here for as long as the server wants, up to about a second (MOX_LIMIT_SCRAM_ITERATIONS). A
 * challenge may come after sasl_done too: that is how OAUTHBEARER and XOAUTH2 tell a failure.
 */
int sasl_next(struct sasl *sasl, struct slice challenge, struct buffer *out, struct mox_error *err);

/* The mechanism's name, "PLAIN". */
const char *sasl_name(const struct sasl *sasl);

/* All has been said: 235 may come now, and before not. */
bool sasl_done(const struct sasl *sasl);

/*
 * What the server told about a failure inside the mechanism, the JSON of OAUTHBEARER and XOAUTH2,
 * cleaned and cut; it belongs beside the reply that ends the login. NULL: nothing.
 */
const char *sasl_detail(const struct sasl *sasl);

/* Wipes and frees; accepts NULL. */
void sasl_free(struct sasl *sasl);

#endif
