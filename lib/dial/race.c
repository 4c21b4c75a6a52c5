/* race.c - see race.h. */
#include "dial/race.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "base/mem.h"
#include "base/units.h"
#include "dial/hosts.h"
#include "dial/pool.h"
#include "dial/proxy.h"

static struct mox_candidate *target_of(const struct dial_lane *lane)
{
    return &lane->attempt->candidate->view;
}

static void close_lane(struct dial *d, struct dial_lane *lane)
{
    part_close(d->part, &target_of(lane)->ip, lane->stream, d->ctx->forked);
    *lane = (struct dial_lane){0};
}

/* Descriptors or memory of ours are gone: no other host would fare better. */
static bool is_ours(int code)
{
    return code == MOX_E_NOMEM || code == MOX_E_NO_PORTS || code == MOX_ERRNO(EMFILE) ||
           code == MOX_ERRNO(ENFILE) || code == MOX_ERRNO(ENOBUFS) || code == MOX_ERRNO(ENOMEM);
}

static void describe_no_source(const struct mox_candidate *target, struct mox_error *err)
{
    char source[MOX_LIMIT_IP_TEXT];

    mox_ip_format(&target->source, source, sizeof source);
    error_set(err, MOX_E_NO_SOURCE,
              "the source address %s is not on this machine; %s is not used for this dial. Mend "
              "LocalIPs, the listeners' IPs, or --source",
              source, target->ip.family == MOX_IPV6 ? "IPv6" : "IPv4");
}

/* What a failed connect means. at_once: this machine said so, before anything was sent. */
static void describe(const struct mox_candidate *target, int code, bool at_once,
                     struct mox_error *err)
{
    if (code == MOX_E_NO_SOURCE) {
        describe_no_source(target, err);
    } else if (code == MOX_E_NO_PORTS) {
        error_set(err, code,
                  "this machine has no local port left for another connection; dial later");
    } else if (code == MOX_E_NOMEM) {
        error_nomem(err);
    } else if (code == MOX_E_TIMEOUT || code == MOX_ERRNO(ETIMEDOUT)) {
        error_set(err, MOX_E_TIMEOUT, "no answer to the connect in time");
    } else {
        error_from_op(err, code, "cannot connect");
        if (!is_ours(code) && code <= MOX_ERRNO(0)) {
            err->code = MOX_E_CONNECT;
            err->about =
                at_once && code == MOX_ERRNO(ENETUNREACH) ? MOX_ABOUT_LOCAL : MOX_ABOUT_HOST;
        }
    }
    err->stage = MOX_STAGE_CONNECT;
}

/* What a connect through the proxy failed of; whether the proxy itself was reached. */
static bool describe_proxy(const struct dial *d, const struct stream *stream, int code,
                           struct mox_error *err)
{
    char proxy[320], what[384];
    bool reached = code == MOX_E_CONNECT || code == MOX_E_PROXY || code == MOX_E_AUTH;

    proxy_text(d, proxy, sizeof proxy);
    if (code == MOX_E_TIMEOUT) {
        error_set(err, code, "no answer through the proxy %s in time", proxy);
    } else if (reached) {
        size_t len;

        stream->ops->failure(stream, err);
        len = strlen(err->message);
        snprintf(err->message + len, sizeof err->message - len, " (%s)", proxy);
    } else {
        snprintf(what, sizeof what, "cannot connect to the proxy %s", proxy);
        error_from_op(err, code, what);
        err->code = MOX_E_PROXY;
    }
    if (!reached)
        err->about = MOX_ABOUT_LOCAL;
    err->stage = MOX_STAGE_PROXY;
    return reached;
}

/* What happens behind a proxy says nothing of our own families. */
static void note_stall(struct dial *d, const struct mox_candidate *target)
{
    if (d->proxy == NULL)
        health_stalled(&d->part->health, target->ip.family, target->host, ctx_now_us(d->ctx));
}

static void note_success(struct dial *d, int family)
{
    if (d->proxy == NULL)
        health_connected(&d->part->health, family);
}

