/* reference.c - see reference.h. Lookups are in reference_dns.c. */
#include "test/sim/reference.h"

#include <stdio.h>
#include <string.h>

#include "test/sim/server.h"

static uint32_t first_of(uint32_t given, uint32_t configured, uint32_t otherwise)
{
    return given != 0 ? given : configured != 0 ? configured : otherwise;
}

static void take_times(const struct seed_config *config, const struct seed_dial *dial,
                       struct reference *r)
{
    const struct mox_timeouts *given = &dial->timeouts, *top = &config->timeouts;

    r->dns_ms = first_of(given->dns, top->dns, 30000);
    r->connect_ms = first_of(given->connect, top->connect, 30000);
    r->greeting_ms = first_of(given->greeting, top->greeting, 300000);
    r->ehlo_ms = first_of(given->ehlo, top->ehlo, 300000);
    r->way.greeting_ms = r->greeting_ms;
    r->way.ehlo_ms = r->ehlo_ms;
    r->way.tls_ms = first_of(given->tls, top->tls, 60000);
    r->way.auth_ms = first_of(given->auth, top->auth, 300000);
    r->store_ms = first_of(given->store, top->store, 1000);
    r->total_ms = first_of(dial->timeout_ms, config->dial_ms, 300000);
}

/* mox: the addresses of its SMTP listeners, unless one is unspecified or two are of one family. */
static void take_listeners(const struct seed_config *config, struct reference *r)
{
    int v4 = 0, v6 = 0;
    bool any = false;

    for (size_t i = 0; i < config->nlisteners; i++) {
        const struct seed_listener *listener = &config->listeners[i];

        for (size_t k = 0; k < listener->n && listener->smtp; k++) {
            const char *ip = listener->ips[k];
            bool is6 = strchr(ip, ':') != NULL;

            any = any || strcmp(ip, "::") == 0 || strcmp(ip, "0.0.0.0") == 0;
            *(is6 ? &v6 : &v4) += 1;
            mox_ip_parse(ip, is6 ? &r->source6 : &r->source4);
        }
    }
    if (!any && v4 <= 1 && v6 <= 1)
        return;
    r->source4 = r->source6 = (struct mox_ip){0};
}

static void take_sources(const struct seed_config *config, const struct seed_transport *t,
                         const struct seed_dial *dial, struct reference *r)
{
    const struct mox_ip *ips = config->local_ips;
    size_t n = config->nlocal_ips;

    if (t != NULL && t->nlocal_ips > 0) {
        ips = t->local_ips;
        n = t->nlocal_ips;
    }
    if (dial->nsources > 0) {
        ips = dial->sources;
        n = dial->nsources;
    }
    if (config->mox && dial->nsources == 0)
        take_listeners(config, r);
    while (n-- > 0) /* so the first of each family stays */
        *(ips[n].family == MOX_IPV4 ? &r->source4 : &r->source6) = ips[n];
}

/* The machine has .9 of each network, and nothing else. */
static bool has_source(const struct reference *r, int family)
{
    const struct mox_ip *source = family == MOX_IPV4 ? &r->source4 : &r->source6;

    return source->family == 0 || source->bytes[family == MOX_IPV4 ? 3 : 15] == 9;
}

/* The MX hosts of its destination, and whether they can be had. */
static void take_mx_facts(const struct seed *seed, const struct seed_dial *dial,
                          struct reference *r, struct reference_host hosts[SEED_MX],
                          struct reference_asks *asks)
{
    struct reference_answer mx;

    asks->mx_known = true;
    asks->mx = hosts;
    if (dial->target == SEED_TO_LITERAL)
        return;
    reference_lookup(seed, seed->zones[dial->zone].domain.name, "MX", r->dns_ms, &mx);
    asks->mx_fails = !mx.ok;
    asks->nmx = mx.ok && !mx.null_mx && !mx.no_name ? reference_hosts(&mx, hosts) : 0;
    r->worst_ms += mx.ms;
}

