/* way.c - see way.h. */
#include "dial/way.h"

#include <string.h>

#include "base/mem.h"
#include "ctx/store.h"
#include "dial/keep.h"
#include "dns/dns.h"
#include "route/lookup.h"
#include "route/volume.h"

enum { KEPT_WINDOWS = 2 }; /* as long as so many a counter is kept */

enum way_state { WAY_LOOK = 0, WAY_MX, WAY_CLAIM, WAY_CHOSEN };

struct way {
    struct dial *dial;
    struct arena arena;
    struct keep keep;
    struct lookup_rules lookup;
    struct route_claims claims; /* the refused ones */
    struct mox_route route;     /* of the last look */
    const char *domain;         /* the recipient's; "": it has none */
    struct lookup_mx *mx;       /* owned; NULL: not asked, or taken */
    struct ctx_store_op op;     /* the claim in flight */
    struct route_window windows[ROUTE_WINDOWS];
    size_t nwindows, claimed; /* of the route; of these, places that we hold */
    int64_t unix_s;           /* in which windows */
    int64_t places;           /* recipients */
    uint8_t state;            /* enum way_state */
    bool dry;
};

static void on_mx(void *arg)
{
    const struct way *way = arg;

    dial_step(way->dial);
}

static void on_claim(struct ctx_store_op *op)
{
    struct way *way = (struct way *)((char *)op - offsetof(struct way, op));

    dial_step(way->dial);
}

static void key_of(const struct way *way, size_t window, char out[ROUTE_VOLUME_KEY])
{
    route_volume_key(&way->route, way->windows[window].seconds, way->unix_s, out);
}

static int add(struct way *way, struct mox_error *err)
{
    uint32_t seconds = way->windows[way->claimed].seconds;
    char key[ROUTE_VOLUME_KEY];
    int status;

    key_of(way, way->claimed, key);
    way->op.done = on_claim;
    status = store_add(way->dial->ctx, &way->op, key, way->dry ? 0 : way->places,
                       KEPT_WINDOWS * seconds, dial_store_us(way->dial, way->lookup.store_us));
    if (status == MOX_E_NOMEM)
        return error_nomem(err);
    way->op.status = status == MOX_OK ? way->op.status : status;
    return MOX_OK;
}

/* The places that we hold are free again. After a fork they are the parent's. */
static void give_back(struct way *way)
{
    char key[ROUTE_VOLUME_KEY];

    for (; way->claimed > 0; way->claimed--) {
        if (way->dry || way->dial->ctx->forked)
            continue;
        key_of(way, way->claimed - 1, key);
        store_add_and_forget(way->dial->ctx, key, -way->places,
                             KEPT_WINDOWS * way->windows[way->claimed - 1].seconds);
    }
}

static int begin_claim(struct way *way, struct mox_error *err)
{
    way->nwindows = route_windows(&way->route, way->keep.request.config, way->windows);
    way->claimed = 0;
    way->unix_s = ctx_unix_s(way->dial->ctx);
    return add(way, err);
}

static int begin_mx(struct way *way, struct mox_error *err)
{
    static const char *const nobody[1];

    if (way->domain[0] == '\0') { /* an address literal has no MX hosts */
        way->keep.envelope.mx = nobody;
        return MOX_OK;
    }
    way->mx = lookup_mx_start(way->dial->ctx, way->domain, &way->lookup, on_mx, way);
    return way->mx == NULL ? error_nomem(err) : MOX_OK;
}

static int run_look(struct way *way, int *next, struct mox_error *err)
{
    struct route_name to;
    int status = route_lookup(way->keep.request.config, &way->keep.envelope, &way->claims, &to,
                              &way->route, err);

    if (status != MOX_OK)
        return status;
    if ((way->route.needs & MOX_NEED_MX) != 0) {
        *next = way->domain[0] == '\0' ? WAY_LOOK : WAY_MX;
        return begin_mx(way, err);
    }
    *next = way->route.limited != 0 ? WAY_CLAIM : WAY_CHOSEN;
    return way->route.limited != 0 ? begin_claim(way, err) : MOX_OK;
}

/* Hosts that mail may go to. A domain that does not exist has none, nor has one with a null MX. */
static int take_hosts(struct way *way, struct mox_error *err)
{
    const struct lookup_mx *mx = way->mx;
    bool none = mx->status != MOX_OK || mx->chain.answer.rcode == DNS_RCODE_NXDOMAIN;
    const char **names = arena_array(&way->arena, mx->nhosts + 1, sizeof *names);
    size_t n = 0;

    if (names == NULL)
        return error_nomem(err);
    for (size_t i = 0; i < mx->nhosts && !none; i++) {
        if (mx->hosts[i].drop != MOX_DROP_NONE)
            continue;
        names[n] = arena_text(&way->arena, slice_of(mx->hosts[i].name));
        if (names[n++] == NULL)
            return error_nomem(err);
    }
    way->keep.envelope.mx = names;
    way->keep.envelope.nmx = n;
    return MOX_OK;
}

