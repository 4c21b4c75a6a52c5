/* preflight.c - see preflight.h: mox_preflight and mox_preflight_start of moxdial/check.h. */
#include "check/preflight.h"

#include <string.h>

#include "base/error.h"
#include "base/input.h"
#include "base/ip.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "ctx/block.h"
#include "dial/source.h"
#include "policy/nat.h"

static void step(struct preflight *p);

static void on_change(void *arg)
{
    step(arg);
}

const struct check_source *preflight_hairpin(const struct preflight *p,
                                             const struct mox_ip **public_ip)
{
    for (size_t i = 0; i < p->nsources; i++) {
        const struct check_source *s = &p->sources[i];

        *public_ip = s->local.family == MOX_IPV4 ? &p->domains.ipv4 : &p->domains.ipv6;
        if (ip_is_private(&s->local) && (*public_ip)->family != 0)
            return s;
    }
    return NULL;
}

/* What it has in flight. */
static void end_work(struct preflight *p)
{
    for (size_t i = 0; i < p->nsources; i++)
        check_source_end(&p->sources[i]);
    ctx_timer_clear(p->ctx, &p->domains_timer);
    check_domains_end(&p->domains);
    probe_end(&p->probe);
}

static void free_preflight(struct preflight *p)
{
    end_work(p);
    mox_preflight_report_free(p->report);
    if (p->rules.config != NULL)
        config_release(p->rules.config);
    arena_free(&p->arena);
    mem_free(p);
}

static void end(struct preflight *p, int status)
{
    p->status = status;
    p->state = PREFLIGHT_DONE;
    end_work(p);
    ctx_op_complete(&p->op);
}

static void make_report(struct preflight *p)
{
    p->report = report_make(p);
    end(p, p->report != NULL ? MOX_OK : error_nomem(&p->error));
}

static void on_probed(void *arg)
{
    struct preflight *p = arg;

    if (p->state == PREFLIGHT_DONE) /* it was shut down meanwhile */
        end(p, p->status);
    else
        make_report(p);
}

/* The way mail to our own domains takes. */
static int start_probe(struct preflight *p, const struct mox_ip *public_ip)
{
    static const struct mox_route direct = {.index = -1,
                                            .families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6};
    const struct mox_envelope envelope = {.size = sizeof envelope, .to = "postmaster"};
    struct mox_dial_request request = {.size = sizeof request,
                                       .config = p->rules.config,
                                       .envelope = &envelope,
                                       .route = &direct,
                                       .server = p->probe_server,
                                       .stop_at = MOX_STAGE_GREETING,
                                       .timeout_ms = MOX_LIMIT_PROBE_SECONDS * 1000,
                                       .flags = MOX_DIAL_NO_HISTORY | MOX_DIAL_NO_REUSE};
    char ip[MOX_LIMIT_IP_TEXT];

    mox_ip_format(public_ip, ip, sizeof ip);
    text_add(&(struct text){p->probe_server, sizeof p->probe_server, 0}, "[%s]:%u", ip,
             (unsigned)p->port);
    p->probe.done = on_probed;
    p->probe.arg = p;
    return probe_start(&p->probe, p->ctx, &request, p->request.ehlo, &p->error);
}

/* All that DNS was asked is answered. */
static int take_answers(struct preflight *p)
{
    int status = p->domains.failed ? error_nomem(&p->error) : MOX_OK;

    for (size_t i = 0; i < p->nsources && status == MOX_OK; i++)
        status = check_source_take(&p->sources[i], &p->request, &p->error);
    return status;
}

static bool is_answered(const struct preflight *p)
{
    for (size_t i = 0; i < p->nsources; i++) {
        if (!check_source_finished(&p->sources[i]))
            return false;
    }
    return p->domains.finished;
}

