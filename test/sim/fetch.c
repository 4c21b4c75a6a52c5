/* fetch.c - see fetch.h. Each answer is given twice, as those of DNS are. */
#include "test/sim/fetch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SLOW_US = 300 * 1000, SOON_US = 2000 };

struct fetch_question {
    struct fetch_question *next;
    uint64_t id;
    struct fetch_page *page; /* NULL: there is no such host */
    bool over, again;        /* again: it is not its first */
};

struct fetch_page *fetch_page(struct world *w, const char *domain)
{
    struct fetch_page *page = w->pages;

    while (page != NULL && strcmp(page->domain, domain) != 0)
        page = page->next;
    if (page != NULL)
        return page;
    page = world_alloc(w, sizeof *page);
    *page = (struct fetch_page){.next = w->pages, .domain = world_text(w, domain), .status = 404};
    w->pages = page;
    return page;
}

/* Only this one address is ever asked for. */
static struct fetch_page *find_page(struct world *w, const char *url)
{
    for (struct fetch_page *page = w->pages; page != NULL; page = page->next) {
        char want[400];

        snprintf(want, sizeof want, "https://mta-sts.%s/.well-known/mta-sts.txt", page->domain);
        if (strcmp(url, want) == 0)
            return page;
    }
    return NULL;
}

static int answer(struct world *w, const struct fetch_question *q)
{
    const struct fetch_page *page = q->page;

    if (page == NULL)
        return mox_fetch_answer(w->ctx, q->id, MOX_E_NO_DOMAIN, NULL, 0);
    if (page->fate == FETCH_LATER && !q->again)
        return mox_fetch_answer(w->ctx, q->id, MOX_ERRNO(ECONNREFUSED), NULL, 0);
    return mox_fetch_answer(w->ctx, q->id, page->status, page->body,
                            page->body == NULL ? 0 : strlen(page->body));
}

static void run_answer(struct world *w, void *arg)
{
    struct fetch_question *q = arg;
    bool wanted = !q->over;
    int status;

    if (w->ended)
        return;
    q->over = true;
    status = answer(w, q);
    w->stirred = true;
    if (wanted != (status == MOX_OK))
        world_fault(w, "what was fetched is %s, and %s", wanted ? "wanted" : "not wanted",
                    mox_status_name(status));
    if (answer(w, q) != MOX_E_STALE)
        world_fault(w, "what was fetched is taken twice");
}

static int sim_fetch(void *user, uint64_t id, const char *url, size_t max_bytes,
                     uint32_t timeout_ms)
{
    struct world *w = user;
    struct fetch_question *q = world_alloc(w, sizeof *q);

    *q = (struct fetch_question){w->fetches, id, find_page(w, url), false, false};
    w->fetches = q;
    world_log(w, "fetch %s", url);
    if (strncmp(url, "https://mta-sts.", 16) != 0 || max_bytes == 0 || timeout_ms == 0)
        world_fault(w, "a fetch of %s, %u bytes in %u ms", url, (unsigned)max_bytes,
                    (unsigned)timeout_ms);
    if (q->page != NULL)
        q->again = q->page->asked++ > 0;
    if (q->page != NULL && q->page->fate == FETCH_UNASKABLE) {
        q->over = true;
        return MOX_ERRNO(ENETUNREACH);
    }
    if (q->page == NULL || q->page->fate != FETCH_MUTE)
        world_at(w, q->page == NULL ? SOON_US : 1000u * q->page->ms, run_answer, q);
    return MOX_OK;
}

static void sim_cancel(void *user, uint64_t id)
{
    struct world *w = user;
    struct fetch_question *q = w->fetches;

    while (q != NULL && q->id != id)
        q = q->next;
    if (q == NULL || q->over)
        world_fault(w, "a fetch is cancelled that %s", q == NULL ? "never was" : "was over");
    else
        q->over = true;
}

struct mox_fetch_ops fetch_ops(struct world *w)
{
    return (struct mox_fetch_ops){sizeof(struct mox_fetch_ops), w, sim_fetch, sim_cancel};
}

void fetch_check(struct world *w)
{
    for (const struct fetch_question *q = w->fetches; q != NULL; q = q->next) {
        if (!q->over)
            world_fault(w, "a fetch is neither answered nor cancelled");
    }
}

static struct store_item *find_item(const struct world *w, const char *key)
{
    struct store_item *item = w->items;

    while (item != NULL && strcmp(item->key, key) != 0)
        item = item->next;
    return item;
}

static struct store_item *make_item(struct world *w, const char *key)
{
    struct store_item *item = find_item(w, key);

    if (item != NULL)
        return item;
    item = world_alloc(w, sizeof *item);
    *item = (struct store_item){.next = w->items, .key = world_text(w, key)};
    w->items = item;
    return item;
}

