/*
 * check_network.c - see check.h: the log of what DNS and the network saw, against what the
 * references allow. Names and addresses tell the zone; what a zone may see is what any of the dials
 * that went there may have done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/check.h"

int check_zone_of(const char *name)
{
    const char *z = name[0] == 'z' ? name : strstr(name, ".z");
    char *end = NULL;
    long zone;

    if (z == NULL)
        return -1;
    zone = strtol(z + (z == name ? 1 : 2), &end, 10);
    return strcmp(end, ".example") == 0 && zone >= 0 && zone < SEED_ZONES ? (int)zone : -1;
}

/* The next dial that may have had to do with the zone, from *at on; NULL: none is left. */
static const struct run_dial *next_of(const struct run *run, int zone, size_t *at)
{
    for (; *at < run->seed->ndials; ++*at) {
        const struct run_dial *d = &run->dials[*at];

        if (d->started && ((!d->reference.refused &&
                            (d->reference.zone == zone || d->reference.proxy_zone == zone)) ||
                           d->reference.route_zone == zone)) {
            ++*at;
            return d;
        }
    }
    return NULL;
}

/* Whether the dial may ask that. */
static bool may_ask(const struct run_dial *d, int zone, const char *name, const char *type)
{
    const struct reference *r = &d->reference;
    bool below = name[0] == '_';

    if (zone == r->route_zone && (strcmp(type, "MX") == 0 || strcmp(type, "CNAME") == 0))
        return !below;
    if (r->refused)
        return false;
    if (strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0)
        return !below && (zone == r->proxy_zone ||
                          (r->families & (type[1] == '\0' ? MOX_ALLOW_IPV4 : MOX_ALLOW_IPV6)) != 0);
    if (zone != r->zone)
        return false;
    if (strcmp(type, "MX") == 0)
        return !below && r->asks_mx;
    if (strcmp(type, "TXT") == 0)
        return strncmp(name, "_mta-sts.z", 10) == 0 && r->asks_mx && d->run->seed->secure;
    if (strcmp(type, "TLSA") == 0)
        return below && strstr(name, "._tcp.") != NULL;
    return strcmp(type, "CNAME") == 0 && !below;
}

static void check_query(struct run *run, const char *name, const char *type)
{
    bool address = strcmp(type, "A") == 0 || strcmp(type, "AAAA") == 0;
    int zone = check_zone_of(name);
    const struct run_dial *d;
    size_t at = 0;

    if (check_gate_most_ms(run, name, type) > 0)
        return;
    while (zone >= 0 && (d = next_of(run, zone, &at)) != NULL) {
        if (may_ask(d, zone, name, type))
            return;
    }
    run_broken(run, !address || zone < 0 ? "address" : "family", "DNS was asked for %s %s", name,
               type);
}

/* Whether the end of a connect is what the dial asks for. */
static bool is_asked_for(const struct run_dial *d, const struct mox_ip *ip, unsigned port,
                         const struct mox_ip *source)
{
    const struct mox_ip *want =
        ip->family == MOX_IPV4 ? &d->reference.source4 : &d->reference.source6;

    if (d->reference.way.proxied)
        return port == PROXY_PORT && source->family == 0;

    return d->reference.port == port && sim_same_ip(want, source);
}

/* Any dial of the zone may have made this connect. */
static void check_connect(struct run *run, const char *address, unsigned port, const char *from)
{
    const struct seed *seed = run->seed;
    struct mox_ip ip = {0}, source = {0};
    const char *why = "not among the addresses of anything";
    bool allowed = false, fits = false;
    size_t index = 0, at = 0;
    const struct run_dial *d;

    mox_ip_parse(address, &ip);
    mox_ip_parse(from, &source);
    while (index < seed->nplaces && strcmp(seed->places[index].text, address) != 0)
        index++;
    while (index < seed->nplaces && (d = next_of(run, seed->places[index].zone, &at)) != NULL) {
        const struct reference *r = &d->reference;
        bool to_proxy = r->way.proxied && r->proxy_zone == seed->places[index].zone;

        if (r->way.proxied && !to_proxy) {
            why = "to be dialed through a proxy";
            continue;
        }
        if (!to_proxy && r->forbids[index] != NULL) {
            why = r->forbids[index];
            continue;
        }
        allowed = true;
        fits = fits || is_asked_for(d, &ip, port, &source);
    }
    if (!allowed)
        run_broken(run, strstr(why, "family") != NULL ? "family" : "address",
                   "%s was dialed, and is %s", address, why);
    else if (!fits)
        run_broken(run, "source", "%s was dialed at port %u from %s", address, port, from);
}