static void step(struct preflight *p)
{
    const struct mox_ip *public_ip;
    int status;

    if (p->state != PREFLIGHT_LOOKUPS)
        return;
    check_domains_step(&p->domains);
    if (!is_answered(p))
        return;
    status = take_answers(p);
    if (status != MOX_OK) {
        end(p, status);
    } else if ((p->flags & MOX_PREFLIGHT_PROBE) != 0 && preflight_hairpin(p, &public_ip) != NULL) {
        p->state = PREFLIGHT_PROBE;
        status = start_probe(p, public_ip);
        if (status != MOX_OK)
            end(p, status);
    } else {
        make_report(p);
    }
}

static void on_domains_late(struct ctx_event *event)
{
    struct preflight *p =
        (struct preflight *)((char *)event - offsetof(struct preflight, domains_timer.event));

    check_domains_end(&p->domains);
    p->domains.finished = true;
    step(p);
}

static void add_source(struct preflight *p, const struct mox_ip *local, const struct mox_ip *ip)
{
    if (local->family == 0 || p->nsources == MOX_LIMIT_PREFLIGHT_SOURCES)
        return;
    p->sources[p->nsources].local = *local;
    p->sources[p->nsources++].ip = *ip;
}

/* Those a dial would use, of the families it may. */
static int find_sources(struct preflight *p, struct mox_error *err)
{
    const struct config_transport *proxy = request_proxy(&p->rules);
    static const int families[] = {MOX_IPV4, MOX_IPV6};

    for (size_t i = 0; proxy != NULL && i < proxy->nremote_ips; i++) {
        if ((ip_family_bit(proxy->remote_ips[i].family) & p->rules.families) != 0)
            add_source(p, &proxy->remote_ips[i], &proxy->remote_ips[i]);
    }
    for (size_t i = 0; proxy == NULL && i < ARRAY_LEN(families); i++) {
        struct mox_ip local, ip;

        if ((ip_family_bit(families[i]) & p->rules.families) == 0)
            continue;
        local = source_local(p->ctx, &p->rules, families[i]);
        ip = policy_public_source(p->rules.config, &local);
        add_source(p, &local, &ip);
    }
    if (p->nsources > 0)
        return MOX_OK;
    return error_set(err, MOX_E_NO_SOURCE,
                     "this machine has no address to send from that the configuration allows; "
                     "LocalIPs names one");
}

/* A dial's own reading of the configuration says from where and by which name. */
static int take_request(struct preflight *p, const struct mox_preflight_request *given,
                        struct mox_error *err)
{
    static const struct mox_route direct = {.index = -1,
                                            .families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6};
    const struct mox_envelope envelope = {.size = sizeof envelope, .to = "postmaster@localhost"};
    struct mox_preflight_request request = {0};
    struct mox_dial_request dial = {.size = sizeof dial, .envelope = &envelope};
    struct domain domain;
    struct mox_error why;
    int status =
        input_take(&request, sizeof request, given, offsetof(struct mox_preflight_request, port),
                   "mox_preflight_request", err);

    if (status != MOX_OK)
        return status;
    p->flags = request.flags;
    p->port = request.port == 0 ? 25 : request.port;
    dial.config = request.config;
    dial.transport = request.transport;
    dial.route = request.transport == NULL ? &direct : NULL;
    dial.ehlo = request.ehlo;
    status = request_take(p->ctx, &dial, &p->arena, &p->rules, &p->route, err);
    if (status != MOX_OK)
        return status;
    if (request.from_domain == NULL)
        return MOX_OK;
    if (domain_parse(slice_of(request.from_domain), &domain, &why) != MOX_OK)
        return error_set(err, MOX_E_INVAL, "domain \"%.300s\": %s", request.from_domain,
                         why.message);
    p->request.from_domain = arena_text(&p->arena, domain_slice(&domain));
    return p->request.from_domain == NULL ? error_nomem(err) : MOX_OK;
}

