/* report.c - see report.h. */
#include "dial/report.h"

#include <stdio.h>

#include "base/buffer.h"
#include "dial/secure.h"

struct finding { /* of one attempt */
    const char *type, *code;
};

/* Reports are about domains and their hosts (semantics.md 7.5): not smarthosts, not literals. */
static bool is_reported(const struct dial *d)
{
    return d->plan->rules.target == REQUEST_DOMAIN && request_smarthost(&d->plan->rules) == NULL;
}

static const char *arena_format_code(struct dial *d, int code)
{
    char text[48];

    snprintf(text, sizeof text, "smtp-starttls-reply-code-%d", code);
    return arena_text(&d->plan->arena, slice_of(text));
}

static struct finding broken(struct dial *d, const struct mox_error *err)
{
    return (struct finding){"validation-failure",
                            arena_text(&d->plan->arena, slice_of(err->message))};
}

/* The first that comes over TLS may be an alert, as of a TLS 1.3 server that wants a certificate of
 * ours: then the handshake was none. */
static bool is_refused_late(const struct dial *d, const struct mox_error *err)
{
    return d->proof != NULL && !d->heard && err != NULL && err->code == MOX_E_TLS;
}

/* What it was for both policies; a certificate's faults are told apart after this. */
static struct finding find(struct dial *d, const struct mox_error *err)
{
    if (is_refused_late(d, err))
        return broken(d, err);
    if (d->proof != NULL)
        return (struct finding){"success", NULL};
    if (err != NULL && err->stage == MOX_STAGE_TLS) {
        if (err->about == MOX_ABOUT_LOCAL) /* what this machine lacks */
            return (struct finding){NULL, NULL};
        if (err->code == MOX_E_REFUSED)
            return (struct finding){"starttls-not-supported", arena_format_code(d, err->smtp_code)};
        if (err->code == MOX_E_VERIFY)
            return (struct finding){"validation-failure", NULL};
        return broken(d, err);
    }
    if (smtp_session_stage(&d->smtp) > MOX_STAGE_EHLO) /* it went on without */
        return (struct finding){"starttls-not-supported", NULL};
    return (struct finding){NULL, NULL};
}

/* A certificate was judged, and the server took the session. */
static bool is_judged(const struct dial *d, const struct mox_error *err)
{
    return d->proof != NULL ? !is_refused_late(d, err) : err != NULL && err->code == MOX_E_VERIFY;
}

/* TLSA records are the host's alone; what PKIX found counts here where it ended the session. */
static struct finding of_host(const struct dial *d, struct finding finding)
{
    const struct plan_tls *tls = secure_tls(d);

    if (d->dane != DANE_GOOD)
        return (struct finding){"validation-failure",
                                d->dane == DANE_ERRORS ? "dane-no-match+errors" : "dane-no-match"};
    if (tls->nrecords > 0 && tls->usable == 0)
        return (struct finding){"tlsa-invalid", "all-unusable-records+ignored"};
    if (d->proof == NULL)
        return (struct finding){certificate_fault_name(d->pkix), NULL};
    return finding;
}

/* Enforced or not. */
static struct finding of_domain(const struct dial *d, struct finding finding)
{
    if (d->pkix != CERTIFICATE_GOOD)
        return (struct finding){certificate_fault_name(d->pkix), NULL};
    return finding;
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
    struct finding finding, host;

    /* The second try, in clear, is none of a report's business. */
    if (!is_reported(d) || d->attempt->plain || attempt->tls_result_type != NULL)
        return;
    finding = find(d, err);
    if (finding.type == NULL)
        return;
    host = is_judged(d, err) ? of_host(d, finding) : finding;
    attempt->tls_policy_type = tls->nrecords > 0 ? "tlsa" : "no-policy-found";
    attempt->tls_policy_domain = tls->base != NULL ? tls->base : d->attempt->candidate->view.host;
    attempt->tls_policy_string = policy_lines(d);
    attempt->tls_result_type = host.type;
    attempt->tls_failure_code = host.code;
    if (d->plan->sts_settled) /* something graver is known */
        return;
    finding = is_judged(d, err) ? of_domain(d, finding) : finding;
    info->sts_result_type = finding.type;
    info->sts_failure_code = finding.code;
}

void report_lookup(struct dial *d, struct plan_host *host, const struct lookup_tlsa_result *result)
{
    if (!is_reported(d) || result->error == NULL)
        return;
    host->view.tls_result_type = result->bogus ? "dnssec-invalid" : "tlsa-invalid";
    host->view.tls_failure_code = arena_text(&d->plan->arena, slice_of(result->error->message));
}

void report_mismatch(struct dial *d)
{
    if (d->plan->sts == NULL || d->plan->sts->mode == STS_NONE)
        return;
    d->plan->sts_settled = true;
    d->plan->info.sts_result_type = "validation-failure";
    d->plan->info.sts_failure_code = "mtasts-policy-mx-mismatch";
}
