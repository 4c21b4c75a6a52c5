/* check.c - see check.h: what is looked at while it runs. The network's view is check_network.c. */
#include "test/sim/check.h"

#include <stdio.h>
#include <string.h>

enum { LOOKUPS = 12 };

/* Some of the facts, or all. */
static void draw_facts(struct run *run, struct mox_envelope *envelope, struct reference_asks *asks,
                       struct reference_host *host, const char *const *mx)
{
    if (seed_one_in(run->seed, 2)) {
        envelope->unix_s = asks->unix_s = run_unix_s(run);
        envelope->utc_offset_s = 3600;
    }
    if (seed_one_in(run->seed, 2)) {
        snprintf(host->name, sizeof host->name, "%s", *mx);
        envelope->mx = mx;
        envelope->nmx = asks->nmx = seed_below(run->seed, 2);
        asks->mx = host;
        asks->mx_known = true;
    }
}

static void check_route(struct run *run, int from, int to, const char *account, uint32_t attempts)
{
    static const char *const hosts[] = {"h0.z1.example", "h1.z2.example", "z3.example"};
    struct mox_envelope envelope = {.size = sizeof envelope, .account = account, .key = ""};
    struct reference_asks asks = {.config = run->facts,
                                  .from = from,
                                  .to = to,
                                  .account = account,
                                  .attempts = attempts,
                                  .key = ""};
    struct reference_route want[REFERENCE_ROUTES];
    struct reference_host host;
    struct mox_route got;
    const char *name;
    bool asks_mx;

    envelope.from = from < 0 ? NULL : seed_name(from)->spellings[attempts % 3];
    envelope.to = to < 0 ? "[192.0.2.1]" : seed_name(to)->spellings[(attempts + 1) % 3];
    envelope.attempts = attempts;
    asks.from_text = from < 0 ? "" : envelope.from;
    asks.to_text = envelope.to;
    draw_facts(run, &envelope, &asks, &host, &hosts[seed_below(run->seed, 3)]);
    reference_routes(&asks, want, &asks_mx);
    name = want->transport < 0 ? NULL : run->facts->transports[want->transport].name;
    if (mox_route_lookup(run->config, &envelope, &got, NULL) == MOX_OK &&
        got.scope == want->scope && got.index == want->index && got.needs == want->needs &&
        got.limited == 0 && (got.transport == NULL) == (name == NULL) &&
        (name == NULL || strcmp(got.transport, name) == 0))
        return;
    run_broken(run, "route", "from %s to %s account %s attempts %u: %s %d %s %u, not %s %d %s %u",
               envelope.from == NULL ? "<>" : envelope.from, envelope.to,
               account == NULL ? "-" : account, (unsigned)attempts, mox_scope_name(got.scope),
               (int)got.index, got.transport == NULL ? "-" : got.transport, (unsigned)got.needs,
               mox_scope_name(want->scope), want->index, name == NULL ? "-" : name,
               (unsigned)want->needs);
}

void check_routes(struct run *run)
{
    static const char *const accounts[] = {NULL, "alice", "bob", "zed"};
    unsigned names = (unsigned)seed_names() + 1;

    if (run->config == NULL)
        return;
    for (int i = 0; i < LOOKUPS; i++)
        check_route(run, (int)seed_below(run->seed, names) - 1,
                    (int)seed_below(run->seed, names) - 1, accounts[seed_below(run->seed, 4)],
                    seed_below(run->seed, 5));
}

static void check_time(const struct run_dial *d)
{
    uint64_t took = world_ms(d->run->w) - d->start_ms;

    if (took > d->reference.total_ms)
        run_broken(d->run, "deadline", "dial %d took %llu ms of %u", run_number_of(d),
                   (unsigned long long)took, (unsigned)d->reference.total_ms);
}

void check_session(struct run_dial *d, const struct mox_conn *conn)
{
    const struct mox_session *session = mox_conn_session(conn);
    const struct seed *seed = d->run->seed;
    char ip[64];
    bool may;

    check_time(d);
    mox_ip_format(&session->remote, ip, sizeof ip);
    reference_must(&d->reference, d->sessions, &may);
    if (!may)
        run_broken(d->run, "reached", "dial %d reached session %u, of %u+%u that could be",
                   run_number_of(d), d->sessions, d->reference.sessions, d->reference.perhaps);
    for (size_t i = 0; i < seed->nplaces; i++) {
        if (sim_same_ip(&seed->places[i].ip, &session->remote) && !d->reference.gives[i])
            run_broken(d->run, "reached", "dial %d reached a session at %s, which has none",
                       run_number_of(d), ip);
    }
    check_proof(d, conn);
    if (session->remote_port != d->reference.port)
        run_broken(d->run, "source", "dial %d is at port %u, not %u", run_number_of(d),
                   (unsigned)session->remote_port, (unsigned)d->reference.port);
}

