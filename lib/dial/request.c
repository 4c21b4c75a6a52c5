/*
 * request.c - see request.h. What a call or the context gives wins over the transport, the
 * transport over the top of the file, that over the default.
 */
#include "dial/request.h"

#include <string.h>

#include "base/domain.h"
#include "base/error.h"
#include "base/input.h"
#include "policy/demand.h"
#include "route/lookup.h"

enum { SMTP_PORT = 25 };

/* Defaults in milliseconds (semantics.md 8.3; RFC 5321 section 4.5.3.2). */
enum {
    DEFAULT_DNS_MS = 30 * 1000,
    DEFAULT_CONNECT_MS = 30 * 1000,
    DEFAULT_GREETING_MS = 300 * 1000,
    DEFAULT_EHLO_MS = 300 * 1000,
    DEFAULT_TLS_MS = 60 * 1000,
    DEFAULT_STORE_MS = 1000,
    DEFAULT_AUTH_MS = 300 * 1000,
    DEFAULT_DIAL_MS = 300 * 1000,
    DEFAULT_MAIL_MS = 300 * 1000,
    DEFAULT_RCPT_MS = 300 * 1000,
    DEFAULT_DATA_MS = 120 * 1000,
    DEFAULT_BLOCK_MS = 180 * 1000,
    DEFAULT_FINAL_MS = 600 * 1000,
    DEFAULT_RACE_MS = 1000
};

/* What the functions of this file share. */
struct taker {
    const struct mox_ctx *ctx;
    struct arena *arena;
    struct request_rules *rules;
    struct mox_route *route;
    struct route_name *to; /* the recipient's domain; len 0: not known, or none */
    struct mox_error *err;
    struct mox_dial_request request;
    struct mox_envelope envelope;
    struct mox_timeouts timeouts;
};

int request_read(const struct mox_dial_request *given, struct mox_dial_request *request,
                 struct mox_envelope *envelope, struct mox_timeouts *timeouts,
                 struct mox_error *err)
{
    int status = input_take(request, sizeof *request, given, offsetof(struct mox_dial_request, tag),
                            "mox_dial_request", err);

    if (status != MOX_OK)
        return status;
    if (request->envelope == NULL)
        return error_set(err, MOX_E_INVAL, "mox_dial_request.envelope is NULL");
    status = input_take(envelope, sizeof *envelope, request->envelope,
                        offsetof(struct mox_envelope, mx), "mox_envelope", err);
    if (status != MOX_OK || request->timeouts == NULL)
        return status;
    return input_take(timeouts, sizeof *timeouts, request->timeouts, sizeof(size_t), "mox_timeouts",
                      err);
}

void request_clock(const struct mox_ctx *ctx, const struct mox_config *config,
                   struct mox_envelope *envelope)
{
    if (envelope->unix_s != 0 || config == NULL || config->nconditions == 0)
        return;
    envelope->unix_s = ctx_unix_s(ctx);
    envelope->utc_offset_s = ctx->sys.utc_offset_s(ctx->sys.user, envelope->unix_s);
}

static int take_route(struct taker *t)
{
    static const struct route_claims none;
    struct request_rules *rules = t->rules;
    int status = MOX_OK;

    t->envelope.size = sizeof t->envelope;
    request_clock(t->ctx, rules->config, &t->envelope);
    if (t->request.transport != NULL && t->request.transport[0] != '\0')
        status = route_by_transport(rules->config, t->request.transport, t->route, t->err);
    else if (t->request.route != NULL)
        *t->route = *t->request.route;
    else
        status = route_lookup(rules->config, &t->envelope, &none, t->to, t->route, t->err);
    if (status != MOX_OK)
        return status;
    rules->transport = route_transport(t->route);
    rules->attempts = t->envelope.attempts;
    return MOX_OK;
}

static int fail_as_told(struct taker *t)
{
    const struct config_transport *transport = t->rules->transport;
    struct mox_error *err = t->err;

    error_set(err, MOX_E_FAIL_TRANSPORT, "transport %s, %s line %d: %d %s", transport->name,
              transport->file, (int)transport->line, (int)transport->smtp_code,
              transport->smtp_message);
    if (err == NULL)
        return MOX_E_FAIL_TRANSPORT;
    err->stage = MOX_STAGE_ROUTE;
    err->smtp_code = transport->smtp_code;
    err->permanent = transport->smtp_code >= 500;
    err->action = err->permanent ? MOX_ACTION_GIVE_UP : MOX_ACTION_LATER;
    memcpy(err->enhanced, err->permanent ? "5.7.0" : "4.7.0", sizeof "5.7.0");
    slice_clean(slice_of(transport->smtp_message), false, err->reply, sizeof err->reply);
    return MOX_E_FAIL_TRANSPORT;
}

