/*
 * sts.c - see sts.h. The work is a job of the context; lookups of one domain at one time wait for
 * the same job, so that a burst of mail to a domain is one question and one fetch. A job without a
 * lookup that waits for it ends.
 *
 *   the store's answer --a policy, or none--> the TXT record --a new id--> the fetch --> finished
 *
 * and from each of them to finished, where what is known suffices.
 */
#include "lookup/sts.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "ctx/store.h"
#include "dns/dns.h"
#include "lookup/sts_fetch.h"
#include "lookup/sts_refresh.h"
#include "lookup/sts_value.h"

enum {
    ALL_S = 60,                    /* for record and fetch together, with nothing in the cache */
    CHECK_S = 30,                  /* for each of them, with a policy in the cache */
    STORY = 1024,                  /* bytes of a story, and NUL */
    RECORD = MOX_LIMIT_DOMAIN + 16 /* bytes of the record's name, and NUL */
};

static const char jobs_key; /* its address is the key */

struct jobs {
    struct ctx_part part; /* first */
    struct job *running;
};

struct job {
    struct ctx_timer deadline; /* of the record */
    struct mox_ctx *ctx;
    struct jobs *jobs; /* where it runs; NULL: the context ends, or the job has finished */
    struct job *next, *prev;
    struct lookup_sts *waiting;
    bool finished;
    struct domain domain;
    char record[RECORD]; /* its name */
    struct lookup_rules rules;
    uint64_t asked_us; /* when it was first asked for the record */

    struct ctx_store_op store;
    struct lookup_chain chain;
    struct ctx_fetch fetch;
    struct arena arena;

    bool cached;                      /* there is a policy in the cache */
    struct sts_policy policy, before; /* to be used; of the cache */
    uint64_t fetched_s;
    char id[STS_ID + 1], id_before[STS_ID + 1]; /* of the record; of the cache */
    int store_status;                           /* why the cache could not be asked; or MOX_OK */
    struct lookup_sts_result result;
};

struct lookup_sts {
    struct ctx_event event; /* first: its job has finished */
    struct lookup_sts *next;
    struct job *job;
    void (*done)(void *arg);
    void *arg;
};

static void end_jobs(struct ctx_part *part)
{
    struct jobs *jobs = (struct jobs *)part; /* its first member */

    for (struct job *job = jobs->running; job != NULL; job = job->next)
        job->jobs = NULL; /* freed by the last lookup, whose owner ends later */
    mem_free(jobs);
}

static void link_job(struct jobs *jobs, struct job *job)
{
    job->jobs = jobs;
    job->next = jobs->running;
    if (job->next != NULL)
        job->next->prev = job;
    jobs->running = job;
}

static void unlink_job(struct job *job)
{
    if (job->jobs == NULL)
        return;
    *(job->prev == NULL ? &job->jobs->running : &job->prev->next) = job->next;
    if (job->next != NULL)
        job->next->prev = job->prev;
    job->jobs = NULL;
}

static void stop(struct job *job)
{
    ctx_timer_clear(job->ctx, &job->deadline);
    store_cancel(&job->store);
    chain_cancel(&job->chain);
    fetch_cancel(&job->fetch);
}

static void free_job(struct job *job)
{
    unlink_job(job);
    stop(job);
    arena_free(&job->arena);
    mem_free(job);
}

static uint64_t age_s(const struct job *job)
{
    int64_t now = ctx_unix_s(job->ctx);

    return now < 0 || (uint64_t)now < job->fetched_s ? 0 : (uint64_t)now - job->fetched_s;
}

/* The result is there: tell those who wait. */
static void finish(struct job *job, int status)
{
    unlink_job(job);
    stop(job);
    job->finished = true;
    job->result.status = status;
    for (struct lookup_sts *sts = job->waiting; sts != NULL; sts = sts->next)
        ctx_event_queue(job->ctx, &sts->event);
}

/* A story that was begun: what the store did, and the end. */
static void keep_story(struct job *job, struct text *t)
{
    struct mox_error err;

    error_from_op(&err, job->store_status, "asking it");
    if (job->store_status == MOX_E_TIMEOUT)
        text_add(t, "; the store did not answer in time, so the cache was not looked at");
    else if (job->store_status != MOX_OK)
        text_add(t, "; the store failed (%s), so the cache was not looked at", err.message);
    job->result.story =
        arena_text(&job->arena, (struct slice){t->buf, t->len < t->cap ? t->len : t->cap - 1});
}

