/*
 * lookup.c - see lookup.h and moxdial/route.h. All names that could lead to a rule are asked of the
 * table at once, so that their memory is fetched together; of what they lead to the first in file
 * order wins. A short global list is not in it, see few.h.
 */
#include "route/lookup.h"

#include <string.h>

#include "base/error.h"
#include "base/hash.h"
#include "base/input.h"
#include "route/conditions.h"
#include "route/index.h"

enum { NEEDS = 3 }; /* bits of enum mox_need */

struct gaps {      /* what conditions lacked; rules are not asked in the order of the file */
    int32_t scope; /* of the list that is searched */
    uint32_t first[NEEDS]; /* the first rule of the list that lacked only this */
    uint32_t needs;        /* of the lists before */
};

struct search {
    const struct mox_config *config;
    const struct route_index *index;
    struct route_name *from, *to; /* split when the index is asked */
    uint32_t attempts;
    const struct mox_envelope *envelope;
    const struct route_claims *claims; /* NULL: nobody claims places */
    struct gaps *gaps;
};

const struct config_transport *route_transport(const struct mox_route *route)
{
    return route->internal[0];
}

const struct config_list *route_list(const struct mox_route *route)
{
    return route->internal[1];
}

const struct config_route *route_rule(const struct mox_route *route,
                                      const struct mox_config *config)
{
    const struct config_list *list = route_list(route);

    return list == NULL ? NULL : &config->routes[list->first + (uint32_t)route->index];
}

void route_refuse(struct route_claims *claims, const struct mox_route *route)
{
    claims->refused[route->scope] = route_list(route)->first + (uint32_t)route->index + 1;
}

void route_set_none(struct mox_route *out)
{
    *out = (struct mox_route){.index = -1, .families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6};
}

static void set_transport(const struct config_transport *transport, struct mox_route *out)
{
    *out = (struct mox_route){.transport = transport->name,
                              .kind = transport->kind,
                              .index = -1,
                              .families = transport->families,
                              .prefer = transport->prefer,
                              .internal = {transport}};
}

void route_set(const struct mox_config *config, const struct config_list *list, uint32_t rule,
               struct mox_route *out)
{
    const struct config_route *route = &config->routes[rule];

    set_transport(&config->transports[route->transport], out);
    out->file = list->file;
    out->scope = list->scope;
    out->index = (int32_t)(rule - list->first);
    out->line = (int32_t)route->line;
    out->internal[1] = list;
}

int route_by_transport(const struct mox_config *config, const char *name, struct mox_route *out,
                       struct mox_error *err)
{
    const struct config_transport *transport =
        config == NULL ? NULL : config_transport_by_name(config, slice_of(name));
    char text[MOX_LIMIT_ADDRESS];

    if (transport != NULL) {
        set_transport(transport, out);
        return error_none(err);
    }
    route_set_none(out);
    slice_clean(slice_of(name), false, text, sizeof text);
    error_set(err, MOX_E_CONFIG,
              "cannot find transport \"%s\"; configure it or give the message another one", text);
    if (err != NULL)
        err->stage = MOX_STAGE_ROUTE;
    return MOX_E_CONFIG;
}

static bool names_recipient(const struct mox_envelope *envelope)
{
    return envelope->to != NULL && envelope->to[0] != '\0';
}

int route_envelope(const struct mox_envelope **envelope, struct mox_envelope *copy,
                   struct mox_error *err)
{
    int status = input_take(copy, sizeof *copy, *envelope, offsetof(struct mox_envelope, account),
                            "mox_envelope", err);

    *envelope = copy;
    if (status == MOX_OK && !names_recipient(copy))
        status = error_set(err, MOX_E_INVAL,
                           "the recipient is empty; set mox_envelope.to to an address, a domain or "
                           "a literal");
    if (status != MOX_OK && err != NULL)
        err->stage = MOX_STAGE_ROUTE;
    return status;
}

/* The usual caller's envelope has our size; then it need not be copied. */
static inline int take_envelope(const struct mox_envelope **envelope, struct mox_envelope *copy,
                                struct mox_error *err)
{
    const struct mox_envelope *given = *envelope;

