/*
 * show.c - mox_config_show: the configuration as one stand-alone file, in the order of its schema,
 * names sorted, defaults left out. mox's two files have no such form of their own, and what of them
 * a stand-alone file cannot say stands in a comment.
 */
#include <string.h>

#include "base/ip.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/config.h"

static const char mask[] = "********";

static void indent(struct text *out, int depth)
{
    while (depth-- > 0)
        text_char(out, '\t');
}

static void put(struct text *out, int depth, const char *key, const char *value)
{
    indent(out, depth);
    text_add(out, value == NULL ? "%s:\n" : "%s: %s\n", key, value);
}

static void put_if(struct text *out, int depth, const char *key, const char *value)
{
    if (value != NULL)
        put(out, depth, key, value);
}

static void put_flag(struct text *out, int depth, const char *key, bool value)
{
    if (value)
        put(out, depth, key, "true");
}

static void put_number(struct text *out, int depth, const char *key, uint32_t value)
{
    if (value == 0)
        return;
    indent(out, depth);
    text_add(out, "%s: %u\n", key, (unsigned)value);
}

static void put_duration(struct text *out, int depth, const char *key, uint32_t ms)
{
    if (ms == 0)
        return;
    indent(out, depth);
    text_add(out, ms % 1000 == 0 ? "%s: %us\n" : "%s: %ums\n", key,
             (unsigned)(ms % 1000 == 0 ? ms / 1000 : ms));
}

static void put_item(struct text *out, int depth, struct slice value)
{
    indent(out, depth);
    text_add(out, "- ");
    text_slice(out, value);
    text_char(out, '\n');
}

static void put_ip_items(struct text *out, int depth, const struct mox_ip *ips, size_t n)
{
    char text[MOX_LIMIT_IP_TEXT];

    for (size_t i = 0; i < n; i++) {
        mox_ip_format(&ips[i], text, sizeof text);
        put_item(out, depth, slice_of(text));
    }
}

static void put_ips(struct text *out, int depth, const char *key, const struct mox_ip *ips,
                    size_t n)
{
    if (n == 0)
        return;
    put(out, depth, key, NULL);
    put_ip_items(out, depth + 1, ips, n);
}

static void put_texts(struct text *out, int depth, const char *key, const char *const *texts)
{
    if (texts == NULL)
        return;
    put(out, depth, key, NULL);
    for (; *texts != NULL; texts++)
        put_item(out, depth + 1, slice_of(*texts));
}

/* transports */

static void show_families(struct text *out, const struct config_transport *t)
{
    put_flag(out, 3, "DisableIPv4", (t->families & MOX_ALLOW_IPV4) == 0);
    put_flag(out, 3, "DisableIPv6", (t->families & MOX_ALLOW_IPV6) == 0);
    if (t->prefer != MOX_PREFER_DEFAULT)
        put(out, 3, "Prefer", mox_prefer_name(t->prefer));
}

static void show_smarthost(struct text *out, const struct config_transport *t)
{
    put(out, 3, "Host", t->host);
    put_number(out, 3, "Port", t->port);
    put_flag(out, 3, "STARTTLSInsecureSkipVerify", t->skip_verify);
    put_flag(out, 3, "NoSTARTTLS", t->no_starttls);
    if (t->auth != NULL) {
        put(out, 3, "Auth", NULL);
        put(out, 4, "Username", t->auth->username);
        put(out, 4, "Password", mask);
        put_texts(out, 4, "Mechanisms", t->auth->mechanisms);
    }
    show_families(out, t);
    put_if(out, 3, "ClientCert", t->client_cert);
    put_if(out, 3, "ClientKey", t->client_key);
}

static void show_socks(struct text *out, const struct config_transport *t)
{
    put(out, 3, "Address", t->address);
    put_ips(out, 3, "RemoteIPs", t->remote_ips, t->nremote_ips);
    put(out, 3, "RemoteHostname", t->remote_hostname);
    put_if(out, 3, "Username", t->socks_username);
    put_if(out, 3, "Password", t->socks_password == NULL ? NULL : mask);
    show_families(out, t);
}

/* A block cannot be empty, so a Direct that says nothing says its first default. */
static void show_direct(struct text *out, const struct config_transport *t)
{
    size_t before = out->len;

    show_families(out, t);
    put_ips(out, 3, "LocalIPs", t->local_ips, t->nlocal_ips);
    put_if(out, 3, "EHLOHostname", t->ehlo_hostname);
    put_flag(out, 3, "RequireReverseDNS", t->require_reverse_dns);
    put_flag(out, 3, "RequireSPF", t->require_spf);
    if (out->len == before)
        put(out, 3, "DisableIPv4", "false");
}

static void show_fail(struct text *out, const struct config_transport *t)
{
    put_number(out, 3, "SMTPCode", (uint32_t)t->smtp_code);
    put(out, 3, "SMTPMessage", t->smtp_message);
}

