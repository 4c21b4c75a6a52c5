/* seed_gate.c - what DNS says of our own addresses and of senders, drawn and built; see seed.h. */
#include <stdio.h>
#include <string.h>

#include "test/sim/seed.h"

/* The machine's own first; those that are not on it; those that stand for ours. */
static const char *const ours[SEED_OURS] = {
    "198.51.100.9",     "2001:db8:9::9",    "198.51.100.77",    "2001:db8:9::77",
    "198.51.100.66",    "2001:db8:9::66",   "203.0.113.200",    "2001:db8:ffff::1",
    "2001:db8:ffff::2", "2001:db8:ffff::3", "2001:db8:ffff::4",
};

static void write_reverse(const struct mox_ip *ip, char *out, size_t cap)
{
    size_t len = 0;

    if (ip->family == MOX_IPV4) {
        snprintf(out, cap, "%u.%u.%u.%u.in-addr.arpa", (unsigned)ip->bytes[3],
                 (unsigned)ip->bytes[2], (unsigned)ip->bytes[1], (unsigned)ip->bytes[0]);
        return;
    }
    for (size_t i = 16; i > 0; i--)
        len += (size_t)snprintf(out + len, cap - len, "%x.%x.", ip->bytes[i - 1] & 15u,
                                ip->bytes[i - 1] >> 4);
    snprintf(out + len, cap - len, "ip6.arpa");
}

/* How many names: as a rule one. */
static size_t draw_count(struct seed *seed)
{
    if (seed_one_in(seed, 6))
        return 0;
    return seed_one_in(seed, 8) ? 9 + seed_below(seed, SEED_PTR - 8) : 1 + seed_below(seed, 3);
}

static void draw_name(struct seed *seed, size_t address, size_t i)
{
    struct seed_ours_name *name = &seed->ours[address].names[i];

    snprintf(name->text, sizeof name->text, "p%u.o%u.ours.example", (unsigned)i, (unsigned)address);
    if (address < 2 && i < 2 && seed_one_in(seed, 4)) /* a name for EHLO, at one address a family */
        snprintf(name->text, sizeof name->text, "%smail.example", i == 0 ? "" : "d0.");
    seed_draw_set(seed, &name->set);
    name->leads = name->set.rcode == 0 && seed_one_in(seed, 2);
}

static void draw_ours(struct seed *seed, size_t at)
{
    struct seed_ours *address = &seed->ours[at];

    snprintf(address->text, sizeof address->text, "%s", ours[at]);
    mox_ip_parse(ours[at], &address->ip);
    write_reverse(&address->ip, address->reverse, sizeof address->reverse);
    snprintf(address->alias, sizeof address->alias, "a%u.ours.example", (unsigned)at);
    seed_draw_set(seed, &address->ptr);
    if (seed_one_in(seed, 5)) { /* RFC 2317 */
        seed_draw_set(seed, &address->cname);
        address->cname.rcode = 0;
        address->cname.first_only = seed_one_in(seed, 3);
    }
    if (address->ptr.rcode == 0)
        address->n = draw_count(seed);
    for (size_t i = 0; i < address->n; i++)
        draw_name(seed, at, i);
}

static void draw_sender(struct seed *seed, int i)
{
    struct seed_sender *sender = &seed->senders[i];
    int names = seed_names();

    if (i < names)
        snprintf(sender->name, sizeof sender->name, "%s", seed_name(i)->canonical);
    else if (i == names)
        snprintf(sender->name, sizeof sender->name, "mail.example");
    else
        snprintf(sender->name, sizeof sender->name, "d%d.mail.example", i - names - 1);
    /* a domain that is an alias would lead SPF elsewhere */
    if (seed_one_in(seed, 4) && (i >= SEED_DOMAINS || !seed->zones[i].domain.cname.there))
        return;
    seed_draw_set(seed, &sender->txt);
    if (sender->txt.rcode == 0)
        sender->kind = (int)seed_below(seed, SEED_SPF_KINDS);
}