/* The routes that may hold; several: one of them is taken as the plan tells. */
static void take_routes(const struct seed *seed, const struct seed_config *config,
                        const struct seed_dial *dial, int64_t unix_s, struct reference *r)
{
    struct reference_host hosts[SEED_MX];
    struct reference_asks asks = {.config = config,
                                  .from = dial->from,
                                  .to = dial->target == SEED_TO_LITERAL ? -1 : dial->zone,
                                  .account = dial->account[0] == '\0' ? NULL : dial->account,
                                  .from_text = dial->from_text,
                                  .to_text = dial->to_text,
                                  .key = dial->key,
                                  .attempts = dial->attempts,
                                  .count = dial->count,
                                  .unix_s = unix_s,
                                  .claims = true,
                                  .store = seed->store};
    bool asks_mx;

    take_mx_facts(seed, dial, r, hosts, &asks);
    r->nroutes = reference_routes(&asks, r->routes, &asks_mx);
    r->route_zone = asks_mx && dial->target != SEED_TO_LITERAL ? dial->zone : -1;
    r->worst_ms += 3 * (uint64_t)SEED_ROUTES * 3 * r->store_ms * (r->nroutes > 1 || asks_mx);
}

/* The transport by its name; false: there is none. */
static bool take_named(const struct seed_config *config, const struct seed_dial *dial,
                       const struct seed_transport **out)
{
    for (size_t i = 0; i < config->ntransports; i++) {
        if (strcmp(config->transports[i].name, dial->transport) == 0)
            *out = &config->transports[i];
    }
    return *out != NULL;
}

/* What this dial is about; false: nothing is dialed. */
static bool take_transport(const struct seed_config *config, const struct seed_dial *dial,
                           const struct reference_route *route, const struct seed_transport **out)
{
    *out = NULL;
    if (dial->transport[0] != '\0' && !take_named(config, dial, out))
        return false;
    if (dial->transport[0] == '\0' && route->transport >= 0)
        *out = &config->transports[route->transport];
    if (*out == NULL)
        return true;
    if ((*out)->kind == MOX_KIND_FAIL)
        return false;
    return (dial->flags & MOX_DIAL_REQUIRETLS) == 0 ||
           !((*out)->no_starttls || (*out)->skip_verify);
}

static bool is_smarthost(const struct seed_transport *t)
{
    return t != NULL && (t->kind == MOX_KIND_SMTP || t->kind == MOX_KIND_SUBMISSION ||
                         t->kind == MOX_KIND_SUBMISSIONS);
}

static bool is_proxied(const struct seed_transport *t)
{
    return t != NULL && t->kind == MOX_KIND_SOCKS;
}

static void take_port(const struct seed_transport *t, const struct seed_dial *dial,
                      struct reference *r)
{
    r->port = 25;
    if (t != NULL && t->kind == MOX_KIND_SUBMISSION)
        r->port = 587;
    if (t != NULL && t->kind == MOX_KIND_SUBMISSIONS)
        r->port = 465;
    if (is_smarthost(t) && t->port != 0)
        r->port = (uint16_t)t->port;
    if (strstr(dial->server, ":2525") != NULL)
        r->port = 2525;
    if (dial->port != 0)
        r->port = (uint16_t)dial->port;
}

/* What one dial is judged by. */
struct judge {
    const struct seed *seed;
    const struct seed_config *config;
    const struct seed_dial *dial;
    struct reference *r;
    const struct seed_transport *transport;
    struct reference_sts sts;
    struct reference_answer mx; /* of the recipient's domain, if it was asked for */
    struct reference_demand demands[SEED_MX];
    bool special, own; /* special addresses may be dialed; own ones are minded */
    int loop;          /* the best preference of an own address; INT_MAX: none */
    bool loop_sure;
};

static int finding_of(const struct reference *r, int family)
{
    return r->gates[family == MOX_IPV6].finding;
}

