/* hosts.c - see hosts.h. */
#include "dial/hosts.h"

#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "base/mem.h"
#include "policy/family.h"
#include "policy/level.h"

enum { RESOLUTION_DELAY_US = 50 * 1000 }; /* RFC 8305 section 3 */

int hosts_take_mx(struct dial *d, struct mox_error *err)
{
    const struct lookup_mx *mx = d->mx;
    struct mox_plan *plan = d->plan;

    if (mx->status != MOX_OK) {
        if (mx->error == NULL)
            return error_nomem(err);
        *err = *mx->error;
        return mx->status;
    }
    plan->info.authentic = mx->authentic;
    plan->info.next_hop = arena_text(&plan->arena, slice_of(mx->next_hop));
    if (plan->info.next_hop == NULL)
        return error_nomem(err);
    for (size_t i = 0; i < mx->nhosts; i++) {
        const struct lookup_mx_host *from = &mx->hosts[i];
        struct plan_host *host = plan_add_host(plan, slice_of(from->name), from->preference);

        if (host == NULL)
            return error_nomem(err);
        host->view.authentic = mx->authentic;
        if (from->drop != 0 && plan_drop_host(plan, host, from->drop, from->detail) != MOX_OK)
            return error_nomem(err);
    }
    return MOX_OK;
}

int hosts_take_single(struct dial *d, struct mox_error *err)
{
    struct mox_plan *plan = d->plan;

    plan->info.next_hop = plan->rules.name;
    if (plan_add_host(plan, slice_of(plan->rules.name), -1) == NULL)
        return error_nomem(err);
    return MOX_OK;
}

static bool has_address(const struct request_rules *rules)
{
    return rules->target == REQUEST_LITERAL || rules->target == REQUEST_ADDRESS;
}

static void on_address(void *arg, struct lookup_address *lookup)
{
    struct dial_host *host = arg;

    (void)lookup;
    dial_step(host->dial);
}

/* Families to be asked for: a NAT64 address needs both, but a disabled one is not asked. */
static uint32_t wanted_families(const struct dial *d)
{
    return d->plan->rules.families & ~d->out;
}

static int start_lookup(struct dial *d, struct dial_host *host)
{
    struct lookup_rules rules = {d->plan->rules.dns_us, d->plan->rules.trust_ad};

    if (has_address(&d->plan->rules) || host->host->looked_up)
        return MOX_OK;
    host->lookup = lookup_address_start(d->ctx, host->host->view.host, wanted_families(d), &rules,
                                        on_address, host);
    return host->lookup == NULL ? MOX_E_NOMEM : MOX_OK;
}

static uint32_t families_in(const struct plan_list *list, const struct plan_host *host)
{
    uint32_t families = 0;

    for (size_t i = 0; i < list->len; i++) {
        const struct plan_candidate *candidate = list->items[i];

        if (candidate->host == host)
            families |= ip_family_bit(candidate->view.ip.family);
    }
    return families;
}

/* Families of the host that the plan has already. */
static uint32_t families_of(const struct mox_plan *plan, const struct plan_host *host)
{
    return families_in(&plan->kept, host) | families_in(&plan->dropped, host);
}

/* How many hosts are looked up together: one preference, or all for a plan. */
static size_t window_size(const struct dial *d)
{
    const struct mox_plan *plan = d->plan;
    size_t from = d->next_host, to = from;

    if (dial_is_plan(d))
        return plan->hosts.len - from;
    while (to < plan->hosts.len &&
           plan_host_at(plan, to)->view.preference == plan_host_at(plan, from)->view.preference)
        to++;
    return to - from;
}

/* Hosts of the loop's preference and behind it are out before anything is asked. */
static int drop_loop_hosts(struct dial *d)
{
    struct mox_plan *plan = d->plan;

    for (size_t i = plan->hosts.len; i > d->next_host; i--) {
        struct plan_host *host = plan_host_at(plan, i - 1);

        if (host->view.preference < d->loop_preference)
            continue;
        if (plan_drop_host(plan, host, MOX_DROP_LOOP,
                           "an MX host of equal or better preference is ourselves") != MOX_OK)
            return MOX_E_NOMEM;
    }
    return MOX_OK;
}

