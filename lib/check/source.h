/*
 * source.h - one address of ours, checked: its reverse DNS, the name in EHLO, SPF.
 */
#ifndef CHECK_SOURCE_H
#define CHECK_SOURCE_H

#include "lookup/address.h"
#include "lookup/reverse.h"
#include "policy/identity.h"
#include "spf/check.h"

/* What does not change from address to address. */
struct check_request {
    struct mox_ctx *ctx;
    const struct mox_config *config; /* NULL: none */
    const char *ehlo;                /* A-labels; NULL: none */
    const char *from_domain;         /* A-labels; NULL: not checked */
    struct lookup_rules rules;
    void (*changed)(void *arg); /* inside a dispatch, for each answer; what was started may be
                                   freed in it */
    void *arg;
};

/* For lookup_address_start, whose arg is the request. */
void check_on_address(void *request, struct lookup_address *address);

struct check_source {
    struct mox_ip local, ip; /* on this machine; public */
    struct lookup_reverse *reverse;
    struct lookup_address *ehlo; /* the addresses of that name */
    struct spf_check *spf, *spf_ehlo;
    /* The result; filled by check_source_take. */
    struct identity_facts facts; /* its texts belong to the above */
    struct identity_verdict verdict;
    struct mox_spf_result spf_result, spf_ehlo_result;
};

/* source: with its addresses, otherwise zero. request: borrowed until the end. MOX_OK, MOX_E_NOMEM.
 */
int check_source_start(struct check_source *source, const struct check_request *request);

bool check_source_finished(const struct check_source *source);

/* Of one that is finished. MOX_OK; else why there is no result, which is not about the address. */
int check_source_take(struct check_source *source, const struct check_request *request,
                      struct mox_error *err);

/* Ends what it has in flight. */
void check_source_end(struct check_source *source);

#endif
