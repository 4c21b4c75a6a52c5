/*
 * check.h - an SPF check that asks DNS: the evaluator (eval.h) over the dns ops. For the public
 * calls, and for whoever needs a check as a part of its own work.
 */
#ifndef SPF_CHECK_H
#define SPF_CHECK_H

#include <stdbool.h>

#include <moxdial/check.h>

#include "ctx/ctx.h"

struct spf_check;

/*
 * request: complete, its size is not looked at; copied but for config, which is not kept. Its ip is
 * the one that is checked: the NAT map is the caller's business. done:
 * inside a dispatch, once, unless the check has finished when this returns; the check may be freed
 * in it. NULL: no memory. To be ended by spf_check_free.
 */
struct spf_check *spf_check_start(struct mox_ctx *ctx, const struct mox_spf_request *request,
                                  void (*done)(void *arg), void *arg);

bool spf_check_finished(const struct spf_check *check);

/* Of one that has finished. MOX_OK: *out holds; MOX_E_UNSUPPORTED: no DNS; MOX_E_NOMEM. */
int spf_check_result(const struct spf_check *check, struct mox_spf_result *out,
                     struct mox_error *err);

/* For how many seconds its answers hold: the least of those that told something; UINT32_MAX: none
 * did. */
uint32_t spf_check_ttl(const struct spf_check *check);

/* Whether it may differ from sender to sender of one domain: a record asks for the local part. */
bool spf_check_is_of_sender(const struct spf_check *check);

/* Ends what it has in flight. Accepts NULL. */
void spf_check_free(struct spf_check *check);

#endif