/* Opens a window on these n hosts of the plan. */
static int open_on(struct dial *d, void *const *hosts, size_t n, struct mox_error *err)
{
    d->window = arena_array(&d->plan->arena, n, sizeof *d->window);
    if (d->window == NULL)
        return error_nomem(err);
    d->nwindow = n;
    d->resolve_us = UINT64_MAX;
    for (size_t i = 0; i < n; i++) {
        d->window[i].dial = d;
        d->window[i].host = hosts[i];
        d->window[i].built = families_of(d->plan, hosts[i]);
    }
    for (size_t i = 0; i < n; i++) {
        if (start_lookup(d, &d->window[i]) != MOX_OK)
            return error_nomem(err);
    }
    return MOX_OK;
}

int hosts_open_window(struct dial *d, struct mox_error *err)
{
    size_t first, n;

    hosts_close_window(d);
    if (drop_loop_hosts(d) != MOX_OK)
        return error_nomem(err);
    n = window_size(d);
    if (n == 0)
        return MOX_E_EOF;
    first = d->next_host;
    d->next_host += n;
    return open_on(d, d->plan->hosts.items + first, n, err);
}

int hosts_reopen(struct dial *d, struct mox_error *err)
{
    size_t first = 0;

    hosts_close_window(d);
    while (first < d->next_host && plan_host_at(d->plan, first)->looked_up)
        first++;
    if (first == d->next_host)
        return MOX_OK;
    return open_on(d, d->plan->hosts.items + first, d->next_host - first, err);
}

void hosts_close_window(struct dial *d)
{
    for (size_t i = 0; i < d->nwindow; i++)
        lookup_address_free(d->window[i].lookup);
    d->window = NULL;
    d->nwindow = 0;
}

bool hosts_settled(const struct dial *d)
{
    for (size_t i = 0; i < d->nwindow; i++) {
        if (d->window[i].lookup != NULL)
            return false;
    }
    return true;
}

/* The families of one host that were dialed before, oldest first. */
static size_t dialed_at(const struct request_rules *rules, const char *host,
                        struct mox_ip out[MOX_LIMIT_DIALED])
{
    size_t n = 0;

    for (uint32_t i = 0; i < rules->ndialed; i++) {
        if (rules->dialed[i].host == NULL || strcmp(rules->dialed[i].host, host) == 0)
            out[n++] = rules->dialed[i].ip;
    }
    return n;
}

/* Why a filtered address is out, for people. */
static const char *drop_detail(const struct dial *d, const struct mox_choice *choice,
                               const struct mox_ip *ip, char *buf, size_t cap)
{
    const struct config_transport *transport = d->plan->rules.transport;
    struct mox_ip inner = policy_nat64_ipv4(ip);

    switch (choice->drop) {
    case MOX_DROP_SPECIAL:
        if (ip_special(ip) == IP_MAPPED)
            return "an IPv4 address in an IPv6 one, which is never dialed";
        snprintf(buf, cap,
                 "a %s address%s, which mail to a domain never goes to; AllowSpecial: true "
                 "permits it",
                 ip_special_name(ip_special(ip_is_nat64(ip) ? &inner : ip)),
                 ip_is_nat64(ip) ? " behind a NAT64" : "");
        return buf;
    case MOX_DROP_SELF:
        return "an address of our own";
    case MOX_DROP_TRANSITION:
        return "it leaves as IPv4 through a NAT64, so both families must be allowed";
    case MOX_DROP_LIMIT:
        return "over 16 addresses of one host";
    case MOX_DROP_FAMILY_DISABLED:
        if (transport == NULL)
            return "its family is not asked for by this dial";
        snprintf(buf, cap, "transport %s, %s line %d, does not allow its family", transport->name,
                 transport->file, (int)transport->family_line);
        return buf;
    default:
        return NULL;
    }
}

static void note_loop(struct dial *d, struct plan_host *host)
{
    host->view.drop = MOX_DROP_SELF;
    if (host->view.preference < d->loop_preference)
        d->loop_preference = host->view.preference;
    d->loop_best =
        d->loop_best || (plan_host_at(d->plan, 0) != NULL &&
                         host->view.preference == plan_host_at(d->plan, 0)->view.preference);
}

