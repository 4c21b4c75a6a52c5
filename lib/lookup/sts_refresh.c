/*
 * sts_refresh.c - see sts_refresh.h. A refresh that ended is kept for the time it began, until its
 * place is needed: a web server that is down is not asked by each dial.
 */
#include "lookup/sts_refresh.h"

#include "base/domain.h"
#include "base/mem.h"
#include "base/units.h"
#include "lookup/sts_fetch.h"
#include "lookup/sts_value.h"

enum { TIMEOUT_S = 60 };

static const char refreshes_key; /* its address is the key */

struct refresh {
    struct ctx_fetch fetch; /* first; id 0: not running */
    struct refresh *next;
    uint64_t began_us;
    struct domain domain;
    char id[STS_ID + 1];
};

struct refreshes {
    struct ctx_part part; /* first */
    struct refresh *list;
    size_t count; /* at most MOX_LIMIT_STS_REFRESHES */
};

static void end_refreshes(struct ctx_part *part)
{
    struct refreshes *all = (struct refreshes *)part; /* its first member */
    struct refresh *next;

    for (struct refresh *r = all->list; r != NULL; r = next) {
        next = r->next;
        fetch_cancel(&r->fetch);
        mem_free(r);
    }
    mem_free(all);
}

static bool is_running(const struct refresh *r)
{
    return r->fetch.id != 0;
}

static void on_fetched(struct ctx_fetch *fetch)
{
    struct refresh *r = (struct refresh *)fetch; /* its first member */
    struct sts_policy policy;
    struct sts_failure failure;
    struct arena arena = {0};

    if (sts_fetch_read(fetch, r->domain.name, &arena, &policy, &failure) == MOX_OK)
        sts_value_put(fetch->ctx, r->domain.name, slice_of(r->id), buffer_slice(&fetch->body),
                      policy.max_age_s);
    fetch_cancel(fetch); /* the body has been read */
    arena_free(&arena);
}

/* A place for the domain; NULL: it has had its turn, or there is none. */
static struct refresh *find_place(struct refreshes *all, const char *domain, uint64_t now_us)
{
    struct refresh *oldest = NULL;

    for (struct refresh *r = all->list; r != NULL; r = r->next) {
        bool recent = now_us - r->began_us < us_of_s(STS_NONE_S);

        if (slice_is(domain_slice(&r->domain), domain) && (is_running(r) || recent))
            return NULL;
        if (!is_running(r) && (oldest == NULL || r->began_us < oldest->began_us))
            oldest = r;
    }
    if (all->count == MOX_LIMIT_STS_REFRESHES)
        return oldest;
    oldest = mem_new(sizeof *oldest);
    if (oldest == NULL)
        return NULL;
    oldest->next = all->list;
    all->list = oldest;
    all->count++;
    return oldest;
}

void sts_refresh(struct mox_ctx *ctx, const char *domain, struct slice id)
{
    struct refreshes *all =
        ctx->shutting_down ? NULL : ctx_part_use(ctx, &refreshes_key, sizeof *all, end_refreshes);
    struct refresh *r = all == NULL ? NULL : find_place(all, domain, ctx_now_us(ctx));

    if (r == NULL)
        return;
    domain_set(&r->domain, slice_of(domain));
    slice_clean(id, false, r->id, sizeof r->id);
    r->began_us = ctx_now_us(ctx);
    r->fetch.done = on_fetched;
    sts_fetch_start(ctx, &r->fetch, r->domain.name, us_of_s(TIMEOUT_S));
}
