/*
 * send.c - see send.h. Which state a recipient has follows from the exit status its error has, so
 * that the two never disagree: what a mail server is to keep is temporary.
 */
#include "send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "rfc3339.h"

struct group { /* the recipients of one domain and route, side by side as the library wants them */
    size_t n;
    size_t *index; /* of each in send.rcpts */
    struct mox_rcpt *rcpts;
    struct mox_rcpt_result *results;
};

/* An action NEXT is left over where no next server was reached. */
static bool is_open(const struct mox_rcpt_result *result)
{
    if (result->state == MOX_RCPT_ACCEPTED || result->state == MOX_RCPT_UNKNOWN)
        return false;
    return result->state == MOX_RCPT_PENDING || result->action == MOX_ACTION_NEXT;
}

static int state_of(const struct mox_error *err)
{
    int status = mox_error_exit_code(err);

    return status == EXIT_DONE || status == EXIT_TEMPORARY ? MOX_RCPT_TEMPORARY
                                                           : MOX_RCPT_PERMANENT;
}

static void settle(struct send_rcpt *rcpt, const struct mox_error *err)
{
    struct mox_rcpt_result *result = &rcpt->result;
    bool said = result->state != MOX_RCPT_PENDING; /* a server's words are better than ours */

    result->state = state_of(err);
    result->action = err->action;
    if (result->state == MOX_RCPT_PERMANENT)
        result->action = MOX_ACTION_GIVE_UP;
    else if (err->action != MOX_ACTION_LATER_SAME)
        result->action = MOX_ACTION_LATER;
    result->retry_after_s = err->retry_after_s;
    if (said)
        return;
    result->code = err->code;
    result->stage = err->stage;
    result->about = err->about;
    result->smtp_code = err->smtp_code;
    result->remote = err->address;
    memcpy(result->enhanced, err->enhanced, sizeof result->enhanced);
    memcpy(result->host, err->host, sizeof result->host);
    memcpy(result->reply, err->reply, sizeof result->reply);
    snprintf(rcpt->message, sizeof rcpt->message, "%s", err->message);
}

void send_settle(struct send *s, const struct mox_error *err)
{
    for (size_t i = 0; i < s->nrcpts; i++) {
        if (is_open(&s->rcpts[i].result))
            settle(&s->rcpts[i], err);
    }
}

/* A bare domain has a route and no mailbox: that is no recipient, nor a sender. */
static void check_address(struct send *s, const char *address, int about)
{
    const char *what = about == MOX_ABOUT_SENDER ? "sender" : "recipient";
    struct mox_error err;

    if (*address == '\0' || strchr(address, '@') != NULL)
        return;
    tool_error(&err, MOX_E_INVAL, MOX_STAGE_ROUTE,
               "the %s \"%.300s\" is no address; write LOCAL-PART@DOMAIN", what, address);
    err.about = about;
    send_settle(s, &err);
}

void send_prepare(struct send *s, const struct options *options)
{
    const char *from = options->envelope.from;

    memset(s, 0, sizeof *s);
    s->options = options;
    s->envelope = options->envelope;
    if (s->envelope.unix_s == 0)
        rfc3339_now(&s->envelope.unix_s, &s->envelope.utc_offset_s);
    s->rcpts = tool_alloc(options->to.count, sizeof *s->rcpts);
    for (size_t i = 0; i < options->to.count; i++) {
        struct send_rcpt *rcpt = &s->rcpts[i];

        rcpt->rcpt.address = options->to.items[i];
        rcpt->rcpt.orcpt = options->orcpt.items[i];
        rcpt->rcpt.notify = options->notify;
        s->nrcpts = i + 1; /* the one before last is settled already, if it had to be */
        check_address(s, rcpt->rcpt.address, MOX_ABOUT_RCPT);
    }
    if (from != NULL)
        check_address(s, from, MOX_ABOUT_SENDER);
}

static const char *domain_of(const struct send_rcpt *rcpt)
{
    return strrchr(rcpt->rcpt.address, '@') + 1; /* it has one: check_address */
}

