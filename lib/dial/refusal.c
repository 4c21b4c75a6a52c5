/* refusal.c - see refusal.h. */
#include "dial/refusal.h"

#include <stdio.h>

#include "base/ip.h"
#include "dial/history.h"
#include "policy/classify.h"

static bool has_refused(const struct plan_host *host, int family)
{
    return family == MOX_IPV6 ? host->refused6 : host->refused4;
}

int refusal_other_family(const struct dial *d)
{
    const struct plan_candidate *present = d->attempt->candidate;
    int other = ip_other_family(present->view.ip.family), found = REFUSAL_OTHER_NONE;

    if ((d->plan->rules.families & ip_family_bit(other)) == 0 || has_refused(present->host, other))
        return REFUSAL_OTHER_NONE;
    for (size_t i = 0; i < d->plan->kept.len; i++) {
        const struct plan_candidate *candidate = plan_kept_at(d->plan, i);

        if (candidate->host != present->host || candidate->view.ip.family != other)
            continue;
        if (!candidate->tried)
            return REFUSAL_OTHER_LEFT;
        found = REFUSAL_OTHER_UNHEARD;
    }
    return present->host->looked_up ? found : REFUSAL_OTHER_LEFT; /* its answer may come yet */
}

static const char *family_text(int family)
{
    return family == MOX_IPV6 ? "IPv6" : "IPv4";
}

void refusal_take(struct dial *d, int stage, const struct mox_error *err)
{
    struct plan_candidate *candidate = d->attempt->candidate;
    int family = candidate->view.ip.family, other = ip_other_family(family);
    struct plan_host *host = candidate->host;
    char why[256];

    history_refused(d, err, NULL);
    if (policy_source_refusal(stage, err) == POLICY_SOURCE_NO)
        return;
    if (family == MOX_IPV6)
        host->refused6 = true;
    else
        host->refused4 = true;
    if ((d->plan->rules.families & ip_family_bit(other)) == 0 || has_refused(host, other))
        return;
    snprintf(why, sizeof why,
             "the other family of this host, for it refused our %s address: %d %.160s",
             family_text(family), (int)err->smtp_code, err->reply);
    d->flip_why = arena_text(&d->plan->arena, slice_of(why));
    d->flip_host = host;
    d->flip_family = other;
}
