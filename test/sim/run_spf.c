/* run_spf.c - a seed of SPF lived through, and what must hold of it; see spf.h. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "test/sim/dns.h"
#include "test/sim/memory.h"
#include "test/sim/spf.h"

/* Of a check: its records, the terms that ask with their hosts, which may be aliases, the client's
 * names, an explanation. */
enum {
    MOST_QUESTIONS =
        1 + MOX_LIMIT_SPF_LOOKUPS * (1 + 2 * MOX_LIMIT_SPF_MX) + 1 + 2 * MOX_LIMIT_PTR + 1
};

struct check {
    struct mox_spf_result result;
    mox_op_id id;
    uint64_t start_ms;
    int calls, status;
    bool over; /* no callback may come any more */
};

struct spf_run {
    struct spf_facts facts;
    struct world *w;
    struct check checks[SPF_CHECKS];
    int expected;
    bool failed; /* an allocation did */
    char broken[32], detail[300];
};

static struct spf_run run;

static void broken(const char *invariant, const char *detail, long number)
{
    if (run.broken[0] != '\0')
        return;
    snprintf(run.broken, sizeof run.broken, "%s", invariant);
    snprintf(run.detail, sizeof run.detail, "%s (%ld)", detail, number);
}

static void end_context(void)
{
    for (size_t i = 0; i < run.facts.nchecks; i++)
        run.checks[i].over = true;
    mox_ctx_free(run.w->ctx);
    run.w->ended = true;
}

/* Whether the result may stand where another one is expected. */
static bool is_right(int result)
{
    if (result == run.expected)
        return true;
    return result == MOX_SPF_TEMPERROR && (!run.facts.sure || memory_failed());
}

static void check_result(const struct check *c)
{
    const struct mox_spf_result *r = &c->result;

    if (c->status == MOX_E_NOMEM && memory_failed())
        return;
    if (c->status != MOX_OK)
        broken("result", "no result", c->status);
    else if (!is_right(r->result))
        broken("result", mox_spf_name(run.expected), r->result);
    if (r->lookups > MOX_LIMIT_SPF_LOOKUPS)
        broken("limits", "terms that ask", (long)r->lookups);
    if (r->void_lookups > MOX_LIMIT_SPF_VOIDS + (r->result == MOX_SPF_PERMERROR))
        broken("limits", "void terms", (long)r->void_lookups);
    if (strlen(r->mechanism) >= sizeof r->mechanism ||
        strlen(r->explanation) >= sizeof r->explanation)
        broken("limits", "a text without end", 0);
}

static void on_done(void *arg, int status, const struct mox_error *err)
{
    struct check *c = arg;
    struct world *w = run.w;

    c->calls++;
    c->status = status;
    if (c->calls > 1 || c->over || !w->dispatching || (status == MOX_OK) != (err == NULL))
        broken("callback", "twice, after the end, or out of place", c->calls);
    if (world_ms(w) > c->start_ms + MOX_LIMIT_SPF_SECONDS * 1000)
        broken("deadline", "milliseconds late",
               (long)(world_ms(w) - c->start_ms - MOX_LIMIT_SPF_SECONDS * 1000));
    check_result(c);
    world_log(w, "check %td: %s %s %u %u %s", c - run.checks, mox_status_name(status),
              mox_spf_name(c->result.result), c->result.lookups, c->result.void_lookups,
              c->result.explanation);
    if (run.facts.end_inside && !w->ended)
        end_context();
}

static void start(struct world *w, void *arg)
{
    const struct spf_facts *f = &run.facts;
    struct mox_spf_request request = {.size = sizeof request,
                                      .config = w->config,
                                      .helo = "mx.s.example",
                                      .mail_from = "u@N0.s.example"};
    struct check *c = arg;
    struct mox_error err;
    char ip[32];

    if (w->ended)
        return;
    snprintf(ip, sizeof ip, f->family == 0 ? "192.0.2.%d" : "2001:db8::%x", f->last);
    mox_ip_parse(ip, &request.ip);
    c->start_ms = world_ms(w);
    c->id = mox_spf_start(w->ctx, &request, &c->result, on_done, c, &err);
    c->over = c->id == 0;
    if (c->id == 0 && (err.code != MOX_E_NOMEM || !memory_failed()))
        broken("callback", "it does not start", err.code);
    if (c->calls > 0)
        broken("callback", "inside the start", 0);
}