static const char *forbids(const struct judge *j, const struct seed_place *place, int family)
{
    uint32_t bit = family == MOX_IPV4 ? MOX_ALLOW_IPV4 : MOX_ALLOW_IPV6;

    if (place->kind == SEED_MAPPED)
        return "an IPv4 address in an IPv6 one";
    if ((j->r->families & bit) == 0)
        return "of a disabled family";
    if (place->kind == SEED_SPECIAL && !j->special)
        return "special";
    if ((place->kind == SEED_NAT64 || place->kind == SEED_NAT64_BAD) && j->r->families != 3)
        return "a NAT64's, and not both families are allowed";
    if (place->kind == SEED_NAT64_BAD && !j->special)
        return "a NAT64's, and special inside";
    if (place->kind == SEED_OWN && j->own && place->zone < SEED_DOMAINS &&
        j->config->nat[place->zone])
        return "our own";
    if (finding_of(j->r, family) == REFERENCE_SHUT)
        return "of a family that is shut";
    return NULL;
}

/* Whether a connect to it comes to something, and how long that takes. */
static bool connects(const struct reference *r, const struct seed_place *place, uint64_t *ms)
{
    *ms = 0;
    if (!has_source(r, place->ip.family) || place->fate == NET_UNREACHABLE ||
        place->fate >= NET_NO_FILES)
        return false;
    *ms = place->fate == NET_SILENT || place->ms > r->connect_ms ? r->connect_ms : place->ms;
    return place->fate == NET_UP && place->ms <= r->connect_ms;
}

static void count_failure(struct judge *j, const struct seed_place *place, bool up, bool sure,
                          const struct reference_end *end)
{
    struct reference *r = j->r;

    r->connects += up;
    r->greets += up && end->greets;
    r->ours = r->ours || place->fate == NET_NO_FILES || place->fate == NET_NO_PORTS ||
              (up && end->ends_dial);
    r->login_ends = r->login_ends || (up && end->ends_dial);
    r->answers_5xx = r->answers_5xx && ((up && end->says_5xx) || !sure);
    r->requiretls_all = r->requiretls_all && ((up && end->lacks_requiretls) || !sure);
}

static void note_pair(struct judge *j, const char *host, int index,
                      const struct reference_demand *demand, const struct reference_end *end)
{
    struct reference_pair *pair = &j->r->known[j->r->nknown];

    if (j->r->nknown == REFERENCE_PAIRS)
        return;
    j->r->nknown++;
    snprintf(pair->host, sizeof pair->host, "%s", host);
    pair->place = index;
    pair->demand = *demand;
    pair->end = *end;
}

/* One address of one host; sure: nothing that comes first can take it away. */
static void take_pair(struct judge *j, const char *host, int index,
                      const struct reference_demand *demand, bool sure)
{
    const struct seed_place *place = &j->seed->places[index];
    struct reference *r = j->r;
    struct reference_end end = {0};
    uint64_t ms;
    bool up = connects(r, place, &ms);

    if (up)
        reference_end(&r->way, place, demand, &end);
    end.unsure = end.unsure || (r->way.proxied && place->ms + r->proxy_ms + 100 > r->connect_ms);
    note_pair(j, host, index, demand, &end);
    sure = sure && !end.unsure && finding_of(r, place->ip.family) != REFERENCE_PERHAPS_SHUT;
    r->forbids[index] = NULL;
    r->pairs++;
    r->sure_pairs += sure;
    ms += r->proxy_ms;
    r->worst_ms += 2 * (ms + end.ms + (end.again ? 2 * ms : 0)) * (r->way.proxied ? r->proxies : 1);
    if (!up || !end.serves || end.unsure)
        count_failure(j, place, up, sure, &end);
    if (!up || (!end.serves && !end.unsure))
        return;
    r->answers_5xx = r->answers_5xx && !sure;
    r->requiretls_all = r->requiretls_all && !sure;
    r->gives[index] = true;
    if (sure && j->seed->max_per_address == 0)
        r->sessions++;
    else
        r->perhaps++;
}

static bool was_before(const struct seed_addresses *a, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (a->places[i] == a->places[n])
            return true;
    }
    return false;
}

