/* seed_config.c - configurations of a seed, drawn and written down; see seed.h. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "test/sim/seed.h"

void seed_draw_timeouts(struct seed *seed, struct mox_timeouts *t)
{
    static const uint32_t dns[] = {0, 513, 2013, 5013}, connect[] = {0, 1003, 5003, 20003};
    static const uint32_t reply[] = {0, 503, 3003, 20003};

    t->size = sizeof *t;
    t->dns = dns[seed_below(seed, 4)];
    t->connect = connect[seed_below(seed, 4)];
    t->greeting = reply[seed_below(seed, 4)];
    t->ehlo = reply[seed_below(seed, 4)];
}

static void add_ip(struct mox_ip *ips, size_t *n, const char *text)
{
    mox_ip_parse(text, &ips[(*n)++]);
}

/* Of this machine, as world.c has them, or not. */
static void draw_sources(struct seed *seed, struct mox_ip *ips, size_t *n)
{
    if (seed_one_in(seed, 2))
        add_ip(ips, n, seed_one_in(seed, 6) ? "198.51.100.77" : "198.51.100.9");
    if (seed_one_in(seed, 2))
        add_ip(ips, n, seed_one_in(seed, 6) ? "2001:db8:9::77" : "2001:db8:9::9");
}

static void draw_families(struct seed *seed, struct seed_transport *t)
{
    t->families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6;
    if (seed_one_in(seed, 2))
        t->families = seed_one_in(seed, 2) ? MOX_ALLOW_IPV4 : MOX_ALLOW_IPV6;
    if (seed_one_in(seed, 3))
        t->prefer = seed_one_in(seed, 2) ? MOX_PREFER_IPV4 : MOX_PREFER_IPV6;
    if (seed_one_in(seed, 25))
        t->learned = true;
}

static void draw_transport(struct seed *seed, struct seed_transport *t, int i)
{
    static const int kinds[] = {MOX_KIND_DIRECT,      MOX_KIND_DIRECT,     MOX_KIND_DIRECT,
                                MOX_KIND_DIRECT,      MOX_KIND_DIRECT,     MOX_KIND_DIRECT,
                                MOX_KIND_DIRECT,      MOX_KIND_DIRECT,     MOX_KIND_SMTP,
                                MOX_KIND_SMTP,        MOX_KIND_SUBMISSION, MOX_KIND_SUBMISSION,
                                MOX_KIND_SUBMISSIONS, MOX_KIND_SOCKS,      MOX_KIND_FAIL};

    snprintf(t->name, sizeof t->name, "t%d", i);
    t->kind = kinds[seed_below(seed, 15)];
    t->zone = SEED_DOMAINS + i;
    t->families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6;
    if (t->kind == MOX_KIND_FAIL) {
        t->fail_code = seed_one_in(seed, 2) ? 450 : seed_one_in(seed, 2) ? 550 : 0;
        return;
    }
    if (!seed_one_in(seed, 5))
        draw_families(seed, t);
    if (t->kind == MOX_KIND_DIRECT) {
        if (seed_one_in(seed, 5))
            draw_sources(seed, t->local_ips, &t->nlocal_ips);
        t->reverse_dns = seed_one_in(seed, 25);
        return;
    }
    if (t->kind == MOX_KIND_SOCKS)
        return;
    t->no_starttls = t->kind != MOX_KIND_SUBMISSIONS && !seed_one_in(seed, 8);
    t->auth = seed_one_in(seed, 12);
    t->port = seed_one_in(seed, 3) ? 2000 + i : 0;
}

static void draw_items(struct seed *seed, struct seed_item *items, size_t *n)
{
    *n = seed_one_in(seed, 2) ? 0 : 1 + seed_below(seed, SEED_NAMES);
    for (size_t i = 0; i < *n; i++) {
        items[i].name = (int)seed_below(seed, (unsigned)seed_names() + 1) - 1;
        items[i].below = items[i].name >= 0 && seed_one_in(seed, 2);
        items[i].spelling = (int)seed_below(seed, 3);
    }
}

static void draw_list(struct seed *seed, struct seed_config *config, int scope, const char *name,
                      int domain)
{
    struct seed_list *list = &config->lists[config->nlists++];

    list->scope = scope;
    list->domain = domain;
    snprintf(list->name, sizeof list->name, "%s", name);
    if (config->ntransports == 0)
        return;
    list->n = seed_below(seed, SEED_ROUTES + 1);
    for (size_t i = 0; i < list->n; i++) {
        struct seed_route *route = &list->routes[i];

        draw_items(seed, route->from, &route->nfrom);
        draw_items(seed, route->to, &route->nto);
        route->attempts = seed_one_in(seed, 3) ? (int)seed_below(seed, 4) : 0;
        route->transport = (int)seed_below(seed, (unsigned)config->ntransports);
    }
}

