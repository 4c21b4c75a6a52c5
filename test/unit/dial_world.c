/* dial_world.c - see dial_world.h. */
#include "dial_world.h"

#include <stdio.h>

struct world *sim;

const char dial_simple[] = "example.org MX 10 mx.example.org\n"
                           "mx.example.org A 192.0.2.1\n"
                           "mx.example.org AAAA 2001:db8::1\n"
                           "192.0.2.1 up\n"
                           "2001:db8::1 up\n";

void dial_setup(void)
{
    sim = world_new(1, NULL);
}

void dial_teardown(void)
{
    const char *fault = world_end(sim);

    ck_assert_msg(fault == NULL, "%s\n%s", fault, sim->log.ptr);
    world_free(sim);
    sim = NULL;
}

void dial_renew(const struct mox_ctx_options *options)
{
    dial_teardown();
    sim = world_new(1, options);
}

struct mox_ip dial_ip(const char *text)
{
    struct mox_ip ip;

    ck_assert_msg(mox_ip_parse(text, &ip) == MOX_OK, "no address: %s", text);
    return ip;
}

/* What a request points to. */
static struct {
    struct mox_dial_request request;
    struct mox_envelope envelope;
    struct mox_timeouts timeouts;
    struct mox_ip sources[2];
    struct mox_dialed dialed[8];
    char text[512];
} made;

static void take_sources(const char *text)
{
    char *word;

    snprintf(made.text, sizeof made.text, "%s", text);
    for (word = strtok(made.text, " "); word != NULL; word = strtok(NULL, " "))
        made.sources[made.request.nsources++] = dial_ip(word);
    made.request.sources = made.sources;
}

static void take_dialed(const char *text)
{
    char *word;

    snprintf(made.text, sizeof made.text, "%s", text);
    for (word = strtok(made.text, " "); word != NULL; word = strtok(NULL, " ")) {
        struct mox_dialed *dialed = &made.dialed[made.request.ndialed++];
        char *mark = strchr(word, '=');

        *mark = '\0';
        dialed->host = strcmp(word, "*") == 0 ? NULL : word;
        dialed->ip = dial_ip(mark + 1);
    }
    made.request.dialed = made.dialed;
}

const struct mox_dial_request *dial_request_of(const struct dial_case *c)
{
    memset(&made, 0, sizeof made);
    made.envelope.size = sizeof made.envelope;
    made.envelope.from = c->from == NULL ? "a@example.com" : c->from;
    made.envelope.to = c->to == NULL ? "b@example.org" : c->to;
    made.envelope.attempts = c->attempts;
    made.request.size = sizeof made.request;
    made.request.config = sim->config;
    made.request.envelope = &made.envelope;
    made.request.transport = c->transport;
    made.request.server = c->server;
    made.request.ehlo = c->ehlo;
    made.request.families = c->families;
    made.request.port = c->port;
    made.request.flags = c->flags;
    made.request.stop_at = c->stop_at;
    made.request.timeout_ms = c->timeout_ms;
    made.timeouts = c->timeouts;
    made.timeouts.size = sizeof made.timeouts;
    made.request.timeouts = &made.timeouts;
    made.request.tag = 77;
    if (c->source != NULL)
        take_sources(c->source);
    if (c->dialed != NULL)
        take_dialed(c->dialed);
    return &made.request;
}

const struct mox_dial_request *dial_request(void)
{
    static const struct dial_case plain = {.name = "plain"};

    return dial_request_of(&plain);
}

mox_op_id dial_start(struct sim_call *call, const struct mox_dial_request *request)
{
    struct mox_error err = {0};
    mox_op_id id;

    *call = (struct sim_call){.w = sim};
    id = mox_dial_start(sim->ctx, request, sim_on_conn, call, &err);
    ck_assert_msg(id != 0, "it did not start: %s", err.message);
    ck_assert_int_eq(call->calls, 0);
    return id;
}

void dial_to_end(struct sim_call *call, const struct mox_dial_request *request)
{
    dial_start(call, request);
    world_run(sim);
    ck_assert_msg(call->calls == 1, "%d callbacks\n%s", call->calls, sim->log.ptr);
}

