/*
 * test_smtp_mail_random.c - a model of a server that refuses, closes, lies and drops as a seed
 * says. What it knows to be true is compared with the results: accepted exactly where it took the
 * message and said so, unknown only behind a dot, nobody twice.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "mail_world.h"

enum { SEEDS = 5000, BODY_CAP = 24 << 10 };

enum fate { /* of a recipient, as the server knows it */
            FATE_NONE = 0,
            FATE_DOTTED,  /* the dot came; what it answers is not decided */
            FATE_REFUSED, /* by a reply to the dot, or early */
            FATE_ACCEPTED,
            FATE_LIED /* 2xx before the dot, 354 after it: no reply that counts */
};

struct model {
    uint64_t random;
    unsigned faults;     /* of 100 replies, how many are odd */
    uint32_t extensions; /* of the server */
    uint32_t limit;      /* RCPTMAX; 0: none */
    struct buffer in, out;
    size_t said; /* bytes ever put into out */
    bool mail, data, closed;
    bool cut;   /* the last reply is not whole */
    size_t job; /* of the sender of the envelope */
    size_t rcpts[MAIL_RCPTS], nrcpts;
    size_t refused; /* RCPT of the envelope that got a 4xx or 5xx */
    struct buffer body;
    bool early;  /* it has answered this message already */
    size_t lie;  /* where a 2xx before the dot begins in all that was said */
    bool caught; /* its first byte was read before the dot was written: that can be told */
    enum fate fates[MAIL_JOBS][MAIL_RCPTS];
    size_t ends[MAIL_JOBS][MAIL_RCPTS]; /* of the reply, in all that was said */
    const char *bodies[MAIL_JOBS];
};

struct reader { /* a host's, moody */
    struct model *model;
    const char *text;
    size_t len, at;
    bool fails;
};

static unsigned roll(struct model *s, unsigned n)
{
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return (unsigned)(s->random >> 20) % n;
}

static void say(struct model *s, const char *reply)
{
    size_t len = strlen(reply);

    if (s->closed)
        return;
    if (roll(s, 400) < s->faults) { /* cut, and closed */
        len = roll(s, (unsigned)len + 1);
        s->closed = true;
        s->cut = len < strlen(reply);
    }
    ck_assert_int_eq(buffer_append(&s->out, reply, len), MOX_OK);
    s->said += len;
}

/* A usual reply, or one of some others. */
static const char *choose(struct model *s, const char *usual, const char *const others[])
{
    unsigned n = 0;

    if (roll(s, 100) >= s->faults)
        return usual;
    while (others[n] != NULL)
        n++;
    return others[roll(s, n)];
}

static void end_envelope(struct model *s)
{
    s->mail = s->data = false;
    s->nrcpts = s->refused = 0;
}

static void hear_mail(struct model *s, struct slice line)
{
    static const char *const others[] = {
        "550 5.1.8 no\r\n", "451 4.3.0 no\r\n", "421 bye\r\n", "250-a\r\n250 b\r\n",
        "354 what\r\n",     "nonsense\r\n",     NULL};
    const char *reply = choose(s, "250 ok\r\n", others);

    ck_assert_msg(!s->mail, "MAIL within an envelope");
    s->job = (size_t)(line.ptr[strlen("MAIL FROM:<a")] - '0');
    ck_assert_uint_lt(s->job, MAIL_JOBS);
    s->mail = reply[0] == '2';
    s->nrcpts = s->refused = 0;
    say(s, reply);
}

static void hear_rcpt(struct model *s, struct slice line)
{
    static const char *const others[] = {
        "550 5.1.1 who\r\n", "450 4.2.0 no\r\n",  "452 4.5.3 many\r\n", "552 many\r\n",
        "550 5.7.1 no\r\n",  "251 elsewhere\r\n", "421 bye\r\n",        NULL};
    const char *at = line.ptr + strlen("RCPT TO:<r"), *reply = choose(s, "250 ok\r\n", others);
    size_t job = (size_t)(at[0] - '0'), i = (size_t)(at[2] - '0');

    if (!s->mail) {
        say(s, "503 MAIL first\r\n");
        return;
    }
    ck_assert_uint_eq(job, s->job);
    ck_assert_msg(s->limit == 0 || s->nrcpts + s->refused < s->limit, "over RCPTMAX");
    if (reply[0] == '2')
        s->rcpts[s->nrcpts++] = i;
    else
        s->refused++;
    say(s, reply);
}

