/* run.c - see run.h. */
#include "test/sim/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "test/sim/check.h"
#include "test/sim/memory.h"

enum { MOST_TURNS = 100 * 1000, LAST_TURNS = 2000, MOST_READS = 40 };

void run_broken(struct run *run, const char *invariant, const char *format, ...)
{
    va_list args;

    if (run->broken[0] != '\0')
        return;
    snprintf(run->broken, sizeof run->broken, "%s", invariant);
    va_start(args, format);
    vsnprintf(run->detail, sizeof run->detail, format, args);
    va_end(args);
    world_log(run->w, "BROKEN %s: %s", run->broken, run->detail);
}

int64_t run_unix_s(const struct run *run)
{
    return 1700000000 + (int64_t)(run->w->now_us / 1000000);
}

bool run_is_sound(const struct run *run)
{
    return !run->failed && !memory_failed();
}

bool run_is_open(const struct run_dial *d)
{
    return d->reference.nroutes > 1;
}

/* All plans that are still there are looked at. */
static void look_at_plans(struct run *run)
{
    run->nattempts = 0;
    run->log_len = run->w->log.len;
    for (size_t i = 0; i < run->seed->ndials; i++) {
        check_way(&run->dials[i]);
        check_plan(&run->dials[i]);
    }
    check_order(run);
}

static void free_context(struct run *run)
{
    if (run->w->ended)
        return;
    look_at_plans(run);
    world_log(run->w, "host frees the context");
    run->cancelled = true;
    run->w->ended = true;
    for (size_t i = 0; i < run->seed->ndials; i++) {
        struct run_dial *d = &run->dials[i];

        if (d->phase == RUN_RESOLVES || d->phase == RUN_DIALS)
            d->phase = RUN_OVER;
        send_abandon(d);
        d->send.stopped = true;
        d->conn = NULL;
        d->watch = 0;
        d->plan = NULL;
    }
    mox_ctx_free(run->w->ctx);
}

static void cancel(struct run_dial *d)
{
    struct world *w = d->run->w;
    int status;

    if (w->ended || (d->phase != RUN_RESOLVES && d->phase != RUN_DIALS))
        return;
    world_log(w, "host cancels dial %d", run_number_of(d));
    d->run->cancelled = d->send.stopped = true;
    d->phase = RUN_OVER;
    status = mox_op_cancel(w->ctx, d->id);
    if (status != MOX_OK)
        run_broken(d->run, "callback", "dial %d runs, and its cancel says %s", run_number_of(d),
                   mox_status_name(status));
    if (mox_op_cancel(w->ctx, d->id) != MOX_E_STALE)
        run_broken(d->run, "callback", "dial %d can be cancelled twice", run_number_of(d));
    check_way(d); /* now, for TLSA records may be others at the end */
}

static void close_conn(struct run_dial *d)
{
    if (d->conn == NULL || d->run->w->ended)
        return;
    world_log(d->run->w, "host closes the connection of dial %d", run_number_of(d));
    d->watch = 0;
    send_abandon(d);
    mox_conn_close(d->conn);
    d->conn = NULL;
}

void run_release(struct run_dial *d)
{
    if (d->conn == NULL)
        return;
    world_log(d->run->w, "host gives the connection of dial %d back", run_number_of(d));
    mox_conn_release(d->conn);
    d->conn = NULL;
}

static void on_conn(void *arg, int status, struct mox_conn *conn, const struct mox_error *err);