static int add_choice(struct dial *d, struct dial_host *host, const struct mox_choice *choice,
                      const struct mox_ip *ip, uint32_t rank)
{
    struct plan_candidate *candidate = plan_add_candidate(d->plan, host->host, ip);
    char detail[256];

    if (candidate == NULL)
        return MOX_E_NOMEM;
    candidate->view.source = choice->source;
    candidate->view.order = choice->order;
    candidate->rank = rank;
    if (choice->drop == MOX_DROP_NONE)
        return MOX_OK;
    if (choice->drop == MOX_DROP_SELF)
        note_loop(d, host->host);
    return plan_drop(d->plan, candidate, choice->drop,
                     drop_detail(d, choice, ip, detail, sizeof detail));
}

static void fill_filter(const struct dial *d, const char *host, struct mox_filter_rules *filter,
                        struct mox_ip dialed[MOX_LIMIT_DIALED])
{
    const struct request_rules *rules = &d->plan->rules;
    bool named = rules->target == REQUEST_HOST || rules->target == REQUEST_ADDRESS;

    *filter = (struct mox_filter_rules){.size = sizeof *filter};
    filter->families = rules->families;
    filter->prefer = rules->prefer;
    filter->sources = rules->sources;
    filter->nsources = rules->nsources;
    if (rules->config != NULL && !named && !rules->hosted) {
        filter->own = rules->config->own;
        filter->nown = rules->config->nown;
    }
    filter->dialed = dialed;
    filter->ndialed = dialed_at(rules, host, dialed);
    filter->max = MOX_LIMIT_HOST_ADDRESSES;
    filter->allow_special = rules->allow_special;
}

/* Filters all that is known of a host and takes the families that are new. choices: room for n. */
static int build(struct dial *d, struct dial_host *host, const struct mox_ip *ips, size_t n,
                 struct mox_choice *choices)
{
    struct mox_filter_rules filter;
    struct mox_ip dialed[MOX_LIMIT_DIALED];
    uint32_t fresh = 0;
    int status;

    fill_filter(d, host->host->view.host, &filter, dialed);
    status = mox_family_filter(&filter, ips, n, choices, NULL);
    status = status < 0 ? status : MOX_OK;
    for (size_t i = 0; i < n && status == MOX_OK; i++) {
        const struct mox_ip *ip = &ips[choices[i].index];
        uint32_t bit = ip_family_bit(ip->family);

        if ((host->built & bit) != 0)
            continue;
        fresh |= bit;
        status = add_choice(d, host, &choices[i], ip, (uint32_t)i);
        if (choices[i].drop == MOX_DROP_NONE && status == MOX_OK) {
            struct plan_candidate *added = d->plan->kept.items[d->plan->kept.len - 1];

            added->history = filter.ndialed > 0;
        }
    }
    host->built |= fresh;
    return status;
}

/* The lookup's own arena has room for what is made of its answers. */
static int build_lookup(struct dial *d, struct dial_host *host)
{
    struct arena *arena = &host->lookup->arena;
    size_t n = lookup_address_list(host->lookup, NULL, 0);
    struct mox_ip *ips = arena_array(arena, n, sizeof *ips);
    struct mox_choice *choices = arena_array(arena, n, sizeof *choices);

    if (n == 0)
        return MOX_OK;
    if (ips == NULL || choices == NULL)
        return MOX_E_NOMEM;
    lookup_address_list(host->lookup, ips, n);
    return build(d, host, ips, n, choices);
}

/* The one address of a destination that is one. */
static int build_address(struct dial *d, struct dial_host *host)
{
    struct mox_choice choice;

    host->host->looked_up = true;
    return build(d, host, &d->plan->rules.address, 1, &choice);
}

/* The error of a failed lookup outlives the lookup. */
static int keep_failure(struct dial *d, struct plan_host *host, const struct lookup_chain *failure)
{
    struct mox_error *kept = arena_new(&d->plan->arena, sizeof *kept);

    if (kept == NULL)
        return MOX_E_NOMEM;
    host->error = kept;
    return chain_error(failure, kept) == MOX_E_NOMEM ? MOX_E_NOMEM : MOX_OK; /* no host's fault */
}