/* NATIPs of one zone at most, so that they may stand for LocalIPs. */
static void draw_nat(struct seed *seed, struct seed_config *config)
{
    memset(config->nat, 0, sizeof config->nat);
    if (seed_one_in(seed, 2))
        config->nat[seed_below(seed, SEED_DOMAINS)] = true;
}

static void draw_requirements(struct seed *seed, struct seed_config *config)
{
    for (size_t i = 0; i < config->ntransports; i++) {
        struct seed_transport *t = &config->transports[i];

        if (t->kind != MOX_KIND_DIRECT)
            continue;
        t->reverse_dns = t->reverse_dns || seed_one_in(seed, 5);
        t->spf = seed_one_in(seed, 6);
    }
    if (config->nlocal_ips > 0 && seed_one_in(seed, 3))
        draw_nat(seed, config);
}

void seed_draw_gates(struct seed *seed)
{
    for (size_t i = 0; i < SEED_OURS; i++)
        draw_ours(seed, i);
    for (int i = 0; i < SEED_SENDERS; i++)
        draw_sender(seed, i);
    for (size_t i = 0; i < 2; i++) {
        if (!seed->configs[i].mox)
            draw_requirements(seed, &seed->configs[i]);
    }
}

static void build_ours(const struct seed_ours *address, struct world *w)
{
    bool v4 = address->ip.family == MOX_IPV4;
    const char *owner = address->cname.there ? address->alias : address->reverse;
    struct dns_set *set = seed_build_set(w, owner, "PTR", &address->ptr);

    for (size_t i = 0; i < address->n; i++) {
        const struct seed_ours_name *name = &address->names[i];
        struct dns_set *its = seed_build_set(w, name->text, v4 ? "A" : "AAAA", &name->set);

        dns_add(w, set, name->text);
        if (name->set.rcode != 0)
            continue;
        dns_add(w, its, v4 ? "192.0.2.250" : "2001:db8:250::1");
        if (name->leads)
            dns_add(w, its, address->text);
    }
    if (address->cname.there)
        dns_add(w, seed_build_set(w, address->reverse, "CNAME", &address->cname), address->alias);
}

static void build_sender(const struct seed_sender *sender, struct world *w)
{
    static const char *const records[] = {
        [SEED_SPF_NONE] = "\"something else\"",
        [SEED_SPF_PASS] = "\"v=spf1 +all\"",
        [SEED_SPF_NEUTRAL] = "\"v=spf1 ?all\"",
        [SEED_SPF_SOFTFAIL] = "\"v=spf1 ~all\"",
        [SEED_SPF_FAIL] = "\"v=spf1 -all\"",
        [SEED_SPF_IP4] = "\"v=spf1 ip4:198.51.100.9 -all\"",
        [SEED_SPF_IP6] = "\"v=spf1 ip6:2001:db8:9::9 ~all\"",
        [SEED_SPF_NAT] = "\"v=spf1 ip4:203.0.113.200 ip6:2001:db8:ffff::/64 -all\"",
        [SEED_SPF_TWICE] = "\"v=spf1 -all\"",
        [SEED_SPF_BROKEN] = "\"v=spf1 nonsense -all\"",
        [SEED_SPF_OF_SENDER] = "\"v=spf1 a:%{l}.nobody.ours.example -all\"",
    };
    struct dns_set *set;

    if (!sender->txt.there)
        return;
    set = seed_build_set(w, sender->name, "TXT", &sender->txt);
    if (sender->txt.rcode != 0)
        return;
    dns_add(w, set, records[sender->kind]);
    if (sender->kind == SEED_SPF_TWICE)
        dns_add(w, set, "\"v=spf1 +all\"");
}

void seed_build_gates(const struct seed *seed, struct world *w)
{
    for (size_t i = 0; i < SEED_OURS; i++)
        build_ours(&seed->ours[i], w);
    for (size_t i = 0; i < SEED_SENDERS; i++)
        build_sender(&seed->senders[i], w);
}