static void go_on(struct run_dial *d, bool complain)
{
    static const char refusal[] = "550 5.7.25 no reverse DNS for your address";
    struct world *w = d->run->w;
    struct mox_error why, err = {0};
    char ip[64];

    if (d->conn == NULL || w->ended || d->phase != RUN_OVER)
        return;
    mox_reply_classify(MOX_STAGE_MAIL, refusal, sizeof refusal - 1, &why);
    mox_ip_format(&mox_conn_session(d->conn)->remote, ip, sizeof ip);
    if (complain)
        world_log(w, "host notes dial %d at %s %s", run_number_of(d), ip, refusal);
    world_log(w, "host goes on with dial %d%s", run_number_of(d), complain ? ", refused" : "");
    d->start_ms = world_ms(w);
    d->phase = RUN_DIALS;
    d->id = mox_dial_next_start(d->conn, complain ? &why : NULL, on_conn, d, &err);
    if (d->id == 0)
        d->phase = RUN_OVER;
    if (send_in_flight(d) > 0) {
        if (d->id != 0 || (err.code != MOX_E_BUSY && err.code != MOX_E_SHUTDOWN))
            run_broken(d->run, "start", "dial %d goes on while it delivers", run_number_of(d));
    } else if (d->id != 0) {
        d->conn = NULL;
        d->watch = 0;
    } else if (!d->run->shut_down && run_is_sound(d->run)) {
        run_broken(d->run, "start", "dial %d does not go on: %s", run_number_of(d), err.message);
    }
}

void run_go_on(struct run_dial *d)
{
    go_on(d, false);
}

static void on_watched(void *arg, int status, const struct mox_error *err)
{
    struct run_dial *d = arg;
    char bytes[64];
    size_t n = 0;

    world_log(d->run->w, "the connection of dial %d: %s", run_number_of(d),
              mox_status_name(status));
    if (d->watch == 0 || (status == MOX_OK) != (err == NULL))
        run_broken(d->run, "callback", "the watch of dial %d calls back when it should not",
                   run_number_of(d));
    d->watch = 0;
    if (status != MOX_OK)
        return;
    for (int i = 0; i < MOST_READS && status == MOX_OK; i++) { /* some speak for ever */
        status = mox_conn_read(d->conn, bytes, sizeof bytes, &n);
        world_log(d->run->w, "host reads %u bytes of dial %d: %s", (unsigned)n, run_number_of(d),
                  mox_status_name(status));
    }
}

/* Speaks, so that there is something to wait for. */
static void watch_conn(struct run_dial *d)
{
    struct mox_error err;
    size_t n;

    if (mox_conn_write(d->conn, "NOOP\r\n", 6, &n) != MOX_OK) /* the server hung up already */
        return;
    d->watch = mox_conn_watch(d->conn, MOX_READ, on_watched, d, &err);
    if (d->watch == 0 && !d->run->shut_down && run_is_sound(d->run))
        run_broken(d->run, "start", "no watch of dial %d: %s", run_number_of(d), err.message);
}

/* What the host makes of a connection. */
static void follow_habit(struct run_dial *d)
{
    switch (d->facts->habit) {
    case SEED_CLOSES:
        close_conn(d);
        break;
    case SEED_GOES_ON:
    case SEED_COMPLAINS:
        if (d->goes_on-- > 0)
            go_on(d, d->facts->habit == SEED_COMPLAINS);
        break;
    case SEED_FREES:
        free_context(d->run);
        break;
    case SEED_WATCHES:
        watch_conn(d);
        break;
    case SEED_DELIVERS:
        send_begin(d);
        break;
    case SEED_CANCELS:
        for (size_t i = 0; i < d->run->seed->ndials; i++)
            cancel(&d->run->dials[i]);
        break;
    default:
        break;
    }
}

/* What became of a message, as the history is told. */
static void note(struct run_dial *d)
{
    static const char *const replies[] = {
        [SEED_NOTES_CERTAIN] = "550 5.7.25 noted, no PTR",
        [SEED_NOTES_POSSIBLE] = "550 5.7.1 noted",
        [SEED_NOTES_OTHER] = "550 5.1.1 noted, no such user",
    };
    int notes = d->notes++ == 0 ? d->facts->notes : SEED_NOTES_ACCEPTED;
    const char *reply = notes < SEED_NOTES_CERTAIN ? "accepted" : replies[notes];
    struct mox_error outcome;
    char ip[64];

    if (d->facts->notes == SEED_NOTES_NOTHING)
        return;
    mox_ip_format(&mox_conn_session(d->conn)->remote, ip, sizeof ip);
    world_log(d->run->w, "host notes dial %d at %s %s", run_number_of(d), ip, reply);
    if (notes >= SEED_NOTES_CERTAIN)
        mox_reply_classify(MOX_STAGE_RCPT, reply, strlen(reply), &outcome);
    if (mox_conn_note(d->conn, notes < SEED_NOTES_CERTAIN ? NULL : &outcome) != MOX_OK)
        run_broken(d->run, "learned", "dial %d cannot tell of \"%s\"", run_number_of(d), reply);
}

