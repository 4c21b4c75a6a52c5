/*
 * explain.c - why a route was taken: mox_route_each and mox_route_explain.
 *
 * This is semantics in its plainest form, one route after the other and one condition after the
 * other. It shares no matching with index and lookup, so that each is the other's test.
 */
#include <limits.h>

#include <moxdial/route.h>

#include "base/domain.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "route/conditions.h"
#include "route/lookup.h"
#include "route/name.h"

enum {
    EXPLAIN_LINE = 1024, /* bytes of one line; items beyond are counted */
    EXPLAIN_ITEMS = 3    /* items of a list that are shown */
};

struct walk {
    const struct mox_config *config;
    const struct mox_envelope *envelope;
    struct slice from, to; /* the domains */
    mox_route_step_fn *step;
    void *arg;
    uint64_t considered;
    uint32_t needs; /* what the routes so far lacked */
    bool ended;     /* the last route was the answer */
};

/* Item `.x` matches x and each name below it, any other only itself; `.` the empty domain. */
static bool item_is(struct slice item, struct slice domain)
{
    if (slice_is(item, "."))
        return domain.len == 0;
    if (!slice_starts(item, "."))
        return slice_equal(item, domain);
    item = slice_sub(item, 1, item.len);
    while (domain.len > 0 && !slice_equal(item, domain))
        domain = domain_parent(domain);
    return domain.len > 0;
}

static bool list_is(const struct mox_config *config, uint32_t first, uint32_t n,
                    struct slice domain)
{
    for (uint32_t i = 0; i < n; i++) {
        if (item_is(config_item(config, first + i), domain))
            return true;
    }
    return n == 0;
}

static void add_items(struct text *t, const struct mox_config *config, uint32_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n && i < EXPLAIN_ITEMS; i++) {
        text_add(t, i > 0 ? ", " : "");
        text_slice(t, config_item(config, first + i));
    }
    if (n > EXPLAIN_ITEMS)
        text_add(t, " and %u more", (unsigned)(n - EXPLAIN_ITEMS));
}

static void add_domain(struct text *t, struct slice domain)
{
    if (domain.len == 0)
        text_add(t, "the empty domain (null sender or address literal)");
    else
        text_slice(t, domain);
}

/* The first condition that does not hold, or lacks its fact. */
static struct route_verdict find_fault(const struct walk *w, const struct config_route *route)
{
    struct route_facts facts = {w->envelope, false};

    if (w->envelope->attempts < route->minimum_attempts)
        return (struct route_verdict){"MinimumAttempts", 0};
    if (!list_is(w->config, route->from, route->nfrom, w->from))
        return (struct route_verdict){"FromDomain", 0};
    if (!list_is(w->config, route->to, route->nto, w->to))
        return (struct route_verdict){"ToDomain", 0};
    return route_judge(w->config, route, &facts);
}

static void add_fault(struct text *t, const struct walk *w, const struct config_route *route,
                      const char *fault)
{
    struct slice key = slice_of(fault);

    if (fault == NULL) {
        text_add(t, "matches");
    } else if (slice_is(key, "MinimumAttempts")) {
        text_add(t, "no match: MinimumAttempts is %u, attempts made are %u",
                 (unsigned)route->minimum_attempts, (unsigned)w->envelope->attempts);
    } else if (slice_is(key, "FromDomain")) {
        text_add(t, "no match: FromDomain is ");
        add_items(t, w->config, route->from, route->nfrom);
        text_add(t, ", the sender's domain is ");
        add_domain(t, w->from);
    } else if (slice_is(key, "ToDomain")) {
        text_add(t, "no match: ToDomain is ");
        add_items(t, w->config, route->to, route->nto);
        text_add(t, ", the recipient's domain is ");
        add_domain(t, w->to);
    } else {
        text_add(t, "no match: ");
        route_verdict_text(w->config, route, w->envelope, fault, t);
    }
}

static void add_head(struct text *t, const struct config_list *list, const struct mox_route *route)
{
    text_add(t, "%s", mox_scope_name(list->scope));
    if (list->shown != NULL)
        text_add(t, " %s", list->shown);
    text_add(t, " #%d %s:%d -> %s: ", (int)route->index, list->file, (int)route->line,
             route->transport);
}

static void consider(struct walk *w, const struct config_list *list, uint32_t rule)
{
    const struct config_route *route = &w->config->routes[rule];
    struct route_verdict fault = find_fault(w, route);
    char line[EXPLAIN_LINE];
    struct text t = text_to(line, sizeof line);
    struct mox_route_step step = {.matched = fault.key == NULL, .failed = fault.key, .text = line};

    w->needs |= fault.needs;
    w->considered++;
    w->ended = fault.key == NULL;
    route_set(w->config, list, rule, &step.route);
    step.route.needs = w->ended ? w->needs : fault.needs;
    add_head(&t, list, &step.route);
    add_fault(&t, w, route, fault.key);
    if (w->step != NULL)
        w->step(w->arg, &step);
}

static bool list_applies(const struct walk *w, const struct config_list *list)
{
    switch (list->scope) {
    case MOX_SCOPE_ACCOUNT:
        return w->envelope->account != NULL && w->envelope->account[0] != '\0' &&
               slice_is(slice_of(list->name), w->envelope->account);
    case MOX_SCOPE_DOMAIN:
        return w->from.len > 0 && slice_is(w->from, list->name);
    default:
        return true;
    }
}

static void walk_lists(struct walk *w)
{
    for (uint32_t i = 0; i < w->config->nlists && !w->ended; i++) {
        const struct config_list *list = &w->config->lists[i];

        for (uint32_t r = 0; r < list->count && !w->ended && list_applies(w, list); r++)
            consider(w, list, list->first + r);
    }
}

int mox_route_each(const struct mox_config *config, const struct mox_envelope *envelope,
                   mox_route_step_fn *fn, void *arg, struct mox_error *err)
{
    struct mox_envelope copy;
    struct route_name from, to;
    struct walk w = {.config = config, .step = fn, .arg = arg};
    int status = route_envelope(&envelope, &copy, err);

    if (status == MOX_OK)
        status = route_name_read(envelope->from, "sender", &from, err);
    if (status == MOX_OK)
        status = route_name_read(envelope->to, "recipient", &to, err);
    if (status != MOX_OK)
        return status;
    w.envelope = envelope;
    w.from = (struct slice){from.text, from.len};
    w.to = (struct slice){to.text, to.len};
    if (config != NULL)
        walk_lists(&w);
    error_none(err);
    return w.considered > INT_MAX ? INT_MAX : (int)w.considered;
}

static void add_line(void *arg, const struct mox_route_step *step)
{
    struct text *t = arg;

    text_slice(t, slice_of(step->text));
    text_char(t, '\n');
}

size_t mox_route_explain(const struct mox_config *config, const struct mox_envelope *envelope,
                         char *buf, size_t cap)
{
    struct text t = text_to(buf, cap);
    struct mox_error err = {0};
    int status = mox_route_each(config, envelope, add_line, &t, &err);

    if (status < 0)
        text_add(&t, "%s\n", err.message);
    return t.len;
}