static bool same_domain(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a + 'a' - 'A') : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b + 'a' - 'A') : *b;

        if (x != y)
            return false;
    }
    return *a == *b;
}

/* Recipients of one domain can have two routes: Percent hashes the whole address. */
static bool goes_with(const struct send_rcpt *a, const struct send_rcpt *b)
{
    return a->route.scope == b->route.scope && a->route.index == b->route.index &&
           same_domain(domain_of(a), domain_of(b));
}

/* One that cannot be looked up goes without a route: the dial will say what is wrong. */
static void look_up(struct send *s, const struct mox_config *config)
{
    struct mox_envelope envelope = s->envelope;

    for (size_t i = 0; i < s->nrcpts; i++) {
        envelope.to = s->rcpts[i].rcpt.address;
        if (is_open(&s->rcpts[i].result))
            mox_route_lookup(config, &envelope, &s->rcpts[i].route, NULL);
    }
}

/* The first recipient without a group, and who goes with it; none: the group is empty. */
static void gather(struct send *s, struct group *group)
{
    const struct send_rcpt *first = NULL;

    group->n = 0;
    for (size_t i = 0; i < s->nrcpts; i++) {
        struct send_rcpt *rcpt = &s->rcpts[i];

        if (rcpt->grouped || !is_open(&rcpt->result) || (first != NULL && !goes_with(first, rcpt)))
            continue;
        if (first == NULL)
            first = rcpt;
        rcpt->grouped = true;
        group->index[group->n] = i;
        group->rcpts[group->n] = rcpt->rcpt;
        group->results[group->n++] = rcpt->result;
    }
}

/* The server's, without the enhanced code in front, which has its place; else ours. */
static const char *words_of(const struct send_rcpt *rcpt)
{
    const struct mox_rcpt_result *result = &rcpt->result;
    size_t len = strlen(result->enhanced);

    if (result->reply[0] == '\0')
        return rcpt->message[0] != '\0' ? rcpt->message : mox_status_name(result->code);
    if (len > 0 && strncmp(result->reply, result->enhanced, len) == 0 && result->reply[len] == ' ')
        return result->reply + len + 1;
    return result->reply;
}

void send_error(const struct send_rcpt *rcpt, struct mox_error *err)
{
    const struct mox_rcpt_result *result = &rcpt->result;

    if (result->state == MOX_RCPT_ACCEPTED) {
        err->code = MOX_OK;
        return;
    }
    tool_error(err, result->code, result->stage, "%s: %s", rcpt->rcpt.address, words_of(rcpt));
    err->about = result->about;
    err->action = result->action;
    err->permanent = result->state == MOX_RCPT_PERMANENT;
    err->smtp_code = result->smtp_code;
    err->retry_after_s = result->retry_after_s;
    err->address = result->remote;
    memcpy(err->enhanced, result->enhanced, sizeof err->enhanced);
    memcpy(err->host, result->host, sizeof err->host);
    memcpy(err->reply, result->reply, sizeof err->reply);
}

/*
 * The error is of one recipient, the gravest: "<whom>: (and 2 more) what". What befell the others
 * without a server's word is the same, unless it was their own address.
 */
static void take_message(struct send_rcpt *rcpt, const struct mox_error *err)
{
    const struct mox_rcpt_result *result = &rcpt->result;
    const char *what = err->message[0] == '<' ? strstr(err->message, ">: ") : NULL;
    size_t len = strlen(rcpt->rcpt.address);
    bool own = what == NULL || ((size_t)(what - err->message) == len + 1 &&
                                memcmp(err->message + 1, rcpt->rcpt.address, len) == 0);

    rcpt->message[0] = '\0';
    if (result->reply[0] != '\0' || result->code != err->code)
        return;
    what = what == NULL ? err->message : what + 3;
    if (strncmp(what, "(and ", 5) == 0 && strstr(what, " more) ") != NULL)
        what = strstr(what, " more) ") + 7;
    if (!own && result->code == MOX_E_INVAL)
        what = "the address is none that SMTP can carry";
    snprintf(rcpt->message, sizeof rcpt->message, "%s%s", what,
             result->state == MOX_RCPT_UNKNOWN && result->code == MOX_E_SHUTDOWN
                 ? "; the message was sent whole and may have arrived"
                 : "");
}