static void cancel(struct world *w, void *arg)
{
    struct check *c = arg;
    bool lives = c->id != 0 && c->calls == 0 && !c->over;
    int status = w->ended ? MOX_E_STALE : mox_op_cancel(w->ctx, c->id);

    if ((status == MOX_OK) != lives)
        broken("callback", "a cancel", status);
    c->over = true;
}

static void end(struct world *w, void *arg)
{
    (void)arg;
    if (!w->ended)
        end_context();
}

static struct mox_config *parse(const struct spf_facts *f)
{
    static const char text[] = "Hostname: mx.s.example\nTimeouts:\n\tDNS: 3s\n";

    return f->short_time ? mox_config_parse(text, sizeof text - 1, NULL) : NULL;
}

static void live(void)
{
    const struct spf_facts *f = &run.facts;
    struct world *w = run.w;

    for (size_t i = 0; i < f->nchecks; i++)
        world_at(w, 1000u * f->start_ms[i], start, &run.checks[i]);
    if (f->cancel >= 0)
        world_at(w, 1000u * f->cancel_ms, cancel, &run.checks[f->cancel]);
    if (f->end_ms > 0)
        world_at(w, 1000u * f->end_ms, end, NULL);
    memory_fail(f->fail_at, f->fail_every);
    while (world_step(w))
        continue;
    run.failed = memory_failed();
    memory_fail(0, 0);
}

/* Each question is counted for all checks. */
static uint64_t questions(void)
{
    struct dns_asked asked;
    uint64_t n = 0;

    while (dns_asked_at(run.w, n, &asked))
        n++;
    return n;
}

static void check_end(struct spf_tally *tally)
{
    uint64_t asked = questions();
    const char *fault;

    for (size_t i = 0; i < run.facts.nchecks; i++) {
        const struct check *c = &run.checks[i];

        if (c->calls == 0 && !c->over)
            broken("callback", "none came", (long)i);
        tally->checks += c->calls > 0 && c->status == MOX_OK;
        tally->by_result[c->result.result] += c->calls > 0 && c->status == MOX_OK;
        tally->cancelled += c->id != 0 && c->calls == 0;
    }
    if (asked > run.facts.nchecks * MOST_QUESTIONS)
        broken("limits", "questions", (long)asked);
    tally->questions += asked;
    tally->failing += run.failed;
    fault = world_end(run.w);
    if (fault != NULL)
        broken("world", fault, 0);
}

/* FNV-1a of all that was seen and told. */
static uint64_t trace_of(const struct world *w)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < w->log.len + w->told.len; i++) {
        char c = i < w->log.len ? w->log.ptr[i] : w->told.ptr[i - w->log.len];

        hash = (hash ^ (unsigned char)c) * 0x100000001b3u;
    }
    return hash;
}

/* Its trace. */
static uint64_t live_once(uint64_t number, bool shown, struct spf_tally *tally)
{
    long before = memory_live(), left;
    uint64_t trace;

    memset(&run, 0, sizeof run);
    spf_draw(number, &run.facts);
    run.expected = spf_reference(&run.facts);
    run.w = world_new(number, NULL);
    run.w->config = parse(&run.facts);
    spf_serve(&run.facts, run.w);
    live();
    check_end(tally);
    trace = trace_of(run.w);
    if (shown)
        printf("%sexpected: %s\n", run.w->log.ptr == NULL ? "" : run.w->log.ptr,
               mox_spf_name(run.expected));
    world_free(run.w);
    left = memory_live() - before;
    if (left != 0)
        broken("memory", "blocks are left", left);
    return trace;
}

bool spf_live(uint64_t number, bool trace, struct spf_tally *tally)
{
    struct spf_tally again = {0};
    uint64_t first = live_once(number, trace, tally);

    tally->seeds++;
    if (run.broken[0] == '\0' && live_once(number, false, &again) != first)
        broken("trace", "two runs of it differ", 0);
    if (run.broken[0] == '\0')
        return true;
    printf("sim: seed %llu breaks \"%s\": %s\nagain: sim --spf --seed %llu --trace\n",
           (unsigned long long)number, run.broken, run.detail, (unsigned long long)number);
    return false;
}