    if (given != NULL && given->size == sizeof *given && names_recipient(given))
        return MOX_OK;
    return route_envelope(envelope, copy, err);
}

/* Whether an item as written matches a domain. */
static bool item_matches(struct slice item, const struct route_name *name)
{
    size_t dot = item.ptr[0] == '.', len = item.len - dot, before;

    if (len == 0)
        return name->len == 0;
    if (len > name->len)
        return false;
    before = name->len - len;
    if (before > 0 && (!dot || name->text[before - 1] != '.'))
        return false;
    return memcmp(item.ptr + dot, name->text + before, len) == 0;
}

static bool from_matches(const struct search *s, const struct config_route *route)
{
    for (uint32_t i = 0; i < route->nfrom; i++) {
        if (item_matches(config_item(s->config, route->from + i), s->from))
            return true;
    }
    return route->nfrom == 0;
}

static bool is_refused(const struct search *s, uint32_t rule)
{
    return s->claims != NULL && rule < s->claims->refused[s->gaps->scope] &&
           route_is_limited(s->config, &s->config->routes[rule]);
}

/* Of a rule that matches but for its conditions. */
static bool ask_conditions(const struct search *s, uint32_t rule)
{
    struct route_facts facts = {s->envelope, s->claims != NULL};
    struct route_verdict verdict = route_judge(s->config, &s->config->routes[rule], &facts);

    for (size_t i = 0; i < NEEDS; i++) {
        if ((verdict.needs >> i & 1) != 0 && rule < s->gaps->first[i])
            s->gaps->first[i] = rule;
    }
    return verdict.key == NULL && !is_refused(s, rule);
}

static inline bool conditions_hold(const struct search *s, uint32_t rule)
{
    return s->config->routes[rule].conditions == 0 || ask_conditions(s, rule);
}

static inline bool basics_match(const struct search *s, uint32_t rule, bool from_known)
{
    const struct config_route *route = &s->config->routes[rule];

    return s->attempts >= route->minimum_attempts && (from_known || from_matches(s, route));
}

static bool rule_matches(const struct search *s, uint32_t rule, bool from_known)
{
    return basics_match(s, rule, from_known) && conditions_hold(s, rule);
}

/* The first rule of steps that does not want too many attempts. */
static uint32_t first_step(const struct search *s, const uint32_t *rules, uint32_t count)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (s->attempts >= s->config->routes[rules[middle]].minimum_attempts)
            high = middle;
        else
            low = middle + 1;
    }
    return low < count ? rules[low] : ROUTE_NONE;
}

/* The first match of a rule or a chain if it comes before best; else best. */
static uint32_t first_of(const struct search *s, uint32_t value, bool from_known, uint32_t best)
{
    const uint32_t *chain, *rules;
    uint32_t first = ROUTE_NONE;

    if (value == ROUTE_NONE)
        return best;
    if (route_value_kind(value) == ROUTE_VALUE_RULE)
        return value < best && rule_matches(s, value, from_known) ? value : best;
    chain = s->index->chains + route_value_at(value);
    rules = chain + ROUTE_CHAIN_HEAD;
    if (chain[ROUTE_CHAIN_STEPS]) {
        first = first_step(s, rules, chain[ROUTE_CHAIN_COUNT]);
        return first < best ? first : best;
    }
    for (uint32_t i = 0; i < chain[ROUTE_CHAIN_COUNT] && rules[i] < best; i++) {
        if (rule_matches(s, rules[i], from_known))
            return rules[i];
    }
    return best;
}

static bool set_has_from(const struct search *s, uint32_t set)
{
    route_name_split(s->from);
    for (size_t i = 0; i < route_name_keys(s->from); i++) {
        struct route_key key = route_name_key(s->from, i);

        if (route_table_find(&s->index->table, s->config, set, &key, route_key_hash(&key, set))
                ->key != 0)
            return true;
    }
    return false;
}

static uint32_t first_wide(const struct search *s, const struct route_group *group, uint32_t best)
{
    const uint32_t *wide;

    if (group->wide == ROUTE_NONE)
        return best;
    wide = s->index->chains + group->wide;
    for (uint32_t i = 0; i < wide[0] && wide[2 * i + 1] < best; i++) {
        uint32_t rule = wide[2 * i + 1], set = wide[2 * i + 2];

        if (basics_match(s, rule, true) && set_has_from(s, set) && conditions_hold(s, rule))
            return rule;
    }
    return best;
}