/* Whether a callback may come now. */
static void check_callback(struct run_dial *d, int phase, int status, const struct mox_error *err)
{
    struct world *w = d->run->w;

    world_log(w, "callback of dial %d: %s%s%s", run_number_of(d), mox_status_name(status),
              err == NULL ? "" : ": ", err == NULL ? "" : err->message);
    if (err != NULL) {
        check_text(d->run, "an error", err->message);
        check_text(d->run, "an error's reply", err->reply);
    }
    if (d->phase != phase)
        run_broken(d->run, "callback", "dial %d has a callback in phase %d", run_number_of(d),
                   d->phase);
    if (!w->dispatching)
        run_broken(d->run, "callback", "dial %d has a callback outside of a dispatch",
                   run_number_of(d));
    if (d->run->shut_down && world_ms(w) != d->run->shut_down_ms)
        run_broken(d->run, "callback", "dial %d outlives the shutdown", run_number_of(d));
    if ((status == MOX_OK) != (err == NULL) || (err != NULL && err->code != status))
        run_broken(d->run, "callback", "dial %d: status %d, and an error that says otherwise",
                   run_number_of(d), status);
    d->phase = RUN_OVER;
}

static void on_conn(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct run_dial *d = arg;

    check_callback(d, RUN_DIALS, status, err);
    check_way(d);
    if ((status == MOX_OK) != (conn != NULL))
        run_broken(d->run, "callback", "dial %d: status %d, and the connection says otherwise",
                   run_number_of(d), status);
    d->conn = conn;
    if (conn == NULL) {
        d->send.stopped = true;
        check_failure(d, status, err);
        return;
    }
    d->sessions += !send_is_again(d);
    check_session(d, conn);
    note(d);
    follow_habit(d);
}

static void fill_request(struct run_dial *d, struct mox_envelope *envelope,
                         struct mox_dial_request *request)
{
    const struct seed_dial *f = d->facts;

    *envelope = (struct mox_envelope){.size = sizeof *envelope};
    envelope->from = f->from_text;
    envelope->to = f->to_text;
    envelope->account = f->account[0] == '\0' ? NULL : f->account;
    envelope->attempts = f->attempts;
    envelope->count = f->count;
    envelope->key = f->key[0] == '\0' ? NULL : f->key;
    *request = (struct mox_dial_request){.size = sizeof *request};
    request->config = d->parsed;
    request->envelope = envelope;
    request->transport = f->transport[0] == '\0' ? NULL : f->transport;
    request->server = f->server[0] == '\0' ? NULL : f->server;
    request->sources = f->sources;
    request->nsources = f->nsources;
    request->plan = d->plan;
    request->ehlo = d->ehlo[0] == '\0' ? NULL : d->ehlo;
    request->port = (uint16_t)f->port;
    request->stop_at = f->stop_at;
    request->families = f->families;
    request->flags = f->flags;
    request->dialed = f->dialed;
    request->ndialed = f->ndialed;
    request->timeout_ms = f->timeout_ms;
    request->race_delay_ms = f->race_ms;
    request->timeouts = f->timeouts.size == 0 ? NULL : &f->timeouts;
    request->tag = (uint64_t)run_number_of(d) + 1;
}

static void start_dial(struct run_dial *d);

static void on_resolved(void *arg, int status, const struct mox_error *err)
{
    struct run_dial *d = arg;

    check_callback(d, RUN_RESOLVES, status, err);
    d->order_to = world_now(d->run->w);
    check_resolved(d, status, err);
    if (status == MOX_OK)
        start_dial(d);
}