const char *dial_seen(void)
{
    static char seen[2048];
    size_t len = 0;

    seen[0] = '\0';
    for (const char *line = sim->log.ptr; line != NULL && *line != '\0';
         line = strchr(line, '\n') + 1) {
        unsigned long ms;
        char ip[64];

        if (sscanf(line, "%lu connect %63s", &ms, ip) == 2)
            len += (size_t)snprintf(seen + len, sizeof seen - len, "%s%s@%lu", len == 0 ? "" : " ",
                                    ip, ms);
    }
    return seen;
}

const char *dial_candidates(const struct mox_plan *plan)
{
    static char text[8192];
    const struct mox_candidate *candidate;
    size_t len = 0;

    text[0] = '\0';
    for (uint32_t i = 0; (candidate = mox_plan_candidate(plan, i)) != NULL; i++) {
        char ip[64] = "";

        mox_ip_format(&candidate->ip, ip, sizeof ip);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", len == 0 ? "" : " ",
                                ip[0] == '\0' ? candidate->host : ip);
        if (candidate->drop != MOX_DROP_NONE)
            len += (size_t)snprintf(text + len, sizeof text - len, "/%s",
                                    mox_drop_name(candidate->drop));
        ck_assert_uint_lt(len, sizeof text);
    }
    return text;
}

static void check_error(const struct dial_case *c, const struct mox_error *err)
{
    ck_assert_msg(err->message[0] != '\0', "%s: an error without a sentence", c->name);
    ck_assert_msg(c->says == NULL || strstr(err->message, c->says) != NULL, "%s: it says \"%s\"",
                  c->name, err->message);
    ck_assert_msg(err->permanent == c->permanent, "%s: permanent %d: %s", c->name,
                  (int)err->permanent, err->message);
    ck_assert_msg((err->action == MOX_ACTION_GIVE_UP) == (err->permanent != 0),
                  "%s: action %s, permanent %d", c->name, mox_action_name(err->action),
                  (int)err->permanent);
    ck_assert_msg(c->stage == 0 || err->stage == c->stage, "%s: stage %s", c->name,
                  mox_stage_name(err->stage));
    ck_assert_msg(c->about == 0 || err->about == c->about, "%s: about %s", c->name,
                  mox_about_name(err->about));
    ck_assert_msg(c->action == 0 || err->action == c->action, "%s: action %s", c->name,
                  mox_action_name(err->action));
    ck_assert_msg(err->smtp_code == c->smtp_code, "%s: smtp_code %d", c->name, (int)err->smtp_code);
}

static void check_outcome(const struct dial_case *c, const struct sim_call *call)
{
    const char *seen = dial_seen();
    char ip[64] = "";

    ck_assert_msg(call->status == c->status, "%s: %s: %s\n%s", c->name,
                  mox_status_name(call->status), call->err.message, sim->log.ptr);
    ck_assert_msg(c->dials == NULL || strcmp(seen, c->dials) == 0, "%s: dialed %s\n%s", c->name,
                  seen, sim->log.ptr);
    ck_assert_msg(c->never == NULL || world_count(sim, c->never) == 0, "%s: \"%s\"\n%s", c->name,
                  c->never, sim->log.ptr);
    ck_assert_msg(c->ms == 0 || world_ms(sim) == c->ms, "%s: ended after %llu ms\n%s", c->name,
                  (unsigned long long)world_ms(sim), sim->log.ptr);
    if (call->status != MOX_OK)
        check_error(c, &call->err);
    mox_ip_format(call->conn == NULL ? &call->err.address : &mox_conn_session(call->conn)->remote,
                  ip, sizeof ip);
    ck_assert_msg(c->at == NULL || strcmp(ip, c->at) == 0, "%s: at %s", c->name, ip);
}

static void make_world(const struct dial_case *c)
{
    struct mox_error err;

    world_load(sim, c->world);
    if (c->config == NULL)
        return;
    sim->config = mox_config_parse(c->config, strlen(c->config), &err);
    ck_assert_msg(sim->config != NULL, "%s: %d: %s", c->name, (int)err.line, err.message);
}

void dial_case_run(const struct dial_case *c)
{
    struct sim_call call;

    make_world(c);
    dial_to_end(&call, dial_request_of(c));
    check_outcome(c, &call);
    mox_conn_close(call.conn);

    dial_renew(NULL);
    make_world(c);
    call = (struct sim_call){.w = sim};
    call.status = mox_dial(sim->ctx, dial_request_of(c), &call.conn, &call.err);
    check_outcome(c, &call);
    mox_conn_close(call.conn);
}