/* Any dial through a proxy may have asked one for this. */
static void check_proxied(struct run *run, const char *address, unsigned port)
{
    const struct seed *seed = run->seed;
    const struct run_dial *d;
    size_t index = 0, at = 0;

    while (index < seed->nplaces && strcmp(seed->places[index].text, address) != 0)
        index++;
    while (index < seed->nplaces && (d = next_of(run, seed->places[index].zone, &at)) != NULL) {
        if (d->reference.way.proxied && d->reference.forbids[index] == NULL &&
            d->reference.port == port)
            return;
    }
    run_broken(run, "proxy", "a proxy was asked for %s port %u", address, port);
}

/* The attempt of a plan that is this connect. */
static bool find_attempt(struct run *run, const char *address, unsigned port, uint64_t ms)
{
    struct mox_ip ip = {0};

    mox_ip_parse(address, &ip);
    for (size_t i = 0; i < run->nattempts; i++) {
        struct run_attempt *a = &run->attempts[i];

        if (!a->seen && a->at_ms == ms && a->port == port && sim_same_ip(&a->ip, &ip))
            return a->seen = true;
    }
    return false;
}

/* Whether the plans that were looked at tell all that happened to the zone of the address. */
static bool is_planned(const struct run *run, const char *address)
{
    const struct seed *seed = run->seed;
    const struct run_dial *d;
    size_t index = 0, at = 0;

    while (index < seed->nplaces && strcmp(seed->places[index].text, address) != 0)
        index++;
    if (index == seed->nplaces)
        return false;
    while ((d = next_of(run, seed->places[index].zone, &at)) != NULL) {
        if (!d->planned || d->reference.way.proxied)
            return false;
    }
    return true;
}

static void check_line(struct run *run, const char *line, bool covered)
{
    char first[256], second[64];
    unsigned long long ms;
    unsigned port;

    if (sscanf(line, "%llu query %255s %63s", &ms, first, second) == 3)
        check_query(run, first, second);
    if (sscanf(line, "%llu proxied %255s port %u", &ms, first, &port) == 3)
        check_proxied(run, first, port);
    if (sscanf(line, "%llu connect %255s port %u from %63s", &ms, first, &port, second) != 4)
        return;
    check_connect(run, first, port, second);
    if (covered && !find_attempt(run, first, port, ms) && is_planned(run, first))
        run_broken(run, "plan", "the connect to %s at %llu ms is in no plan", first, ms);
}

static void check_attempts_seen(struct run *run)
{
    char ip[64];

    for (size_t i = 0; i < run->nattempts && run_is_sound(run); i++) {
        mox_ip_format(&run->attempts[i].ip, ip, sizeof ip);
        if (!run->attempts[i].seen)
            run_broken(run, "plan", "the attempt at %s at %llu ms was not seen", ip,
                       (unsigned long long)run->attempts[i].at_ms);
    }
}

static void check_questions(struct run *run)
{
    struct dns_asked asked;

    for (size_t i = 0; dns_asked_at(run->w, i, &asked); i++) {
        uint64_t took = (asked.ended.us - asked.asked.us) / 1000;
        uint64_t most = check_gate_most_ms(run, asked.name, dns_type_text(asked.type));
        int zone = check_zone_of(asked.name);
        const struct run_dial *d;
        size_t at = 0;

        while (zone >= 0 && (d = next_of(run, zone, &at)) != NULL)
            most = d->reference.dns_ms > most ? d->reference.dns_ms : most;
        if ((zone >= 0 || most > 0) && took > most)
            run_broken(run, "deadline", "the question for %s took %llu ms of %llu", asked.name,
                       (unsigned long long)took, (unsigned long long)most);
    }
}

bool check_may_go_anywhere(const struct run *run)
{
    for (size_t i = 0; i < SEED_LISTS * SEED_ROUTES * 2 && !run_is_sound(run); i++) {
        const struct seed_config *config = &run->seed->configs[i % 2];
        const struct seed_list *list = &config->lists[i / 2 % SEED_LISTS];
        const uint32_t *max = list->routes[i / 2 / SEED_LISTS].conditions.max;

        if (i / 2 % SEED_LISTS < config->nlists && i / 2 / SEED_LISTS < list->n &&
            (max[0] != 0 || max[1] != 0 || max[2] != 0))
            return true;
    }
    return false;
}

void check_network(struct run *run)
{
    const char *line = run->w->log.ptr, *known = line + run->log_len;

    if (check_may_go_anywhere(run))
        return;
    while (line != NULL && *line != '\0') {
        const char *end = strchr(line, '\n');
        char copy[1024];

        snprintf(copy, sizeof copy, "%.*s", (int)(end - line), line);
        check_line(run, copy, line < known);
        line = end + 1;
    }
    check_attempts_seen(run);
    check_questions(run);
}
