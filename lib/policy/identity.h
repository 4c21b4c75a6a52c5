/*
 * identity.h - is an address of ours good to send from? From what DNS says of it: what is wrong, in
 * a sentence, and the record that mends it. Pure.
 */
#ifndef POLICY_IDENTITY_H
#define POLICY_IDENTITY_H

#include <stdbool.h>

#include <moxdial/check.h>

#include "base/text.h"

enum identity_reverse {
    IDENTITY_REVERSE_UNKNOWN = 0, /* DNS did not answer */
    IDENTITY_REVERSE_NONE,        /* there is no name */
    IDENTITY_REVERSE_UNCONFIRMED, /* no name leads back to the address */
    IDENTITY_REVERSE_CONFIRMED
};

struct identity_facts { /* of one address; strings are borrowed */
    struct mox_ip ip;   /* as the world sees it */
    bool hidden;        /* private, and nothing says which public one stands for it */
    const char *ehlo;   /* the name in EHLO; NULL: none, so it is the address as a literal */
    int ehlo_leads;     /* 1: the EHLO name has this address; 0: it has not; -1: not known */
    enum identity_reverse reverse;
    const char *ptr; /* the name that leads back, else one of them; NULL: none */
    const char *why; /* of REVERSE_UNKNOWN: a sentence */
    const struct mox_spf_result *spf, *spf_ehlo; /* of the sender's domain, of EHLO; NULL: not
                                                    checked */
};

enum { IDENTITY_TEXT = 512 }; /* bytes that hold a problem or a cure, and NUL */

struct identity_verdict {
    int verdict;                 /* enum mox_verdict */
    char problem[IDENTITY_TEXT]; /* the gravest; "": none */
    char cure[IDENTITY_TEXT];    /* a record to create, or what to configure; "": none */
};

void identity_judge(const struct identity_facts *facts, struct identity_verdict *out);

/* Whether the address is as RequireReverseDNS wants it, as far as it is known. */
static inline bool identity_reverse_fails(const struct identity_facts *facts)
{
    return facts->reverse == IDENTITY_REVERSE_NONE ||
           facts->reverse == IDENTITY_REVERSE_UNCONFIRMED;
}

static inline bool identity_spf_fails(const struct mox_spf_result *spf)
{
    return spf->result == MOX_SPF_FAIL || spf->result == MOX_SPF_SOFTFAIL;
}

/* What is wrong, and the record that mends it, of an address that fails. */
void identity_reverse_problem(struct text *out, const struct identity_facts *facts);
void identity_reverse_cure(struct text *out, const struct identity_facts *facts);
void identity_spf_problem(struct text *out, const struct mox_spf_result *spf);
void identity_spf_cure(struct text *out, const struct mox_spf_result *spf);

/* A name as providers make them for all of their addresses, which many receivers refuse: it has the
 * address in it, or a word like "dynamic". */
bool identity_name_is_generated(const char *name, const struct mox_ip *ip);

#endif
