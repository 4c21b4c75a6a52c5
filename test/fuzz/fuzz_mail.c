/*
 * fuzz_mail.c - the first byte chooses what the server offers, the second its limits, then each
 * record is a length byte and so many bytes that the server says; between records the client
 * writes. Length 0: it writes only a part. The client has two messages, the first for three
 * recipients, the second for two, from a reader that often has nothing yet. All of it is done
 * twice, the second time with the server's bytes one by one.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "fuzz.h"
#include "smtp/mail.h"

enum { JOBS = 2, RCPTS = 3, PART = 5 /* bytes written where it is not all */ };

#define BODY "Subject: fuzz\r\n\r\n.hello\r\n"

struct client {
    struct smtp_ehlo ehlo;
    struct smtp_mail_rules rules;
    struct smtp_mail m;
    struct mox_message messages[JOBS];
    struct mox_rcpt rcpts[RCPTS];
    struct mox_rcpt_result results[JOBS][RCPTS];
    struct smtp_job jobs[JOBS];
    size_t done;
    size_t at, calls;           /* of the reader */
    char line[5];               /* the end of what was written */
    size_t dots;                /* written completely */
    char word[4];               /* the beginning of the line that the server says */
    size_t in_line;             /* bytes of it */
    size_t says[10], go_aheads; /* lines that begin with a digit; with 354 */
};

static int read_some(void *user, void *buf, size_t cap, size_t *n)
{
    struct client *c = user;

    if (++c->calls % 2 == 1)
        return MOX_E_AGAIN;
    *n = strlen(BODY) - c->at < 7 ? strlen(BODY) - c->at : 7;
    *n = *n < cap ? *n : cap;
    memcpy(buf, &BODY[c->at], *n);
    c->at += *n;
    return MOX_OK;
}

static void collect(struct client *c)
{
    for (struct smtp_job *job = smtp_mail_take_done(&c->m); job != NULL;
         job = smtp_mail_take_done(&c->m)) {
        fuzz_require(job == &c->jobs[c->done], "jobs are done once, in order");
        c->done++;
    }
}

static void add_job(struct client *c, size_t i)
{
    static const char *const addresses[RCPTS] = {"a@example.org", "b@example.org", "c@example.org"};

    for (size_t k = 0; k < RCPTS; k++)
        c->rcpts[k] = (struct mox_rcpt){addresses[k], NULL, MOX_NOTIFY_SUCCESS, 0};
    c->messages[i].mail_from = "me@me.example";
    c->messages[i].rcpts = c->rcpts;
    c->messages[i].nrcpts = RCPTS - i;
    if (i == 0) {
        c->messages[i].body.data = BODY;
        c->messages[i].body.len = strlen(BODY);
    } else {
        c->messages[i].body.source = MOX_BODY_READER;
        c->messages[i].body.read = read_some;
        c->messages[i].body.user = c;
    }
    c->jobs[i].message = &c->messages[i];
    c->jobs[i].results = c->results[i];
    fuzz_require(smtp_mail_add(&c->m, &c->jobs[i], NULL) == MOX_OK, "the message is one");
    collect(c);
}

/* No line of the message is a dot: what is one on the wire ends it. */
static void count_dots(struct client *c, struct slice out)
{
    for (size_t i = 0; i < out.len; i++) {
        memmove(c->line, c->line + 1, sizeof c->line - 1);
        c->line[sizeof c->line - 1] = out.ptr[i];
        c->dots += memcmp(c->line, "\r\n.\r\n", sizeof c->line) == 0;
    }
    fuzz_require(c->dots <= c->go_aheads, "no dot before the server wants the message");
}

/* All there is to write, also what a reader has only when asked again; or a part of it. */
static void write_some(struct client *c, size_t most)
{
    int empty = 0;

    while (empty < 2) {
        struct slice out;
        int status = smtp_mail_output(&c->m, &out, NULL);

        fuzz_require(status == MOX_OK || status == MOX_E_AGAIN, "the body can be had");
        fuzz_require(!smtp_mail_is_broken(&c->m) || out.len == 0, "nothing is said when broken");
        empty = out.len == 0 ? empty + 1 : 0;
        out = slice_sub(out, 0, most);
        count_dots(c, out);
        smtp_mail_sent(&c->m, out.len);
        collect(c);
        if (most != SIZE_MAX)
            return;
    }
}