static void start_dial(struct run_dial *d)
{
    bool resolves = d->facts->resolves_first && d->plan != NULL && d->phase == RUN_IDLE &&
                    !run_is_open(d); /* the dial might go another way than the plan */
    struct mox_dial_request request;
    struct mox_envelope envelope;
    struct mox_error err = {0};
    struct world *w = d->run->w;

    if (w->ended)
        return;
    fill_request(d, &envelope, &request);
    world_log(w, "host %s dial %d to %s, server %s, transport %s", resolves ? "resolves" : "starts",
              run_number_of(d), d->facts->to_text,
              d->facts->server[0] == '\0' ? "-" : d->facts->server,
              d->facts->transport[0] == '\0' ? "-" : d->facts->transport);
    d->start_ms = d->plan_ms = world_ms(w);
    if (d->phase == RUN_IDLE) {
        d->order_from = world_now(w);
        d->order_to = (struct sim_moment){0, 0};
    }
    d->phase = resolves ? RUN_RESOLVES : RUN_DIALS;
    w->dry = w->dry && resolves;
    d->id = resolves ? mox_plan_resolve_start(w->ctx, &request, on_resolved, d, &err)
                     : mox_dial_start(w->ctx, &request, on_conn, d, &err);
    if (d->id != 0)
        return;
    d->phase = RUN_OVER;
    world_log(w, "dial %d does not start: %s", run_number_of(d), err.message);
    if (!d->run->shut_down && run_is_sound(d->run))
        run_broken(d->run, "start", "dial %d does not start: %s", run_number_of(d), err.message);
}

/* With the configuration of before, if that is still there and leaves no choice. */
void run_again(struct run_dial *d)
{
    if ((d->parsed == NULL && d->config->there) || run_is_open(d))
        return; /* it might go by another route, and there is one reference */
    d->sessions = 0;
    d->phase = RUN_IDLE;
    start_dial(d);
}

/* The first start of a dial. */
static void start(struct run_dial *d)
{
    struct run *run = d->run;

    if (run->w->ended || d->started)
        return;
    d->started = true;
    d->born_ms = world_ms(run->w);
    d->rolled = run->rolled[d->facts->zone];
    d->config = run->facts;
    d->parsed = mox_config_ref(run->config);
    d->goes_on = d->facts->goes_on;
    d->unix_s = run_unix_s(run);
    reference_of(run->seed, d->config, d->facts, d->unix_s, 0, &d->reference);
    if (d->facts->with_plan || run_is_open(d))
        d->plan = mox_plan_new(run->w->ctx);
    d->planned = d->plan != NULL;
    if (run->seed->secure)
        snprintf(d->ehlo, sizeof d->ehlo, "d%d.mail.example", run_number_of(d));
    start_dial(d);
}

static void drop_plan(struct run_dial *d)
{
    if (d->plan == NULL || d->phase == RUN_RESOLVES || run_is_open(d))
        return;
    world_log(d->run->w, "host frees the plan of dial %d", run_number_of(d));
    mox_plan_free(d->plan);
    d->plan = NULL;
    d->planned = false;
}

static void act(struct run *run, const struct seed_act *act)
{
    struct run_dial *d = &run->dials[act->dial];

    if (!run->w->ended && act->pause_ms > 0)
        world_sleep(run->w, act->pause_ms);
    if (run->w->ended)
        return;
    switch (act->deed) {
    case SEED_START:
        start(d);
        break;
    case SEED_CANCEL:
        cancel(d);
        if (!run->w->ended)
            send_cancel(d);
        break;
    case SEED_SHUTDOWN:
        world_log(run->w, "host shuts down");
        if (!run->shut_down)
            run->shut_down_ms = world_ms(run->w);
        run->shut_down = true;
        mox_ctx_shutdown(run->w->ctx, 1000);
        break;
    case SEED_FREE:
        free_context(run);
        break;
    case SEED_RELOAD:
        run_reload(run);
        break;
    case SEED_NEXT:
        go_on(d, d->facts->attempts % 2 == 1);
        break;
    case SEED_CLOSE:
        d->send.stopped = d->send.stopped || d->conn != NULL;
        close_conn(d);
        break;
    case SEED_ROLL:
        run_roll(run, d->facts->zone);
        break;
    default:
        drop_plan(d);
        break;
    }
}

