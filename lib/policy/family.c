/*
 * family.c - see family.h. Each address gets its verdict, then each kept one a rank; last they are
 * moved to their ranks. Nothing is allocated: out is the only memory, and until the end a rank
 * stands in source.scope of its entry.
 */
#include "policy/family.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "base/input.h"
#include "base/ip.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/text.h"

static const uint32_t both = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6;

static const char *const drop_names[] = {
    [MOX_DROP_NONE] = "none",
    [MOX_DROP_FAMILY_DISABLED] = "family-disabled",
    [MOX_DROP_NO_SOURCE] = "no-source",
    [MOX_DROP_UNREACHABLE] = "unreachable",
    [MOX_DROP_SPECIAL] = "special",
    [MOX_DROP_TRANSITION] = "transition",
    [MOX_DROP_SELF] = "self",
    [MOX_DROP_LOOP] = "loop",
    [MOX_DROP_DUPLICATE] = "duplicate",
    [MOX_DROP_LIMIT] = "limit",
    [MOX_DROP_EXCLUDED] = "excluded",
    [MOX_DROP_BAD_NAME] = "bad-name",
    [MOX_DROP_DNS_ERROR] = "dns-error",
    [MOX_DROP_NO_ADDRESS] = "no-address",
    [MOX_DROP_STS_MISMATCH] = "sts-mismatch",
    [MOX_DROP_TLSA_ERROR] = "tlsa-error",
    [MOX_DROP_NO_REVERSE_DNS] = "no-reverse-dns",
    [MOX_DROP_SPF] = "spf",
    [MOX_DROP_BUSY] = "busy",
    [MOX_DROP_NO_VERIFIED_TLS] = "no-verified-tls",
};
static_assert(ARRAY_LEN(drop_names) == MOX_DROP_NO_VERIFIED_TLS + 1, "a name for each reason");

static const char *const order_names[] = {
    [MOX_ORDER_DEFAULT] = "default",           [MOX_ORDER_PREFERRED] = "preferred",
    [MOX_ORDER_SAME_ADDRESS] = "same-address", [MOX_ORDER_OTHER_FAMILY] = "other-family",
    [MOX_ORDER_LEARNED] = "learned",           [MOX_ORDER_PUT_LAST] = "put-last",
    [MOX_ORDER_TRANSITION] = "transition",
};
static_assert(ARRAY_LEN(order_names) == MOX_ORDER_TRANSITION + 1, "a name for each reason");

const char *mox_drop_name(int drop)
{
    return name_of(drop_names, ARRAY_LEN(drop_names), drop);
}

const char *mox_order_name(int order)
{
    return name_of(order_names, ARRAY_LEN(order_names), order);
}

uint32_t policy_families(uint32_t bits)
{
    return (bits & both) == MOX_ALLOW_BOTH ? both : bits & both;
}

struct mox_ip policy_unmapped(const struct mox_ip *ip)
{
    static const unsigned char prefix[12] = {[10] = 0xff, [11] = 0xff};

    if (ip->family != MOX_IPV6 || memcmp(ip->bytes, prefix, sizeof prefix) != 0)
        return *ip;
    return ip_from_bytes(MOX_IPV4, ip->bytes + sizeof prefix);
}

struct mox_ip policy_nat64_ipv4(const struct mox_ip *ip)
{
    return ip_from_bytes(MOX_IPV4, ip->bytes + 12);
}

enum mox_drop policy_special(const struct mox_ip *ip, bool allow_special)
{
    enum ip_special special = ip_special(ip);

    if (ip_size(ip) == 0 || special == IP_MAPPED)
        return MOX_DROP_SPECIAL;
    return special == IP_ORDINARY || allow_special ? MOX_DROP_NONE : MOX_DROP_SPECIAL;
}

struct filter {
    struct mox_filter_rules rules;
    const struct mox_ip *addrs;
    struct mox_choice *out;
    uint32_t n, kept;
};

static bool is_own(const struct filter *f, const struct mox_ip *ip)
{
    for (size_t i = 0; i < f->rules.nown; i++) {
        struct mox_ip own = policy_unmapped(&f->rules.own[i]);

        if (ip_equal(&own, ip))
            return true;
    }
    return false;
}

