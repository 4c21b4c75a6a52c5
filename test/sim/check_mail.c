/*
 * check_mail.c - the invariant "mail": what was told of each recipient, against what servers took.
 * The servers' truth is written by mailbox.c, which knows nothing of the library.
 */
#include <stdio.h>
#include <string.h>

#include "test/sim/check.h"
#include "test/sim/run.h"
#include "test/sim/send.h"

static bool is_of(const struct mailbox_taken *taken, const struct send_mail *m)
{
    char subject[SEED_TEXT + 16];
    size_t len = (size_t)snprintf(subject, sizeof subject, "Subject: %s\r\n", m->name);

    return taken->len >= len && memcmp(taken->body, subject, len) == 0;
}

struct truth { /* of one recipient */
    unsigned taken, told;
    bool sealed; /* over TLS: whether the client could know is not known here */
    bool sent;   /* dot and all, to a server: it may be unknown */
};

static struct truth truth_of(const struct run *run, const struct send_mail *m, unsigned rcpt)
{
    struct truth truth = {0};

    for (const struct mailbox_taken *t = run->w->taken; t != NULL; t = t->next) {
        if (!is_of(t, m) || !mailbox_has_rcpt(t, m->addresses[rcpt]))
            continue;
        truth.taken++;
        truth.sealed = truth.sealed || t->stream->secure.begun;
        truth.told += mailbox_was_told(t);
    }
    for (const struct net_stream *s = run->w->streams; s != NULL; s = s->next)
        truth.sent = truth.sent || mailbox_was_sent(s, m->name, m->addresses[rcpt]);
    return truth;
}

static void wrong(struct run *run, const struct send_mail *m, unsigned rcpt, const char *what,
                  const struct truth *truth)
{
    run_broken(run, "mail", "%s, r%u: %s: told %s, taken %u, known %u", m->name, rcpt, what,
               mox_rcpt_state_name(m->results[rcpt].state), truth->taken, truth->told);
}

/* A recipient of whom nothing was heard, and whom no connection waits for any more. */
static void check_pending(struct run *run, const struct send_mail *m, unsigned rcpt,
                          const struct truth *truth)
{
    const struct send *send = &m->d->send;
    int code = m->results[rcpt].code;
    bool once = m->facts->reader && !m->facts->rewinds && m->read;

    if (code != MOX_E_CLOSED && code != MOX_E_SHUTDOWN)
        wrong(run, m, rcpt, "was left, and no connection ended", truth);
    if (!once && !send->stopped && !send_is_out_of_rounds(m->d) && !run->shut_down &&
        run_is_sound(run))
        wrong(run, m, rcpt, "was left, and there is another candidate", truth);
}

static void check_rcpt(struct run *run, const struct send_mail *m, unsigned rcpt)
{
    struct truth truth = truth_of(run, m, rcpt);
    int state = m->results[rcpt].state;

    if (truth.taken > 1)
        wrong(run, m, rcpt, "went twice", &truth);
    if (m->abandoned || m->id != 0 || m->calls == 0)
        return;
    if (state == MOX_RCPT_ACCEPTED && truth.taken != 1)
        wrong(run, m, rcpt, "accepted by nobody", &truth);
    if (state != MOX_RCPT_ACCEPTED && state != MOX_RCPT_UNKNOWN && truth.taken != 0)
        wrong(run, m, rcpt, "was taken", &truth);
    if (state == MOX_RCPT_UNKNOWN && truth.told > 0 && !truth.sealed)
        wrong(run, m, rcpt, "could be known", &truth);
    if (state == MOX_RCPT_UNKNOWN && (!truth.sent || m->results[rcpt].stage != MOX_STAGE_FINAL))
        wrong(run, m, rcpt, "unknown before the dot", &truth);
    if (state == MOX_RCPT_UNKNOWN && m->results[rcpt].action == MOX_ACTION_NEXT)
        wrong(run, m, rcpt, "unknown, and to be sent again at once", &truth);
    if (state == MOX_RCPT_PENDING)
        check_pending(run, m, rcpt, &truth);
    check_text(run, "a result", m->results[rcpt].reply);
}

/* Octet by octet what the host gave. */
static void check_bodies(struct run *run, const struct send_mail *m)
{
    for (const struct mailbox_taken *t = run->w->taken; t != NULL; t = t->next) {
        if (is_of(t, m) && (t->len != m->len || memcmp(t->body, m->text, m->len) != 0))
            run_broken(run, "mail", "%s arrived as another", m->name);
    }
}

/* All recipients, so nobody was accepted before; by the last host that was asked. */
static bool is_refused_for_good(const struct send_mail *m)
{
    for (unsigned i = 0; i < m->facts->rcpts; i++) {
        const struct mox_rcpt_result *r = &m->results[i];

        if (r->state != MOX_RCPT_PERMANENT || r->stage > MOX_STAGE_RCPT ||
            strstr(r->reply, "reverse hostname") == NULL)
            return false;
    }
    return true;
}

static bool has_said_5xx(const struct mox_plan *plan, uint32_t candidate)
{
    const struct mox_attempt *a;

    for (uint32_t i = 0; (a = mox_plan_attempt(plan, i)) != NULL; i++) {
        if (a->candidate == candidate && a->error != NULL && a->error->smtp_code >= 500)
            return true;
    }
    return false;
}

static bool is_planned(const struct mox_plan *plan, const char *host)
{
    const struct mox_candidate *c;

    for (uint32_t i = 0; (c = mox_plan_candidate(plan, i)) != NULL; i++) {
        if (strcmp(c->host, host) == 0)
            return true;
    }
    return false;
}

void check_for_good(const struct send_mail *m)
{
    const struct mox_plan *plan = m->d->conn == NULL ? NULL : mox_conn_plan(m->d->conn);
    bool is_sure = run_is_sound(m->d->run) && !run_is_open(m->d); /* which hosts there are */
    const struct mox_candidate *c;

    if (plan == NULL || !is_refused_for_good(m))
        return;
    for (uint32_t i = 0; (c = mox_plan_candidate(plan, i)) != NULL; i++) {
        if (c->drop == MOX_DROP_NONE && strcmp(c->host, m->results[0].host) != 0 &&
            !has_said_5xx(plan, i))
            run_broken(m->d->run, "mail", "%s is refused for good, and %s was not heard", m->name,
                       c->host);
    }
    for (size_t i = 0; i < m->d->reference.nknown && is_sure; i++) {
        const struct reference_pair *pair = &m->d->reference.known[i];

        if (pair->place != REFERENCE_NO_PLACE && !is_planned(plan, pair->host))
            run_broken(m->d->run, "mail", "%s is refused for good, and %s was not looked up",
                       m->name, pair->host);
    }
}

void check_mail_of(struct run_dial *d)
{
    for (size_t k = 0; k < d->facts->nmails && d->send.made; k++) {
        const struct send_mail *m = &d->send.mails[k];

        if (m->text == NULL)
            continue;
        check_bodies(d->run, m);
        for (unsigned r = 0; r < m->facts->rcpts; r++)
            check_rcpt(d->run, m, r);
    }
}