/* Mail may be returned for a refusal only if each server that may be asked said so. */
static void check_permanent(struct run_dial *d, const struct mox_error *err)
{
    if ((err->permanent != 0) != (err->action == MOX_ACTION_GIVE_UP))
        run_broken(d->run, "permanent", "dial %d: permanent %d, action %s", run_number_of(d),
                   (int)err->permanent, mox_action_name(err->action));
    if (err->permanent == 0 || d->sessions > 0)
        return;
    if ((err->code == MOX_E_REFUSED && !d->reference.answers_5xx) ||
        (err->code == MOX_E_AUTH && !d->reference.login_ends) ||
        (err->code == MOX_E_TLS_REQUIRED && !d->reference.refused && !d->reference.requiretls_all))
        run_broken(d->run, "permanent", "dial %d would return the mail: %s", run_number_of(d),
                   err->message);
    if (err->code == MOX_E_TIMEOUT || err->code == MOX_E_CONNECT || err->code == MOX_E_DNS ||
        err->code == MOX_E_OS || err->code == MOX_E_FILTERED || err->code == MOX_E_PROXY ||
        err->code == MOX_E_TLS || err->code == MOX_E_VERIFY || err->code == MOX_E_CLOSED ||
        err->code == MOX_E_PROTOCOL)
        run_broken(d->run, "permanent", "dial %d would return the mail for %s", run_number_of(d),
                   mox_status_name(err->code));
}

void check_failure(struct run_dial *d, int status, const struct mox_error *err)
{
    bool may, must = reference_must(&d->reference, d->sessions + 1, &may);

    check_time(d);
    if (err->message[0] == '\0')
        run_broken(d->run, "callback", "dial %d: an error without a sentence", run_number_of(d));
    if (d->run->shut_down || !run_is_sound(d->run))
        return;
    if (strstr(err->message, "whole dial") != NULL &&
        world_ms(d->run->w) - d->start_ms < d->reference.total_ms)
        run_broken(d->run, "deadline", "dial %d ended before its time: %s", run_number_of(d),
                   err->message);
    if (status == MOX_E_SHUTDOWN || status == MOX_E_NOMEM)
        run_broken(d->run, "reached", "dial %d ended with %s, for no reason", run_number_of(d),
                   mox_status_name(status));
    if (must)
        run_broken(d->run, "reached", "dial %d reached no session after %u, of %u: %s",
                   run_number_of(d), d->sessions, d->reference.sessions, err->message);
    check_permanent(d, err);
    check_result(d, status, err);
    check_shut_out(d, status, err);
}

void check_resolved(struct run_dial *d, int status, const struct mox_error *err)
{
    const struct reference *r = &d->reference;

    check_time(d);
    if (d->run->shut_down || !run_is_sound(d->run))
        return;
    check_learned_order(d);
    if (status == MOX_OK)
        check_order_of_plan(d);
    if (status == MOX_OK && (r->refused || r->pairs == 0))
        run_broken(d->run, "reached", "the plan of dial %d has candidates", run_number_of(d));
    if (status != MOX_OK && r->sure_pairs > 0 && 10 * r->worst_ms < 9 * r->total_ms)
        run_broken(d->run, "reached", "the plan of dial %d has no candidate of %u: %s",
                   run_number_of(d), r->sure_pairs, err->message);
    if (status != MOX_OK)
        check_shut_out(d, status, err);
}

static void add_attempt(struct run *run, const struct run_attempt *attempt)
{
    if (run->nattempts == run->cap) {
        size_t cap = 2 * run->cap + 32;
        struct run_attempt *bigger = world_alloc(run->w, cap * sizeof *bigger);

        if (run->nattempts > 0)
            memcpy(bigger, run->attempts, run->nattempts * sizeof *bigger);
        run->attempts = bigger;
        run->cap = cap;
    }
    run->attempts[run->nattempts++] = *attempt;
}

/* Each stage of an attempt in its time: of TLS the reply to STARTTLS and the handshake, of a login
 * each of its replies. */