/* Ends the attempt; MOX_OK: others may be tried; else the dial ends with err. */
static int fail_attempt(struct dial *d, struct plan_attempt *attempt, int code,
                        struct mox_error *err)
{
    struct plan_candidate *candidate = attempt->candidate;

    err->address = candidate->view.ip;
    error_at_host(err, candidate->view.host);
    plan_end_attempt(d->plan, attempt, err->stage, err, ctx_now_us(d->ctx));
    dial_log(d, MOX_LOG_INFO, err->stage, candidate, "%s", err->message);
    if (err->code == MOX_E_TIMEOUT)
        note_stall(d, &candidate->view);
    if (code == MOX_E_NO_SOURCE) {
        uint32_t family = ip_family_bit(candidate->view.ip.family);

        d->out |= family;
        if (hosts_drop_families(d, family, MOX_DROP_NO_SOURCE, err->message) != MOX_OK)
            return error_nomem(err);
    }
    return is_ours(code) ? err->code : MOX_OK;
}

/* The first in flight; NULL: none is. */
static struct dial_lane *busy_lane(struct dial *d)
{
    for (size_t i = 0; i < ARRAY_LEN(d->lanes); i++) {
        if (d->lanes[i].stream != NULL)
            return &d->lanes[i];
    }
    return NULL;
}

static struct dial_lane *free_lane(struct dial *d)
{
    for (size_t i = 0; i < ARRAY_LEN(d->lanes); i++) {
        if (d->lanes[i].stream == NULL)
            return &d->lanes[i];
    }
    return NULL;
}

void race_end(struct dial *d, int outcome)
{
    for (size_t i = 0; i < ARRAY_LEN(d->lanes); i++) {
        struct dial_lane *lane = &d->lanes[i];

        if (lane->stream == NULL)
            continue;
        plan_end_attempt(d->plan, lane->attempt, MOX_STAGE_CONNECT, NULL, ctx_now_us(d->ctx));
        lane->attempt->view.outcome = outcome;
        close_lane(d, lane);
    }
    d->race_us = UINT64_MAX;
}

/* It lost, and was not heard: it may be dialed again, behind what is left of its preference. */
static void give_back(struct mox_plan *plan, struct plan_candidate *loser)
{
    void **items = plan->kept.items;
    size_t at = 0;

    while (items[at] != loser)
        at++;
    for (; at + 1 < plan->kept.len; at++) {
        const struct plan_candidate *next = items[at + 1];

        if (!next->tried && next->view.preference != loser->view.preference)
            break;
        items[at] = items[at + 1];
    }
    items[at] = loser;
    loser->tried = false;
}

/* The loser is closed before it has sent anything; silent and of the other family, it stalled. */
static void win(struct dial *d, struct dial_lane *winner)
{
    int family = target_of(winner)->ip.family;

    d->stream = winner->stream;
    d->attempt = winner->attempt;
    *winner = (struct dial_lane){0};
    for (size_t i = 0; i < ARRAY_LEN(d->lanes); i++) {
        if (d->lanes[i].stream == NULL)
            continue;
        if (target_of(&d->lanes[i])->ip.family != family)
            note_stall(d, target_of(&d->lanes[i]));
        give_back(d->plan, d->lanes[i].attempt->candidate);
    }
    note_success(d, family);
    if (family == MOX_IPV6)
        d->ctx->stats.connects_ipv6++;
    else
        d->ctx->stats.connects_ipv4++;
    race_end(d, MOX_E_CANCELLED);
}