/* RFC 8689: both flags contradict each other; a transport that verifies nothing cannot serve. */
static int check_tls(struct taker *t)
{
    const uint32_t both = MOX_DIAL_REQUIRETLS | MOX_DIAL_TLS_OPTIONAL;
    struct demand_facts facts = {.sts_mode = -1};
    char why[320];

    if ((t->request.flags & both) == both)
        return error_set(t->err, MOX_E_INVAL,
                         "mox_dial_request.flags: REQUIRETLS and TLS_OPTIONAL contradict each "
                         "other");
    facts.smarthost = request_smarthost(t->rules);
    facts.requiretls = (t->request.flags & MOX_DIAL_REQUIRETLS) != 0;
    if (facts.smarthost == NULL || !demand_of(&facts).unmet)
        return MOX_OK;
    demand_text(&facts, NULL, NULL, why, sizeof why);
    error_set(t->err, MOX_E_TLS_REQUIRED, "%s; nothing was dialed", why);
    if (t->err != NULL) {
        t->err->permanent = 1;
        t->err->action = MOX_ACTION_GIVE_UP;
    }
    return MOX_E_TLS_REQUIRED;
}

static int keep_text(struct taker *t, struct slice text, const char **out)
{
    *out = arena_text(t->arena, text);
    return *out == NULL ? error_nomem(t->err) : MOX_OK;
}

static int keep_address(struct taker *t, const struct mox_ip *ip, int target)
{
    char text[MOX_LIMIT_IP_TEXT];
    struct mox_ip *address = arena_new(t->arena, sizeof *address);

    if (address == NULL)
        return error_nomem(t->err);
    *address = *ip;
    mox_ip_format(ip, text, sizeof text);
    t->rules->address = address;
    t->rules->target = (int8_t)target;
    return keep_text(t, slice_of(text), &t->rules->name);
}

static int keep_host(struct taker *t, struct slice host, const char *what)
{
    struct domain domain;
    struct mox_error why;

    if (domain_parse_lax(host, &domain) != MOX_OK && domain_parse(host, &domain, &why) != MOX_OK)
        return error_set(t->err, MOX_E_INVAL, "%s \"%.*s\": %s", what,
                         host.len > 255 ? 255 : (int)host.len, host.ptr, why.message);
    t->rules->target = REQUEST_HOST;
    return keep_text(t, domain_slice(&domain), &t->rules->name);
}

static int take_server(struct taker *t)
{
    struct slice text = slice_of(t->request.server), host;
    struct mox_ip ip;

    if (ip_split_port(text, &host, &t->rules->port) != MOX_OK)
        return error_set(t->err, MOX_E_INVAL,
                         "server \"%.300s\" is no host, host:port, or [address]:port",
                         t->request.server);
    if (ip_parse_any(host, &ip) == MOX_OK)
        return keep_address(t, &ip, REQUEST_ADDRESS);
    return keep_host(t, host, "server");
}

static int keep_domain(struct taker *t, struct slice domain)
{
    t->rules->target = REQUEST_DOMAIN;
    t->rules->hosted = t->rules->config != NULL && config_hosts_domain(t->rules->config, domain);
    return keep_text(t, domain, &t->rules->name);
}

static int bad_recipient(struct taker *t, const char *why)
{
    error_set(t->err, MOX_E_INVAL, "recipient \"%.300s\": %s",
              t->envelope.to == NULL ? "" : t->envelope.to, why);
    if (t->err != NULL)
        t->err->about = MOX_ABOUT_RCPT;
    return MOX_E_INVAL;
}

static int take_recipient(struct taker *t)
{
    struct domain domain;
    struct mox_ip literal;
    struct mox_error why;
    int status;

    if (t->to->len > 0)
        return keep_domain(t, (struct slice){t->to->text, t->to->len});
    status = domain_of_address(t->envelope.to, &domain, &literal, &why);

    if (status == MOX_E_NOMEM)
        return error_nomem(t->err);
    if (status != MOX_OK)
        return bad_recipient(t, why.message);
    if (literal.family != 0)
        return keep_address(t, &literal, REQUEST_LITERAL);
    if (domain.len == 0)
        return bad_recipient(t, "it has no domain, so there is nowhere to deliver to");
    return keep_domain(t, domain_slice(&domain));
}

