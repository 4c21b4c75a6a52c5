/* hosts.c - see hosts.h. */
#include "dial/hosts.h"

#include <stdio.h>
#include <string.h>

#include "base/ip.h"
#include "base/mem.h"
#include "dial/gate.h"
#include "dial/history.h"
#include "dial/order.h"
#include "dial/security.h"
#include "policy/family.h"

enum { RESOLUTION_DELAY_US = 50 * 1000 }; /* RFC 8305 section 3 */
enum { FEW = 8 };                         /* addresses that need no list in an arena */

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
    struct lookup_rules rules = request_lookup(&d->plan->rules);

    if (request_has_address(&d->plan->rules) || host->host->looked_up)
        return MOX_OK;
    host->lookup = lookup_address_start(d->ctx, host->host->view.host, wanted_families(d), &rules,
                                        on_address, host);
    return host->lookup == NULL ? MOX_E_NOMEM : history_begin(host);
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
    for (size_t i = 0; i < d->nwindow; i++) {
        security_end_host(&d->window[i]);
        history_end(&d->window[i]);
        lookup_address_free(d->window[i].lookup);
    }
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
    candidate->view.tls = host->host->tls->demand.need;
    candidate->view.tls_reason = host->host->tls->why;
    candidate->rank = rank;
    if (choice->drop == MOX_DROP_NONE)
        return MOX_OK;
    if (choice->drop == MOX_DROP_SELF)
        note_loop(d, host->host);
    return plan_drop(d->plan, candidate, choice->drop,
                     drop_detail(d, choice, ip, detail, sizeof detail));
}

static void fill_filter(const struct dial *d, const struct plan_host *host,
                        struct mox_filter_rules *filter, struct mox_ip dialed[MOX_LIMIT_DIALED])
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
    filter->ndialed = dialed_at(rules, host->view.host, dialed);
    filter->avoid = history_avoid(host);
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

    fill_filter(d, host->host, &filter, dialed);
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

/* As a rule they are few: of more the lists stand in the lookup's own arena. */
static int build_lookup(struct dial *d, struct dial_host *host)
{
    struct arena *arena = &host->lookup->arena;
    struct mox_ip few_ips[FEW], *ips = few_ips;
    struct mox_choice few_choices[FEW], *choices = few_choices;
    size_t n = lookup_address_list(host->lookup, ips, FEW);

    if (n == 0)
        return MOX_OK;
    if (n > FEW) {
        ips = arena_array(arena, n, sizeof *ips);
        choices = arena_array(arena, n, sizeof *choices);
        if (ips == NULL || choices == NULL)
            return MOX_E_NOMEM;
        lookup_address_list(host->lookup, ips, n);
    }
    return build(d, host, ips, n, choices);
}

/* The one address of a destination that is one. */
static int build_address(struct dial *d, struct dial_host *host)
{
    struct mox_choice choice;

    host->host->looked_up = true;
    return build(d, host, d->plan->rules.address, 1, &choice);
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

/* No mail may go there, whatever its addresses. */
static int drop_host(struct dial *d, struct dial_host *host, int drop, const char *detail)
{
    static const struct mox_ip none;
    struct plan_candidate *candidate = plan_add_candidate(d->plan, host->host, &none);

    lookup_address_free(host->lookup);
    host->lookup = NULL;
    security_end_host(host);
    host->host->looked_up = true;
    host->host->view.drop = drop;
    return candidate == NULL ? MOX_E_NOMEM : plan_drop(d->plan, candidate, drop, detail);
}

/* Enough of its addresses has come to take them into the plan. */
static bool is_known(const struct dial *d, const struct dial_host *host, bool in_time)
{
    if (request_has_address(&d->plan->rules))
        return !host->host->looked_up;
    if (host->lookup == NULL)
        return false;
    return lookup_address_finished(host->lookup) ||
           (!in_time && lookup_address_families(host->lookup) != 0);
}

/* First comes what TLS the host must have, and what was learned of it; without an address that is
 * of no interest. */
static int take_host(struct dial *d, struct dial_host *host)
{
    bool single = request_has_address(&d->plan->rules);
    const char *detail = NULL;
    int drop = MOX_DROP_NONE, status = MOX_OK;

    if (single || lookup_address_families(host->lookup) != 0) {
        status = security_of_host(d, host, &drop, &detail);
        if (status == MOX_OK && !history_ready(host))
            status = MOX_E_AGAIN;
    }
    if (status == MOX_E_AGAIN)
        return MOX_OK;
    if (status == MOX_E_FILTERED)
        return drop_host(d, host, drop, detail);
    if (status != MOX_OK)
        return status;
    if (single)
        return build_address(d, host);
    return lookup_address_finished(host->lookup) ? finish_host(d, host) : build_lookup(d, host);
}

static int take_answers(struct dial *d)
{
    bool in_time = ctx_now_us(d->ctx) < d->resolve_us;
    int status = MOX_OK;

    for (size_t i = 0; i < d->nwindow && status == MOX_OK; i++) {
        if (is_known(d, &d->window[i], in_time))
            status = take_host(d, &d->window[i]);
    }
    return status;
}

/* Something of the window could be dialed, were it taken now. */
static bool has_partial(const struct dial *d)
{
    for (size_t i = 0; i < d->nwindow; i++) {
        const struct dial_host *host = &d->window[i];

        if (host->lookup != NULL && host->tlsa == NULL && history_ready(host) &&
            (lookup_address_families(host->lookup) & ~host->built) != 0)
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

/* Hosts from the loop's preference on are as good as dropped. */
static bool may_open(const struct dial *d, const struct plan_host *host)
{
    return host != NULL && host->view.preference < d->loop_preference;
}

bool hosts_others_left(const struct dial *d, const struct plan_host *host)
{
    for (size_t i = 0; i < d->plan->kept.len; i++) {
        const struct plan_candidate *candidate = plan_kept_at(d->plan, i);

        if (!candidate->tried && candidate->host != host)
            return true;
    }
    for (size_t i = 0; i < d->next_host; i++) {
        const struct plan_host *other = plan_host_at(d->plan, i);

        if (other != host && may_open(d, other) && !other->looked_up)
            return true; /* its answer may come yet */
    }
    return may_open(d, plan_host_at(d->plan, d->next_host));
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
        status = gate_drop(d);
    if (status == MOX_OK)
        status = order_candidates(d);
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