static void finish_none(struct job *job, const char *why)
{
    char buf[STORY];
    struct text t = text_to(buf, sizeof buf);

    text_add(&t, "%s has no MTA-STS policy: %s", job->domain.name, why);
    keep_story(job, &t);
    finish(job, MOX_OK);
}

/* err NULL: no memory. */
static void finish_failed(struct job *job, int status, const struct mox_error *err)
{
    char buf[STORY];
    struct text t = text_to(buf, sizeof buf);

    text_add(&t, "it could not be learned whether %s has an MTA-STS policy", job->domain.name);
    if (err != NULL)
        text_add(&t, ": %s", err->message);
    keep_story(job, &t);
    job->result.error = err;
    finish(job, status);
}

static void add_age(struct text *t, uint64_t seconds)
{
    static const uint64_t minute = 60, hour = 3600, day = 86400;

    if (seconds < 2 * minute)
        text_add(t, "%u s", (unsigned)seconds);
    else if (seconds < 2 * hour)
        text_add(t, "%u min", (unsigned)(seconds / minute));
    else if (seconds < 2 * day)
        text_add(t, "%u h", (unsigned)(seconds / hour));
    else
        text_add(t, "%u days", (unsigned)(seconds / day));
}

/* why: what is known of the record, or of the new policy. */
static void finish_cached(struct job *job, const char *why)
{
    char buf[STORY];
    struct text t = text_to(buf, sizeof buf);

    job->policy = job->before;
    job->result.policy = &job->policy;
    text_add(&t, "the MTA-STS policy of %s (%s, id %s) was fetched ", job->domain.name,
             sts_mode_name(job->policy.mode), job->id_before);
    add_age(&t, age_s(job));
    text_add(&t, " ago: %s", why);
    keep_story(job, &t);
    finish(job, MOX_OK);
}

static void finish_fetched(struct job *job)
{
    char buf[STORY];
    struct text t = text_to(buf, sizeof buf);

    job->result.policy = &job->policy;
    text_add(&t, "the MTA-STS policy of %s (%s, id %s) was fetched from mta-sts.%s just now",
             job->domain.name, sts_mode_name(job->policy.mode), job->id, job->domain.name);
    keep_story(job, &t);
    finish(job, MOX_OK);
}

/* The fetch failed. Without a policy this is remembered. */
static void take_failure(struct job *job, const struct sts_failure *failure)
{
    char buf[STORY];
    struct text t = text_to(buf, sizeof buf);

    if (job->cached) {
        text_add(&t, "a new one, id %s, could not be had, for %s", job->id, failure->why);
        finish_cached(job, buf);
        return;
    }
    sts_value_put_none(job->ctx, job->domain.name);
    job->result.result_type = failure->type;
    job->result.failure_code = arena_text(&job->arena, slice_of(failure->reason));
    text_add(&t, "its record names one, id %s, but %s", job->id, failure->why);
    finish_none(job, buf);
}

static void on_fetched(struct ctx_fetch *fetch)
{
    struct job *job = (struct job *)((char *)fetch - offsetof(struct job, fetch));
    struct sts_failure failure;
    int status = sts_fetch_read(fetch, job->domain.name, &job->arena, &job->policy, &failure);

    if (status == MOX_OK) {
        sts_value_put(job->ctx, job->domain.name, slice_of(job->id), buffer_slice(&fetch->body),
                      job->policy.max_age_s);
        finish_fetched(job);
    } else if (status == MOX_E_PROTOCOL) {
        take_failure(job, &failure);
    } else if (job->cached) {
        finish_cached(job, "there was no memory for a new one");
    } else {
        finish_failed(job, MOX_E_NOMEM, NULL);
    }
}

static void start_fetch(struct job *job)
{
    uint64_t now = ctx_now_us(job->ctx), end = job->asked_us + us_of_s(ALL_S);
    uint64_t left = end > now ? end - now : 0;
    int status;

    job->fetch.done = on_fetched;
    if (job->cached)
        left = us_of_s(CHECK_S);
    status = sts_fetch_start(job->ctx, &job->fetch, job->domain.name, left);
    if (status == MOX_OK)
        return;
    if (job->cached)
        finish_cached(job, "a new one could not be asked for");
    else
        finish_failed(job, status, NULL);
}