static const struct seed_addresses *look_up(struct judge *j, const char *host, int family,
                                            bool *failed)
{
    static const struct seed_addresses none;
    uint32_t bit = family == MOX_IPV4 ? MOX_ALLOW_IPV4 : MOX_ALLOW_IPV6;
    struct reference_answer answer;

    if ((j->r->families & bit) == 0)
        return &none;
    reference_lookup(j->seed, host, family == MOX_IPV4 ? "A" : "AAAA", j->r->dns_ms, &answer);
    j->r->worst_ms += answer.ms;
    *failed = *failed || !answer.ok;
    return answer.ok && answer.addresses != NULL ? answer.addresses : &none;
}

/* First pass: where the loop begins, if there is one. */
static void find_loop(struct judge *j, const struct reference_host *host, bool sure)
{
    bool failed = false;

    for (int family = MOX_IPV4; family <= MOX_IPV6; family += 2) {
        const struct seed_addresses *a = look_up(j, host->name, family, &failed);

        for (size_t i = 0; i < a->n; i++) {
            const char *why = forbids(j, &j->seed->places[a->places[i]], family);

            if (why == NULL || strcmp(why, "our own") != 0 || host->preference > j->loop)
                continue;
            j->loop_sure =
                (host->preference == j->loop && j->loop_sure) || (sure && has_source(j->r, family));
            j->loop = host->preference;
        }
    }
}

/* What TLS it must have: it may be that no mail goes there at all. */
static const struct reference_demand *demand_on(struct judge *j, const char *host, size_t at)
{
    struct reference_demand *demand = &j->demands[at];
    struct reference_host_facts facts = {.seed = j->seed,
                                         .dial = j->dial,
                                         .host = host,
                                         .families = j->r->families,
                                         .dns_ms = j->r->dns_ms,
                                         .port = j->r->port};

    facts.smarthost = is_smarthost(j->transport) ? j->transport : NULL;
    if (j->r->asks_mx) {
        facts.sts = &j->sts;
        facts.domain = j->seed->zones[j->dial->zone].domain.name;
        facts.expanded = j->mx.name;
        facts.domain_authentic = j->mx.authentic;
    }
    reference_demand(&facts, demand);
    j->r->worst_ms += demand->ms;
    return demand;
}

static void lose_host(struct judge *j, const struct reference_demand *demand)
{
    j->r->answers_5xx = j->r->answers_5xx && demand->out == REFERENCE_NO_WAY;
    j->r->requiretls_all = j->r->requiretls_all && demand->out == REFERENCE_NO_WAY;
}

static void take_host(struct judge *j, const struct reference_host *host,
                      const struct reference_demand *demand, bool sure)
{
    bool failed = false;
    const struct seed_addresses *both[2] = {look_up(j, host->name, MOX_IPV4, &failed),
                                            look_up(j, host->name, MOX_IPV6, &failed)};

    if (j->r->learned)
        j->r->worst_ms += j->r->store_ms;
    if (host->preference > j->loop && j->loop_sure)
        return;
    if (demand->out != REFERENCE_IN && !demand->unsure && both[0]->n + both[1]->n > 0) {
        lose_host(j, demand);
        note_pair(j, host->name, REFERENCE_NO_PLACE, demand, &(struct reference_end){0});
        return;
    }
    if (failed && host->preference < j->loop && !demand->unsure)
        j->r->answers_5xx = j->r->requiretls_all = false;
    sure = sure && host->preference < j->loop && both[0]->n + both[1]->n <= 16 && !demand->unsure;
    for (int i = 0; i < 2; i++) {
        int family = i == 0 ? MOX_IPV4 : MOX_IPV6;

        for (size_t k = 0; k < both[i]->n; k++) {
            int index = both[i]->places[k];
            const char *why = forbids(j, &j->seed->places[index], family);

            if (was_before(both[i], k))
                continue;
            if (why == NULL)
                take_pair(j, host->name, index, demand, sure);
            else if (j->r->forbids[index] != NULL)
                j->r->forbids[index] = why;
        }
    }
}