/* A NAT64 address leaves as the IPv4 address inside, so that is judged as well. */
static enum mox_drop judge_nat64(const struct filter *f, const struct mox_ip *ip)
{
    struct mox_ip inner = policy_nat64_ipv4(ip);

    if (policy_families(f->rules.families) != both)
        return MOX_DROP_TRANSITION;
    if (policy_special(&inner, f->rules.allow_special) != MOX_DROP_NONE)
        return MOX_DROP_SPECIAL;
    return is_own(f, &inner) ? MOX_DROP_SELF : MOX_DROP_NONE;
}

static enum mox_drop judge(const struct filter *f, uint32_t at)
{
    const struct mox_ip *ip = &f->addrs[at];
    enum ip_special special = ip_special(ip);
    enum mox_drop drop = MOX_DROP_NONE;

    if (ip_size(ip) == 0 || special == IP_MAPPED)
        return MOX_DROP_SPECIAL;
    if ((policy_families(f->rules.families) & ip_family_bit(ip->family)) == 0)
        return MOX_DROP_FAMILY_DISABLED;
    if (special != IP_ORDINARY && !f->rules.allow_special)
        drop = MOX_DROP_SPECIAL;
    if (drop == MOX_DROP_NONE && ip_is_nat64(ip))
        drop = judge_nat64(f, ip);
    if (drop == MOX_DROP_NONE && is_own(f, ip))
        drop = MOX_DROP_SELF;
    for (uint32_t i = 0; i < at && drop == MOX_DROP_NONE; i++) {
        if (f->out[i].drop == MOX_DROP_NONE && ip_equal(&f->addrs[i], ip))
            drop = MOX_DROP_DUPLICATE;
    }
    return drop;
}

static void set_rank(struct filter *f, uint32_t at, uint32_t rank)
{
    f->out[at].source.scope = rank;
}

static uint32_t rank_of(const struct filter *f, uint32_t at)
{
    return f->out[at].source.scope;
}

static void judge_all(struct filter *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        f->out[i] = (struct mox_choice){.index = i};
        f->out[i].drop = (int32_t)judge(f, i);
        f->kept += f->out[i].drop == MOX_DROP_NONE;
    }
}

/* Ranks the kept ones by class, in the order of the answer within each. */
static void rank_by_class(struct filter *f, uint32_t nclasses,
                          uint32_t (*class_of)(const struct filter *f, uint32_t at))
{
    uint32_t rank = 0;

    for (uint32_t turn = 0; turn < nclasses; turn++) {
        for (uint32_t i = 0; i < f->n; i++) {
            if (f->out[i].drop == MOX_DROP_NONE && class_of(f, i) == turn)
                set_rank(f, i, rank++);
        }
    }
}

/* mox's rule for a message that was at this host before (semantics.md 6.4). */
static int32_t order_by_history(const struct filter *f, const struct mox_ip *ip)
{
    const struct mox_filter_rules *r = &f->rules;
    struct mox_ip last = policy_unmapped(&r->dialed[r->ndialed - 1]);
    size_t same = 0;

    if (ip->family != last.family)
        return MOX_ORDER_OTHER_FAMILY;
    for (size_t i = 0; i < r->ndialed; i++)
        same += policy_unmapped(&r->dialed[i]).family == last.family;
    return same == 1 && ip_equal(ip, &last) ? MOX_ORDER_SAME_ADDRESS : MOX_ORDER_DEFAULT;
}

static uint32_t class_by_history(const struct filter *f, uint32_t at)
{
    switch (f->out[at].order) {
    case MOX_ORDER_OTHER_FAMILY:
        return 0;
    case MOX_ORDER_SAME_ADDRESS:
        return 1;
    default:
        return 2;
    }
}

/* The one family of two that the bits name; MOX_FAMILY_NONE: neither or both. */
static int only_family(uint32_t bits)
{
    bits &= both;
    return bits == MOX_ALLOW_IPV4 ? MOX_IPV4 : bits == MOX_ALLOW_IPV6 ? MOX_IPV6 : MOX_FAMILY_NONE;
}