static void draw_lists(struct seed *seed, struct seed_config *config)
{
    static const char *const accounts[] = {"alice", "bob"};

    for (int i = 0; i < 2; i++) {
        if (seed_one_in(seed, 2))
            draw_list(seed, config, MOX_SCOPE_ACCOUNT, accounts[i], -1);
    }
    for (int i = 3; i < 7; i++) {
        if (seed_one_in(seed, 2))
            draw_list(seed, config, MOX_SCOPE_DOMAIN, seed_name(i)->spellings[0], i);
    }
    if (seed_one_in(seed, 2))
        draw_list(seed, config, MOX_SCOPE_GLOBAL, "", -1);
}

static void draw_listener(struct seed *seed, struct seed_listener *listener)
{
    static const char *const ips[] = {
        "198.51.100.9",  "198.51.100.9",   "2001:db8:9::9", "2001:db8:9::9",
        "198.51.100.77", "2001:db8:9::77", "0.0.0.0",       "::"};

    listener->n = 1 + seed_below(seed, 2);
    for (size_t i = 0; i < listener->n; i++)
        listener->ips[i] = ips[seed_below(seed, 8)];
    listener->smtp = seed_one_in(seed, 2);
}

/* Makes it one that mox itself could read: without what only our own file has. */
static void make_mox(struct seed *seed, struct seed_config *config)
{
    config->mox = true;
    config->allow_special = false;
    config->race_ms = config->dial_ms = 0;
    config->nlocal_ips = 0;
    memset(&config->timeouts, 0, sizeof config->timeouts);
    for (size_t i = 0; i < config->ntransports; i++) {
        struct seed_transport *t = &config->transports[i];

        t->prefer = MOX_PREFER_DEFAULT;
        t->learned = t->reverse_dns = false;
        t->nlocal_ips = 0;
        if (t->kind != MOX_KIND_DIRECT)
            t->families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6;
    }
    config->nlisteners = 1 + seed_below(seed, SEED_LISTENERS);
    for (size_t i = 0; i < config->nlisteners; i++)
        draw_listener(seed, &config->listeners[i]);
}

void seed_draw_config(struct seed *seed, struct seed_config *config)
{
    static const uint32_t race[] = {0, 100, 250, 2000}, dial[] = {0, 0, 0, 400007, 7003, 60007};

    config->there = !seed_one_in(seed, 6);
    if (!config->there)
        return;
    config->ntransports = seed_below(seed, SEED_TRANSPORTS + 1);
    for (size_t i = 0; i < config->ntransports; i++)
        draw_transport(seed, &config->transports[i], (int)i);
    draw_lists(seed, config);
    for (int i = 0; i < SEED_DOMAINS; i++) {
        config->hosted[i] = seed_one_in(seed, 5);
        config->nat[i] = !seed_one_in(seed, 6);
    }
    for (size_t i = 0; i < config->nlists; i++) {
        const struct seed_list *list = &config->lists[i];

        if (list->scope == MOX_SCOPE_DOMAIN && list->domain < SEED_DOMAINS)
            config->hosted[list->domain] = true;
    }
    config->allow_special = seed_one_in(seed, 5);
    config->race_ms = race[seed_below(seed, 4)];
    config->dial_ms = dial[seed_below(seed, 6)];
    seed_draw_timeouts(seed, &config->timeouts);
    if (seed_one_in(seed, 4))
        draw_sources(seed, config->local_ips, &config->nlocal_ips);
    if (seed_one_in(seed, 4))
        make_mox(seed, config);
}

struct writer {
    char *text;
    size_t len, cap;
};

static void put(struct writer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct writer *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    out->len += (size_t)vsnprintf(out->text + out->len, out->cap - out->len, format, args);
    va_end(args);
}

static void put_ips(struct writer *out, const char *tabs, const char *key, const struct mox_ip *ips,
                    size_t n)
{
    if (n > 0)
        put(out, "%s%s:\n", tabs, key);
    for (size_t i = 0; i < n; i++) {
        char ip[64];

        mox_ip_format(&ips[i], ip, sizeof ip);
        put(out, "%s\t- %s\n", tabs, ip);
    }
}

static void put_families(struct writer *out, const struct seed_transport *t)
{
    if ((t->families & MOX_ALLOW_IPV4) == 0)
        put(out, "\t\t\tDisableIPv4: true\n");
    if ((t->families & MOX_ALLOW_IPV6) == 0)
        put(out, "\t\t\tDisableIPv6: true\n");
    if (t->learned)
        put(out, "\t\t\tPrefer: learned\n");
    else if (t->prefer != MOX_PREFER_DEFAULT)
        put(out, "\t\t\tPrefer: %s\n", t->prefer == MOX_PREFER_IPV4 ? "ipv4" : "ipv6");
}

