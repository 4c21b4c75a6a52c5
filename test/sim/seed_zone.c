/* seed_zone.c - the zones and the network of a seed, drawn and built; see seed.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/sim/seed.h"
#include "test/sim/server.h"

static void draw_address(struct seed *seed, int zone, int kind, int family, char *text)
{
    unsigned z = (unsigned)zone, c = (unsigned)seed->nplaces;
    unsigned high = c >> 8, low = c & 255, which = seed_below(seed, 5);
    static const unsigned first[] = {127, 0, 224, 240, 255};

    if (kind == SEED_ORDINARY && family == MOX_IPV4)
        snprintf(text, SEED_TEXT, "10.%u.%u.%u", z, high, low);
    else if (kind == SEED_ORDINARY && which == 0)
        snprintf(text, SEED_TEXT, "2002:%x:%x::1", z + 1, c + 1);
    else if (kind == SEED_ORDINARY && which == 1)
        snprintf(text, SEED_TEXT, "2001:0:%x:%x::1", z + 1, c + 1);
    else if (kind == SEED_ORDINARY)
        snprintf(text, SEED_TEXT, "2001:db8:%x::%x", z + 1, c + 1);
    else if (kind == SEED_SPECIAL && family == MOX_IPV4 && seed_one_in(seed, 6))
        snprintf(text, SEED_TEXT, "169.254.%u.%u", z * 16 + high, low);
    else if (kind == SEED_SPECIAL && family == MOX_IPV4)
        snprintf(text, SEED_TEXT, "%u.%u.%u.%u", first[which], z, high, low);
    else if (kind == SEED_SPECIAL)
        snprintf(text, SEED_TEXT, "%s:%x:%x:%x", which < 3 ? "ff02:" : "fe80:", z + 1, high, low);
    else if (kind == SEED_MAPPED)
        snprintf(text, SEED_TEXT, "::%s10.%u.%u.%u", which < 3 ? "ffff:" : "", z, high, low);
    else if (kind == SEED_OWN && family == MOX_IPV4)
        snprintf(text, SEED_TEXT, "203.0.113.%u", z + 1);
    else if (kind == SEED_OWN)
        snprintf(text, SEED_TEXT, "2001:db8:ffff::%x", z + 1);
    else if (kind == SEED_NAT64)
        snprintf(text, SEED_TEXT, "64:ff9b::10.%u.%u.%u", z, high, low);
    else
        snprintf(text, SEED_TEXT, "64:ff9b::127.%u.%u.%u", z, high, low);
}

static int draw_fate(struct seed *seed)
{
    static const int fates[] = {NET_REFUSED, NET_SILENT, NET_SILENT, NET_UNREACHABLE,
                                NET_LATE_UNREACHABLE};

    if (!seed_one_in(seed, 4))
        return NET_UP;
    if (seed_one_in(seed, 25))
        return NET_NO_FILES + (int)seed_below(seed, 3);
    return fates[seed_below(seed, 5)];
}

int seed_add_place(struct seed *seed, int zone, int kind, int family)
{
    static const uint32_t ms[] = {0, 5, 10, 10, 30, 200, 900, 1500, 5000};
    struct seed_place *place = &seed->places[seed->nplaces];
    size_t profiles = 0;

    if (seed->nplaces == SEED_PLACES)
        return 0;
    draw_address(seed, zone, kind, family, place->text);
    for (size_t i = 0; i < seed->nplaces; i++) {
        if (strcmp(seed->places[i].text, place->text) == 0)
            return (int)i;
    }
    if (mox_ip_parse(place->text, &place->ip) != MOX_OK)
        printf("a seed draws \"%s\", which is no address\n", place->text);
    if (kind != SEED_MAPPED)
        mox_ip_format(&place->ip, place->text, sizeof place->text);
    place->zone = zone;
    place->kind = kind;
    place->fate = draw_fate(seed);
    place->ms = ms[seed_below(seed, 9)];
    place->server = server_profile("ok");
    while (server_profile_at(profiles) != NULL)
        profiles++;
    if (seed_one_in(seed, 3))
        place->server = server_profile_at(seed_below(seed, (unsigned)profiles));
    return (int)seed->nplaces++;
}

static int draw_kind(struct seed *seed, int family)
{
    if (!seed_one_in(seed, 9))
        return SEED_ORDINARY;
    switch (seed_below(seed, family == MOX_IPV4 ? 4 : 7)) {
    case 0:
    case 1:
        return SEED_SPECIAL;
    case 2:
    case 3:
        return SEED_OWN;
    case 4:
        return SEED_MAPPED;
    case 5:
        return SEED_NAT64;
    default:
        return SEED_NAT64_BAD;
    }
}

static void draw_fault(struct seed *seed, struct seed_set *set)
{
    static const int rcodes[] = {2, 5, 3, 1, 4};
    static const int codes[] = {MOX_E_TIMEOUT, MOX_E_DNS, MOX_ERRNO(ECONNREFUSED)};
    int fate = (int)seed_below(seed, 9);

    if (fate > DNS_POISONED) {
        set->rcode = rcodes[seed_below(seed, 5)];
        return;
    }
    set->fate = fate;
    if (fate == DNS_FAILS)
        set->code = codes[seed_below(seed, 3)];
    if (fate == DNS_UNASKABLE)
        set->code = MOX_ERRNO(ENETUNREACH);
}

void seed_draw_set(struct seed *seed, struct seed_set *set)
{
    static const uint32_t late[] = {0, 5, 20, 45, 60, 120, 700, 2500, 6000};

    set->there = true;
    set->timed = seed_one_in(seed, 4);
    set->ms = late[seed_below(seed, 9)];
    set->authentic = seed_one_in(seed, 3);
    if (seed_one_in(seed, 10))
        draw_fault(seed, set);
}

static void draw_addresses(struct seed *seed, int zone, int family, struct seed_addresses *a)
{
    size_t n = seed_one_in(seed, 40) ? SEED_ADDRESSES : 1 + seed_below(seed, 2);

    seed_draw_set(seed, &a->set);
    if (a->set.rcode != 0 || seed_one_in(seed, 12)) /* there is no such record */
        return;
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && seed_one_in(seed, 10))
            a->places[a->n++] = a->places[0];
        else
            a->places[a->n++] = seed_add_place(seed, zone, draw_kind(seed, family), family);
    }
}

