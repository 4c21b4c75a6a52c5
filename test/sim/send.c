/* send.c - see send.h. */
#include "test/sim/send.h"

#include <stdio.h>
#include <string.h>

#include "test/sim/check.h"
#include "test/sim/run.h"

enum { MOST_ROUNDS = 12, READ_AT_ONCE = 100, PAUSE_US = 5000 };

static void resume(struct world *w, void *arg)
{
    struct send_mail *m = arg;

    if (m->id != 0 && !w->ended)
        mox_op_resume(w->ctx, m->id);
}

static int read_mail(void *user, void *buf, size_t cap, size_t *n)
{
    struct send_mail *m = user;
    size_t left = m->len - m->at;

    *n = 0;
    m->read = true;
    if (m->pauses > 0 && m->at > 0) {
        m->pauses--;
        world_at(m->d->run->w, PAUSE_US, resume, m);
        return MOX_E_AGAIN;
    }
    if (m->facts->breaks && m->at > m->len / 2)
        return MOX_ERRNO(5);
    *n = left < cap ? left : cap;
    *n = *n < READ_AT_ONCE ? *n : READ_AT_ONCE;
    memcpy(buf, m->text + m->at, *n);
    m->at += *n;
    return MOX_OK;
}

static int rewind_mail(void *user)
{
    struct send_mail *m = user;

    m->at = 0;
    return MOX_OK;
}

/* Dots at the front of lines, and a name by which the servers' truth finds it again. */
static void make_text(struct send_mail *m)
{
    size_t cap = 64 + 16 * (size_t)m->facts->lines, len;
    char *text = world_alloc(m->d->run->w, cap);

    len = (size_t)snprintf(text, cap, "Subject: %s\r\n\r\n", m->name);
    for (unsigned i = 0; i < m->facts->lines; i++)
        len += (size_t)snprintf(text + len, cap - len, "%s%u\r\n", i % 3 == 0 ? "." : "line ", i);
    m->text = text;
    m->len = len;
}

static void make_rcpts(struct send_mail *m)
{
    for (unsigned i = 0; i < m->facts->rcpts; i++) {
        const char *form = m->facts->utf8 && i == 1  ? "\303\274%u@%s"
                           : m->facts->odd && i == 2 ? "no address %u %s"
                                                     : "r%u@%s";

        snprintf(m->addresses[i], SEED_TEXT, form, i, m->name);
        m->rcpts[i].address = m->addresses[i];
    }
}

static void make(struct run_dial *d, struct send_mail *m, unsigned n)
{
    int turn = d->facts->repeats - d->send.repeats;

    *m = (struct send_mail){.d = d, .facts = &d->facts->mails[n]};
    snprintf(m->name, sizeof m->name, "d%d.t%d.m%u.example", run_number_of(d), turn, n);
    make_text(m);
    make_rcpts(m);
    m->pauses = m->facts->pauses;
    m->message = (struct mox_message){.size = sizeof m->message,
                                      .mail_from = "a@sender.example",
                                      .rcpts = m->rcpts,
                                      .nrcpts = m->facts->rcpts,
                                      .flags = m->facts->flags};
    m->message.body = (struct mox_body){.data = m->text, .len = m->len};
    if (m->facts->reader)
        m->message.body = (struct mox_body){.source = MOX_BODY_READER,
                                            .read = read_mail,
                                            .rewind = m->facts->rewinds ? rewind_mail : NULL,
                                            .user = m};
}

/* Whether a recipient may still be helped on this connection, or by another candidate. */
static bool is_open(const struct send_mail *m)
{
    if (m->over || m->abandoned || (m->facts->reader && !m->facts->rewinds && m->read))
        return false;
    for (unsigned i = 0; i < m->facts->rcpts; i++) {
        if (m->results[i].state == MOX_RCPT_PENDING || m->results[i].action == MOX_ACTION_NEXT)
            return true;
    }
    return false;
}

int send_in_flight(const struct run_dial *d)
{
    int n = 0;

    for (size_t i = 0; i < d->facts->nmails; i++)
        n += d->send.mails[i].id != 0;
    return n;
}

static void start_more(struct run_dial *d);

bool send_is_out_of_rounds(const struct run_dial *d)
{
    return d->send.rounds >= MOST_ROUNDS;
}

/* What is left for another connection is left because this one is over. */
static void check_pending(const struct send_mail *m)
{
    bool over = mox_conn_session(m->d->conn)->stage == MOX_STAGE_QUIT;

    for (unsigned i = 0; i < m->facts->rcpts; i++) {
        if (m->results[i].state == MOX_RCPT_PENDING && !over)
            run_broken(m->d->run, "mail", "%s, r%u: it is left, and the connection is not over",
                       m->name, i);
    }
}

