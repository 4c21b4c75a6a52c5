/* history.c - see history.h. */
#include "dial/history.h"

#include <string.h>

#include "base/ip.h"
#include "ctx/store.h"
#include "dial/conn.h"
#include "dial/history_write.h"
#include "dial/source.h"
#include "policy/classify.h"

enum { FAMILIES = 2 };

static const int families[FAMILIES] = {MOX_IPV4, MOX_IPV6};

struct history_family {
    bool known;                 /* entry is as the store has it */
    struct mox_ip source;       /* public, of the entry; family 0: none can be had */
    struct learned_entry entry; /* of known */
    const char *why;            /* the family is avoided; NULL: see history_why */
    bool avoided;
    struct mox_ip
        refused; /* the public source of a refusal that is only possible; family 0: none */
    struct learned_entry possible; /* … and what it would be in an entry */
    const char *rcpt;              /* … and whom it was for; NULL: everybody */
};

struct history { /* in the plan's arena */
    struct history_family of[FAMILIES];
    struct history_read *reading; /* NULL: not asked for, or done with */
    bool read;                    /* … to the end */
};

struct history_read { /* in the plan's arena */
    struct ctx_store_op ops[FAMILIES];
    struct dial_host *host;
    unsigned open; /* questions that are not answered */
};

static size_t index_of(int family)
{
    return family == MOX_IPV6;
}

/* An address that is given by itself has no other family to turn to. */
static bool is_off(const struct dial *d)
{
    return (d->plan->rules.flags & MOX_DIAL_NO_HISTORY) != 0 ||
           request_has_address(&d->plan->rules);
}

/* Whether the order of the host hangs on it: both families may come, and no rule stands above. */
static bool is_wanted(const struct dial *d)
{
    const struct request_rules *rules = &d->plan->rules;
    const uint32_t both = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6;

    return rules->prefer == MOX_PREFER_LEARNED && !is_off(d) &&
           (rules->families & ~d->out & both) == both;
}

/* The history of a host, which is empty at first; NULL: no memory. */
static struct history *history_of(struct dial *d, struct plan_host *host)
{
    if (host->history == NULL)
        host->history = arena_new(&d->plan->arena, sizeof *host->history);
    return host->history;
}

/* They are the same for all hosts of the dial. */
static void take_sources(struct dial *d, struct history *history)
{
    for (size_t i = 0; i < FAMILIES; i++)
        history->of[i].source =
            d->history != NULL ? d->history->of[i].source : source_coming(d, families[i]);
    d->history = history;
}

/* What was read of a family. */
static void take_value(struct dial *d, struct history_family *f, int family,
                       const struct ctx_store_op *op)
{
    int64_t now = ctx_unix_s(d->ctx);
    char why[LEARNED_WHY];

    f->known = op->status == MOX_OK;
    if (!f->known || !op->found || !learned_read(buffer_slice(&op->value), now, &f->entry))
        return;
    f->avoided = learned_avoided(&f->entry, now);
    if (!f->avoided)
        return;
    learned_why(&f->entry, family, why);
    f->why = arena_text(&d->plan->arena, slice_of(why));
}

static void on_read(struct ctx_store_op *op, size_t at)
{
    struct history_read *read =
        (struct history_read *)((char *)(op - at) - offsetof(struct history_read, ops));
    struct dial_host *host = read->host;

    host->dial->store_silent = host->dial->store_silent || op->status == MOX_E_TIMEOUT;
    take_value(host->dial, &host->host->history->of[at], families[at], op);
    store_cancel(op); /* the value has been read */
    if (--read->open > 0)
        return;
    host->host->history->read = true;
    host->host->history->reading = NULL;
    dial_step(host->dial);
}

static void on_read4(struct ctx_store_op *op)
{
    on_read(op, 0);
}

static void on_read6(struct ctx_store_op *op)
{
    on_read(op, 1);
}

int history_begin(struct dial_host *host)
{
    static void (*const done[FAMILIES])(struct ctx_store_op * op) = {on_read4, on_read6};
    struct dial *d = host->dial;
    struct history *history;
    struct history_read *read;

    if (!is_wanted(d) || (host->host->history != NULL && host->host->history->read))
        return MOX_OK;
    history = history_of(d, host->host);
    read = arena_new(&d->plan->arena, sizeof *read);
    if (history == NULL || read == NULL)
        return MOX_E_NOMEM;
    take_sources(d, history);
    read->host = host;
    for (size_t i = 0; i < FAMILIES; i++) {
        char key[LEARNED_KEY];

        if (history->of[i].source.family == 0)
            continue;
        learned_key(key, host->host->view.host, &history->of[i].source, families[i]);
        read->ops[i].done = done[i];
        read->open += store_get(d->ctx, &read->ops[i], key,
                                dial_store_us(d, d->plan->rules.store_us)) == MOX_OK;
    }
    history->reading = read->open > 0 ? read : NULL;
    return MOX_OK;
}

bool history_ready(const struct dial_host *host)
{
    return host->host->history == NULL || host->host->history->reading == NULL;
}

void history_end(struct dial_host *host)
{
    struct history *history = host->host->history;

    if (history_ready(host))
        return;
    for (size_t i = 0; i < FAMILIES; i++)
        store_cancel(&history->reading->ops[i]);
    history->reading = NULL;
}