/* A short-lived policy would be over before it is half a day old. */
static bool grows_old(const struct job *job)
{
    uint64_t half = job->before.max_age_s / 2;

    return age_s(job) >= (half < STS_REFRESH_S ? half : STS_REFRESH_S);
}

/* The record says nothing new. A policy that grows old is fetched anew beside the dial, one that
 * asks for nothing and whose record is gone is dropped. */
static void keep_cached(struct job *job, enum sts_record_result record, const char *why)
{
    if (record == STS_RECORD_ABSENT && job->before.mode == STS_NONE)
        sts_value_delete(job->ctx, job->domain.name);
    else if (grows_old(job))
        sts_refresh(job->ctx, job->domain.name,
                    slice_of(record == STS_RECORD_OK ? job->id : job->id_before));
    finish_cached(job, why);
}

static const char *const record_words[] = {
    [STS_RECORD_OK] = "its record has the same id",
    [STS_RECORD_ABSENT] = "there is no record _mta-sts for it",
    [STS_RECORD_MULTIPLE] = "it has several records _mta-sts, of which none counts",
    [STS_RECORD_SYNTAX] = "its record _mta-sts is not well-formed"};

static void take_record(struct job *job, enum sts_record_result record)
{
    bool news = record == STS_RECORD_OK && !(job->cached && strcmp(job->id, job->id_before) == 0);

    if (news)
        start_fetch(job);
    else if (job->cached)
        keep_cached(job, record, record_words[record]);
    else
        finish_none(job, record_words[record]);
}

/* There was no answer about the record. */
static void take_silence(struct job *job, int status, const struct mox_error *err)
{
    if (job->cached)
        keep_cached(job, STS_RECORD_SYNTAX, "its record could not be looked up");
    else
        finish_failed(job, status, err);
}

static void on_record(struct lookup_chain *chain)
{
    struct job *job = (struct job *)((char *)chain - offsetof(struct job, chain));
    const struct lookup_answer *answer = &chain->answer;
    struct slice *texts;

    ctx_timer_clear(job->ctx, &job->deadline);
    if (chain->status != MOX_OK) {
        take_silence(job, chain->status, chain->error);
        return;
    }
    texts = arena_array(&job->arena, answer->count + 1, sizeof *texts);
    if (texts == NULL) {
        take_silence(job, MOX_E_NOMEM, NULL);
        return;
    }
    for (size_t i = 0; i < answer->count; i++)
        texts[i] = answer->items[i].data;
    take_record(job, sts_record_read(texts, answer->count, job->id));
}

/* Each question of an alias chain has a deadline of its own; this is the one of all together. */
static void on_deadline(struct ctx_event *event)
{
    struct job *job = (struct job *)((char *)event - offsetof(struct job, deadline.event));
    struct mox_error *err;

    if (job->chain.query.answered) /* in this very turn: the answer is queued behind, and counts */
        return;
    chain_cancel(&job->chain);
    err = arena_new(&job->arena, sizeof *err);
    if (err == NULL) {
        take_silence(job, MOX_E_NOMEM, NULL);
        return;
    }
    error_set(err, MOX_E_DNS,
              "no answer from the name servers for TXT of %s in time; try again later",
              job->record);
    err->stage = MOX_STAGE_RESOLVE;
    error_at_host(err, job->record);
    take_silence(job, err->code, err);
}

static void ask_record(struct job *job)
{
    uint64_t limit = us_of_s(job->cached ? CHECK_S : ALL_S);
    struct text name = text_to(job->record, sizeof job->record);

    text_add(&name, "_mta-sts.%s", job->domain.name);
    if (name.len > MOX_LIMIT_DOMAIN) { /* no such name can be */
        take_record(job, STS_RECORD_ABSENT);
        return;
    }
    if (job->rules.timeout_us > limit)
        job->rules.timeout_us = limit;
    job->asked_us = ctx_now_us(job->ctx);
    job->deadline.event.run = on_deadline;
    job->chain.arena = &job->arena;
    job->chain.rules = &job->rules;
    job->chain.type = DNS_TYPE_TXT;
    job->chain.max_aliases = MOX_LIMIT_CNAME;
    job->chain.done = on_record;
    if (chain_start(job->ctx, &job->chain, job->record) != MOX_OK ||
        ctx_timer_set(job->ctx, &job->deadline, job->asked_us + limit) != MOX_OK)
        take_silence(job, MOX_E_NOMEM, NULL);
}

