/*
 * eval.h - check_host() of RFC 7208 as a machine that asks: it says its next question to DNS and
 * takes the answer, until the result is there. No I/O, no clock.
 *
 *   RECORD --the terms of a domain--> TERM --one that asks--> TARGET --its name--> ADDRESS, MX,
 *     ^                               ^  |                      |                  MX_HOST, EXISTS,
 *     |                               |  |                      |                  PTR, PTR_HOST
 *     |       include, redirect       |  |                      |                        |
 *     +-------------------------------|--|----------------------+        no match        |
 *                                     +--|-----------------------------------------------+
 *                                        | a match, or the last term
 *                                        v
 *                                      DONE, by EXP and EXPLAIN where a fail has exp=
 *
 * A name with %{p} goes round by PTR and PTR_HOST first. What is wrong leads to DONE from each.
 */
#ifndef SPF_EVAL_H
#define SPF_EVAL_H

#include <moxdial/check.h>

#include "base/arena.h"
#include "base/domain.h"
#include "dns/answer.h"
#include "spf/identity.h"
#include "spf/names.h"
#include "spf/record.h"

enum spf_state {
    SPF_STATE_RECORD = 0,
    SPF_STATE_TERM,
    SPF_STATE_TARGET,
    SPF_STATE_ADDRESS,
    SPF_STATE_EXISTS,
    SPF_STATE_MX,
    SPF_STATE_MX_HOST,
    SPF_STATE_PTR,
    SPF_STATE_PTR_HOST,
    SPF_STATE_EXP,
    SPF_STATE_EXPLAIN,
    SPF_STATE_DONE,
    SPF_STATE_WAIT /* none of them: a question is open */
};

enum { SPF_QUESTION = 4 * MOX_LIMIT_DOMAIN + 1 }; /* bytes of any name with its escapes, and NUL */

struct spf_answer {           /* borrowed */
    const char *failure;      /* why there is none, one sentence; NULL: there is one */
    size_t count;             /* 0: no such name, or no such record */
    struct mox_ip *addresses; /* A, AAAA */
    struct dns_item *items;   /* all other types */
};

struct spf_frame { /* a record under way */
    struct domain domain;
    struct slice terms, exp; /* those that are left; domain-spec, empty: none */
    struct slice redirect;   /* the whole term; empty: none, or followed */
    struct spf_term term;    /* that is being looked at; no text: the record has ended */
    struct domain validated; /* %{p}; len 0: not known yet */
};

struct spf_eval {
    uint8_t state;   /* enum spf_state */
    uint8_t then;    /* after %{p} */
    bool naming;     /* PTR is asked for %{p} */
    bool counted;    /* the term has found nothing once */
    bool explaining; /* the result is there, and what is asked now counts for nothing */
    int status;      /* MOX_E_NOMEM: it ends without a result */
    struct {
        char name[SPF_QUESTION]; /* as dns ops take it; "": it is done */
        uint16_t type;
    } question;

    struct mox_spf_result result;
    struct spf_values values; /* but for those of a record; in the arena */
    struct arena arena;       /* the records too */
    struct slice explain;     /* explain-string */
    struct domain target;     /* of the term */
    struct spf_names names;
    struct domain hosts[MOX_LIMIT_SPF_MX];
    size_t nhosts, at; /* at: of hosts or names, which is being asked for */
    size_t depth;      /* of the frame on top */
    struct spf_frame frames[MOX_LIMIT_SPF_DEPTH];
};

/*
 * Begins; eval is all zero. Afterwards and after each answer eval->question is to be asked, or
 * eval->result holds. MOX_OK; MOX_E_NOMEM: it has ended. To be ended by spf_eval_free in any case.
 */
int spf_eval_begin(struct spf_eval *eval, const struct spf_request *request);

/* Takes the answer to the question. As spf_eval_begin. */
int spf_eval_answer(struct spf_eval *eval, const struct spf_answer *answer);

/* Ends it where it stands: no more time. A fail stays one, though unexplained. why: a sentence. */
void spf_eval_stop(struct spf_eval *eval, const char *why);

static inline bool spf_eval_done(const struct spf_eval *eval)
{
    return eval->question.name[0] == '\0';
}

void spf_eval_free(struct spf_eval *eval);

#endif