static int32_t order_by_rules(const struct filter *f, const struct mox_ip *ip)
{
    const struct mox_filter_rules *r = &f->rules;
    int last = only_family(r->last), avoided = only_family(r->avoid);

    if (ip_is_transition(ip))
        return MOX_ORDER_TRANSITION;
    if (last != MOX_FAMILY_NONE)
        return ip->family == last ? MOX_ORDER_PUT_LAST : MOX_ORDER_DEFAULT;
    if (r->prefer == MOX_PREFER_LEARNED)
        return ip->family == avoided ? MOX_ORDER_LEARNED : MOX_ORDER_DEFAULT;
    if ((r->prefer == MOX_PREFER_IPV4 && ip->family == MOX_IPV4) ||
        (r->prefer == MOX_PREFER_IPV6 && ip->family == MOX_IPV6))
        return MOX_ORDER_PREFERRED;
    return MOX_ORDER_DEFAULT;
}

static uint32_t class_by_rules(const struct filter *f, uint32_t at)
{
    switch (f->out[at].order) {
    case MOX_ORDER_PREFERRED:
        return 0;
    case MOX_ORDER_PUT_LAST:
    case MOX_ORDER_LEARNED:
        return 2;
    case MOX_ORDER_TRANSITION:
        return 3;
    default:
        return 1;
    }
}

/* Whether anything puts one family before the other. */
static bool is_partitioned(const struct filter *f)
{
    const struct mox_filter_rules *r = &f->rules;

    if (only_family(r->last) != MOX_FAMILY_NONE)
        return true;
    if (r->prefer == MOX_PREFER_LEARNED)
        return only_family(r->avoid) != MOX_FAMILY_NONE;
    return r->prefer == MOX_PREFER_IPV4 || r->prefer == MOX_PREFER_IPV6;
}

/* IPv6, IPv4, IPv6, … while there are both, then the rest; 6to4 and Teredo behind all. */
static void rank_interleaved(struct filter *f)
{
    uint32_t n[2] = {0, 0}, at[2] = {0, 0}, transition = 0;

    for (uint32_t i = 0; i < f->n; i++) {
        if (f->out[i].drop == MOX_DROP_NONE && f->out[i].order != MOX_ORDER_TRANSITION)
            n[f->addrs[i].family == MOX_IPV4]++;
    }
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t v4 = f->addrs[i].family == MOX_IPV4, k = at[v4], others = n[!v4];

        if (f->out[i].drop != MOX_DROP_NONE)
            continue;
        if (f->out[i].order == MOX_ORDER_TRANSITION) {
            set_rank(f, i, n[0] + n[1] + transition++);
            continue;
        }
        at[v4]++;
        set_rank(f, i, k < others ? 2 * k + v4 : k + others);
    }
}

static void order_kept(struct filter *f)
{
    bool history = f->rules.ndialed > 0;

    for (uint32_t i = 0; i < f->n; i++) {
        if (f->out[i].drop == MOX_DROP_NONE)
            f->out[i].order =
                history ? order_by_history(f, &f->addrs[i]) : order_by_rules(f, &f->addrs[i]);
    }
}

static void rank_kept(struct filter *f)
{
    if (f->rules.ndialed > 0)
        rank_by_class(f, 3, class_by_history);
    else if (is_partitioned(f))
        rank_by_class(f, 4, class_by_rules);
    else
        rank_interleaved(f);
}

/* The kept address with the lowest rank of those of the family, f->n if there is none. */
static uint32_t first_of_family(const struct filter *f, int family)
{
    uint32_t first = f->n;

    for (uint32_t i = 0; i < f->n; i++) {
        if (f->out[i].drop == MOX_DROP_NONE && f->addrs[i].family == family &&
            (first == f->n || rank_of(f, i) < rank_of(f, first)))
            first = i;
    }
    return first;
}

/* Where both families cannot fit by rank, the first of the missing one takes the last place. */
static void limit_kept(struct filter *f)
{
    uint32_t max = f->rules.max, v4 = first_of_family(f, MOX_IPV4);
    uint32_t v6 = first_of_family(f, MOX_IPV6), saved = f->n;

    if (max == 0 || f->kept <= max)
        return;
    if (max > 1 && v4 < f->n && rank_of(f, v4) >= max)
        saved = v4;
    else if (max > 1 && v6 < f->n && rank_of(f, v6) >= max)
        saved = v6;
    for (uint32_t i = 0; i < f->n; i++) {
        uint32_t places = saved < f->n ? max - 1 : max;

        if (f->out[i].drop == MOX_DROP_NONE && i != saved && rank_of(f, i) >= places)
            f->out[i].drop = MOX_DROP_LIMIT;
    }
    if (saved < f->n)
        set_rank(f, saved, max - 1);
    f->kept = max;
}