static void take_hosts(struct judge *j, const struct reference_host *hosts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct reference_demand *demand = demand_on(j, hosts[i].name, i);

        if (demand->out == REFERENCE_IN || demand->unsure)
            find_loop(j, &hosts[i], !demand->unsure);
    }
    for (size_t i = 0; i < n; i++)
        take_host(j, &hosts[i], &j->demands[i], n <= 32);
}

static void take_domain(struct judge *j, const char *domain)
{
    struct reference_host hosts[SEED_MX];
    size_t n;

    j->r->asks_mx = true;
    reference_lookup(j->seed, domain, "MX", j->r->dns_ms, &j->mx);
    j->r->worst_ms += j->mx.ms;
    if (!j->mx.ok)
        return;
    reference_sts(j->seed, j->dial->zone, j->r->dns_ms, j->r->store_ms, &j->sts);
    j->r->worst_ms += j->sts.ms;
    if (j->sts.fails && !j->sts.unsure && (j->dial->flags & MOX_DIAL_TLS_OPTIONAL) == 0)
        return;
    n = reference_hosts(&j->mx, hosts);
    take_hosts(j, hosts, n);
}

static void take_address(struct judge *j, int index)
{
    const struct seed_place *place = &j->seed->places[index];
    const char *why = forbids(j, place, place->ip.family);
    const struct reference_demand *demand = demand_on(j, "", 0);

    if (demand->out != REFERENCE_IN)
        lose_host(j, demand);
    else if (why == NULL)
        take_pair(j, place->text, index, demand, true);
    else
        j->r->forbids[index] = why;
}

/* Every way leads through it. All or nothing is foretold: which address comes first is not. */
static void take_proxy(struct judge *j)
{
    const struct seed_transport *t = j->transport;
    const char *name = j->seed->zones[t->zone].hosts[0].name;
    bool failed = false;
    struct reference *r = j->r;

    r->proxy_zone = t->zone;
    r->way.proxied = true;
    r->proxies = 0;
    for (int i = 0; i < 2; i++) {
        struct reference_answer answer;

        reference_lookup(j->seed, name, i == 0 ? "A" : "AAAA", r->dns_ms, &answer);
        r->worst_ms += answer.ms;
        for (size_t k = 0; answer.ok && answer.addresses != NULL && k < answer.addresses->n; k++) {
            const struct seed_place *place = &j->seed->places[answer.addresses->places[k]];
            const struct proxy *proxy = &place->proxy;
            bool kind = proxy->fault == PROXY_WORKS ||
                        (proxy->fault == PROXY_NO_LOGIN && !proxy->wants_login);
            bool good = place->fate == NET_UP && place->ms < r->connect_ms && kind &&
                        proxy->wants_login <= t->proxy_login;

            r->proxies++;
            r->proxy_ms = place->ms > r->proxy_ms ? place->ms : r->proxy_ms;
            r->proxy_serves = r->proxy_serves || good;
            failed = failed || !good || place->kind == SEED_MAPPED;
        }
    }
    r->proxy_is_sure = !failed && r->proxies > 0;
}

static void take_target(struct judge *j, const struct seed_transport *t)
{
    const struct seed_dial *dial = j->dial;
    bool relay = is_smarthost(t);
    struct reference_host host = {.preference = -1};
    const char *name = j->seed->zones[j->r->zone].hosts[0].name;

    if (dial->server[0] == '\0' && !relay && dial->target == SEED_TO_DOMAIN) {
        j->own = j->config->there && !j->config->hosted[dial->zone];
        take_domain(j, j->seed->zones[dial->zone].domain.name);
    } else if (dial->server[0] == '\0' && !relay) {
        j->own = j->config->there;
        take_address(j, dial->place);
    } else if (dial->server[0] != '\0' && dial->server_place >= 0) {
        j->special = true;
        take_address(j, dial->server_place);
    } else {
        j->special = true;
        strcpy(host.name, name);
        take_hosts(j, &host, 1);
    }
}