/* A failure of DNS leaves the way open, and to guess could take a wrong one. */
static int run_mx(struct way *way, int *next, struct mox_error *err)
{
    if (!way->mx->chain.finished)
        return MOX_E_AGAIN;
    *next = WAY_LOOK;
    if (way->mx->status == MOX_OK || way->mx->status == MOX_E_NULL_MX)
        return take_hosts(way, err);
    if (way->mx->error == NULL)
        return error_nomem(err);
    *err = *way->mx->error;
    return err->code;
}

/* The route does not match after all. added: what had no place was counted all the same. */
static void refuse(struct way *way, int level, const char *why, bool added)
{
    const struct route_window *window = &way->windows[way->claimed];

    dial_log(way->dial, level, MOX_STAGE_ROUTE, NULL,
             "the route of %s line %d, at most %u in %u s, does not match: %s", way->route.file,
             (int)way->route.line, (unsigned)window->max, (unsigned)window->seconds, why);
    way->claimed += added;
    give_back(way);
    route_refuse(&way->claims, &way->route);
}

static int run_claim(struct way *way, int *next, struct mox_error *err)
{
    const struct route_window *window = &way->windows[way->claimed];

    if (way->op.id != 0)
        return MOX_E_AGAIN;
    *next = WAY_LOOK;
    if (way->op.status != MOX_OK) {
        way->dial->store_silent = way->op.status == MOX_E_TIMEOUT;
        refuse(way, MOX_LOG_WARNING, "the store could not be asked", false);
        return MOX_OK;
    }
    if (way->op.number > (int64_t)window->max - (way->dry ? way->places : 0)) {
        refuse(way, MOX_LOG_INFO, "that many have gone", !way->dry);
        return MOX_OK;
    }
    way->claimed++;
    *next = way->claimed < way->nwindows ? WAY_CLAIM : WAY_CHOSEN;
    return way->claimed < way->nwindows ? add(way, err) : MOX_OK;
}

static const struct {
    const char *name; /* as the trace shows it */
    /* Do what can be done now. MOX_OK: go on in *next; MOX_E_AGAIN: wait; else the dial ends. */
    int (*run)(struct way *way, int *next, struct mox_error *err);
} states[] = {
    [WAY_LOOK] = {"look", run_look},
    [WAY_MX] = {"mx", run_mx},
    [WAY_CLAIM] = {"claim", run_claim},
    [WAY_CHOSEN] = {"chosen", NULL}, /* the end: step does not run it */
};

/* Called by way_step alone. */
static void enter(struct way *way, int next)
{
    dial_log(way->dial, MOX_LOG_DEBUG, MOX_STAGE_ROUTE, NULL, "way: %s -> %s",
             states[way->state].name, states[next].name);
    way->state = (uint8_t)next;
}

int way_step(struct way *way, struct mox_error *err)
{
    while (way->state != WAY_CHOSEN) {
        int next = way->state;
        int status = states[way->state].run(way, &next, err);

        if (status != MOX_OK)
            return status;
        enter(way, next);
    }
    return MOX_OK;
}

/* The recipient's domain, which a request was looked up by before. */
static int take_domain(struct way *way, struct mox_error *err)
{
    struct route_name to;
    int status = route_name_read(way->keep.envelope.to, "recipient", &to, err);

    if (status != MOX_OK)
        return status;
    way->domain = arena_text(&way->arena, (struct slice){to.text, to.len});
    return way->domain == NULL ? error_nomem(err) : MOX_OK;
}

struct way *way_new(struct dial *d, const struct mox_dial_request *request,
                    const struct request_rules *rules, bool dry, struct mox_error *err)
{
    struct way *way = mem_new(sizeof *way);

    if (way == NULL) {
        error_nomem(err);
        return NULL;
    }
    way->dial = d;
    way->lookup = request_lookup(rules);
    way->dry = dry;
    if (keep_request(&way->keep, &way->arena, request, err) != MOX_OK ||
        take_domain(way, err) != MOX_OK) {
        way_end(way, false);
        return NULL;
    }
    request_clock(d->ctx, way->keep.request.config, &way->keep.envelope);
    way->places = way->keep.envelope.count == 0 ? 1 : way->keep.envelope.count;
    return way;
}

const struct mox_dial_request *way_request(struct way *way)
{
    way->keep.request.route = &way->route;
    return &way->keep.request;
}

struct lookup_mx *way_take_mx(struct way *way)
{
    struct lookup_mx *mx = way->mx;

    way->mx = NULL;
    return mx;
}

void way_end(struct way *way, bool used)
{
    if (way == NULL)
        return;
    if (way->op.id != 0 && way->op.answered && way->op.status == MOX_OK)
        way->claimed++; /* the answer came, and nobody has looked at it yet */
    store_cancel(&way->op);
    if (!used)
        give_back(way);
    lookup_mx_free(way->mx);
    mox_config_free((struct mox_config *)(uintptr_t)way->keep.request.config); /* our reference */
    arena_free(&way->arena);
    mem_free(way);
}