static void draw_both(struct seed *seed, int zone, struct seed_host *host)
{
    if (!seed_one_in(seed, 8))
        draw_addresses(seed, zone, MOX_IPV4, &host->v4);
    if (!seed_one_in(seed, 4))
        draw_addresses(seed, zone, MOX_IPV6, &host->v6);
}

/* Makes the host an alias; returns what stands at the end of the chain. */
static struct seed_host *draw_chain(struct seed *seed, int zone, struct seed_host *host)
{
    struct seed_zone *z = &seed->zones[zone];
    size_t n = seed_one_in(seed, 3) ? SEED_ALIASES : 1 + seed_below(seed, 2);
    const char *loop = seed_one_in(seed, 6) ? host->name : NULL;

    n = n == SEED_ALIASES ? 8 + seed_below(seed, 10) : n;
    while (n-- > 0 && z->naliases < SEED_ALIASES) {
        struct seed_host *next = &z->aliases[z->naliases];

        snprintf(next->name, sizeof next->name, "c%u.z%d.example", (unsigned)z->naliases++, zone);
        snprintf(host->alias, sizeof host->alias, "%s", next->name);
        seed_draw_set(seed, &host->cname);
        host->cname.rcode = 0;
        host->cname.first_only = seed_one_in(seed, 3);
        host = next;
    }
    if (loop != NULL && host->alias[0] == '\0') {
        snprintf(host->alias, sizeof host->alias, "%s", loop);
        seed_draw_set(seed, &host->cname);
        host->cname.rcode = 0;
    }
    return host;
}

/* number: of the zone. */
static void draw_target(struct seed *seed, int number, char target[SEED_TEXT])
{
    static const char *const bad[] = {".", "192.0.2.7", "localhost", "mail.invalid"};
    unsigned hosts = (unsigned)seed->zones[number].nhosts;

    if (seed_one_in(seed, 12))
        snprintf(target, SEED_TEXT, "%s", bad[seed_below(seed, 4)]);
    else
        snprintf(target, SEED_TEXT, "h%u.z%d.example", seed_below(seed, hosts), number);
}

static void draw_mx(struct seed *seed, int number)
{
    struct seed_zone *zone = &seed->zones[number];
    size_t n = seed_one_in(seed, 50) ? SEED_MX : 1 + seed_below(seed, 4);

    seed_draw_set(seed, &zone->mx_set);
    if (zone->mx_set.rcode != 0 || seed_one_in(seed, 15))
        return;
    if (seed_one_in(seed, 30)) {
        zone->nmx = 1;
        snprintf(zone->mx[0].target, sizeof zone->mx[0].target, ".");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct seed_mx *mx = &zone->mx[zone->nmx++];

        mx->preference = seed_one_in(seed, 2) ? 10 : 5 * (int)seed_below(seed, 5);
        draw_target(seed, number, mx->target);
    }
}

