/* cures.c - see cures.h. */
#include "check/cures.h"

#include "base/ip.h"
#include "base/mem.h"

enum cure { CURE_MAP, CURE_FAMILY, CURE_ROUTER };

static const char *text_of(const struct mox_ip *ip, char buf[MOX_LIMIT_IP_TEXT])
{
    mox_ip_format(ip, buf, MOX_LIMIT_IP_TEXT);
    return buf;
}

static enum cure cure_at(const struct cures_hairpin *h, size_t i)
{
    static const enum cure orders[][CURES_HAIRPIN] = {
        {CURE_MAP, CURE_FAMILY, CURE_ROUTER}, /* the server is reached, as somebody private */
        {CURE_MAP, CURE_ROUTER, CURE_FAMILY}, /* and IPv6 is no way out */
        {CURE_FAMILY, CURE_ROUTER, CURE_MAP}, /* it is not reached */
        {CURE_ROUTER, CURE_MAP, CURE_FAMILY},
    };

    return orders[(h->unreachable ? 2 : 0) + (h->ipv6_works ? 0 : 1)][i];
}

void cures_one_family(struct text *out, const char *name, int family, const char *const *domains,
                      size_t ndomains)
{
    bool ipv4 = family == MOX_IPV4;

    text_add(out, "Transports:\n\t%s:\n\t\tDirect:\n\t\t\tDisable%s: true\n",
             name != NULL ? name
             : ipv4       ? "ipv4only"
                          : "ipv6only",
             ipv4 ? "IPv6" : "IPv4");
    if (name != NULL)
        return;
    text_add(out, "Routes:\n\t-\n");
    for (size_t i = 0; i < ndomains; i++)
        text_add(out, "%s\t\t\t- %s\n", i == 0 ? "\t\tToDomain:\n" : "", domains[i]);
    text_add(out, "\t\tTransport: %s\n", ipv4 ? "ipv4only" : "ipv6only");
}

/* The private network our own address is of, where nobody knows by which of its addresses the
 * router speaks. */
static const char *network_of(const struct mox_ip *ip)
{
    static const char *const networks[] = {"10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16",
                                           "169.254.0.0/16", "fc00::/7",      "fe80::/10"};
    struct ip_prefix prefix;

    for (size_t i = 0; i < ARRAY_LEN(networks); i++) {
        if (ip_parse_prefix(slice_of(networks[i]), &prefix) == MOX_OK && ip_in_prefix(ip, &prefix))
            return networks[i];
    }
    return "100.64.0.0/10"; /* what else is private */
}

static void add_map(struct text *out, const struct cures_hairpin *h)
{
    char seen[MOX_LIMIT_IP_TEXT], public_ip[MOX_LIMIT_IP_TEXT];

    text_add(out, "SPFIPMap:\n\t%s: %s\n",
             h->seen->family != 0 ? text_of(h->seen, seen) : network_of(h->local),
             text_of(h->public_ip, public_ip));
}

static void add_family(struct text *out, const struct cures_hairpin *h)
{
    cures_one_family(out, NULL, ip_other_family(h->public_ip->family), h->domains->names,
                     h->domains->nnames);
}

static void add_router(struct text *out, const struct cures_hairpin *h)
{
    char local[MOX_LIMIT_IP_TEXT], public_ip[MOX_LIMIT_IP_TEXT];
    const char *family = h->public_ip->family == MOX_IPV4 ? "ip" : "ip6";

    text_of(h->local, local);
    text_of(h->public_ip, public_ip);
    text_add(out,
             "On the router, NAT loopback (hairpin NAT) that puts the public address in place of "
             "the private one. With nftables, before the rules that are there:\n"
             "nft insert rule %s nat prerouting %s daddr %s tcp dport 25 dnat to %s\n"
             "nft insert rule %s nat postrouting %s saddr %s %s daddr %s tcp dport 25 snat to "
             "%s\n",
             family, family, public_ip, local, family, family, local, family, local, public_ip);
}

void cures_hairpin_text(struct text *out, const struct cures_hairpin *h, size_t i)
{
    switch (cure_at(h, i)) {
    case CURE_MAP:
        text_add(out,
                 "Where SPF is evaluated (moxdial spf, moxdial policy), the public address in "
                 "place of the one that the router shows%s:\n",
                 h->unreachable ? ", once it lets connections back in" : "");
        add_map(out, h);
        break;
    case CURE_FAMILY:
        text_add(out, "Deliver to the own domains by %s alone, which needs no NAT%s:\n",
                 h->public_ip->family == MOX_IPV4 ? "IPv6" : "IPv4",
                 h->ipv6_works ? "" : " (this machine and the MX must have it first)");
        add_family(out, h);
        break;
    case CURE_ROUTER:
        add_router(out, h);
        break;
    }
}

void cures_hairpin_config(struct text *out, const struct cures_hairpin *h)
{
    if (cure_at(h, 0) == CURE_MAP)
        add_map(out, h);
    else if (cure_at(h, 0) == CURE_FAMILY)
        add_family(out, h);
}