static uint32_t first_of_group(const struct search *s, uint32_t g, uint32_t best)
{
    const struct route_group *group = &s->index->groups[g];
    uint32_t owner = s->index->first_group + g;

    route_name_split(s->from);
    best = first_of(s, group->plain, true, best);
    for (size_t i = 0; i < route_name_keys(s->from); i++) {
        struct route_key key = route_name_key(s->from, i);
        const struct route_slot *slot =
            route_table_find(&s->index->table, s->config, owner, &key, route_key_hash(&key, owner));

        if (slot->key != 0)
            best = first_of(s, slot->value, true, best);
    }
    return first_wide(s, group, best);
}

static uint32_t first_of_value(const struct search *s, uint32_t value, uint32_t best)
{
    if (value != ROUTE_NONE && route_value_kind(value) == ROUTE_VALUE_GROUP)
        return first_of_group(s, route_value_at(value), best);
    return first_of(s, value, false, best);
}

struct probe { /* a key of the recipient's that may stand in the table */
    struct route_key key;
    uint32_t hash;
};

static inline void set_probe(const struct search *s, uint32_t owner, size_t i, struct probe *out)
{
    out->key = route_name_key(s->to, i);
    out->hash = route_key_hash(&out->key, owner);
    route_table_prefetch(&s->index->table, out->hash);
}

/* The keys of which the list has the shape: for no others is it asked. Returns how many. */
static inline size_t set_probes(const struct search *s, uint32_t at, struct probe *probes)
{
    const struct route_list *list = &s->index->lists[at];
    size_t labels = s->to->labels, n = 0;

    for (size_t i = 0; i < labels; i++) {
        if ((list->dots & route_depth_bit(i + 1)) != 0)
            set_probe(s, ROUTE_OWNER_LISTS + at, i, &probes[n++]);
    }
    if (((labels == 0 ? list->dots : list->names) & route_depth_bit(labels)) != 0)
        set_probe(s, ROUTE_OWNER_LISTS + at, labels, &probes[n++]);
    return n;
}

/* The first rule of a list that matches; ROUTE_NONE: none does. */
static uint32_t search_list(const struct search *s, uint32_t at)
{
    struct probe probes[MOX_LIMIT_LABELS + 1];
    uint32_t best;
    size_t n;

    route_name_split(s->to);
    n = set_probes(s, at, probes);
    best = first_of_value(s, s->index->lists[at].any, ROUTE_NONE);

    for (const struct probe *p = probes; p < probes + n; p++) {
        const struct route_slot *slot =
            route_table_find(&s->index->table, s->config, ROUTE_OWNER_LISTS + at, &p->key, p->hash);

        if (slot->key != 0)
            best = first_of_value(s, slot->value, best);
    }
    return best;
}

static inline bool entry_matches(const struct search *s, const struct route_few_entry *entry)
{
    if (entry->len > 0 &&
        !item_matches((struct slice){s->config->names + entry->item, entry->len}, s->to))
        return false;
    return rule_matches(s, entry->rule, false);
}

/* The same of the global list, which may be short. */
static uint32_t search_global(const struct search *s)
{
    const struct route_few *few = s->index->few;
    uint32_t left;

    if (few == NULL)
        return search_list(s, s->index->global);
    for (left = route_few_candidates(few, s->to); left != 0; left &= left - 1) {
        const struct route_few_entry *entry = &few->entries[route_lowest_bit(left)];

        if (entry_matches(s, entry))
            return entry->rule;
    }
    return ROUTE_NONE;
}

/* Sets *at to a list by its name; false: there is none. */
static bool find_list(const struct search *s, uint32_t owner, const struct route_key *key,
                      uint32_t *at)
{
    const struct route_slot *slot =
        route_table_find(&s->index->table, s->config, owner, key, route_key_hash(key, owner));

    if (slot->key == 0)
        return false;
    *at = slot->value;
    return true;
}

