/*
 * record.h - an SPF record cut into its terms (RFC 7208 sections 4.5, 4.6 and 12).
 *
 * The record is foreign. It is looked at as a whole before one term counts, for a fault anywhere
 * spoils all of it; afterwards its terms are read from the text again, one by one, so that no
 * length of it costs memory. It is no longer than rdata can be: 64 KiB.
 */
#ifndef SPF_RECORD_H
#define SPF_RECORD_H

#include "base/ip.h"
#include "base/slice.h"

enum spf_kind {
    SPF_ALL = 0,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
    SPF_REDIRECT,
    SPF_EXP,
    SPF_UNKNOWN /* a modifier that we do not know, and pass over */
};

struct spf_term {
    uint8_t kind;            /* enum spf_kind */
    char qualifier;          /* of a mechanism: one of + - ~ ? */
    struct slice text;       /* as it was written */
    struct slice spec;       /* domain-spec; empty: the domain itself */
    struct ip_prefix prefix; /* of ip4 and ip6 */
    int bits4, bits6;        /* of a and mx: how much of an address must be the same */
};

struct spf_record { /* all of it parts of the text */
    struct slice terms;
    struct slice redirect, exp; /* whole terms; empty: there is none */
};

/* Whether a TXT record is an SPF record; case does not count (section 4.5, and 12). */
bool spf_is_record(struct slice text);

/*
 * Cuts a record. NULL: out holds, and all of its terms are well-formed. Else what is wrong, as
 * words to be put behind *fault, which is the term that is at fault.
 */
const char *spf_record_read(struct slice text, struct spf_record *out, struct slice *fault);

/* Takes the next term off terms that are well-formed; false: there is none left. */
bool spf_term_next(struct slice *terms, struct spf_term *out);

#endif
