/*
 * tls_story.c - see tls_story.h. All of it is read from the plan, so that it tells what the library
 * did and not what it should have done.
 */
#include "tls_story.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "output.h"
#include "show_plan.h"
#include "show_session.h"

enum { SENTENCE = 4096 };

struct story {
    json_t *sentences;
    const struct run *run;
    const struct mox_plan *plan;
    const struct mox_plan_info *info;
};

TOOL_PRINTF(2, 3) static void say(struct story *story, const char *format, ...)
{
    char text[SENTENCE];
    va_list args;
    size_t len;

    va_start(args, format);
    vsnprintf(text, sizeof text - 1, format, args); /* room for the full stop */
    va_end(args);
    len = strlen(text);
    if (len > 0 && strchr(".?!", text[len - 1]) == NULL)
        memcpy(text + len, ".", sizeof ".");
    output_append(story->sentences, output_text(text));
}

/* Lines of a policy on one line. */
static const char *joined(const char *lines, char *out, size_t cap)
{
    size_t at = 0;

    for (; *lines != '\0' && at + 3 < cap; lines++) {
        if (*lines != '\n') {
            out[at++] = *lines;
        } else if (lines[1] != '\0') {
            out[at++] = ';';
            out[at++] = ' ';
        }
    }
    out[at] = '\0';
    return out;
}

static bool is_smarthost(int kind)
{
    return kind == MOX_KIND_SUBMISSION || kind == MOX_KIND_SUBMISSIONS || kind == MOX_KIND_SMTP;
}

static bool is_address(const char *name)
{
    struct mox_ip ip;

    return name != NULL && mox_ip_parse(name, &ip) == MOX_OK;
}

/* Whether the recipient's domain has a say: mail goes to its own MX hosts. */
static bool asks_domain(const struct story *story)
{
    return !is_smarthost(story->info->route.kind) && story->run->request.server == NULL &&
           !is_address(story->info->next_hop);
}

static void tell_way(struct story *story)
{
    const struct mox_route *route = &story->info->route;

    if (is_smarthost(route->kind))
        say(story,
            "Transport %s (%s) hands the message to a smarthost: what the recipient's domain "
            "publishes plays no part, the transport alone says what TLS must be",
            route->transport, mox_kind_name(route->kind));
    else if (is_address(story->info->next_hop))
        say(story, "The server is an address: there is no name under which it could publish how "
                   "it must be reached");
    else if (story->run->request.server != NULL)
        say(story, "The server is named by --server, not by MX records: MTA-STS plays no part, and "
                   "TLSA records of that name count where DNSSEC proves them");
    else
        say(story,
            "Mail goes to the MX hosts of %s: its MTA-STS policy and the TLSA records of each host "
            "say what TLS must be",
            story->info->next_hop);
}

static void tell_message(struct story *story)
{
    uint32_t flags = story->run->request.flags;

    if ((flags & MOX_DIAL_REQUIRETLS) != 0)
        say(story, "The message requires TLS all the way (REQUIRETLS, RFC 8689): a host must be "
                   "verified by TLSA records, an enforced MTA-STS policy or the transport, and "
                   "must offer REQUIRETLS");
    if ((flags & MOX_DIAL_TLS_OPTIONAL) != 0)
        say(story, "The message says TLS-Required: No (RFC 8689): delivery counts for more than "
                   "what is published");
}

static const char *sts_mode_in_words(const char *mode)
{
    if (strcmp(mode, "enforce") == 0)
        return "a host it does not name is not used, the others must show a certificate that a "
               "trusted authority issued for their name";
    if (strcmp(mode, "testing") == 0)
        return "what does not agree with it is reported, and the mail goes nevertheless";
    return "it demands nothing";
}

static void tell_sts(struct story *story)
{
    const struct mox_plan_info *info = story->info;
    char lines[SENTENCE / 2];

    if (!asks_domain(story))
        return;
    if (!run_fetches()) {
        say(story, "MTA-STS is off in this build of the command, which has no libmoxdial-curl: no "
                   "policy was asked for");
        return;
    }
    if (info->sts_detail == NULL)
        say(story, "MTA-STS: the dial ended before it was known whether there is a policy");
    else
        say(story, "%s", info->sts_detail);
    if (info->sts_mode == NULL)
        return;
    say(story, "Its mode is %s: %s", info->sts_mode, sts_mode_in_words(info->sts_mode));
    if (info->sts_policy_string != NULL)
        say(story, "Its lines: %s", joined(info->sts_policy_string, lines, sizeof lines));
}