/* Counts the lines by their codes, in the plainest way. */
static void count_lines(struct client *c, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.ptr[i] == '\n') {
            c->says[c->word[0] >= '0' && c->word[0] <= '9' ? c->word[0] - '0' : 0]++;
            c->go_aheads += memcmp(c->word, "354", 3) == 0;
            memset(c->word, 0, sizeof c->word);
            c->in_line = 0;
        } else if (c->in_line < 3) {
            c->word[c->in_line++] = bytes.ptr[i];
        }
    }
}

static void hear(struct client *c, struct slice bytes)
{
    struct mox_error err = {0};
    size_t used;
    int status;

    if (smtp_mail_is_broken(&c->m))
        return;
    count_lines(c, bytes);
    status = smtp_mail_input(&c->m, bytes, &used, &err);
    fuzz_require(used <= bytes.len, "no more is taken than there is");
    fuzz_require(status == MOX_OK || (err.code == status && err.message[0] != '\0'),
                 "a failure has words");
    fuzz_require(status == MOX_OK || smtp_mail_is_broken(&c->m), "a failure is the end");
    fuzz_require(used == bytes.len || smtp_mail_is_broken(&c->m), "all is taken");
    collect(c);
}

static void check_result(const struct client *c, const struct mox_rcpt_result *r)
{
    fuzz_require(r->state != MOX_RCPT_PENDING || r->code == MOX_E_CLOSED,
                 "who is pending knows why");
    fuzz_require(r->state != MOX_RCPT_ACCEPTED || (r->code == MOX_OK && c->dots > 0),
                 "accepted only behind a dot");
    fuzz_require(r->state != MOX_RCPT_UNKNOWN || (r->action == MOX_ACTION_LATER && c->dots > 0),
                 "unknown only behind a dot, and never sent again at once");
    fuzz_require(r->state != MOX_RCPT_PERMANENT || c->says[5] > 0, "permanent only by a 5xx");
    fuzz_require((r->state == MOX_RCPT_ACCEPTED) == (r->code == MOX_OK), "a code for each");
}

static void check_end(struct client *c)
{
    size_t accepted = 0;

    fuzz_require(c->done == JOBS, "every job is done");
    for (size_t i = 0; i < JOBS; i++) {
        struct mox_error err = {0};
        size_t well = 0;

        for (size_t k = 0; k < c->messages[i].nrcpts; k++) {
            check_result(c, &c->results[i][k]);
            well += c->results[i][k].state == MOX_RCPT_ACCEPTED;
        }
        fuzz_require((c->jobs[i].status == MOX_OK) == (well == c->messages[i].nrcpts),
                     "a message is well when all recipients are");
        smtp_job_error(&c->jobs[i], &err);
        fuzz_require(c->jobs[i].status == MOX_OK || err.code == c->jobs[i].status,
                     "the error has the status");
        accepted += well;
    }
    fuzz_require(accepted == 0 || accepted + 2 * smtp_mail_messages(&c->m) <= c->says[2],
                 "accepted only by a 2xx for each recipient, its sender and the dot");
}

static void play(struct client *c, const uint8_t *data, size_t size, size_t piece)
{
    struct slice rest = {(const char *)data, size};
    struct mox_error why;

    c->ehlo.extensions = (uint32_t)data[0] << 2;
    c->ehlo.rcpt_limit = data[1] & 3;
    c->rules.ehlo = &c->ehlo;
    c->rules.host = "mx.example.org";
    c->rules.max_messages = (data[1] & 4) != 0 ? 1 : 100;
    smtp_mail_start(&c->m, &c->rules);
    for (size_t i = 0; i < JOBS; i++)
        add_job(c, i);
    for (size_t at = 2; at < size; at += 1 + data[at]) {
        struct slice record = slice_sub(rest, at + 1, at + 1 + data[at]);

        write_some(c, record.len == 0 ? PART : SIZE_MAX);
        for (size_t k = 0; k < record.len; k += piece)
            hear(c, slice_sub(record, k, piece < record.len - k ? k + piece : record.len));
    }
    error_set(&why, MOX_E_CLOSED, "the server closed the connection");
    smtp_mail_break(&c->m, &why);
    collect(c);
    check_end(c);
    for (size_t i = 0; i < JOBS; i++)
        smtp_job_end(&c->jobs[i]);
    smtp_mail_free(&c->m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct client whole, cut;

    if (size < 2)
        return 0;
    memset(&whole, 0, sizeof whole);
    memset(&cut, 0, sizeof cut);
    play(&whole, data, size, SIZE_MAX);
    play(&cut, data, size, 1);
    fuzz_require(memcmp(whole.results, cut.results, sizeof whole.results) == 0,
                 "whole or byte by byte, the same");
    return 0;
}