static void hear_data(struct model *s)
{
    static const char *const others[] = {"451 no\r\n", "554 5.7.1 no\r\n", "421 bye\r\n",
                                         "250 what\r\n", NULL};
    const char *reply = choose(s, "354 go\r\n", others);

    if (s->nrcpts == 0 && roll(s, 4) != 0)
        reply = "503 RCPT first\r\n";
    s->data = reply[0] == '3';
    s->early = false;
    buffer_clear(&s->body);
    say(s, reply);
}

static void hear_command(struct model *s, struct slice line)
{
    bool pipelined = (s->extensions & MOX_EXT_PIPELINING) != 0;

    ck_assert_msg(pipelined || buffer_slice(&s->out).len == 0, "a command before the reply");
    if (slice_starts(line, "MAIL FROM:<"))
        hear_mail(s, line);
    else if (slice_starts(line, "RCPT TO:<"))
        hear_rcpt(s, line);
    else if (slice_is(line, "DATA\r\n"))
        hear_data(s);
    else if (slice_is(line, "RSET\r\n"))
        end_envelope(s), say(s, roll(s, 200) < s->faults ? "500 no\r\n" : "250 ok\r\n");
    else
        ck_abort_msg("no command: %.*s", (int)line.len, line.ptr);
}

static void decide(struct model *s, enum fate fate)
{
    for (size_t i = 0; i < s->nrcpts; i++) {
        s->fates[s->job][s->rcpts[i]] = fate;
        s->ends[s->job][s->rcpts[i]] = s->cut ? SIZE_MAX : s->said;
    }
}

static void hear_dot(struct model *s)
{
    static const char *const others[] = {
        "451 no\r\n", "554 5.7.1 spam\r\n", "421 bye\r\n", "354 more\r\n", "no\r\n", NULL};
    const char *reply = choose(s, "250 2.0.0 taken\r\n", others);
    struct slice body = buffer_slice(&s->body);

    for (size_t i = 0; i < s->nrcpts && !s->early; i++)
        ck_assert_msg(s->fates[s->job][s->rcpts[i]] < FATE_DOTTED, "sent twice");
    ck_assert_msg(s->nrcpts == 0 ? body.len == 0 : slice_is(body, s->bodies[s->job]),
                  "another message than the host's: %zu bytes", body.len);
    if (s->early)
        return;
    decide(s, FATE_DOTTED);
    say(s, reply);
    if (reply[0] == '2' || reply[0] == '4' || reply[0] == '5')
        decide(s, reply[0] == '2' ? FATE_ACCEPTED : FATE_REFUSED);
    else
        decide(s, FATE_LIED);
    end_envelope(s);
}

static void hear_line(struct model *s, struct slice line)
{
    if (!s->data) {
        hear_command(s, line);
    } else if (slice_is(line, ".\r\n")) {
        hear_dot(s);
    } else {
        line = line.ptr[0] == '.' ? slice_sub(line, 1, line.len) : line;
        ck_assert_int_eq(buffer_append(&s->body, line.ptr, line.len), MOX_OK);
        if (s->early || roll(s, 3000) >= s->faults)
            return;
        s->early = true;
        if (roll(s, 2) == 0) {
            say(s, "552 5.3.4 too big\r\n");
            decide(s, FATE_REFUSED);
        } else {
            s->lie = s->said;
            say(s, "250 fine\r\n");
            decide(s, FATE_LIED);
        }
    }
}

/* What was written has come; whole lines are heard until the server closes. */
static void hear(struct model *s, struct slice bytes)
{
    struct slice rest;

    ck_assert_int_eq(buffer_append(&s->in, bytes.ptr, bytes.len), MOX_OK);
    rest = buffer_slice(&s->in);
    for (size_t lf = slice_find(rest, '\n'); lf < rest.len && !s->closed && !s->early;
         lf = slice_find(rest, '\n')) {
        hear_line(s, slice_sub(rest, 0, lf + 1));
        rest = slice_sub(rest, lf + 1, rest.len);
    }
    buffer_take(&s->in, buffer_slice(&s->in).len - rest.len);
}

static int read_some(void *user, void *buf, size_t cap, size_t *n)
{
    struct reader *r = user;

    if (roll(r->model, 4) == 0)
        return MOX_E_AGAIN;
    if (r->fails && r->at > r->len / 2)
        return MOX_E_CALLBACK;
    *n = 1 + roll(r->model, 9000);
    *n = *n < cap ? *n : cap;
    *n = *n < r->len - r->at ? *n : r->len - r->at;
    memcpy(buf, r->text + r->at, *n);
    r->at += *n;
    return MOX_OK;
}