/* A host that gave nothing, or only half: said in the plan, without an address. */
static int note_absence(struct dial *d, struct dial_host *host)
{
    static const struct mox_ip none;
    const struct lookup_chain *failure = lookup_address_failure(host->lookup);
    struct plan_candidate *candidate;

    if (failure == NULL && host->built != 0)
        return MOX_OK;
    if (failure != NULL && keep_failure(d, host->host, failure) != MOX_OK)
        return MOX_E_NOMEM;
    candidate = plan_add_candidate(d->plan, host->host, &none);
    if (candidate == NULL)
        return MOX_E_NOMEM;
    if (failure != NULL)
        return plan_drop(d->plan, candidate, MOX_DROP_DNS_ERROR, host->host->error->message);
    return plan_drop(d->plan, candidate, MOX_DROP_NO_ADDRESS,
                     host->host->no_name ? "the name does not exist"
                                         : "it has no address of a family that was asked for");
}

static int finish_host(struct dial *d, struct dial_host *host)
{
    int status = build_lookup(d, host);

    if (status != MOX_OK)
        return status;
    host->host->looked_up = true;
    host->host->no_name = lookup_address_no_name(host->lookup);
    if (host->host->view.preference < 0) /* there is no MX record: its address is its record */
        host->host->view.authentic = lookup_address_authentic(host->lookup);
    status = note_absence(d, host);
    lookup_address_free(host->lookup);
    host->lookup = NULL;
    return status;
}

int hosts_drop_families(struct dial *d, uint32_t families, int drop, const char *detail)
{
    for (size_t i = d->plan->kept.len; i > 0; i--) {
        struct plan_candidate *candidate = d->plan->kept.items[i - 1];

        if (candidate->tried || (ip_family_bit(candidate->view.ip.family) & families) == 0)
            continue;
        if (plan_drop(d->plan, candidate, drop, detail) != MOX_OK)
            return MOX_E_NOMEM;
    }
    return MOX_OK;
}

static int drop_loop_candidates(struct dial *d)
{
    for (size_t i = d->plan->kept.len; i > 0; i--) {
        struct plan_candidate *candidate = d->plan->kept.items[i - 1];

        if (candidate->tried || candidate->view.preference < d->loop_preference)
            continue;
        if (plan_drop(d->plan, candidate, MOX_DROP_LOOP,
                      "an MX host of equal or better preference is ourselves") != MOX_OK)
            return MOX_E_NOMEM;
    }
    return MOX_OK;
}

/* Writes the candidates kept[from, from + n), all of one preference, in the order of entries. */
static void put_in_order(struct dial *d, size_t from, size_t n, struct policy_entry *entries,
                         void **items)
{
    memcpy(items, d->plan->kept.items + from, n * sizeof(void *));
    for (size_t i = 0; i < n; i++) {
        const struct plan_candidate *candidate = items[i];

        entries[i].index = (uint16_t)i;
        entries[i].family = candidate->view.ip.family;
        entries[i].history = candidate->history;
        entries[i].order = candidate->view.order;
    }
    policy_level_order(entries, n, d->plan->rules.prefer,
                       health_last(&d->part->health, ctx_now_us(d->ctx)));
    for (size_t i = 0; i < n; i++) {
        struct plan_candidate *candidate = items[entries[i].index];

        candidate->view.order = entries[i].order;
        d->plan->kept.items[from + i] = candidate;
    }
}

/* As a rule they are few: those cost no allocation. */
static int order_level(struct dial *d, size_t from, size_t to)
{
    struct policy_entry few[MOX_LIMIT_HOST_ADDRESSES] = {0}, *entries = few;
    void *few_items[MOX_LIMIT_HOST_ADDRESSES], **items = few_items;
    size_t n = to - from;
    int status = MOX_OK;

    if (n > MOX_LIMIT_HOST_ADDRESSES) {
        entries = mem_array(n, sizeof *entries);
        items = mem_array(n, sizeof(void *));
    }
    if (entries != NULL && items != NULL)
        put_in_order(d, from, n, entries, items);
    else
        status = MOX_E_NOMEM;
    if (n > MOX_LIMIT_HOST_ADDRESSES) {
        mem_free(entries);
        mem_free(items);
    }
    return status;
}