static void take_results(struct send *s, const struct group *group, const struct mox_error *err)
{
    for (size_t i = 0; i < group->n; i++) {
        struct send_rcpt *rcpt = &s->rcpts[group->index[i]];

        rcpt->result = group->results[i];
        take_message(rcpt, err);
    }
}

static void note_dialed(struct send *s, const struct mox_plan *plan)
{
    const struct mox_attempt *attempt;

    for (uint32_t i = 0; plan != NULL && (attempt = mox_plan_attempt(plan, i)) != NULL; i++) {
        const struct mox_candidate *candidate = mox_plan_candidate(plan, attempt->candidate);
        struct send_host host = {.ip = candidate->ip};
        size_t at = 0;

        if (attempt->connect_ms < 0)
            continue;
        snprintf(host.host, sizeof host.host, "%s", candidate->host == NULL ? "" : candidate->host);
        while (at < s->ndialed && (strcmp(s->dialed[at].host, host.host) != 0 ||
                                   memcmp(&s->dialed[at].ip, &host.ip, sizeof host.ip) != 0))
            at++;
        if (at < s->ndialed)
            continue;
        s->dialed = tool_grow(s->dialed, s->ndialed + 1, sizeof *s->dialed);
        s->dialed[s->ndialed++] = host;
    }
}

/* From server to server, as long as the last one says that another may help. */
static void deliver_group(struct send *s, struct run *run, struct group *group,
                          struct mox_message *message)
{
    message->rcpts = group->rcpts;
    message->nrcpts = group->n;
    s->envelope.to = group->rcpts[0].address;
    s->envelope.count = (uint32_t)group->n;
    if (run_new_plan(run) == MOX_OK)
        run_dial(run);
    while (run->err.code == MOX_OK && run->conn != NULL) {
        run_deliver(run, message, group->results);
        take_results(s, group, &run->err);
        if (run->err.code == MOX_OK || run->err.action != MOX_ACTION_NEXT)
            break;
        run_dial_next(run);
    }
    note_dialed(s, run->plan);
    mox_conn_close(run->conn);
    run->conn = NULL;
    for (size_t i = 0; i < group->n; i++) {
        if (is_open(&s->rcpts[group->index[i]].result))
            settle(&s->rcpts[group->index[i]], &run->err);
    }
}

void send_deliver(struct send *s, struct run *run, struct message *message)
{
    struct mox_message mail = s->options->message;
    struct group group = {.index = tool_alloc(s->nrcpts, sizeof *group.index),
                          .rcpts = tool_alloc(s->nrcpts, sizeof *group.rcpts),
                          .results = tool_alloc(s->nrcpts, sizeof *group.results)};

    mail.mail_from = s->envelope.from;
    mail.body = message_body(message);
    if (message->eight_bit)
        mail.flags |= MOX_MSG_8BIT;
    if ((run->request.flags & MOX_DIAL_REQUIRETLS) != 0)
        mail.flags |= MOX_MSG_REQUIRETLS;
    mail.flags |= MOX_MSG_LAST; /* each group has a connection of its own */
    run->request.envelope = &s->envelope;
    look_up(s, run->request.config);
    for (gather(s, &group); group.n > 0; gather(s, &group))
        deliver_group(s, run, &group, &mail);
    free(group.index);
    free(group.rcpts);
    free(group.results);
}

const struct send_rcpt *send_decider(const struct send *s)
{
    const struct send_rcpt *permanent = NULL;

    for (size_t i = 0; i < s->nrcpts; i++) {
        int state = s->rcpts[i].result.state;

        if (state != MOX_RCPT_ACCEPTED && state != MOX_RCPT_PERMANENT)
            return &s->rcpts[i];
        if (state == MOX_RCPT_PERMANENT && permanent == NULL)
            permanent = &s->rcpts[i];
    }
    return permanent;
}

void send_free(struct send *s)
{
    free(s->rcpts);
    free(s->dialed);
}