static const struct {
    const char *key;
    void (*show)(struct text *out, const struct config_transport *t);
} methods[] = {
    [MOX_KIND_DIRECT] = {"Direct", show_direct},
    [MOX_KIND_SUBMISSION] = {"Submission", show_smarthost},
    [MOX_KIND_SUBMISSIONS] = {"Submissions", show_smarthost},
    [MOX_KIND_SMTP] = {"SMTP", show_smarthost},
    [MOX_KIND_SOCKS] = {"Socks", show_socks},
    [MOX_KIND_FAIL] = {"Fail", show_fail},
};

static void show_transports(struct text *out, const struct mox_config *c)
{
    if (c->ntransports > 0)
        put(out, 0, "Transports", NULL);
    for (uint32_t i = 0; i < c->ntransports; i++) {
        const struct config_transport *t = &c->transports[c->transports_by_name[i]];

        put(out, 1, t->name, t->method ? NULL : "nil");
        if (!t->method)
            continue;
        put(out, 2, methods[t->kind].key, NULL);
        methods[t->kind].show(out, t);
    }
}

/* routes */

const char *config_day_name(unsigned day)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

    return days[day % ARRAY_LEN(days)];
}

static void show_items(struct text *out, int depth, const char *key, const struct mox_config *c,
                       uint32_t first, uint32_t n)
{
    if (n == 0)
        return;
    put(out, depth, key, NULL);
    for (uint32_t i = 0; i < n; i++)
        put_item(out, depth + 1, config_item(c, first + i));
}

void config_hours_text(struct text *out, const struct config_hours *h)
{
    enum { ALL_DAYS = 0x7f };
    unsigned from = 0, to;

    if (h->days != ALL_DAYS) { /* one range, which may wrap: find where it begins and ends */
        while ((h->days >> from & 1) == 0 || (h->days >> (from + 6) % 7 & 1) != 0)
            from++;
        for (to = from; (h->days >> (to + 1) % 7 & 1) != 0;)
            to = (to + 1) % 7;
        text_add(out, from == to ? "%s " : "%s-%s ", config_day_name(from), config_day_name(to));
    }
    text_add(out, "%02u:%02u-%02u:%02u", h->from / 60u, h->from % 60u, h->until / 60u,
             h->until % 60u);
}

static void show_hours(struct text *out, int depth, const struct config_conditions *c)
{
    for (size_t i = 0; i < c->nhours; i++) {
        indent(out, depth);
        text_add(out, "- ");
        config_hours_text(out, &c->hours[i]);
        text_char(out, '\n');
    }
}

static void show_conditions(struct text *out, int depth, const struct config_conditions *c)
{
    int32_t minutes = c->utc_offset_s / 60;

    put_texts(out, depth, "ToMX", c->to_mx);
    if (c->nhours > 0)
        put(out, depth, "Hours", NULL);
    show_hours(out, depth + 1, c);
    if (c->time_zone_fixed && minutes == 0) {
        put(out, depth, "TimeZone", "UTC");
    } else if (c->time_zone_fixed) {
        indent(out, depth);
        text_add(out, "TimeZone: %c%02d:%02d\n", minutes < 0 ? '-' : '+',
                 (minutes < 0 ? -minutes : minutes) / 60, (minutes < 0 ? -minutes : minutes) % 60);
    }
    put_number(out, depth, "MaxPerMinute", c->max_per_minute);
    put_number(out, depth, "MaxPerHour", c->max_per_hour);
    put_number(out, depth, "MaxPerDay", c->max_per_day);
    put_number(out, depth, "Percent", c->percent);
}

static void show_list(struct text *out, int depth, const struct mox_config *c,
                      const struct config_list *list)
{
    put(out, depth, "Routes", NULL);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct config_route *r = &c->routes[list->first + i];

        indent(out, depth + 1);
        text_add(out, "-\n");
        show_items(out, depth + 2, "FromDomain", c, r->from, r->nfrom);
        show_items(out, depth + 2, "ToDomain", c, r->to, r->nto);
        put_number(out, depth + 2, "MinimumAttempts", r->minimum_attempts);
        put(out, depth + 2, "Transport", c->transports[r->transport].name);
        if (r->conditions != 0)
            show_conditions(out, depth + 2, &c->conditions[r->conditions - 1]);
    }
}

/* The lists stand by scope and name, as the domains do, so one pass goes along with both. */
static void show_domains(struct text *out, const struct mox_config *c)
{
    uint32_t at = 0;

    while (at < c->nlists && c->lists[at].scope != MOX_SCOPE_DOMAIN)
        at++;
    if (c->ndomains > 0)
        put(out, 0, "Domains", NULL);
    for (size_t i = 0; i < c->ndomains; i++) {
        bool routes = at < c->nlists && c->lists[at].scope == MOX_SCOPE_DOMAIN &&
                      strcmp(c->lists[at].name, c->domains[i]) == 0;

        put(out, 1, c->domains_shown[i], routes ? NULL : "nil");
        if (routes)
            show_list(out, 2, c, &c->lists[at++]);
    }
}

