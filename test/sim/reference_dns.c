/* reference_dns.c - see reference_dns.h. */
#include "test/sim/reference_dns.h"

#include <stdio.h>
#include <string.h>

enum { MOST_MX_ALIASES = 15, MOST_HOST_ALIASES = 10, NO_NAME = 3 };

static const struct seed_host *find_in_zone(const struct seed_zone *zone, const char *name)
{
    if (strcmp(zone->domain.name, name) == 0)
        return &zone->domain;
    for (size_t i = 0; i < zone->nhosts; i++) {
        if (strcmp(zone->hosts[i].name, name) == 0)
            return &zone->hosts[i];
    }
    for (size_t i = 0; i < zone->naliases; i++) {
        if (strcmp(zone->aliases[i].name, name) == 0)
            return &zone->aliases[i];
    }
    return NULL;
}

/* A name with all that it has. */
struct node {
    const struct seed_host *host;
    const struct seed_zone *mx; /* its MX set; NULL: none */
    bool sends;                 /* it has a record of SPF */
};

static struct node find(const struct seed *seed, const char *name)
{
    struct node node = {NULL, NULL, false};

    for (int i = 0; i < SEED_ZONES && node.host == NULL; i++) {
        const struct seed_zone *zone = &seed->zones[i];

        node.host = find_in_zone(zone, name);
        if (zone->mx_set.there && strcmp(zone->mx_owner, name) == 0)
            node.mx = zone;
    }
    for (int i = 0; i < SEED_SENDERS; i++)
        node.sends =
            node.sends || (seed->senders[i].txt.there && strcmp(seed->senders[i].name, name) == 0);
    return node;
}

static const struct seed_set *set_of(const struct node *node, const char *type)
{
    if (strcmp(type, "MX") == 0)
        return node->mx == NULL ? NULL : &node->mx->mx_set;
    if (node->host == NULL)
        return NULL;
    if (strcmp(type, "A") == 0)
        return node->host->v4.set.there ? &node->host->v4.set : NULL;
    return node->host->v6.set.there ? &node->host->v6.set : NULL;
}

static const struct seed_set *alias_of(const struct node *node)
{
    return node->host != NULL && node->host->cname.there ? &node->host->cname : NULL;
}

static bool exists(const struct node *node)
{
    return node->mx != NULL || node->sends ||
           (node->host != NULL &&
            (node->host->v4.set.there || node->host->v6.set.there || node->host->cname.there));
}

bool reference_is_answered(const struct seed *seed, const struct seed_set *set, uint32_t timeout_ms,
                           uint64_t *ms)
{
    uint32_t after = seed->dns_ms;

    if (set != NULL && set->timed)
        after = set->ms;
    if (seed->dns_at_once)
        after = 0;
    if (set != NULL && set->fate == DNS_LOST)
        after = timeout_ms;
    *ms += after < timeout_ms ? after : timeout_ms;
    if (after >= timeout_ms)
        return false;
    return set == NULL || set->fate == DNS_ANSWERS || set->fate == DNS_POISONED;
}

/* The set that decides on the question. */
static const struct seed_set *deciding_set(const struct node *node, const char *type)
{
    const struct seed_set *set = set_of(node, type);

    return set != NULL ? set : alias_of(node);
}

static void take_records(const struct node *node, const char *type, struct reference_answer *out)
{
    const struct seed_set *set = set_of(node, type);

    out->ok = set == NULL || set->rcode == 0 || set->rcode == NO_NAME;
    out->no_name = !exists(node) || (set != NULL && set->rcode == NO_NAME);
    out->authentic = out->authentic && set != NULL && set->authentic;
    if (set == NULL)
        return;
    if (strcmp(type, "MX") == 0)
        out->mx = node->mx->nmx > 0 ? node->mx : NULL;
    else if (strcmp(type, "A") == 0)
        out->addresses = node->host->v4.n > 0 ? &node->host->v4 : NULL;
    else
        out->addresses = node->host->v6.n > 0 ? &node->host->v6 : NULL;
}

/* One answer from out->name on. True: it is the last; false: out->name has to be asked. */
static bool follow(const struct seed *seed, const char *type, int most, int *aliases,
                   struct reference_answer *out)
{
    int before = *aliases;

    for (;;) {
        struct node node = find(seed, out->name);
        const struct seed_set *alias = alias_of(&node);

        if (set_of(&node, type) != NULL || alias == NULL ||
            strcmp(node.host->alias, out->name) == 0) {
            take_records(&node, type, out);
            /* an answer that ends at a name without records does not say whether it has any */
            return !out->ok || *aliases == before || out->no_name || out->addresses != NULL ||
                   out->mx != NULL;
        }
        out->ok = false;
        out->authentic = out->authentic && alias->authentic;
        if (++*aliases > most)
            return true;
        snprintf(out->name, sizeof out->name, "%s", node.host->alias);
        if (alias->first_only)
            return false;
    }
}

void reference_lookup(const struct seed *seed, const char *name, const char *type,
                      uint32_t timeout_ms, struct reference_answer *out)
{
    int aliases = 0, most = strcmp(type, "MX") == 0 ? MOST_MX_ALIASES : MOST_HOST_ALIASES;

    memset(out, 0, sizeof *out);
    out->authentic = true;
    snprintf(out->name, sizeof out->name, "%s", name);
    do {
        struct node node = find(seed, out->name);

        out->ok = false;
        if (!reference_is_answered(seed, deciding_set(&node, type), timeout_ms, &out->ms))
            return;
    } while (!follow(seed, type, most, &aliases, out));
    if (out->mx != NULL)
        out->null_mx = out->mx->nmx == 1 && strcmp(out->mx->mx[0].target, ".") == 0;
}

static bool is_host_name(const char *target)
{
    return target[0] == 'h';
}

size_t reference_hosts(const struct reference_answer *answer, struct reference_host hosts[SEED_MX])
{
    size_t n = 0;

    if (answer->mx == NULL) { /* the name itself is its mail host */
        snprintf(hosts[0].name, sizeof hosts[0].name, "%s", answer->name);
        hosts[0].preference = -1;
        return 1;
    }
    for (size_t i = 0; i < answer->mx->nmx; i++) {
        const struct seed_mx *mx = &answer->mx->mx[i];
        size_t at = 0;

        if (!is_host_name(mx->target))
            continue;
        while (at < n && strcmp(hosts[at].name, mx->target) != 0)
            at++;
        if (at < n && hosts[at].preference <= mx->preference)
            continue;
        snprintf(hosts[at].name, sizeof hosts[at].name, "%s", mx->target);
        hosts[at].preference = mx->preference;
        n += at == n;
    }
    return n;
}
