/*
 * macro.h - macro strings of SPF records (RFC 7208 section 7): their syntax, and what they expand
 * to.
 *
 * Both the text and most of the values come from strangers: the text from the domain's owner, HELO
 * and local part from the client. Expanding stops where the output is full.
 */
#ifndef SPF_MACRO_H
#define SPF_MACRO_H

#include <stdbool.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/slice.h"
#include "base/text.h"

/* What the letters stand for; borrowed, all of it. */
struct spf_values {
    struct slice local;         /* l; s is it, '@' and o */
    struct slice sender_domain; /* o */
    struct slice domain;        /* d: whose record it is */
    struct slice helo;          /* h */
    struct slice receiver;      /* r */
    struct slice validated;     /* p */
    struct mox_ip ip;           /* i, v, c */
    int64_t unix_s;             /* t */
};

/* domain-spec: a macro string that ends in a macro or in a label that can be a top-level one. */
bool spf_is_domain_spec(struct slice text);

/* macro-string, as unknown modifiers have it: of all letters. */
bool spf_is_macro_string(struct slice text);

/* explain-string: blanks and all letters are allowed. */
bool spf_is_explain_string(struct slice text);

/* Whether the macro of this letter, given in lower case, stands in it; the text is valid. */
bool spf_uses_macro(struct slice text, char letter);

/*
 * Appends what valid text expands to. MOX_OK; MOX_E_LIMIT: out is full, and holds the beginning;
 * MOX_E_INVAL: it names a local part that is not ASCII, which matches nothing (RFC 8616 section 4).
 */
int spf_expand(struct slice text, const struct spf_values *values, struct text *out);

#endif