/* Whether our own addresses are good; false: none is. */
static bool take_gates(const struct judge *j)
{
    struct reference_gate_facts facts = {.seed = j->seed,
                                         .config = j->config,
                                         .dial = j->dial,
                                         .transport = j->transport,
                                         .dns_ms = j->r->dns_ms};
    struct reference *r = j->r;
    uint32_t shut = 0;

    if (j->transport == NULL || (!j->transport->reverse_dns && !j->transport->spf))
        return true;
    for (int i = 0; i < 2; i++) {
        if ((r->families & (i == 0 ? MOX_ALLOW_IPV4 : MOX_ALLOW_IPV6)) == 0)
            continue;
        reference_gate(&facts, i == 0 ? MOX_IPV4 : MOX_IPV6, i == 0 ? &r->source4 : &r->source6,
                       &r->gates[i]);
        r->worst_ms += r->gates[i].ms;
        if (r->gates[i].finding == REFERENCE_SHUT)
            shut |= i == 0 ? MOX_ALLOW_IPV4 : MOX_ALLOW_IPV6;
    }
    return shut != r->families;
}

static void take_way(const struct judge *j)
{
    struct reference_way *way = &j->r->way;

    way->wanted = j->dial->stop_at == 0 ? MOX_STAGE_READY : j->dial->stop_at;
    way->login = is_smarthost(j->transport) && j->transport->auth ? j->transport : NULL;
    way->tiny_writes = j->seed->max_write != 0;
}

/* By the chosen-th of the routes. */
static void judge_way(struct judge *j, size_t chosen)
{
    const struct seed_dial *dial = j->dial;
    const struct reference_route *route = &j->r->routes[chosen];
    const struct seed_transport *t;
    struct reference *r = j->r;

    if (route->stuck) /* nothing but MX hosts is ever asked for */
        return;
    r->refused = !take_transport(j->config, dial, route, &t);
    r->families = t == NULL ? 3 : t->families;
    r->families &= dial->families == 0 ? 3 : dial->families;
    r->refused = r->refused || r->families == 0;
    if (r->refused)
        return;
    j->transport = r->transport = t;
    if (is_smarthost(t) && dial->server[0] == '\0')
        r->zone = t->zone;
    take_port(t, dial, r);
    if (is_proxied(t))
        take_proxy(j);
    else
        take_sources(j->config, t, dial, r);
    r->shut_out = r->refused = !take_gates(j);
    if (r->refused)
        return;
    r->learned =
        t != NULL && t->learned && r->families == 3 && (dial->flags & MOX_DIAL_NO_HISTORY) == 0;
    take_way(j);
    j->special = j->config->allow_special || (dial->flags & MOX_DIAL_ALLOW_SPECIAL) != 0;
    take_target(j, t);
}

void reference_of(const struct seed *seed, const struct seed_config *config,
                  const struct seed_dial *dial, int64_t unix_s, size_t chosen, struct reference *r)
{
    struct judge j = {.seed = seed, .config = config, .dial = dial, .r = r, .loop = INT32_MAX};

    memset(r, 0, sizeof *r);
    r->zone = dial->zone;
    r->proxy_zone = r->route_zone = -1;
    r->answers_5xx = r->requiretls_all = true;
    for (size_t i = 0; i < seed->nplaces; i++)
        r->forbids[i] = "not among its addresses";
    take_times(config, dial, r);
    if (dial->transport[0] == '\0') {
        take_routes(seed, config, dial, unix_s, r);
    } else {
        r->routes[0] = (struct reference_route){.index = -1, .transport = -1};
        r->nroutes = 1;
    }
    judge_way(&j, chosen < r->nroutes ? chosen : r->nroutes - 1);
}

bool reference_must(const struct reference *r, unsigned k, bool *may)
{
    /* each connect may have cost another one its race, which is an attempt, too */
    bool limits = r->pairs + r->connects + k - 1 > 10 || r->greets + k > 4;

    *may = !r->refused && r->sessions + r->perhaps >= k && (!r->way.proxied || r->proxy_serves);
    return *may && r->sessions >= k && !limits && !r->ours &&
           (!r->way.proxied || r->proxy_is_sure) && 10 * r->worst_ms < 9 * r->total_ms;
}