static int take_target(struct taker *t)
{
    const struct config_transport *smarthost = request_smarthost(t->rules);
    int status;

    t->rules->port = smarthost != NULL ? smarthost->port : SMTP_PORT;
    if (t->request.server != NULL)
        status = take_server(t);
    else if (smarthost != NULL)
        status = keep_host(t, slice_of(smarthost->host), "Host");
    else
        status = take_recipient(t);
    if (t->request.port != 0)
        t->rules->port = t->request.port;
    if (t->rules->target == REQUEST_HOST || t->rules->target == REQUEST_ADDRESS)
        t->rules->allow_special = true; /* an administrator named it */
    return status;
}

static int take_families(struct taker *t)
{
    const struct config_transport *transport = t->rules->transport;
    uint32_t both = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6;
    uint32_t allowed = transport == NULL || transport->families == 0 ? both : transport->families;
    uint32_t wanted = t->request.families == MOX_ALLOW_BOTH ? both : t->request.families;

    if ((wanted & ~both) != 0)
        return error_set(t->err, MOX_E_INVAL, "mox_dial_request.families has unknown bits");
    t->rules->families = allowed & wanted;
    t->rules->prefer = transport == NULL ? MOX_PREFER_DEFAULT : transport->prefer;
    if (t->rules->families != 0 || transport == NULL) /* without one both are allowed */
        return MOX_OK;
    return error_set(t->err, MOX_E_FILTERED,
                     "the dial asks for %s alone, which transport %s, %s line %d, does not allow",
                     wanted == MOX_ALLOW_IPV4 ? "IPv4" : "IPv6", transport->name, transport->file,
                     (int)transport->family_line);
}

/* The first of each family. */
static int keep_sources(struct taker *t, const struct mox_ip *ips, size_t n)
{
    struct mox_ip *kept;

    if (n == 0)
        return MOX_OK;
    kept = arena_array(t->arena, 2, sizeof *kept);
    if (kept == NULL)
        return error_nomem(t->err);
    for (size_t i = 0; i < n && t->rules->nsources < 2; i++) {
        if (t->rules->nsources == 0 || kept[0].family != ips[i].family)
            kept[t->rules->nsources++] = ips[i];
    }
    t->rules->sources = kept;
    return MOX_OK;
}

static int take_sources(struct taker *t)
{
    const struct config_transport *transport = t->rules->transport;
    const struct mox_config *config = t->rules->config;

    if (request_proxy(t->rules) != NULL)
        return MOX_OK; /* the proxy's own address is what the world sees */
    if (t->request.nsources > 0)
        return keep_sources(t, t->request.sources, t->request.nsources);
    if (transport != NULL && transport->nlocal_ips > 0)
        return keep_sources(t, transport->local_ips, transport->nlocal_ips);
    return config == NULL ? MOX_OK : keep_sources(t, config->sources, config->nsources);
}

static int take_ehlo(struct taker *t)
{
    const struct config_transport *transport = t->rules->transport;
    const struct mox_config *config = t->rules->config;
    struct slice given = slice_of(t->request.ehlo);
    struct domain domain;
    struct mox_error why;
    struct mox_ip ip;

    if (given.len == 0) {
        if (transport != NULL && transport->ehlo_hostname != NULL)
            t->rules->ehlo = transport->ehlo_hostname;
        else if (request_proxy(t->rules) != NULL)
            t->rules->ehlo = transport->remote_hostname;
        else if (config != NULL)
            t->rules->ehlo = config->hostname_ascii;
        return MOX_OK;
    }
    if (given.ptr[0] == '[' && mox_ip_parse(given.ptr, &ip) == MOX_OK)
        return keep_text(t, given, &t->rules->ehlo);
    if (domain_parse(given, &domain, &why) != MOX_OK)
        return error_set(t->err, MOX_E_INVAL, "EHLO name \"%.300s\": %s", t->request.ehlo,
                         why.message);
    return keep_text(t, domain_slice(&domain), &t->rules->ehlo);
}