static int rewind_it(void *user)
{
    struct reader *r = user;

    r->at = 0;
    return MOX_OK;
}

/* Lines, some of which begin with a dot. */
static void make_body(struct model *s, char *text)
{
    size_t len = roll(s, 3) == 0 ? roll(s, BODY_CAP - 100) : roll(s, 500), at = 0;

    while (at < len) {
        size_t line = roll(s, 78);

        memset(text + at, roll(s, 5) == 0 ? '.' : 'x', line);
        memcpy(text + at + line, "\r\n", 2);
        at += line + 2;
    }
    text[at] = '\0';
}

struct run {
    struct model s;
    struct mail_world w;
    struct reader readers[MAIL_JOBS];
    char bodies[MAIL_JOBS][BODY_CAP];
    char addresses[MAIL_JOBS][MAIL_RCPTS][64], senders[MAIL_JOBS][32];
    size_t taken; /* bytes of the replies that the machine took */
};

static void add_job(struct run *run)
{
    struct model *s = &run->s;
    size_t job = run->w.njobs, n = 1 + roll(s, roll(s, 2) == 0 ? 2 : MAIL_RCPTS);
    const char *to[MAIL_RCPTS] = {NULL};
    struct mox_message *message;

    make_body(s, run->bodies[job]);
    s->bodies[job] = run->bodies[job];
    snprintf(run->senders[job], sizeof run->senders[job], "a%zu@me.example", job);
    for (size_t i = 0; i < n; i++) {
        to[i] = run->addresses[job][i];
        snprintf(run->addresses[job][i], sizeof run->addresses[job][i], "r%zux%zu@example.org", job,
                 i);
    }
    message = mail_world_message(&run->w, run->senders[job], to, run->bodies[job]);
    if (roll(s, 2) == 0) {
        run->readers[job] = (struct reader){s, run->bodies[job], strlen(run->bodies[job]), 0,
                                            roll(s, 300) < s->faults};
        message->body.source = MOX_BODY_READER;
        message->body.read = read_some;
        message->body.rewind = roll(s, 3) != 0 ? rewind_it : NULL;
        message->body.user = &run->readers[job];
    }
    ck_assert_int_eq(mail_world_add(&run->w), MOX_OK);
}

/* Writes a part of the output. */
static bool write_part(struct run *run)
{
    struct slice out;
    int status = smtp_mail_output(&run->w.m, &out, &run->w.err);

    if (status == MOX_E_AGAIN)
        return true;
    if (status != MOX_OK || out.len == 0)
        return false;
    out = slice_sub(out, 0, roll(&run->s, 2) == 0 ? SIZE_MAX : 1 + roll(&run->s, 64));
    hear(&run->s, out);
    smtp_mail_sent(&run->w.m, out.len);
    return true;
}

/* Whether the first of n bytes that are read now is a lie's, and the dot is not written yet. */
static bool catches(const struct run *run, size_t n)
{
    struct slice in = buffer_slice(&run->s.in);
    bool dotted = in.len >= 3 && slice_is((struct slice){in.ptr, 3}, ".\r\n");

    for (size_t i = 0; i + 5 <= in.len; i++)
        dotted = dotted || slice_is((struct slice){in.ptr + i, 5}, "\r\n.\r\n");
    return run->s.early && run->taken <= run->s.lie && run->s.lie < run->taken + n && !dotted;
}

/* Reads a part of the replies. */
static bool read_part(struct run *run)
{
    struct slice in = buffer_slice(&run->s.out);
    size_t used;

    in = slice_sub(in, 0, roll(&run->s, 2) == 0 ? SIZE_MAX : 1 + roll(&run->s, 9));
    if (in.len == 0)
        return false;
    run->s.caught = run->s.caught || catches(run, in.len);
    smtp_mail_input(&run->w.m, in, &used, &run->w.err);
    ck_assert(used == in.len || smtp_mail_is_broken(&run->w.m));
    run->taken += used;
    buffer_take(&run->s.out, used);
    return used > 0;
}

/* Until nothing moves, or the connection is over. */
static void play(struct run *run)
{
    bool moved = true;

    while (moved && !smtp_mail_is_broken(&run->w.m)) {
        moved = false;
        if (run->w.njobs < MAIL_JOBS && roll(&run->s, 6) == 0)
            add_job(run);
        if (!run->s.closed || buffer_slice(&run->s.out).len > 0)
            moved = write_part(run);
        if (smtp_mail_is_broken(&run->w.m))
            break;
        if (!moved || roll(&run->s, 2) == 0)
            moved = read_part(run) || moved;
        mail_world_collect(&run->w);
        if (!moved && run->w.njobs < MAIL_JOBS && !run->s.closed) {
            add_job(run);
            moved = true;
        }
    }
    if (!smtp_mail_is_idle(&run->w.m))
        mail_world_close(&run->w);
    mail_world_collect(&run->w);
}