/* The error of a delivery says what its results do. */
static void check_outcome(struct send_mail *m, int status, const struct mox_error *err)
{
    bool all = true, next = false;

    for (unsigned i = 0; i < m->facts->rcpts; i++) {
        all = all && m->results[i].state == MOX_RCPT_ACCEPTED;
        next = next || m->results[i].action == MOX_ACTION_NEXT;
    }
    if ((status == MOX_OK) != all)
        run_broken(m->d->run, "mail", "%s: %s, and not all are accepted, or all are", m->name,
                   mox_status_name(status));
    if (err != NULL && (err->action == MOX_ACTION_NEXT) != next)
        run_broken(m->d->run, "mail", "%s: action %s, and results say otherwise: %s", m->name,
                   mox_action_name(err->action), err->message);
    if (err != NULL)
        check_text(m->d->run, "an error of a delivery", err->message);
}

static void on_delivered(void *arg, int status, const struct mox_error *err)
{
    struct send_mail *m = arg;
    struct run_dial *d = m->d;

    world_log(d->run->w, "delivery of %s: %s%s%s", m->name, mox_status_name(status),
              err == NULL ? "" : ": ", err == NULL ? "" : err->message);
    if (m->id == 0 || m->abandoned)
        run_broken(d->run, "callback", "%s calls back when it should not", m->name);
    if (!d->run->w->dispatching)
        run_broken(d->run, "callback", "%s calls back outside of a dispatch", m->name);
    m->id = 0;
    m->calls++;
    check_outcome(m, status, err);
    check_pending(m);
    check_for_good(m);
    m->over = !is_open(m);
    start_more(d);
}

static bool start_one(struct run_dial *d, struct send_mail *m)
{
    struct mox_error err = {0};

    m->at = 0;
    m->id = mox_deliver_start(d->conn, &m->message, m->results, on_delivered, m, &err);
    if (m->id != 0)
        return true;
    world_log(d->run->w, "%s does not start: %s", m->name, err.message);
    if (!d->run->shut_down && run_is_sound(d->run) && err.code != MOX_E_STATE)
        run_broken(d->run, "start", "%s does not start: %s", m->name, err.message);
    return false;
}

/* All that was begun on this connection has ended. */
static void finish(struct run_dial *d)
{
    bool left = false;

    for (size_t i = 0; i < d->facts->nmails; i++)
        left = left || is_open(&d->send.mails[i]);
    if (left && !send_is_out_of_rounds(d) && !d->run->shut_down) {
        run_go_on(d);
        return;
    }
    check_mail_of(d);
    run_release(d);
    if (d->send.repeats-- > 0 && !d->run->shut_down) {
        d->send.rounds = 0;
        run_again(d);
    }
}

/* As many under way as the host hands over ahead; each message once on a connection. */
static void start_more(struct run_dial *d)
{
    struct send *s = &d->send;
    bool stuck = false;

    if (d->conn == NULL || d->run->w->ended)
        return;
    for (size_t i = 0; i < d->facts->nmails && !stuck; i++) {
        struct send_mail *m = &s->mails[i];

        if (send_in_flight(d) >= (int)d->facts->ahead)
            return;
        if (m->id != 0 || m->round == s->rounds || !is_open(m))
            continue;
        m->round = s->rounds;
        stuck = !start_one(d, m);
    }
    if (send_in_flight(d) == 0)
        finish(d);
}

void send_begin(struct run_dial *d)
{
    struct send *s = &d->send;

    if (!s->made) {
        s->made = true;
        s->repeats = d->facts->repeats;
    }
    if (s->rounds == 0) {
        for (unsigned i = 0; i < d->facts->nmails; i++)
            make(d, &s->mails[i], i);
    }
    s->rounds++;
    s->stopped = false;
    start_more(d);
}

bool send_is_again(struct run_dial *d)
{
    const struct mox_session *session = mox_conn_session(d->conn);
    char now[SEED_TEXT], ip[64];
    bool again;

    mox_ip_format(&session->remote, ip, sizeof ip);
    snprintf(now, sizeof now, "%.24s %.36s", session->host, ip);
    again = d->send.rounds > 0 && strcmp(now, d->send.last) == 0;
    memcpy(d->send.last, now, sizeof now);
    return again;
}

void send_abandon(struct run_dial *d)
{
    for (size_t i = 0; i < d->facts->nmails; i++) {
        struct send_mail *m = &d->send.mails[i];

        m->abandoned = m->abandoned || m->id != 0;
        m->id = 0;
    }
}

void send_cancel(struct run_dial *d)
{
    for (size_t i = 0; i < d->facts->nmails; i++) {
        struct send_mail *m = &d->send.mails[i];
        mox_op_id id = m->id;

        if (id == 0)
            continue;
        world_log(d->run->w, "host cancels %s", m->name);
        m->abandoned = true;
        m->id = 0;
        if (mox_op_cancel(d->run->w->ctx, id) != MOX_OK)
            run_broken(d->run, "callback", "%s is under way and cannot be cancelled", m->name);
        return;
    }
}