/* SPF is about the sender: a dial for another one may be another dial. */
static int take_sender(struct taker *t)
{
    const struct config_transport *transport = t->rules->transport;

    if (transport == NULL || !transport->require_spf)
        return MOX_OK;
    return keep_text(t, slice_of(t->envelope.from), &t->rules->from);
}

static uint32_t first_ms(uint32_t given, uint32_t configured, uint32_t otherwise)
{
    return given != 0 ? given : configured != 0 ? configured : otherwise;
}

static void take_times(struct taker *t)
{
    static const struct config_timeouts none;
    struct request_rules *rules = t->rules;
    const struct config_timeouts *c = rules->config == NULL ? &none : &rules->config->timeouts;
    uint32_t race = rules->config == NULL ? 0 : rules->config->race_delay_ms;

    rules->dns_ms = first_ms(t->timeouts.dns, c->dns, DEFAULT_DNS_MS);
    rules->connect_ms = first_ms(t->timeouts.connect, c->connect, DEFAULT_CONNECT_MS);
    rules->greeting_ms = first_ms(t->timeouts.greeting, c->greeting, DEFAULT_GREETING_MS);
    rules->ehlo_ms = first_ms(t->timeouts.ehlo, c->ehlo, DEFAULT_EHLO_MS);
    rules->store_us = us_of_ms(first_ms(t->timeouts.store, c->store, DEFAULT_STORE_MS));
    rules->tls_ms = first_ms(t->timeouts.tls, c->tls, DEFAULT_TLS_MS);
    rules->auth_ms = first_ms(t->timeouts.auth, c->auth, DEFAULT_AUTH_MS);
    rules->total_us = us_of_ms(first_ms(t->request.timeout_ms, c->dial, DEFAULT_DIAL_MS));
    rules->race_delay_ms = first_ms(t->request.race_delay_ms, race, DEFAULT_RACE_MS);
    rules->mail_ms = first_ms(t->timeouts.mail, c->mail, DEFAULT_MAIL_MS);
    rules->rcpt_ms = first_ms(t->timeouts.rcpt, c->rcpt, DEFAULT_RCPT_MS);
    rules->data_ms = first_ms(t->timeouts.data, c->data, DEFAULT_DATA_MS);
    rules->block_ms = first_ms(t->timeouts.block, c->block, DEFAULT_BLOCK_MS);
    rules->final_ms = first_ms(t->timeouts.final_reply, c->final_reply, DEFAULT_FINAL_MS);
    rules->race = (t->request.flags & MOX_DIAL_NO_RACE) == 0 && request_proxy(rules) == NULL;
}

static int take_dialed(struct taker *t)
{
    struct request_dialed *dialed;

    if (t->request.ndialed == 0)
        return MOX_OK;
    if (t->request.ndialed > MOX_LIMIT_DIALED)
        return error_set(t->err, MOX_E_LIMIT, "over %d addresses dialed before", MOX_LIMIT_DIALED);
    dialed = arena_array(t->arena, t->request.ndialed, sizeof *dialed);
    if (dialed == NULL)
        return error_nomem(t->err);
    for (size_t i = 0; i < t->request.ndialed; i++) {
        const struct mox_dialed *given = &t->request.dialed[i];
        struct domain domain;
        struct slice host = slice_of(given->host);

        dialed[i].ip = given->ip;
        if (given->host == NULL)
            continue;
        if (domain_parse(host, &domain, NULL) == MOX_OK)
            host = domain_slice(&domain); /* mox keeps the Unicode form; of literals the text */
        if (keep_text(t, host, &dialed[i].host) != MOX_OK)
            return MOX_E_NOMEM;
    }
    t->rules->dialed = dialed;
    t->rules->ndialed = (uint32_t)t->request.ndialed;
    return MOX_OK;
}

static void take_flags(struct taker *t)
{
    struct request_rules *rules = t->rules;
    const struct mox_config *config = rules->config;

    rules->flags = t->request.flags;
    rules->tag = t->request.tag;
    rules->stop_at = t->request.stop_at == MOX_STAGE_NONE ? MOX_STAGE_READY : t->request.stop_at;
    rules->allow_special =
        (rules->flags & MOX_DIAL_ALLOW_SPECIAL) != 0 || (config != NULL && config->allow_special);
    rules->trust_ad = config == NULL ? -1 : config->trust_ad;
    if ((t->ctx->options.flags & MOX_CTX_DISTRUST_AD) != 0)
        rules->trust_ad = 0;
    else if ((t->ctx->options.flags & MOX_CTX_TRUST_AD) != 0)
        rules->trust_ad = 1;
}