static void check_rcpt(const struct run *run, uint64_t seed, size_t job, size_t i)
{
    const struct mox_rcpt_result *r = &run->w.results[job][i];
    enum fate fate = run->s.fates[job][i];
    bool told = run->taken >= run->s.ends[job][i];
    const char *name = mox_rcpt_state_name(r->state);

    if (fate == FATE_ACCEPTED)
        ck_assert_msg(r->state == (told ? MOX_RCPT_ACCEPTED : MOX_RCPT_UNKNOWN),
                      "seed %lu: %zu/%zu was taken: %s", (unsigned long)seed, job, i, name);
    else if (fate != FATE_LIED || run->s.caught || !run->s.early)
        ck_assert_msg(r->state != MOX_RCPT_ACCEPTED, "seed %lu: %zu/%zu was not taken: %s",
                      (unsigned long)seed, job, i, name);
    if (fate >= FATE_DOTTED && !run->s.early && (fate == FATE_LIED || !told))
        ck_assert_msg(r->state == MOX_RCPT_UNKNOWN, "seed %lu: %zu/%zu may have arrived: %s",
                      (unsigned long)seed, job, i, name);
    if (r->state == MOX_RCPT_UNKNOWN)
        ck_assert_msg(fate != FATE_NONE && r->action == MOX_ACTION_LATER &&
                          (fate != FATE_REFUSED || !told),
                      "seed %lu: %zu/%zu is unknown", (unsigned long)seed, job, i);
    if (r->state == MOX_RCPT_PENDING)
        ck_assert_msg(r->code == MOX_E_CLOSED && fate == FATE_NONE, "seed %lu: %zu/%zu is pending",
                      (unsigned long)seed, job, i);
    ck_assert(r->state != MOX_RCPT_PERMANENT || r->smtp_code >= 500);
    ck_assert_int_eq(r->state == MOX_RCPT_ACCEPTED, r->code == MOX_OK);
}

static void check_run(const struct run *run, uint64_t seed)
{
    ck_assert_msg(run->w.ndone == run->w.njobs, "seed %lu: %zu of %zu done", (unsigned long)seed,
                  run->w.ndone, run->w.njobs);
    for (size_t job = 0; job < run->w.njobs; job++) {
        struct mox_error err = {0};
        bool all = true;

        for (size_t i = 0; i < run->w.messages[job].nrcpts; i++) {
            check_rcpt(run, seed, job, i);
            all = all && run->w.results[job][i].state == MOX_RCPT_ACCEPTED;
        }
        ck_assert_int_eq(run->w.jobs[job].status == MOX_OK, all);
        smtp_job_error(&run->w.jobs[job], &err);
        ck_assert(all || err.message[0] != '\0');
    }
}

static void start(struct run *run, uint64_t seed)
{
    struct model *s = &run->s;

    memset(run, 0, sizeof *run);
    s->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    s->faults = (unsigned[]){0, 3, 12, 40}[roll(s, 4)];
    s->extensions = roll(s, 3) == 0 ? 0 : MOX_EXT_PIPELINING;
    s->limit = roll(s, 3) == 0 ? 1 + roll(s, 3) : 0;
    mail_world_open(&run->w, s->extensions);
    run->w.ehlo.rcpt_limit = s->limit;
    if (roll(s, 5) == 0)
        run->w.rules.max_messages = 1 + roll(s, 4);
}

START_TEST(results_are_the_truth)
{
    static struct run run;
    size_t states[MOX_RCPT_UNKNOWN + 1] = {0};

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        start(&run, seed);
        play(&run);
        check_run(&run, seed);
        for (size_t job = 0; job < run.w.njobs; job++)
            for (size_t i = 0; i < run.w.messages[job].nrcpts; i++)
                states[run.w.results[job][i].state]++;
        mail_world_end(&run.w);
        buffer_free(&run.s.in);
        buffer_free(&run.s.out);
        buffer_free(&run.s.body);
    }
    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        ck_assert_msg(states[i] > 50, "%s: %zu", mox_rcpt_state_name((int)i), states[i]);
}
END_TEST

TCase *test_smtp_mail_random(void)
{
    TCase *tcase = tcase_create("smtp/mail_random");

    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, results_are_the_truth);
    return tcase;
}