/* Does what is due at the event. Returns the number of the next act; UINT_MAX: there is none. */
static unsigned act_all(struct run *run, unsigned from, unsigned to)
{
    unsigned next = UINT32_MAX;

    for (size_t i = 0; i < run->seed->nacts; i++) {
        const struct seed_act *a = &run->seed->acts[i];

        if (a->at >= from && a->at <= to)
            act(run, a);
        else if (a->at > to && a->at < next)
            next = a->at;
    }
    return next;
}

/* Dials and deliveries that run; what the context says is in flight is these and the watches. */
static int dials_in_flight(struct run *run)
{
    int dials = 0, watches = 0;
    bool dialing = false;

    for (size_t i = 0; i < run->seed->ndials; i++) {
        dialing = dialing || run->dials[i].phase == RUN_DIALS;
        dials += run->dials[i].phase == RUN_RESOLVES || run->dials[i].phase == RUN_DIALS;
        dials += send_in_flight(&run->dials[i]);
        watches += run->dials[i].watch != 0;
    }
    run->w->dry = !dialing;
    if (mox_ctx_pending(run->w->ctx) != dials + watches)
        run_broken(run, "callback", "%d operations are in flight, and not %d",
                   mox_ctx_pending(run->w->ctx), dials + watches);
    return dials;
}

static void live(struct run *run)
{
    unsigned done = 0, next = act_all(run, 0, 0);

    for (unsigned turn = 1; turn < MOST_TURNS && !run->w->ended; turn++) {
        bool idle = dials_in_flight(run) == 0 || !world_step(run->w);

        if (run->w->fault[0] != '\0' || run->w->ended)
            return;
        if (idle && next == UINT32_MAX && dials_in_flight(run) > 0)
            world_fault(run->w, "operations are in flight, and nothing is left to happen");
        if (idle && next == UINT32_MAX)
            return;
        if (idle || turn >= next) {
            unsigned to = idle && next > turn ? next : turn;

            next = act_all(run, done + 1, to);
            done = to;
        }
    }
    if (!run->w->ended)
        world_fault(run->w, "it never ends");
}

/* What comes when nobody waits any more must be found stale; then all is given back. */
static void end(struct run *run)
{
    const char *fault;

    for (size_t i = 0; i < run->seed->ndials; i++)
        close_conn(&run->dials[i]);
    if (!run->w->ended && run->broken[0] == '\0' && mox_ctx_pending(run->w->ctx) > 0)
        world_fault(run->w, "nobody waits, and something is in flight");
    for (int i = 0; i < LAST_TURNS && world_step(run->w); i++)
        ;
    if (!run->w->ended && run->w->fault[0] == '\0' && run->w->timer_us != UINT64_MAX)
        world_fault(run->w, "a timer is left");
    if (!run->w->ended) {
        run->reused = mox_ctx_stats(run->w->ctx)->reused;
        look_at_plans(run);
        for (size_t i = 0; i < run->seed->ndials; i++)
            mox_plan_free(run->dials[i].plan);
    }
    fault = world_end(run->w);
    if (fault != NULL)
        run_broken(run, "world", "%s", fault);
    for (size_t i = 0; i < run->seed->ndials; i++) {
        struct run_dial *d = &run->dials[i];

        if (d->phase == RUN_RESOLVES || d->phase == RUN_DIALS)
            run_broken(run, "callback", "dial %u never had its callback", (unsigned)i);
        mox_config_free(d->parsed);
    }
    mox_config_free(run->config);
}

void run_seed(struct run *run, struct seed *seed)
{
    memset(run, 0, sizeof *run);
    memory_fail(0, 0);
    run->seed = seed;
    run->live = memory_live();
    run->w = world_bare(seed->number ^ 0x5eed);
    memory_watch(seed->secure ? check_forms() : NULL);
    run_begin(run);
    check_routes(run);
    memory_fail(seed->fail_at, seed->fail_every);
    if (run->broken[0] == '\0')
        live(run);
    run->failed = memory_failed();
    memory_fail(0, 0);
    end(run);
    check_left(run);
    check_network(run);
    check_history(run);
    check_secure(run);
    check_gates(run);
    for (size_t i = 0; i < seed->ndials; i++)
        check_mail_of(&run->dials[i]);
    check_claims(run);
}

long run_free(struct run *run)
{
    world_free(run->w);
    return memory_live() - run->live;
}