static int take_all(struct taker *t, const struct mox_dial_request *request)
{
    int status = request_read(request, &t->request, &t->envelope, &t->timeouts, t->err);

    if (status != MOX_OK)
        return status;
    if (t->request.config != NULL)
        t->rules->config = mox_config_ref(t->request.config);
    status = take_route(t);
    if (status != MOX_OK)
        return status;
    take_times(t);
    take_flags(t);
    if (t->route->kind == MOX_KIND_FAIL)
        status = fail_as_told(t);
    if (status == MOX_OK)
        status = check_tls(t);
    if (status == MOX_OK)
        status = take_target(t);
    if (status == MOX_OK)
        status = take_families(t);
    if (status == MOX_OK)
        status = take_ehlo(t);
    if (status == MOX_OK)
        status = take_sender(t);
    if (status == MOX_OK)
        status = take_dialed(t);
    if (status == MOX_OK)
        status = take_sources(t);
    if (status != MOX_OK)
        return status;
    if (t->rules->stop_at < MOX_STAGE_CONNECT || t->rules->stop_at > MOX_STAGE_READY)
        return error_set(t->err, MOX_E_INVAL, "mox_dial_request.stop_at: %d is no stage to stop at",
                         (int)t->rules->stop_at);
    return MOX_OK;
}

int request_take(const struct mox_ctx *ctx, const struct mox_dial_request *request,
                 struct arena *arena, struct request_rules *rules, struct mox_route *route,
                 struct mox_error *err)
{
    struct taker t = {.ctx = ctx, .arena = arena, .rules = rules, .route = route, .err = err};
    struct route_name to;
    int status;

    to.len = 0;
    t.to = &to;
    *route = (struct mox_route){.index = -1};
    status = take_all(&t, request);
    if (status != MOX_OK && err != NULL && err->stage == MOX_STAGE_NONE)
        err->stage = MOX_STAGE_ROUTE;
    return status;
}

static bool same_text(const char *a, const char *b)
{
    return slice_equal(slice_of(a), slice_of(b));
}

static bool same_dialed(const struct request_rules *a, const struct request_rules *b)
{
    if (a->ndialed != b->ndialed)
        return false;
    for (uint32_t i = 0; i < a->ndialed; i++) {
        if (!ip_equal(&a->dialed[i].ip, &b->dialed[i].ip) ||
            !same_text(a->dialed[i].host, b->dialed[i].host))
            return false;
    }
    return true;
}

bool request_same(const struct request_rules *a, const struct request_rules *b)
{
    const uint32_t bearing = MOX_DIAL_REQUIRETLS | MOX_DIAL_TLS_OPTIONAL | MOX_DIAL_NO_HISTORY;

    if ((a->flags & bearing) != (b->flags & bearing) || a->config != b->config ||
        a->transport != b->transport || a->target != b->target || a->families != b->families ||
        a->prefer != b->prefer || a->port != b->port || a->allow_special != b->allow_special ||
        a->trust_ad != b->trust_ad || a->nsources != b->nsources || !same_text(a->name, b->name) ||
        !same_text(a->ehlo, b->ehlo) || !same_text(a->from, b->from))
        /* an address is its own name */
        return false;
    for (uint32_t i = 0; i < a->nsources; i++) {
        if (!ip_equal(&a->sources[i], &b->sources[i]))
            return false;
    }
    return same_dialed(a, b);
}

void request_renew(struct request_rules *rules, const struct request_rules *again)
{
    rules->race_delay_ms = again->race_delay_ms;
    rules->total_us = again->total_us;
    rules->connect_ms = again->connect_ms;
    rules->greeting_ms = again->greeting_ms;
    rules->ehlo_ms = again->ehlo_ms;
    rules->tls_ms = again->tls_ms;
    rules->auth_ms = again->auth_ms;
    rules->mail_ms = again->mail_ms;
    rules->rcpt_ms = again->rcpt_ms;
    rules->data_ms = again->data_ms;
    rules->block_ms = again->block_ms;
    rules->final_ms = again->final_ms;
    rules->tag = again->tag;
    rules->flags = again->flags;
    rules->attempts = again->attempts;
    rules->stop_at = again->stop_at;
    rules->race = again->race;
}