const struct store_item *store_item(const struct world *w, const char *key)
{
    const struct store_item *item = find_item(w, key);

    return item != NULL && item->until_us > w->now_us ? item : NULL;
}

void store_count(struct world *w, const char *key, int64_t number)
{
    struct store_item *item = make_item(w, key);

    item->number = number;
    item->until_us = UINT64_MAX;
}

struct store_question {
    uint64_t id;
    const char *key;         /* of a get; NULL: of another */
    struct store_item *item; /* of an add */
    int64_t delta, number;
};

/* Its values are one line. */
static bool is_history(const char *key)
{
    return key != NULL && strncmp(key, "mox1/fam/", 9) == 0;
}

/* Whether somebody waits is not known here: a put may be one that nobody does. */
static void run_store(struct world *w, void *arg)
{
    static const char garbage[] = "17e5 x\n\001 mode: enforce";
    const struct store_question *q = arg;
    const struct store_item *item = q->key == NULL ? NULL : store_item(w, q->key);
    bool fails = w->store == STORE_FAILS || (q->item != NULL && w->store == STORE_GARBAGE);
    const char *value = NULL;
    size_t len = 0;
    bool taken;

    if (w->ended)
        return;
    if (item != NULL && item->len > 0) {
        value = item->value;
        len = item->len;
    }
    if (q->key != NULL && w->store == STORE_GARBAGE) {
        value = garbage;
        len = sizeof garbage - 1;
    }
    w->stirred = true;
    taken = mox_store_done(w->ctx, q->id, fails ? MOX_E_STORE : MOX_OK, value, len, q->number) ==
            MOX_OK;
    if (q->item != NULL && taken)
        q->item->lost -= q->delta > 0 ? q->delta : 0;
    if (taken && w->store != STORE_FAILS && is_history(q->key))
        world_log(w, "store says %s %.*s", q->key, value == NULL ? 0 : (int)strcspn(value, "\n"),
                  value);
    if (mox_store_done(w->ctx, q->id, MOX_OK, NULL, 0, 0) != MOX_E_STALE)
        world_fault(w, "the store's answer is taken twice");
}

static int ask(struct world *w, struct store_question question)
{
    struct store_question *q = world_alloc(w, sizeof *q);

    *q = question;
    if (w->store == STORE_UNASKABLE)
        return MOX_E_STORE;
    if (w->store != STORE_MUTE)
        world_at(w, w->store == STORE_SLOW ? SLOW_US : SOON_US, run_store, q);
    return MOX_OK;
}

static int sim_get(void *user, uint64_t id, const char *key)
{
    world_log(user, "store gets %s", key);
    return ask(user, (struct store_question){.id = id, .key = world_text(user, key)});
}

static struct store_item *keep(struct world *w, const char *key, const void *value, size_t len)
{
    struct store_item *item = make_item(w, key);

    item->value = world_alloc(w, len + 1);
    if (len > 0)
        memcpy(item->value, value, len);
    item->len = len;
    item->until_us = UINT64_MAX;
    return item;
}

void store_keep(struct world *w, const char *key, const char *value, size_t len)
{
    keep(w, key, value, len);
}

static int sim_put(void *user, uint64_t id, const char *key, const void *value, size_t len,
                   uint32_t ttl_s)
{
    struct world *w = user;
    struct store_item *item = keep(w, key, value, len);

    world_log(w, "store puts %s for %u s: %s", key, (unsigned)ttl_s,
              is_history(key) ? item->value : "");
    if (ttl_s != 0)
        item->until_us = w->now_us + (uint64_t)ttl_s * 1000000;
    return ask(w, (struct store_question){.id = id});
}

/* What is added is lost until its answer was taken. */
static int sim_add(void *user, uint64_t id, const char *key, int64_t delta, uint32_t ttl_s)
{
    struct world *w = user;
    struct store_item *item = make_item(w, key);
    struct store_question q = {.id = id, .item = item, .delta = delta};

    if (delta != 0 && w->dry)
        world_fault(w, "a dry run adds %lld to %s", (long long)delta, key);
    if (item->until_us <= w->now_us) {
        item->number = item->lost = 0;
        item->until_us = w->now_us + (uint64_t)ttl_s * 1000000;
    }
    if (w->store == STORE_FAILS || w->store == STORE_UNASKABLE || w->store == STORE_GARBAGE) {
        q.delta = 0;
    } else {
        item->number += delta;
        item->lost += delta > 0 ? delta : 0;
    }
    q.number = item->number;
    world_log(w, "store adds %lld to %s: %lld", (long long)delta, key, (long long)item->number);
    return ask(w, q);
}

struct mox_store_ops store_ops(struct world *w)
{
    return (struct mox_store_ops){.size = sizeof(struct mox_store_ops),
                                  .user = w,
                                  .get = sim_get,
                                  .put = sim_put,
                                  .add = sim_add};
}