/* MOX_OK: it connected; MOX_E_AGAIN: it goes on; MOX_E_EOF: it failed and its lane is free. */
static int look_at(struct dial *d, struct dial_lane *lane, struct mox_error *err)
{
    struct plan_attempt *attempt = lane->attempt;
    int status = MOX_E_AGAIN;

    if (lane->ready) {
        lane->ready = false;
        status = lane->stream->ops->opened(lane->stream);
        if (status == MOX_E_AGAIN)
            lane->stream->ops->want(lane->stream, MOX_WRITE);
    }
    if (status == MOX_E_AGAIN && ctx_now_us(d->ctx) >= lane->deadline_us)
        status = MOX_E_TIMEOUT;
    if (status == MOX_OK || status == MOX_E_AGAIN)
        return status;
    if (d->proxy == NULL)
        describe(&attempt->candidate->view, status, false, err);
    else if (!describe_proxy(d, lane->stream, status, err) && proxy_next(d))
        attempt->candidate->tried = false; /* the proxy's next address serves it */
    close_lane(d, lane);
    status = fail_attempt(d, attempt, status, err);
    return status == MOX_OK ? MOX_E_EOF : status;
}

static void on_ready(void *arg, struct stream *stream, int events)
{
    struct dial *d = arg;

    (void)events;
    for (size_t i = 0; i < ARRAY_LEN(d->lanes); i++) {
        if (d->lanes[i].stream == stream)
            d->lanes[i].ready = true;
    }
    dial_step(d);
}

/* The first that is untried; of the flipped family of one host, if a refusal asks for it. */
static struct plan_candidate *first_untried(const struct dial *d, size_t *index)
{
    for (size_t i = 0; i < d->plan->kept.len; i++) {
        struct plan_candidate *candidate = plan_kept_at(d->plan, i);

        if (candidate->tried)
            continue;
        if (d->flip_host == NULL ||
            (candidate->host == d->flip_host && candidate->view.ip.family == d->flip_family)) {
            *index = i;
            return candidate;
        }
    }
    return NULL;
}

/* Tried ones stand at the front, in the order in which they were dialed. */
static void move_to_tried(struct mox_plan *plan, size_t index)
{
    size_t to = 0;
    void *item = plan->kept.items[index];

    while (to < index && plan_kept_at(plan, to)->tried)
        to++;
    memmove(plan->kept.items + to + 1, plan->kept.items + to, (index - to) * sizeof(void *));
    plan->kept.items[to] = item;
}

static bool may_race(const struct dial *d, const struct dial_lane *first)
{
    size_t index;
    const struct plan_candidate *next = first_untried(d, &index), *now = first->attempt->candidate;

    return d->plan->rules.race && !d->limited && next != NULL && !next->history && !now->history &&
           next->view.preference == now->view.preference && d->flip_host == NULL &&
           !first->attempt->again;
}

/*
 * The candidate to be dialed next, beside the first in flight if there is one, at the end of the
 * tried ones; NULL: none is left. A full address is passed over, not waited for; what comes behind
 * it need not be one to race with.
 */
static struct plan_candidate *next_candidate(struct dial *d, const struct dial_lane *first,
                                             int *status)
{
    struct plan_candidate *candidate;
    size_t index = 0;

    *status = MOX_OK;
    if (d->again != NULL && pool_may_open(d->part, &d->again->view.ip) == MOX_OK)
        return d->again;
    d->again = NULL;
    for (;;) {
        candidate = first_untried(d, &index);
        if (candidate == NULL && d->flip_host != NULL) {
            d->flip_host = NULL; /* it has no such address after all */
            continue;
        }
        if (candidate == NULL || (first != NULL && !may_race(d, first)))
            return NULL;
        if (d->plan->attempts.len - d->retries >= MOX_LIMIT_ATTEMPTS ||
            d->greeted >= MOX_LIMIT_GREETED) {
            d->limited = true;
            return NULL;
        }
        *status = pool_may_open(d->part, &candidate->view.ip);
        if (*status != MOX_E_BUSY)
            break;
        *status = plan_drop(d->plan, candidate, MOX_DROP_BUSY,
                            "as many connections are open to it as max_conns_per_address allows");
        if (*status != MOX_OK)
            return NULL;
    }
    if (*status != MOX_OK)
        return NULL;
    move_to_tried(d->plan, index);
    return candidate;
}

