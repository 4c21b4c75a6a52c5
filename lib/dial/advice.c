/* advice.c - see advice.h. */
#include "dial/advice.h"

#include "base/ip.h"
#include "dial/history.h"
#include "dial/hosts.h"
#include "dial/outcome.h"
#include "dial/refusal.h"
#include "smtp/result.h"

enum { CODE_PERMANENT = 500 };

struct advice_count advice_count(const struct mox_rcpt_result *results, size_t n)
{
    struct advice_count count = {0};

    for (size_t i = 0; i < n; i++) {
        const struct mox_rcpt_result *result = &results[i];

        if (smtp_result_is_open(result))
            continue;
        if (result->state == MOX_RCPT_ACCEPTED)
            count.accepted++;
        else if (result->state == MOX_RCPT_PERMANENT)
            count.permanent++;
        else
            count.temporary++;
    }
    return count;
}

/* Here and now: not by another server, in an earlier call. */
static bool is_of_session(const struct dial *d, const struct mox_rcpt_result *result)
{
    return ip_equal(&result->remote, &d->attempt->candidate->view.ip);
}

static void learn(struct dial *d, const char *rcpt, const struct mox_rcpt_result *result)
{
    struct mox_error err;

    if (result->state == MOX_RCPT_ACCEPTED || result->stage > MOX_STAGE_RCPT) {
        history_accepted(d, rcpt);
    } else if (result->code == MOX_E_REFUSED) {
        smtp_result_error(result, &err);
        history_refused(d, &err, rcpt);
    }
}

void advice_learn(struct dial *d, const struct mox_message *message,
                  const struct mox_rcpt_result *results)
{
    for (size_t i = 0; i < message->nrcpts; i++) {
        if (is_of_session(d, &results[i]))
            learn(d, message->rcpts[i].address, &results[i]);
    }
}

/* A 5xx for which another candidate would be tried: it is about our address, and nobody was
 * answered otherwise before. */
static bool is_about_source(const struct mox_rcpt_result *result)
{
    return result->code == MOX_E_REFUSED && result->action == MOX_ACTION_NEXT &&
           result->smtp_code >= CODE_PERMANENT && result->stage <= MOX_STAGE_RCPT;
}

static void give_up(struct mox_rcpt_result *result)
{
    result->state = MOX_RCPT_PERMANENT;
    result->action = MOX_ACTION_GIVE_UP;
}

/* Nobody is left to be asked. */
static void end(const struct dial *d, int other, struct mox_rcpt_result *result)
{
    bool other_day = other == REFUSAL_OTHER_UNHEARD && d->plan->rules.attempts == 0; /* as in mox */

    if (other_day || !outcome_others_refused(d))
        result->action = MOX_ACTION_LATER;
    else
        give_up(result);
}

static void settle(const struct dial *d, struct mox_rcpt_result *result)
{
    int other = refusal_other_family(d);

    result->state = MOX_RCPT_TEMPORARY;
    if (other != REFUSAL_OTHER_LEFT && !hosts_others_left(d, d->attempt->candidate->host))
        end(d, other, result);
}

void advice_settle(const struct dial *d, struct mox_rcpt_result *results, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is_about_source(&results[i]))
            settle(d, &results[i]);
    }
}