/* What the store has. true: that none could be had holds still. */
static bool read_cache(struct job *job, struct slice text)
{
    struct sts_value value;
    int status;

    if (!sts_value_read(text, &value))
        return false;
    job->fetched_s = value.fetched_s;
    if (ctx_unix_s(job->ctx) < 0 || value.fetched_s > (uint64_t)ctx_unix_s(job->ctx) + STS_NONE_S)
        return false; /* the clock of whoever wrote it was far ahead */
    if (value.id.len == 0)
        return age_s(job) < STS_NONE_S;
    status = sts_policy_read(value.policy, &job->before, &job->arena, NULL);
    job->cached = status == MOX_OK && age_s(job) < job->before.max_age_s;
    job->store_status = status == MOX_E_NOMEM ? status : MOX_OK;
    slice_clean(value.id, false, job->id_before, sizeof job->id_before);
    return false;
}

static void on_cache(struct ctx_store_op *op)
{
    struct job *job = (struct job *)((char *)op - offsetof(struct job, store));
    bool none;

    job->store_status = op->status;
    none = op->status == MOX_OK && op->found && read_cache(job, buffer_slice(&op->value));
    store_cancel(op);                     /* the value has been read */
    if (job->store_status == MOX_E_NOMEM) /* a policy that may be there is not passed over */
        finish_failed(job, MOX_E_NOMEM, NULL);
    else if (none)
        finish_none(job, "none could be had a moment ago, and for 5 minutes it is not asked again");
    else
        ask_record(job);
}

/* NULL: no memory. */
static struct job *start_job(struct mox_ctx *ctx, struct jobs *jobs, const char *domain,
                             const struct lookup_rules *rules)
{
    struct job *job = mem_new(sizeof *job);
    char key[STS_KEY];
    int status;

    if (job == NULL)
        return NULL;
    job->ctx = ctx;
    job->rules = *rules;
    job->store.done = on_cache;
    domain_set(&job->domain, slice_of(domain));
    sts_key(key, domain);
    status = store_get(ctx, &job->store, key, rules->store_us);
    if (status != MOX_OK) {
        free_job(job);
        return NULL;
    }
    link_job(jobs, job);
    return job;
}

/* The job of the domain, of dials that are as patient; NULL: none runs. */
static struct job *find_job(const struct jobs *jobs, const char *domain,
                            const struct lookup_rules *rules)
{
    struct job *job = jobs->running;

    while (job != NULL &&
           !(job->rules.timeout_us == rules->timeout_us && job->rules.store_us == rules->store_us &&
             slice_is(domain_slice(&job->domain), domain)))
        job = job->next;
    return job;
}

static void run_done(struct ctx_event *event)
{
    struct lookup_sts *sts = (struct lookup_sts *)event; /* its first member */

    sts->done(sts->arg);
}

struct lookup_sts *lookup_sts_start(struct mox_ctx *ctx, const char *domain,
                                    const struct lookup_rules *rules, void (*done)(void *arg),
                                    void *arg)
{
    struct jobs *jobs = ctx_part_use(ctx, &jobs_key, sizeof *jobs, end_jobs);
    struct lookup_sts *sts = jobs == NULL ? NULL : mem_new(sizeof *sts);
    struct job *job;

    if (sts == NULL)
        return NULL;
    job = find_job(jobs, domain, rules);
    if (job == NULL)
        job = start_job(ctx, jobs, domain, rules);
    if (job == NULL) {
        mem_free(sts);
        return NULL;
    }
    sts->event.run = run_done;
    sts->job = job;
    sts->done = done;
    sts->arg = arg;
    sts->next = job->waiting;
    job->waiting = sts;
    return sts;
}

bool lookup_sts_finished(const struct lookup_sts *sts)
{
    return sts->job->finished;
}

bool lookup_sts_store_silent(const struct lookup_sts *sts)
{
    return sts->job->store_status == MOX_E_TIMEOUT;
}

const struct lookup_sts_result *lookup_sts_result(const struct lookup_sts *sts)
{
    return &sts->job->result;
}

void lookup_sts_free(struct lookup_sts *sts)
{
    struct lookup_sts **link;

    if (sts == NULL)
        return;
    ctx_event_drop(&sts->event);
    for (link = &sts->job->waiting; *link != sts; link = &(*link)->next)
        ;
    *link = sts->next;
    if (sts->job->waiting == NULL)
        free_job(sts->job);
    mem_free(sts);
}