static int begin(struct dial *d, struct plan_candidate *candidate, struct mox_error *err)
{
    uint64_t now = ctx_now_us(d->ctx);
    struct dial_lane *lane = free_lane(d);
    struct plan_attempt *attempt = plan_add_attempt(d->plan, candidate, now);
    int status;

    if (attempt == NULL)
        return error_nomem(err);
    d->ctx->stats.attempts++;
    attempt->again = candidate == d->again;
    attempt->plain = attempt->again && d->again_plain;
    attempt->narrow = attempt->again && d->again_narrow;
    d->retries += attempt->again;
    d->again = NULL;
    if (d->flip_host != NULL) {
        d->ctx->stats.family_fallbacks++;
        candidate->view.order = MOX_ORDER_OTHER_FAMILY;
        candidate->view.detail = d->flip_why;
        d->flip_host = NULL;
    }
    if (ctx_logs(d->ctx, MOX_LOG_INFO))
        dial_log(d, MOX_LOG_INFO, MOX_STAGE_CONNECT, candidate, "connecting to port %u",
                 (unsigned)candidate->view.port);
    status = proxy_open(d, &candidate->view, &lane->stream);
    if (status != MOX_OK) {
        describe(&candidate->view, status, true, err);
        return fail_attempt(d, attempt, status, err);
    }
    lane->attempt = attempt;
    lane->deadline_us = now + us_of_ms(d->plan->rules.connect_ms);
    stream_notify(lane->stream, on_ready, d);
    d->race_us = now + us_of_ms(d->plan->rules.race_delay_ms);
    return MOX_OK;
}

static int too_many_conns(const struct dial *d, struct mox_error *err)
{
    error_set(err, MOX_E_LIMIT,
              "%u connections are open in this context, which is its max_conns; dial later",
              (unsigned)d->ctx->options.max_conns);
    err->about = MOX_ABOUT_LOCAL;
    err->stage = MOX_STAGE_CONNECT;
    return MOX_E_LIMIT;
}

/* Begins connects until one is in flight; a second one when the race allows it. */
static int begin_due(struct dial *d, struct mox_error *err)
{
    for (;;) {
        struct dial_lane *first = busy_lane(d);
        struct plan_candidate *candidate;
        int status;

        if (free_lane(d) == NULL)
            return MOX_E_AGAIN;
        if (first != NULL && (!may_race(d, first) || ctx_now_us(d->ctx) < d->race_us))
            return MOX_E_AGAIN;
        candidate = next_candidate(d, first, &status);
        if (status == MOX_E_LIMIT && first != NULL) { /* no room for a race: one goes on alone */
            d->race_us = UINT64_MAX;
            return MOX_E_AGAIN;
        }
        if (status == MOX_E_LIMIT)
            return too_many_conns(d, err);
        if (status != MOX_OK)
            return error_nomem(err);
        if (candidate == NULL)
            return first != NULL ? MOX_E_AGAIN : MOX_E_EOF;
        status = begin(d, candidate, err);
        if (status != MOX_OK)
            return status;
    }
}

int race_step(struct dial *d, struct mox_error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(d->lanes); i++) {
        int status;

        if (d->lanes[i].stream == NULL)
            continue;
        status = look_at(d, &d->lanes[i], err);
        if (status == MOX_OK) {
            win(d, &d->lanes[i]);
            return MOX_OK;
        }
        if (status == MOX_E_EOF)
            d->race_us = 0; /* at once on failure */
        else if (status != MOX_E_AGAIN)
            return status;
    }
    return begin_due(d, err);
}

uint64_t race_deadline_us(const struct dial *d)
{
    uint64_t at = UINT64_MAX;
    const struct dial_lane *alone = NULL; /* the only one in flight */
    size_t in_flight = 0;

    for (size_t i = 0; i < ARRAY_LEN(d->lanes); i++) {
        if (d->lanes[i].stream == NULL)
            continue;
        alone = in_flight++ == 0 ? &d->lanes[i] : NULL;
        if (d->lanes[i].deadline_us < at)
            at = d->lanes[i].deadline_us;
    }
    return alone != NULL && d->race_us < at && may_race(d, alone) ? d->race_us : at;
}