/* All of one family leads nowhere, as IPv6 does where it is broken. */
static void draw_black_hole(struct seed *seed, int zone)
{
    int family = seed_one_in(seed, 4) ? MOX_IPV4 : MOX_IPV6;

    for (size_t i = 0; i < seed->nplaces; i++) {
        if (seed->places[i].zone == zone && seed->places[i].ip.family == family)
            seed->places[i].fate = NET_SILENT;
    }
}

static void draw_zone(struct seed *seed, int number)
{
    struct seed_zone *zone = &seed->zones[number];
    struct seed_host *end = &zone->domain;
    bool with_mx;

    snprintf(zone->domain.name, sizeof zone->domain.name, "z%d.example", number);
    zone->nhosts = 1 + seed_below(seed, 3);
    for (size_t i = 0; i < zone->nhosts; i++) {
        struct seed_host *host = &zone->hosts[i];

        snprintf(host->name, sizeof host->name, "h%u.z%d.example", (unsigned)i, number);
        draw_both(seed, number, seed_one_in(seed, 9) ? draw_chain(seed, number, host) : host);
    }
    if (seed_one_in(seed, 10))
        end = draw_chain(seed, number, &zone->domain);
    with_mx = !seed_one_in(seed, 5);
    if (!seed_one_in(seed, with_mx ? 2 : 8))
        draw_both(seed, number, end);
    snprintf(zone->mx_owner, sizeof zone->mx_owner, "%s", end->name);
    if (with_mx)
        draw_mx(seed, number);
    if (seed_one_in(seed, 4))
        draw_black_hole(seed, number);
}

void seed_draw_zones(struct seed *seed)
{
    for (int i = 0; i < SEED_ZONES; i++)
        draw_zone(seed, i);
}

struct dns_set *seed_build_set(struct world *w, const char *name, const char *type,
                               const struct seed_set *from)
{
    struct dns_set *set = dns_set(w, name, dns_type(type));

    set->ms = from->ms;
    set->timed = from->timed;
    set->rcode = from->rcode;
    set->fate = from->fate;
    set->code = from->code;
    set->authentic = from->authentic;
    set->first_only = from->first_only;
    return set;
}

static void build_addresses(const struct seed *seed, struct world *w, const char *name,
                            const char *type, const struct seed_addresses *a)
{
    struct dns_set *set;

    if (!a->set.there)
        return;
    set = seed_build_set(w, name, type, &a->set);
    for (size_t i = 0; i < a->n; i++)
        dns_add(w, set, seed->places[a->places[i]].text);
}

static void build_host(const struct seed *seed, struct world *w, const struct seed_host *host)
{
    build_addresses(seed, w, host->name, "A", &host->v4);
    build_addresses(seed, w, host->name, "AAAA", &host->v6);
    if (host->cname.there)
        dns_add(w, seed_build_set(w, host->name, "CNAME", &host->cname), host->alias);
}

static void build_zone(const struct seed *seed, struct world *w, const struct seed_zone *zone)
{
    build_host(seed, w, &zone->domain);
    for (size_t i = 0; i < zone->nhosts; i++)
        build_host(seed, w, &zone->hosts[i]);
    for (size_t i = 0; i < zone->naliases; i++)
        build_host(seed, w, &zone->aliases[i]);
    if (!zone->mx_set.there)
        return;
    for (size_t i = 0; i < zone->nmx || i == 0; i++) {
        struct dns_set *set = seed_build_set(w, zone->mx_owner, "MX", &zone->mx_set);
        char rdata[SEED_TEXT + 16];

        if (zone->nmx == 0)
            break;
        snprintf(rdata, sizeof rdata, "%d %s", zone->mx[i].preference, zone->mx[i].target);
        dns_add(w, set, rdata);
    }
}

void seed_build(const struct seed *seed, struct world *w)
{
    for (int i = 0; i < SEED_ZONES; i++)
        build_zone(seed, w, &seed->zones[i]);
    for (size_t i = 0; i < seed->nplaces; i++) {
        const struct seed_place *from = &seed->places[i];
        struct net_place *place = net_place(w, &from->ip, 0);

        place->fate = from->fate;
        place->ms = from->ms;
        place->server = from->server;
        place->secure = &from->secure;
        place->proxy = &from->proxy;
        place->mailbox = mailbox_rules(w, world_text(w, from->mailbox));
        if (place->mailbox == NULL)
            world_fault(w, "no rules of a mailbox: %s", from->mailbox);
    }
    seed_build_security(seed, w);
    seed_build_history(seed, w);
    seed_build_gates(seed, w);
    w->dns_ms = seed->dns_ms;
    w->dns_at_once = seed->dns_at_once;
    w->eager = seed->eager;
    w->max_write = seed->max_write;
}