static void put_relay(struct writer *out, const struct seed_transport *t)
{
    put(out, "\t\t\tHost: h0.z%d.example\n", t->zone);
    if (t->port != 0)
        put(out, "\t\t\tPort: %d\n", t->port);
    if (t->no_starttls)
        put(out, "\t\t\tNoSTARTTLS: true\n");
    if (t->skip_verify)
        put(out, "\t\t\tSTARTTLSInsecureSkipVerify: true\n");
    if (t->auth)
        put(out, "\t\t\tAuth:\n\t\t\t\tUsername: %s\n\t\t\t\tPassword: %s\n", login_username,
            login_password);
    if (t->auth && t->nmechanisms > 0)
        put(out, "\t\t\t\tMechanisms:\n");
    for (size_t i = 0; i < t->nmechanisms && t->auth; i++)
        put(out, "\t\t\t\t\t- %s\n", login_name(t->mechanisms[i]));
    put_families(out, t);
}

static void put_proxy(struct writer *out, const struct seed_transport *t)
{
    put(out,
        "\t\t\tAddress: h0.z%d.example:%d\n\t\t\tRemoteIPs:\n\t\t\t\t- 192.0.2.99\n"
        "\t\t\tRemoteHostname: proxy.example\n",
        t->zone, PROXY_PORT);
    if (t->proxy_login)
        put(out, "\t\t\tUsername: %s\n\t\t\tPassword: %s\n", proxy_username, proxy_password);
    put_families(out, t);
}

static void put_transport(struct writer *out, const struct seed_transport *t)
{
    static const char *const methods[] = {"Direct", "Submission", "Submissions",
                                          "SMTP",   "Socks",      "Fail"};
    bool plain = t->families == (MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6) && t->nlocal_ips == 0 &&
                 !t->learned && !t->reverse_dns && !t->spf && t->prefer == MOX_PREFER_DEFAULT;

    if (t->kind == MOX_KIND_DIRECT && plain) {
        put(out, "\t%s: nil\n", t->name);
        return;
    }
    put(out, "\t%s:\n\t\t%s:\n", t->name, methods[t->kind]);
    if (t->kind == MOX_KIND_FAIL) {
        put(out, "\t\t\tSMTPCode: %d\n", t->fail_code);
    } else if (t->kind == MOX_KIND_SOCKS) {
        put_proxy(out, t);
    } else if (t->kind == MOX_KIND_DIRECT) {
        put_families(out, t);
        put_ips(out, "\t\t\t", "LocalIPs", t->local_ips, t->nlocal_ips);
        if (t->reverse_dns)
            put(out, "\t\t\tRequireReverseDNS: true\n");
        if (t->spf)
            put(out, "\t\t\tRequireSPF: true\n");
    } else {
        put_relay(out, t);
    }
}

static void put_items(struct writer *out, const char *tabs, const char *key,
                      const struct seed_item *items, size_t n)
{
    if (n > 0)
        put(out, "%s\t%s:\n", tabs, key);
    for (size_t i = 0; i < n; i++)
        put(out, "%s\t\t- %s%s\n", tabs, items[i].below || items[i].name < 0 ? "." : "",
            items[i].name < 0 ? "" : seed_name(items[i].name)->spellings[items[i].spelling]);
}

static void put_routes(struct writer *out, const char *tabs, const struct seed_config *config,
                       const struct seed_list *list)
{
    char deeper[8], tabs_of_keys[8], lines[512];

    if (list->n == 0)
        return;
    snprintf(deeper, sizeof deeper, "%s\t", tabs);
    snprintf(tabs_of_keys, sizeof tabs_of_keys, "%s\t\t", tabs);
    put(out, "%sRoutes:\n", tabs);
    for (size_t i = 0; i < list->n; i++) {
        const struct seed_route *route = &list->routes[i];

        put(out, "%s-\n", deeper);
        put_items(out, deeper, "FromDomain", route->from, route->nfrom);
        put_items(out, deeper, "ToDomain", route->to, route->nto);
        if (route->attempts != 0)
            put(out, "%s\tMinimumAttempts: %d\n", deeper, route->attempts);
        seed_conditions_text(&route->conditions, tabs_of_keys, lines, sizeof lines);
        put(out, "%s", lines);
        put(out, "%s\tTransport: %s\n", deeper, config->transports[route->transport].name);
    }
}

/* A map of names to routes; a name without routes is "nil". */
static void put_list(struct writer *out, const struct seed_config *config,
                     const struct seed_list *list)
{
    put(out, "\t%s:%s\n", list->name, list->n == 0 ? " nil" : "");
    put_routes(out, "\t\t", config, list);
}