static size_t host_position(const struct mox_plan *plan, const struct plan_host *host)
{
    size_t i = 0;

    while (i < plan->hosts.len && plan->hosts.items[i] != host)
        i++;
    return i;
}

/* Whether a stands before b by host, and within it as the filter said. */
static bool stands_before(const struct mox_plan *plan, const struct plan_candidate *a,
                          const struct plan_candidate *b)
{
    if (a->host != b->host)
        return host_position(plan, a->host) < host_position(plan, b->host);
    return a->rank < b->rank;
}

/* By insertion: there are few, and they are nearly in order. */
static void sort_by_host(struct mox_plan *plan, size_t from)
{
    void **items = plan->kept.items;

    for (size_t i = from + 1; i < plan->kept.len; i++) {
        void *item = items[i];
        size_t k = i;

        for (; k > from && stands_before(plan, item, items[k - 1]); k--)
            items[k] = items[k - 1];
        items[k] = item;
    }
}

/* What was tried stays where it is, at the front; the rest is ordered anew. */
static int order_all(struct dial *d)
{
    struct mox_plan *plan = d->plan;
    size_t from = 0, to;

    while (from < plan->kept.len && plan_kept_at(plan, from)->tried)
        from++;
    sort_by_host(plan, from);
    for (; from < plan->kept.len; from = to) {
        int32_t preference = plan_kept_at(plan, from)->view.preference;

        for (to = from + 1;
             to < plan->kept.len && plan_kept_at(plan, to)->view.preference == preference; to++)
            ;
        if (order_level(d, from, to) != MOX_OK)
            return MOX_E_NOMEM;
    }
    return MOX_OK;
}

static int take_answers(struct dial *d)
{
    bool in_time = ctx_now_us(d->ctx) < d->resolve_us;
    int status = MOX_OK;

    for (size_t i = 0; i < d->nwindow && status == MOX_OK; i++) {
        struct dial_host *host = &d->window[i];

        if (has_address(&d->plan->rules)) {
            if (!host->host->looked_up)
                status = build_address(d, host);
        } else if (host->lookup != NULL && lookup_address_finished(host->lookup)) {
            status = finish_host(d, host);
        } else if (host->lookup != NULL && !in_time) {
            status = build_lookup(d, host);
        }
    }
    return status;
}

/* Something of the window could be dialed, were it taken now. */
static bool has_partial(const struct dial *d)
{
    for (size_t i = 0; i < d->nwindow; i++) {
        const struct dial_host *host = &d->window[i];

        if (host->lookup != NULL && (lookup_address_families(host->lookup) & ~host->built) != 0)
            return true;
    }
    return false;
}

static bool has_untried(const struct dial *d)
{
    for (size_t i = 0; i < d->plan->kept.len; i++) {
        if (!plan_kept_at(d->plan, i)->tried)
            return true;
    }
    return false;
}

int hosts_update(struct dial *d, struct mox_error *err)
{
    uint64_t now = ctx_now_us(d->ctx);
    int status = take_answers(d);

    if (status == MOX_OK)
        status = drop_loop_candidates(d);
    if (status == MOX_OK && d->out != 0)
        status = hosts_drop_families(d, d->out, MOX_DROP_NO_SOURCE,
                                     "the source address of its family is not on this machine");
    if (status == MOX_OK)
        status = order_all(d);
    if (status != MOX_OK)
        return error_nomem(err);
    if (hosts_settled(d))
        return MOX_OK;
    if (dial_is_plan(d))
        return MOX_E_AGAIN;
    if (now >= d->resolve_us && has_untried(d))
        return MOX_OK;
    if (now >= d->resolve_us) /* nothing of what came in time can be dialed: the rest is awaited */
        d->resolve_us = UINT64_MAX;
    if (d->resolve_us == UINT64_MAX && (has_partial(d) || has_untried(d)))
        d->resolve_us = now + RESOLUTION_DELAY_US;
    return MOX_E_AGAIN;
}