static void show_accounts(struct text *out, const struct mox_config *c)
{
    for (uint32_t i = 0; i < c->nlists && c->lists[i].scope == MOX_SCOPE_ACCOUNT; i++) {
        if (i == 0)
            put(out, 0, "Accounts", NULL);
        put(out, 1, c->lists[i].shown, NULL);
        show_list(out, 2, c, &c->lists[i]);
    }
}

static void show_global(struct text *out, const struct mox_config *c)
{
    if (c->nlists > 0 && c->lists[c->nlists - 1].scope == MOX_SCOPE_GLOBAL)
        show_list(out, 0, c, &c->lists[c->nlists - 1]);
}

/* the top level */

static void note(struct text *out, const char *what)
{
    text_add(out, "# A stand-alone file cannot say: %s\n", what);
}

/* What addresses mox's listeners give, as far as LocalIPs and NATIPs can say it. */
static void show_listeners(struct text *out, const struct mox_config *c)
{
    size_t smtp = 0, nats = 0;

    if (c->kind == CONFIG_MOXDIAL)
        return;
    put_ips(out, 0, "LocalIPs", c->sources, c->nsources);
    for (size_t i = 0; i < c->nlisteners; i++) {
        const struct config_listener *l = &c->listeners[i];

        smtp += l->smtp ? l->nips : 0;
        nats += l->nnat_ips;
        if (l->ips_nated)
            note(out, "IPsNATed of a listener, that its public addresses are not known");
    }
    if (smtp > c->nsources)
        note(out, "the addresses of the SMTP listeners, which leave the choice to the system");
    if (nats > 0)
        put(out, 0, "NATIPs", NULL);
    for (size_t i = 0; i < c->nlisteners; i++)
        put_ip_items(out, 1, c->listeners[i].nat_ips, c->listeners[i].nnat_ips);
}

static void show_ca(struct text *out, const struct mox_config *c)
{
    const char *const *files = c->info.ca_files;

    if (files == NULL)
        return;
    if (files[0] != NULL && files[1] == NULL && c->info.ca_system == 0)
        put(out, 0, "CAFile", files[0]);
    else
        note(out, "TLS.CA with AdditionalToSystem, or with other than one of CertFiles");
}

static void show_spf_map(struct text *out, const struct mox_config *c)
{
    char from[MOX_LIMIT_IP_TEXT], to[MOX_LIMIT_IP_TEXT];

    if (c->nspf_map > 0)
        put(out, 0, "SPFIPMap", NULL);
    for (size_t i = 0; i < c->nspf_map; i++) {
        const struct config_spf_map *m = &c->spf_map[i];

        mox_ip_format(&m->prefix.ip, from, sizeof from);
        mox_ip_format(&m->ip, to, sizeof to);
        text_add(out, "\t%s", from);
        if ((size_t)m->prefix.bits < 8 * ip_size(&m->prefix.ip))
            text_add(out, "/%d", m->prefix.bits);
        text_add(out, ": %s\n", to);
    }
}

static void show_timeouts(struct text *out, const struct config_timeouts *t)
{
    static const struct config_timeouts none = {0};

    if (memcmp(t, &none, sizeof none) == 0)
        return;
    put(out, 0, "Timeouts", NULL);
    put_duration(out, 1, "DNS", t->dns);
    put_duration(out, 1, "Connect", t->connect);
    put_duration(out, 1, "Greeting", t->greeting);
    put_duration(out, 1, "EHLO", t->ehlo);
    put_duration(out, 1, "TLS", t->tls);
    put_duration(out, 1, "AUTH", t->auth);
    put_duration(out, 1, "Mail", t->mail);
    put_duration(out, 1, "Rcpt", t->rcpt);
    put_duration(out, 1, "Data", t->data);
    put_duration(out, 1, "Block", t->block);
    put_duration(out, 1, "FinalReply", t->final_reply);
    put_duration(out, 1, "Store", t->store);
    put_duration(out, 1, "Dial", t->dial);
}

size_t mox_config_show(const struct mox_config *config, char *buf, size_t cap)
{
    struct text out = text_to(buf, cap);

    text_add(&out, "# A stand-alone file, made from %s; passwords are masked.\n",
             config->kind == CONFIG_MOXDIAL ? "one" : "mox's configuration");
    put_if(&out, 0, "Hostname", config->hostname_unicode);
    put_ips(&out, 0, "LocalIPs", config->local_ips, config->nlocal_ips);
    put_ips(&out, 0, "NATIPs", config->nat_ips, config->nnat_ips);
    show_listeners(&out, config);
    show_spf_map(&out, config);
    if (config->trust_ad >= 0)
        put(&out, 0, "TrustAD", config->trust_ad == 1 ? "true" : "false");
    put_flag(&out, 0, "AllowSpecial", config->allow_special);
    put_duration(&out, 0, "RaceDelay", config->race_delay_ms);
    show_ca(&out, config);
    show_timeouts(&out, &config->timeouts);
    put_if(&out, 0, "Store", config->info.store);
    show_transports(&out, config);
    show_global(&out, config);
    show_domains(&out, config);
    show_accounts(&out, config);
    return out.len;
}