static void check_stages(struct run_dial *d, const struct mox_attempt *a)
{
    const struct reference *r = &d->reference;
    int64_t from = a->start_ms, most = r->connect_ms, tls = 2 * (int64_t)r->way.tls_ms;
    int64_t login = r->way.login == NULL ? 0 : 10 * (int64_t)r->way.auth_ms;

    if (a->connect_ms >= 0) {
        from = a->connect_ms;
        most = r->greeting_ms + (a->greeting_ms < 0 ? tls : 0);
    }
    if (a->greeting_ms >= 0) {
        from = a->greeting_ms;
        most = 2 * (int64_t)r->ehlo_ms + (a->stage >= MOX_STAGE_TLS ? tls : 0);
    }
    if (a->tls_ms > a->greeting_ms) {
        from = a->tls_ms;
        most = (int64_t)r->greeting_ms + 2 * (int64_t)r->ehlo_ms;
    }
    most += a->stage >= MOX_STAGE_AUTH ? login : 0;
    if (a->stage < MOX_STAGE_MAIL && a->end_ms >= 0 && a->end_ms - from > most)
        run_broken(d->run, "deadline", "an attempt of dial %d waited %d ms of %d", run_number_of(d),
                   (int)(a->end_ms - from), (int)most);
}

/* Whether it was still connecting at that time. */
static bool is_connecting(const struct mox_attempt *a, int at_ms)
{
    int until = a->connect_ms >= 0 ? a->connect_ms : a->end_ms;

    return a->start_ms < at_ms && (until < 0 || until > at_ms);
}

static int preference_of(const struct mox_plan *plan, const struct mox_attempt *a)
{
    return mox_plan_candidate(plan, a->candidate)->preference;
}

/* Another attempt failed since, so the next one need not wait. */
static bool has_failed_since(const struct mox_plan *plan, uint32_t n, int from_ms)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct mox_attempt *a = mox_plan_attempt(plan, i);

        if (a->end_ms >= from_ms && a->outcome != MOX_OK)
            return true;
    }
    return false;
}

/* The n-th attempt beside and behind the others. */
static void check_race(struct run_dial *d, uint32_t n)
{
    uint32_t race_ms = d->facts->race_ms != 0    ? d->facts->race_ms
                       : d->config->race_ms != 0 ? d->config->race_ms
                                                 : 1000;
    const struct mox_attempt *a = mox_plan_attempt(d->plan, n);
    unsigned beside = 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct mox_attempt *b = mox_plan_attempt(d->plan, i);

        if (preference_of(d->plan, b) > preference_of(d->plan, a))
            run_broken(d->run, "race", "dial %d goes back to preference %d", run_number_of(d),
                       preference_of(d->plan, a));
        if (!is_connecting(b, a->start_ms))
            continue;
        beside++;
        if ((d->facts->flags & MOX_DIAL_NO_RACE) != 0 || d->reference.way.proxied)
            run_broken(d->run, "race", "dial %d races", run_number_of(d));
        if (preference_of(d->plan, b) != preference_of(d->plan, a))
            run_broken(d->run, "race", "dial %d races across preferences", run_number_of(d));
        if (a->start_ms - b->start_ms < (int)race_ms && !has_failed_since(d->plan, n, b->start_ms))
            run_broken(d->run, "race", "dial %d starts its race after %d ms of %u",
                       run_number_of(d), (int)(a->start_ms - b->start_ms), (unsigned)race_ms);
    }
    if (beside > 1)
        run_broken(d->run, "race", "dial %d has %u connects at once", run_number_of(d), beside + 1);
}

static const struct mox_candidate *candidate_of(const struct mox_plan *plan, uint32_t attempt)
{
    return mox_plan_candidate(plan, mox_plan_attempt(plan, attempt)->candidate);
}

/* Whether the attempt met a server that refused our address. */
static bool refused_us(const struct run_dial *d, uint32_t n)
{
    static const char *const servers[] = {"ptr", "ptr-close", "ptr-ehlo", "ptr-helo", "reject"};
    const struct mox_candidate *candidate = candidate_of(d->plan, n);
    const struct seed *seed = d->run->seed;
    bool is_such = false;

    for (size_t i = 0; i < seed->nplaces; i++) {
        if (!sim_same_ip(&seed->places[i].ip, &candidate->ip))
            continue;
        for (size_t k = 0; k < sizeof servers / sizeof *servers; k++)
            is_such = is_such || strcmp(servers[k], seed->places[i].server->name) == 0;
    }
    return is_such && mox_plan_attempt(d->plan, n)->outcome == MOX_E_REFUSED;
}

/* Whether the candidate had been tried when attempt n ended; what lost a race was not. */
static bool was_heard(const struct run_dial *d, uint32_t candidate, uint32_t n)
{
    int until_ms = mox_plan_attempt(d->plan, n)->end_ms;
    const struct mox_attempt *a;

    for (uint32_t i = 0; (a = mox_plan_attempt(d->plan, i)) != NULL; i++) {
        if (a->candidate == candidate && a->outcome != MOX_E_CANCELLED &&
            (i < n || a->start_ms < until_ms))
            return true;
    }
    return false;
}