static void tell_dnssec(struct story *story)
{
    const struct mox_mx *first = mox_plan_mx(story->plan, 0);
    bool domain = asks_domain(story);
    bool proved = domain ? story->info->authentic != 0 : first != NULL && first->authentic != 0;

    if (is_smarthost(story->info->route.kind) || is_address(story->info->next_hop))
        return;
    if (proved)
        say(story,
            "DANE: DNSSEC proves %s %s, so TLSA records are asked for at each host whose addresses "
            "are proved too",
            domain ? "the MX hosts of" : "the address of", story->info->next_hop);
    else
        say(story,
            "DANE: DNSSEC does not prove %s %s, or the resolver is not believed (TrustAD, "
            "--trust-ad), so TLSA records do not count and are not asked for",
            domain ? "the MX hosts of" : "the address of", story->info->next_hop);
}

static const char *need_in_words(int need)
{
    switch (need) {
    case MOX_TLS_NONE:
        return "no TLS";
    case MOX_TLS_OPPORTUNISTIC:
        return "TLS where the server offers it, with a certificate that is not checked";
    case MOX_TLS_REQUIRED:
        return "TLS or nothing, with a certificate that is not checked";
    case MOX_TLS_PKIX:
        return "TLS or nothing, with a certificate that a trusted authority issued for its name";
    case MOX_TLS_DANE:
        return "TLS or nothing, with a certificate that its TLSA records describe";
    default:
        return mox_tls_need_name(need);
    }
}

static bool is_dropped_for_tls(int drop)
{
    return drop == MOX_DROP_STS_MISMATCH || drop == MOX_DROP_TLSA_ERROR ||
           drop == MOX_DROP_NO_VERIFIED_TLS;
}

/* Whether a candidate before this one stands for the same host. */
static bool is_told(const struct mox_plan *plan, uint32_t index)
{
    const char *host = mox_plan_candidate(plan, index)->host;

    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(mox_plan_candidate(plan, i)->host, host) == 0)
            return true;
    }
    return false;
}

static void tell_hosts(struct story *story)
{
    const struct mox_candidate *candidate;

    for (uint32_t i = 0; (candidate = mox_plan_candidate(story->plan, i)) != NULL; i++) {
        const char *why = show_plan_tls_reason(candidate);

        if (is_told(story->plan, i))
            continue;
        if (is_dropped_for_tls(candidate->drop))
            say(story, "%s is not used: %s", candidate->host,
                candidate->detail != NULL ? candidate->detail : mox_drop_name(candidate->drop));
        else if (candidate->drop == MOX_DROP_NONE)
            say(story, "%s: %s%s%s", candidate->host, need_in_words(candidate->tls),
                why != NULL ? "; " : "", why != NULL ? why : "");
    }
}

/* The first attempt that knows of these TLSA records tells them. */
static void tell_records(struct story *story, uint32_t index, const struct mox_candidate *candidate)
{
    const struct mox_attempt *attempt = mox_plan_attempt(story->plan, index);
    char lines[SENTENCE / 2];

    if (attempt->tls_policy_string == NULL || strcmp(attempt->tls_policy_type, "tlsa") != 0)
        return;
    for (uint32_t i = 0; i < index; i++) {
        const char *other = mox_plan_attempt(story->plan, i)->tls_policy_domain;

        if (other != NULL && strcmp(other, attempt->tls_policy_domain) == 0)
            return;
    }
    say(story, "TLSA records at _%u._tcp.%s: %s", candidate->port, attempt->tls_policy_domain,
        joined(attempt->tls_policy_string, lines, sizeof lines));
}

static void tell_session(struct story *story, const char *who)
{
    const struct mox_session *session = mox_conn_session(story->run->conn);
    char words[SENTENCE / 4];

    say(story, "%s is reached by %s, %s; %s; the certificate ends in %lld days", who,
        session->tls_version, session->tls_cipher,
        show_session_verdict(session, words, sizeof words), (long long)show_session_days(session));
}