static void rank_dropped(struct filter *f)
{
    uint32_t rank = f->kept;

    for (uint32_t i = 0; i < f->n; i++) {
        if (f->out[i].drop == MOX_DROP_NONE)
            continue;
        f->out[i].order = MOX_ORDER_DEFAULT;
        set_rank(f, i, rank++);
    }
}

/* Ranks are a permutation: each swap brings one entry to its place. */
static void move_to_ranks(struct filter *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        while (rank_of(f, i) != i) {
            uint32_t to = rank_of(f, i);
            struct mox_choice moved = f->out[to];

            f->out[to] = f->out[i];
            f->out[i] = moved;
        }
    }
}

static void set_sources(struct filter *f)
{
    for (uint32_t i = 0; i < f->n; i++) {
        int family = f->addrs[f->out[i].index].family;

        f->out[i].source = (struct mox_ip){0};
        for (size_t k = f->rules.nsources; k > 0; k--) {
            if (f->rules.sources[k - 1].family == family)
                f->out[i].source = f->rules.sources[k - 1];
        }
    }
}

static const char *family_text(int family)
{
    return family == MOX_IPV4 ? "IPv4" : "IPv6";
}

/* Nothing was kept: which family was filtered, and what the host has. */
static void explain_nothing(const struct filter *f, struct mox_error *err)
{
    uint32_t allowed = policy_families(f->rules.families), has[2] = {0, 0};
    int disabled = only_family(both & ~allowed);
    char reasons[256];
    struct text t = text_to(reasons, sizeof reasons);
    int code = f->n > 0 || disabled != MOX_FAMILY_NONE ? MOX_E_FILTERED : MOX_E_NO_ADDRESS;

    if (f->n == 0 && disabled == MOX_FAMILY_NONE) {
        error_set(err, code, "the host has neither an IPv4 nor an IPv6 address");
        return;
    }
    for (uint32_t i = 0; i < f->n; i++)
        has[f->addrs[i].family == MOX_IPV4]++;
    for (int drop = 0; drop < (int)ARRAY_LEN(drop_names); drop++) {
        uint32_t count = 0;

        for (uint32_t i = 0; i < f->n; i++)
            count += f->out[i].drop == drop;
        if (count > 0)
            text_add(&t, "%s%s %u", t.len > 0 ? ", " : "; dropped: ", drop_names[drop], count);
    }
    if (disabled != MOX_FAMILY_NONE)
        error_set(err, code,
                  "%s is disabled, and the host has no usable %s address (known of it: %u IPv4, "
                  "%u IPv6%s); allow %s, or route the domain another way",
                  family_text(disabled), family_text(ip_other_family(disabled)), has[1], has[0],
                  reasons, family_text(disabled));
    else
        error_set(err, code, "no address of the host may be dialed (%u IPv4, %u IPv6%s)", has[1],
                  has[0], reasons);
}

int mox_family_filter(const struct mox_filter_rules *rules, const struct mox_ip *addrs, size_t n,
                      struct mox_choice *out, struct mox_error *err)
{
    struct filter f = {.addrs = addrs, .out = out};
    int status = input_take(&f.rules, sizeof f.rules, rules,
                            offsetof(struct mox_filter_rules, prefer), "mox_filter_rules", err);

    if (status != MOX_OK)
        return status;
    if (n > INT_MAX)
        return error_set(err, MOX_E_LIMIT, "over %d addresses", INT_MAX);
    if (n > 0 && (addrs == NULL || out == NULL))
        return error_set(err, MOX_E_INVAL, "%s is NULL", addrs == NULL ? "addrs" : "out");
    f.n = (uint32_t)n;
    judge_all(&f);
    order_kept(&f);
    if (n > 1) { /* one alone has the first rank anyway */
        rank_kept(&f);
        limit_kept(&f);
        rank_dropped(&f);
        move_to_ranks(&f);
    }
    set_sources(&f);
    if (f.kept > 0)
        error_none(err);
    else
        explain_nothing(&f, err);
    if (f.kept == 0 && err != NULL)
        err->stage = MOX_STAGE_RESOLVE;
    return (int)f.kept;
}
