/* report.c - see report.h. */
#include "dial/report.h"

#include <stdio.h>

#include "base/buffer.h"
#include "dial/secure.h"

struct finding { /* of one attempt */
    const char *type, *code;
};

/* Reports are about domains and their hosts (semantics.md 7.5): not about smarthosts, literals, or
 * the second try in clear. */
static bool is_reported(const struct dial *d)
{
    return d->plan->rules.target == REQUEST_DOMAIN && request_smarthost(&d->plan->rules) == NULL &&
           !d->attempt->plain;
}

static const char *arena_format_code(struct dial *d, int code)
{
    char text[48];

    snprintf(text, sizeof text, "smtp-starttls-reply-code-%d", code);
    return arena_text(&d->plan->arena, slice_of(text));
}

/* What ended TLS before it was up. */
static struct finding failure_of(struct dial *d, const struct mox_error *err)
{
    const struct plan_tls *tls = secure_tls(d);

    if (err->code == MOX_E_REFUSED)
        return (struct finding){"starttls-not-supported", arena_format_code(d, err->smtp_code)};
    if (err->code != MOX_E_VERIFY)
        return (struct finding){"validation-failure",
                                arena_text(&d->plan->arena, slice_of(err->message))};
    if (tls->demand.dane && d->fault == CERTIFICATE_GOOD)
        return (struct finding){"validation-failure", "dane-no-match"};
    return (struct finding){certificate_fault_name(d->fault), NULL};
}

static struct finding find(struct dial *d, const struct mox_error *err)
{
    const struct plan_tls *tls = secure_tls(d);
    bool unusable = tls->nrecords > 0 && !tls->demand.dane;

    if (d->proof != NULL)
        return (struct finding){"success", unusable ? "all-unusable-records+ignored" : NULL};
    if (err != NULL && err->stage == MOX_STAGE_TLS)
        return failure_of(d, err);
    if (smtp_session_stage(&d->smtp) > MOX_STAGE_EHLO) /* it went on without */
        return (struct finding){"starttls-not-supported", NULL};
    return (struct finding){NULL, NULL};
}

/* The TLSA records, a line each; NULL: no memory. */
static const char *policy_lines(struct dial *d)
{
    const struct plan_tls *tls = secure_tls(d);
    struct buffer lines = {0};
    const char *text = NULL;
    int status = MOX_OK;

    for (size_t i = 0; i < tls->nrecords && status == MOX_OK; i++) {
        size_t len = dane_record_text(&tls->records[i], NULL, 0);
        char *room = buffer_room(&lines, len + 2);

        if (room == NULL) {
            status = MOX_E_NOMEM;
            break;
        }
        dane_record_text(&tls->records[i], room, len + 1);
        room[len] = '\n';
        buffer_grown(&lines, len + 1);
    }
    if (status == MOX_OK && tls->nrecords > 0)
        text = arena_text(&d->plan->arena,
                          slice_sub(buffer_slice(&lines), 0, buffer_slice(&lines).len - 1));
    buffer_free(&lines);
    return text;
}

void report_attempt(struct dial *d, const struct mox_error *err)
{
    struct mox_attempt *attempt = &d->attempt->view;
    struct mox_plan_info *info = &d->plan->info;
    const struct plan_tls *tls = secure_tls(d);
    struct finding finding;

    if (!is_reported(d) || attempt->tls_result_type != NULL)
        return;
    finding = find(d, err);
    if (finding.type == NULL)
        return;
    attempt->tls_policy_type = tls->nrecords > 0 ? "tlsa" : "no-policy-found";
    attempt->tls_policy_domain = tls->base != NULL ? tls->base : d->attempt->candidate->view.host;
    attempt->tls_policy_string = policy_lines(d);
    attempt->tls_result_type = finding.type;
    attempt->tls_failure_code = finding.code;
    if (!d->plan->sts_settled && !d->pkix_known) { /* else something graver is known */
        info->sts_result_type = finding.type;
        info->sts_failure_code = finding.code;
    }
}

void report_pkix(struct dial *d, int fault)
{
    d->fault = (uint8_t)fault;
    d->pkix_known = true;
    if (d->plan->sts == NULL || d->plan->sts_settled || !is_reported(d))
        return;
    d->plan->info.sts_result_type = certificate_fault_name(fault);
    d->plan->info.sts_failure_code = NULL;
}

void report_mismatch(struct dial *d)
{
    if (d->plan->sts == NULL || d->plan->sts->mode == STS_NONE)
        return;
    d->plan->sts_settled = true;
    d->plan->info.sts_result_type = "validation-failure";
    d->plan->info.sts_failure_code = "mtasts-policy-mx-mismatch";
}