/* Why there is no TLS in a session that got this far without an error. */
static const char *reason_for_clear(const struct story *story, const struct mox_attempt *attempt,
                                    const struct mox_candidate *candidate, bool is_second)
{
    int stop = story->run->request.stop_at;

    if (is_second)
        return "where TLS had failed and nothing demands it";
    if (candidate->tls == MOX_TLS_NONE)
        return "as the transport says";
    if (stop != 0 && stop < MOX_STAGE_TLS && attempt->stage <= MOX_STAGE_EHLO)
        return "for --stop-at ends the dial before TLS";
    return "for the server offers no TLS";
}

static bool failed_in_tls(const struct mox_attempt *attempt)
{
    return attempt->error != NULL && attempt->error->stage == MOX_STAGE_TLS;
}

/* A second try at an address where TLS had failed. */
static bool is_second_try(const struct mox_plan *plan, uint32_t index)
{
    const struct mox_attempt *before = index > 0 ? mox_plan_attempt(plan, index - 1) : NULL;

    return before != NULL && failed_in_tls(before) &&
           before->candidate == mox_plan_attempt(plan, index)->candidate;
}

static void tell_attempt(struct story *story, uint32_t index)
{
    const struct mox_attempt *attempt = mox_plan_attempt(story->plan, index);
    const struct mox_candidate *candidate = mox_plan_candidate(story->plan, attempt->candidate);
    const char *message = attempt->error != NULL ? attempt->error->message : "";
    char who[OUTPUT_WHERE];

    if (attempt->outcome == MOX_E_CANCELLED)
        return; /* it lost the race before a word was said */
    output_where(candidate->host, &candidate->ip, who);
    tell_records(story, index, candidate);
    if (attempt->tls_ms >= 0 && attempt->outcome == MOX_OK && story->run->conn != NULL)
        tell_session(story, who);
    else if (attempt->tls_ms >= 0)
        say(story, "%s: TLS was up after %d ms; then, at %s: %s", who, (int)attempt->tls_ms,
            mox_stage_name(attempt->stage), message);
    else if (failed_in_tls(attempt))
        say(story, "%s: TLS failed: %s", who, message);
    else if (attempt->outcome == MOX_OK)
        say(story, "%s is reached in clear, %s", who,
            reason_for_clear(story, attempt, candidate, is_second_try(story->plan, index)));
    else
        say(story, "%s was left before TLS, at %s: %s", who, mox_stage_name(attempt->stage),
            message);
}

/* Of hosts that were not dialed for want of their TLSA records. */
static void tell_lookups(struct story *story)
{
    const struct mox_mx *mx;

    for (uint32_t i = 0; (mx = mox_plan_mx(story->plan, i)) != NULL; i++) {
        if (mx->tls_result_type != NULL)
            say(story, "A TLS report (RFC 8460) about %s would say: %s", mx->host,
                mx->tls_result_type);
    }
}

static void tell_end(struct story *story)
{
    const struct mox_plan_info *info = story->info;

    if (mox_plan_attempt(story->plan, 0) == NULL && story->run->err.code != MOX_OK)
        say(story, "Nothing was dialed: %s", story->run->err.message);
    tell_lookups(story);
    if (info->sts_result_type != NULL)
        say(story, "A TLS report (RFC 8460) about the domain would say: %s%s%s",
            info->sts_result_type, info->sts_failure_code != NULL ? ", " : "",
            info->sts_failure_code != NULL ? info->sts_failure_code : "");
}

json_t *tls_story(const struct run *run)
{
    struct story story = {.sentences = json_array(), .run = run, .plan = run->plan};

    if (run->plan == NULL)
        return story.sentences;
    story.info = mox_plan_summary(run->plan);
    if (story.info->next_hop != NULL) {
        tell_way(&story);
        tell_message(&story);
        tell_sts(&story);
        tell_dnssec(&story);
        tell_hosts(&story);
    }
    for (uint32_t i = 0; mox_plan_attempt(run->plan, i) != NULL; i++)
        tell_attempt(&story, i);
    tell_end(&story);
    return story.sentences;
}

void tls_story_print(const struct run *run)
{
    json_t *sentences = tls_story(run);
    char text[SENTENCE];

    if (json_array_size(sentences) > 0)
        printf("\nTLS, and why\n");
    for (size_t i = 0; i < json_array_size(sentences); i++) {
        const char *sentence = json_string_value(json_array_get(sentences, i));

        printf("  %zu. %s\n", i + 1, output_clean(sentence, text, sizeof text));
    }
    json_decref(sentences);
}