/* Most configurations have no conditions at all. */
static inline void open_gaps(const struct search *s, int32_t scope)
{
    if (!s->index->conditions)
        return;
    s->gaps->scope = scope;
    for (size_t i = 0; i < NEEDS; i++)
        s->gaps->first[i] = ROUTE_NONE;
}

/* A fact that was missing before the match could have changed it; behind it, it could not. */
static inline void close_gaps(const struct search *s, uint32_t best)
{
    if (!s->index->conditions)
        return;
    for (size_t i = 0; i < NEEDS; i++) {
        if (s->gaps->first[i] < best)
            s->gaps->needs |= 1u << i;
    }
}

/* The first match of a list, and which facts it lacked. */
static uint32_t search_scope(const struct search *s, uint32_t at, int scope)
{
    uint32_t best;

    open_gaps(s, scope);
    best = search_list(s, at);
    close_gaps(s, best);
    return best;
}

/* The first match of the account's list, if there is one. */
static uint32_t search_account(const struct search *s, uint32_t *at)
{
    struct slice name = slice_of(s->envelope->account);
    struct route_key key;

    if (name.len == 0)
        return ROUTE_NONE;
    key = (struct route_key){name, hash_bytes(name.ptr, name.len, 0), false};
    if (!find_list(s, ROUTE_OWNER_ACCOUNTS, &key, at))
        return ROUTE_NONE;
    return search_scope(s, *at, MOX_SCOPE_ACCOUNT);
}

/* The same of the sender domain's. */
static uint32_t search_domain(const struct search *s, uint32_t *at)
{
    struct route_key key;

    if (s->from->len == 0)
        return ROUTE_NONE;
    route_name_split(s->from);
    key = route_name_key(s->from, s->from->labels);
    if (!find_list(s, ROUTE_OWNER_DOMAINS, &key, at))
        return ROUTE_NONE;
    return search_scope(s, *at, MOX_SCOPE_DOMAIN);
}

/* The first match of all lists that apply, and its list. */
static uint32_t search_lists(const struct search *s, uint32_t *at)
{
    uint32_t best = ROUTE_NONE;

    if (s->index->accounts)
        best = search_account(s, at);
    if (best == ROUTE_NONE && s->index->domains)
        best = search_domain(s, at);
    if (best != ROUTE_NONE || s->index->global == ROUTE_NONE)
        return best;
    *at = s->index->global;
    open_gaps(s, MOX_SCOPE_GLOBAL);
    best = search_global(s);
    close_gaps(s, best);
    return best;
}

static int answer(const struct search *s, struct mox_route *out, struct mox_error *err)
{
    uint32_t at = 0, best = search_lists(s, &at);

    if (best != ROUTE_NONE)
        route_set(s->config, &s->config->lists[at], best, out);
    if (!s->index->conditions)
        return error_none(err);
    out->limited = best != ROUTE_NONE && route_is_limited(s->config, &s->config->routes[best]);
    out->needs = s->gaps->needs;
    return error_none(err);
}

int route_lookup(const struct mox_config *config, const struct mox_envelope *envelope,
                 const struct route_claims *claims, struct route_name *to, struct mox_route *out,
                 struct mox_error *err)
{
    struct mox_envelope copy;
    struct route_name from;
    struct gaps gaps;
    struct search s;
    int status;

    route_set_none(out);
    status = take_envelope(&envelope, &copy, err);
    if (status == MOX_OK)
        status = route_name_read(envelope->from, "sender", &from, err);
    if (status == MOX_OK)
        status = route_name_read(envelope->to, "recipient", to, err);
    if (status != MOX_OK)
        return status;
    if (config == NULL || config->nroutes == 0)
        return error_none(err);
    if (config->index == NULL)
        return error_set(err, MOX_E_STATE, "the configuration has no route index");
    gaps.needs = 0;
    s = (struct search){config,   config->index, &from, to, envelope->attempts,
                        envelope, claims,        &gaps};
    return answer(&s, out, err);
}

int mox_route_lookup(const struct mox_config *config, const struct mox_envelope *envelope,
                     struct mox_route *out, struct mox_error *err)
{
    struct route_name to;

    return route_lookup(config, envelope, NULL, &to, out, err);
}