static int start_checks(struct preflight *p, struct mox_error *err)
{
    int status = find_sources(p, err);

    p->request.ctx = p->ctx;
    p->request.config = p->rules.config;
    /* a literal is no name that could be looked up */
    p->request.ehlo = p->rules.ehlo == NULL || p->rules.ehlo[0] == '[' ? NULL : p->rules.ehlo;
    p->request.rules = request_lookup(&p->rules);
    p->request.changed = on_change;
    p->request.arg = p;
    p->domains.request = &p->request;
    p->domains_timer.event.run = on_domains_late;
    if (status == MOX_OK)
        status = ctx_timer_set(p->ctx, &p->domains_timer,
                               ctx_now_us(p->ctx) + us_of_s(MOX_LIMIT_PREFLIGHT_SECONDS));
    for (size_t i = 0; i < p->nsources && status == MOX_OK; i++)
        status = check_source_start(&p->sources[i], &p->request);
    return status == MOX_E_NOMEM ? error_nomem(err) : status;
}

static void finish(struct ctx_op *op)
{
    struct preflight *p = (struct preflight *)op; /* its first member */
    struct mox_preflight_report *report = p->report;
    mox_preflight_fn *fn = p->fn;
    void *arg = p->arg;
    struct mox_error err = p->error;
    int status = p->status;

    p->report = NULL;
    free_preflight(p);
    fn(arg, status, report, status == MOX_OK ? NULL : &err);
}

static void cancel(struct ctx_op *op)
{
    free_preflight((struct preflight *)op);
}

static void shut_down(struct ctx_op *op)
{
    struct preflight *p = (struct preflight *)op;

    bool probing = p->state == PREFLIGHT_PROBE;

    if (p->state == PREFLIGHT_DONE)
        return;
    p->state = PREFLIGHT_DONE;
    p->status = error_set(&p->error, MOX_E_SHUTDOWN,
                          "the context was shut down during a preflight; check again later");
    if (!probing) /* else its connection is shut down too, and says so */
        end(p, p->status);
}

static const struct ctx_op_class preflight_class = {
    .finish = finish, .cancel = cancel, .shutdown = shut_down};

/* Its op; 0: err says why, and it is the caller's to free. */
static mox_op_id start(struct preflight *p, const struct mox_preflight_request *request,
                       struct mox_error *err)
{
    mox_op_id id;

    if (take_request(p, request, err) != MOX_OK)
        return 0;
    id = ctx_op_start(p->ctx, &p->op, &preflight_class, err);
    if (id == 0)
        return 0;
    if (start_checks(p, err) != MOX_OK) {
        ctx_op_drop(&p->op);
        return 0;
    }
    step(p);
    ctx_arm(p->ctx);
    return id;
}

mox_op_id mox_preflight_start(struct mox_ctx *ctx, const struct mox_preflight_request *request,
                              mox_preflight_fn *fn, void *arg, struct mox_error *err)
{
    struct preflight *p;
    mox_op_id id;

    if (fn == NULL) {
        error_set(err, MOX_E_INVAL, "no function to call at the end");
        return 0;
    }
    p = mem_new(sizeof *p);
    if (p == NULL) {
        error_nomem(err);
        return 0;
    }
    p->ctx = ctx;
    p->fn = fn;
    p->arg = arg;
    id = start(p, request, err);
    if (id == 0)
        free_preflight(p);
    return id;
}

/* A report waits for its caller. */
struct waiting {
    struct block block;
    struct mox_preflight_report *report;
};

static void on_report(void *arg, int status, struct mox_preflight_report *report,
                      const struct mox_error *err)
{
    struct waiting *w = arg;

    w->report = report;
    block_on_done(&w->block, status, err);
}

int mox_preflight(struct mox_ctx *ctx, const struct mox_preflight_request *request,
                  struct mox_preflight_report **out, struct mox_error *err)
{
    struct waiting w = {.report = NULL};
    int status = block_begin(&w.block, ctx, err);
    mox_op_id id;

    *out = NULL;
    if (status != MOX_OK)
        return status;
    id = mox_preflight_start(ctx, request, on_report, &w, w.block.err);
    status = block_run(ctx, &w.block, id);
    *out = w.report;
    return status;
}