/* Whether the other family of the host of attempt n is there, unheard before its end. */
static bool other_family_waits(const struct run_dial *d, uint32_t n)
{
    const struct mox_candidate *of = candidate_of(d->plan, n), *other;

    for (uint32_t i = 0; i < n; i++) {
        other = candidate_of(d->plan, i);
        if (strcmp(other->host, of->host) == 0 && other->ip.family != of->ip.family &&
            refused_us(d, i))
            return false;
    }
    for (uint32_t c = 0; (other = mox_plan_candidate(d->plan, c)) != NULL; c++) {
        if (other->drop == MOX_DROP_NONE && strcmp(other->host, of->host) == 0 &&
            other->ip.family != of->ip.family && !was_heard(d, c, n))
            return true;
    }
    return false;
}

/* After a refusal of our address the other family of the host is next. All addresses are known
 * beforehand only where the plan was resolved before. */
static void check_other_family(struct run_dial *d, uint32_t n)
{
    const struct mox_attempt *next = NULL, *a = mox_plan_attempt(d->plan, n);
    const struct mox_candidate *was = candidate_of(d->plan, n), *is;

    if (d->order_to.at == 0 || d->run->seed->max_per_address != 0 || !refused_us(d, n) ||
        !other_family_waits(d, n))
        return;
    for (uint32_t i = n + 1; next == NULL && (next = mox_plan_attempt(d->plan, i)) != NULL; i++) {
        if (next->start_ms < a->end_ms)
            next = NULL;
    }
    if (next == NULL)
        return;
    is = mox_plan_candidate(d->plan, next->candidate);
    if (strcmp(is->host, was->host) != 0 || is->ip.family == was->ip.family)
        run_broken(d->run, "race", "dial %d: %s refused us, and its other family is not next",
                   run_number_of(d), was->host);
}

static bool is_kept(const struct mox_candidate *candidate)
{
    return candidate != NULL && candidate->ip.family != 0;
}

/* For whoever reads the trace. */
static void log_candidates(struct run_dial *d)
{
    const struct mox_candidate *candidate;
    char ip[64];

    for (uint32_t i = 0; (candidate = mox_plan_candidate(d->plan, i)) != NULL; i++) {
        snprintf(ip, sizeof ip, "-");
        mox_ip_format(&candidate->ip, ip, sizeof ip);
        world_log(d->run->w, "plan of dial %d: %s %s %s %s", run_number_of(d), candidate->host, ip,
                  mox_drop_name(candidate->drop),
                  candidate->detail == NULL ? "" : candidate->detail);
    }
}

/* The connection there had carried as many messages as it might: no other server is dialed. */
static bool is_worn_before(const struct run_dial *d, uint32_t n)
{
    const struct mox_attempt *a = mox_plan_attempt(d->plan, n);

    for (uint32_t i = 0; i < n; i++) {
        const struct mox_attempt *b = mox_plan_attempt(d->plan, i);

        if (b->candidate == a->candidate && b->outcome == MOX_OK)
            return true;
    }
    return false;
}

void check_plan(struct run_dial *d)
{
    const struct mox_plan_info *info;
    unsigned greeted = 0, first = 0;

    if (d->plan == NULL)
        return;
    info = mox_plan_summary(d->plan);
    log_candidates(d);
    check_learned(d);
    check_answered(d);
    if (run_is_sound(d->run))
        check_lost(d);
    for (uint32_t i = 0; i < info->n_attempts; i++) {
        const struct mox_attempt *a = mox_plan_attempt(d->plan, i);
        const struct mox_candidate *candidate;

        if (a == NULL || !is_kept(mox_plan_candidate(d->plan, a->candidate))) {
            run_broken(d->run, "plan", "attempt %u of dial %d has no address", (unsigned)i,
                       run_number_of(d));
            return;
        }
        candidate = mox_plan_candidate(d->plan, a->candidate);
        add_attempt(d->run, &(struct run_attempt){candidate->ip, candidate->source, candidate->port,
                                                  d->plan_ms + (uint64_t)a->start_ms,
                                                  d->reference.zone, d->reference.way.proxied});
        if (!check_is_retry(d, i) && !is_worn_before(d, i)) {
            first++;
            greeted += a->greeting_ms >= 0;
        }
        if (!run_is_sound(d->run))
            continue;
        check_stages(d, a);
        check_race(d, i);
        check_other_family(d, i);
        check_retry(d, i);
    }
    if (first > 10 || greeted > 4)
        run_broken(d->run, "plan", "dial %d made %u attempts, and was greeted %u times",
                   run_number_of(d), first, greeted);
}
