/* seed_reverse.c - what DNS says of the addresses of this machine; see seed.h. */
#include "test/sim/dns.h"
#include "test/sim/seed.h"

/* Not drawn, so that the seeds known from before stay the same worlds. */
enum seed_reverse seed_reverse(const struct seed *seed, int family)
{
    static const enum seed_reverse kinds[] = {
        SEED_REVERSE_GOOD, SEED_REVERSE_GOOD,  SEED_REVERSE_GOOD,        SEED_REVERSE_ALIAS,
        SEED_REVERSE_NONE, SEED_REVERSE_FAILS, SEED_REVERSE_UNCONFIRMED, SEED_REVERSE_SECOND,
    };
    uint64_t mixed = (seed->number + (family == MOX_IPV4)) * UINT64_C(0x9e3779b97f4a7c15);

    return kinds[mixed >> 61];
}

static void add(struct world *w, const char *name, const char *type, const char *rdata)
{
    dns_add(w, dns_set(w, name, dns_type(type)), rdata);
}

static void build_family(const struct seed *seed, struct world *w, int family)
{
    bool ipv4 = family == MOX_IPV4;
    const char *type = ipv4 ? "A" : "AAAA", *ip = ipv4 ? "198.51.100.9" : "2001:db8:9::9";
    const char *name = ipv4 ? "9.100.51.198.in-addr.arpa"
                            : "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.0.0.0.8.b.d.0.1.0.0.2."
                              "ip6.arpa";

    switch (seed_reverse(seed, family)) {
    case SEED_REVERSE_NONE:
        return;
    case SEED_REVERSE_FAILS:
        dns_set(w, name, dns_type("PTR"))->rcode = 2;
        return;
    case SEED_REVERSE_UNCONFIRMED:
        add(w, name, "PTR", SEED_REVERSE_OTHER);
        add(w, SEED_REVERSE_OTHER, type, ipv4 ? "198.51.100.8" : "2001:db8:9::8");
        return;
    case SEED_REVERSE_SECOND:
        add(w, name, "PTR", SEED_REVERSE_OTHER);
        add(w, SEED_REVERSE_OTHER, type, ipv4 ? "198.51.100.8" : "2001:db8:9::8");
        break;
    case SEED_REVERSE_ALIAS:
        add(w, name, "CNAME", ipv4 ? SEED_REVERSE_ALIAS4 : SEED_REVERSE_ALIAS6);
        name = ipv4 ? SEED_REVERSE_ALIAS4 : SEED_REVERSE_ALIAS6;
        break;
    case SEED_REVERSE_GOOD:
        break;
    }
    add(w, name, "PTR", SEED_REVERSE_NAME);
    add(w, SEED_REVERSE_NAME, type, ip);
}

void seed_reverse_build(const struct seed *seed, struct world *w)
{
    build_family(seed, w, MOX_IPV4);
    build_family(seed, w, MOX_IPV6);
}