static void begin_map(struct writer *out, bool *begun, int scope)
{
    if (!*begun)
        put(out, scope == MOX_SCOPE_DOMAIN ? "Domains:\n" : "Accounts:\n");
    *begun = true;
}

static void put_scope(struct writer *out, const struct seed_config *config, int scope)
{
    bool begun = false, listed[SEED_DOMAINS] = {false};

    for (size_t i = 0; i < config->nlists; i++) {
        const struct seed_list *list = &config->lists[i];

        if (list->scope != scope)
            continue;
        begin_map(out, &begun, scope);
        put_list(out, config, list);
        if (list->domain >= 0 && list->domain < SEED_DOMAINS)
            listed[list->domain] = true;
    }
    for (int i = 0; i < SEED_DOMAINS && scope == MOX_SCOPE_DOMAIN; i++) {
        if (!config->hosted[i] || listed[i])
            continue;
        begin_map(out, &begun, scope);
        put(out, "\tz%d.example: nil\n", i);
    }
    if (begun || !config->mox) /* a domains.conf has both */
        return;
    begin_map(out, &begun, scope);
    put(out, "\tunused.example: nil\n");
}

static void put_time(struct writer *out, bool *begun, const char *key, uint32_t ms)
{
    if (ms == 0)
        return;
    if (!*begun)
        put(out, "Timeouts:\n");
    *begun = true;
    put(out, "\t%s: %ums\n", key, (unsigned)ms);
}

static void put_nat(struct writer *out, const char *tabs, const struct seed_config *config)
{
    put(out, "%sNATIPs:\n%s\t- 203.0.113.200\n", tabs, tabs);
    for (int i = 0; i < SEED_DOMAINS; i++) {
        if (config->nat[i])
            put(out, "%s\t- 203.0.113.%d\n%s\t- 2001:db8:ffff::%x\n", tabs, i + 1, tabs,
                (unsigned)i + 1);
    }
}

static void put_listeners(struct writer *out, const struct seed_config *config)
{
    put(out, "DataDir: data\nListeners:\n");
    for (size_t i = 0; i < config->nlisteners; i++) {
        const struct seed_listener *listener = &config->listeners[i];

        put(out, "\tl%u:\n\t\tIPs:\n", (unsigned)i);
        for (size_t k = 0; k < listener->n; k++)
            put(out, "\t\t\t- %s\n", listener->ips[k]);
        if (i == 0)
            put_nat(out, "\t\t", config);
        put(out, "\t\tSMTP:\n\t\t\tEnabled: %s\n", listener->smtp ? "true" : "false");
    }
}

static void put_top(struct writer *out, const struct seed_config *config)
{
    bool begun = false;

    put_ips(out, "", "LocalIPs", config->local_ips, config->nlocal_ips);
    put_nat(out, "", config);
    if (config->allow_special)
        put(out, "AllowSpecial: true\n");
    if (config->race_ms != 0)
        put(out, "RaceDelay: %ums\n", (unsigned)config->race_ms);
    put_time(out, &begun, "DNS", config->timeouts.dns);
    put_time(out, &begun, "Connect", config->timeouts.connect);
    put_time(out, &begun, "Greeting", config->timeouts.greeting);
    put_time(out, &begun, "EHLO", config->timeouts.ehlo);
    put_time(out, &begun, "TLS", config->timeouts.tls);
    put_time(out, &begun, "AUTH", config->timeouts.auth);
    put_time(out, &begun, "Store", config->timeouts.store);
    put_time(out, &begun, "Dial", config->dial_ms);
}

static void put_all_routes(struct writer *out, const struct seed_config *config)
{
    put_scope(out, config, MOX_SCOPE_DOMAIN);
    put_scope(out, config, MOX_SCOPE_ACCOUNT);
    for (size_t i = 0; i < config->nlists; i++) {
        if (config->lists[i].scope == MOX_SCOPE_GLOBAL)
            put_routes(out, "", config, &config->lists[i]);
    }
}

static struct writer new_writer(struct world *w)
{
    struct writer out = {.cap = 32 * 1024};

    out.text = world_alloc(w, out.cap);
    return out;
}

const char *seed_config_text(const struct seed_config *config, struct world *w,
                             const char **domains)
{
    struct writer out = new_writer(w), second = new_writer(w);

    put(&out, "Hostname: mail.example\n"); /* without it, it could be taken for a domains.conf */
    if (config->mox)
        put_listeners(&out, config);
    else
        put_top(&out, config);
    if (config->ntransports > 0)
        put(&out, "Transports:\n");
    for (size_t i = 0; i < config->ntransports; i++)
        put_transport(&out, &config->transports[i]);
    put_all_routes(config->mox ? &second : &out, config);
    *domains = config->mox ? second.text : NULL;
    return out.text;
}