static bool is_avoided(const struct plan_host *host, int family)
{
    return host->history != NULL && host->history->of[index_of(family)].avoided;
}

uint32_t history_avoid(const struct plan_host *host)
{
    uint32_t avoid = 0;

    for (size_t i = 0; i < FAMILIES; i++)
        avoid |= is_avoided(host, families[i]) ? ip_family_bit(families[i]) : 0;
    return avoid;
}

const char *history_why(const struct plan_host *host, int family)
{
    return is_avoided(host, family) ? host->history->of[index_of(family)].why : NULL;
}

/* Adds news to the entry of our source of that family: the one that was read, or another. */
static void write_news(struct dial *d, struct plan_host *host, int family,
                       const struct mox_ip *source, const struct learned_entry *news)
{
    struct history_family *f = host->history == NULL ? NULL : &host->history->of[index_of(family)];
    char key[LEARNED_KEY], read[LEARNED_KEY] = "";

    learned_key(key, host->view.host, source, family);
    if (f != NULL && f->known)
        learned_key(read, host->view.host, &f->source, family);
    if (strcmp(key, read) == 0)
        history_write(d->ctx, key, &f->entry, news);
    else
        history_write_unread(d->ctx, key, news, d->plan->rules.store_us);
}

/* Kept until the recipient is accepted elsewhere; without memory it is not. */
static void keep_possible(struct dial *d, const struct mox_ip *source,
                          const struct learned_entry *news, const char *rcpt)
{
    const struct plan_candidate *candidate = d->attempt->candidate;
    struct history *history = history_of(d, candidate->host);
    struct history_family *f;

    if (history == NULL)
        return;
    f = &history->of[index_of(candidate->view.ip.family)];
    f->rcpt = rcpt == NULL ? NULL : arena_text(&d->plan->arena, slice_of(rcpt));
    f->refused = *source;
    f->possible = *news;
    if (rcpt != NULL && f->rcpt == NULL)
        f->refused.family = 0;
}

/* What is kept of the session is of this one. */
static void begin_notes(struct dial *d)
{
    if (d->noted == d->attempt)
        return;
    d->noted = d->attempt;
    d->noted_s = 0;
    d->noted_refusal = false;
}

void history_refused(struct dial *d, const struct mox_error *err, const char *rcpt)
{
    enum policy_source_refusal refusal = policy_source_refusal(err->stage, err);
    struct plan_candidate *candidate = d->attempt->candidate;
    struct learned_entry news = {0};
    struct mox_ip source;

    if (is_off(d) || refusal == POLICY_SOURCE_NO)
        return;
    begin_notes(d);
    if (d->noted_refusal)
        return;
    d->noted_refusal = true;
    d->noted_s = 0;
    source = source_of_session(d);
    if (source.family == 0)
        return;
    learned_refused(&news, ctx_unix_s(d->ctx), err);
    if (refusal == POLICY_SOURCE_CERTAIN)
        write_news(d, candidate->host, candidate->view.ip.family, &source, &news);
    else
        keep_possible(d, &source, &news, rcpt);
}

/* What was only possible over the other family is so: over this one the recipient is accepted. */
static void learn_possible(struct dial *d, struct plan_host *host, int family, const char *rcpt)
{
    struct history_family *f =
        host->history == NULL ? NULL : &host->history->of[index_of(ip_other_family(family))];

    if (f == NULL || f->refused.family == 0 ||
        (f->rcpt != NULL && rcpt != NULL && strcmp(f->rcpt, rcpt) != 0))
        return;
    write_news(d, host, ip_other_family(family), &f->refused, &f->possible);
    f->refused.family = 0;
}

void history_accepted(struct dial *d, const char *rcpt)
{
    struct plan_candidate *candidate = d->attempt->candidate;
    int64_t now = ctx_unix_s(d->ctx);
    struct learned_entry news = {0};
    struct mox_ip source;

    if (is_off(d))
        return;
    learn_possible(d, candidate->host, candidate->view.ip.family, rcpt);
    begin_notes(d);
    d->noted_refusal = false;
    if (d->noted_s != 0 && now - d->noted_s < LEARNED_WRITE_S)
        return; /* on a connection that carries many messages */
    source = source_of_session(d);
    if (source.family == 0)
        return;
    d->noted_s = now;
    learned_accepted(&news, now);
    write_news(d, candidate->host, candidate->view.ip.family, &source, &news);
}

void history_forget(struct dial *d)
{
    struct history *history = d->attempt->candidate->host->history;

    for (size_t i = 0; i < FAMILIES && history != NULL; i++)
        history->of[i].refused.family = 0;
}

int mox_conn_note(struct mox_conn *conn, const struct mox_error *outcome)
{
    struct dial *d = conn_dial(conn);

    if (outcome != NULL && outcome->smtp_code == 0)
        return MOX_E_INVAL;
    if (outcome == NULL)
        history_accepted(d, NULL);
    else
        history_refused(d, outcome, NULL);
    if (outcome != NULL && policy_source_refusal(outcome->stage, outcome) == POLICY_SOURCE_NO)
        history_forget(d); /* the verdict on this message is another one */
    ctx_arm(d->ctx);
    return MOX_OK;
}
