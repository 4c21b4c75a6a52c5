/* sts_world.c - see sts_world.h. */
#include "sts_world.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "dns/dns.h"
#include "test.h"

enum { US_PER_S = 1000000 };

const struct lookup_rules sts_world_rules = {30000000, 1000000, -1};

static int on_get(void *user, uint64_t id, const char *key)
{
    struct sts_world *w = user;

    w->gets++;
    w->get_id = id;
    w->wrong |= strcmp(key, "mox1/sts/" WORLD_DOMAIN) != 0;
    if (w->get_status != WORLD_SILENT)
        mox_store_done(w->net.ctx, id, w->get_status, w->value,
                       w->value == NULL ? 0 : strlen(w->value), 0);
    return MOX_OK;
}

static int on_put(void *user, uint64_t id, const char *key, const void *value, size_t len,
                  uint32_t ttl_s)
{
    struct sts_world *w = user;

    w->wrong |= strcmp(key, "mox1/sts/" WORLD_DOMAIN) != 0;
    snprintf(w->put, sizeof w->put, "%u:%.*s", (unsigned)ttl_s, (int)len,
             len == 0 ? "" : (const char *)value);
    if (len == 0)
        strcpy(w->put, "-");
    w->wrong |= mox_store_done(w->net.ctx, id, MOX_OK, NULL, 0, 0) != MOX_E_STALE;
    return MOX_OK;
}

static int on_add(void *user, uint64_t id, const char *key, int64_t delta, uint32_t ttl_s)
{
    struct sts_world *w = user;

    (void)id;
    (void)key;
    (void)delta;
    (void)ttl_s;
    w->wrong = true;
    return MOX_E_STORE;
}

static int on_fetch(void *user, uint64_t id, const char *url, size_t max_bytes, uint32_t timeout_ms)
{
    struct sts_world *w = user;

    w->fetches++;
    w->fetch_id = id;
    w->timeout_ms = timeout_ms;
    w->wrong |= max_bytes != MOX_LIMIT_STS_POLICY;
    snprintf(w->url, sizeof w->url, "%s", url);
    if (w->fetch_status != WORLD_SILENT)
        mox_fetch_answer(w->net.ctx, id, w->fetch_status, w->body,
                         w->body == NULL ? 0 : strlen(w->body));
    return MOX_OK;
}

static void on_cancel(void *user, uint64_t id)
{
    struct sts_world *w = user;

    w->cancels++;
    w->wrong |= id == 0;
}

void sts_world_answer(struct sts_world *w)
{
    struct mox_ctx *ctx = w->net.ctx;
    uint64_t id = w->net.query_id;
    char rdata[128];
    struct mox_dns_record record = {"_mta-sts." WORLD_DOMAIN, DNS_TYPE_TXT, 0, 300, rdata};

    if (w->txt == NULL)
        return;
    snprintf(rdata, sizeof rdata, "\"%s\"", w->txt);
    if (strcmp(w->txt, "?") == 0)
        mox_dns_fail(ctx, id, MOX_E_DNS);
    else if (w->txt[0] == '\0')
        mox_dns_answer_records(ctx, id, DNS_RCODE_NXDOMAIN, NULL, 0, 0);
    else
        mox_dns_answer_records(ctx, id, 0, &record, 1, 0);
}

static void in_query(struct ctx_world *net)
{
    sts_world_answer((struct sts_world *)net); /* its first member */
}

void sts_world_open(struct sts_world *w)
{
    memset(w, 0, sizeof *w);
    w->fetch_status = 200;
    w->body = WORLD_BODY;
    w->txt = "v=STSv1; id=new;";
    ctx_world_open(&w->net);
    w->net.in_query = in_query;
    w->net.ctx->store = (struct mox_store_ops){
        .size = sizeof w->net.ctx->store, .user = w, .get = on_get, .put = on_put, .add = on_add};
    w->net.ctx->fetch = (struct mox_fetch_ops){
        .size = sizeof w->net.ctx->fetch, .user = w, .fetch = on_fetch, .cancel = on_cancel};
}

void sts_world_close(struct sts_world *w)
{
    test_fail_alloc(0);
    for (size_t i = 0; i < WORLD_LOOKUPS; i++) {
        lookup_sts_free(w->lookups[i]);
        w->lookups[i] = NULL;
    }
    ctx_world_close(&w->net);
    ck_assert(!w->wrong);
}

static void on_done(void *arg)
{
    ((struct sts_world *)arg)->done++;
}

void sts_world_start(struct sts_world *w, size_t i)
{
    w->lookups[i] = lookup_sts_start(w->net.ctx, WORLD_DOMAIN, &sts_world_rules, on_done, w);
}

void sts_world_wait(struct sts_world *w, unsigned seconds)
{
    w->net.now_us += (int64_t)seconds * US_PER_S;
    mox_ctx_dispatch(w->net.ctx);
}

const struct lookup_sts_result *sts_world_result(const struct sts_world *w)
{
    ck_assert_int_eq(w->done, 1);
    ck_assert(lookup_sts_finished(w->lookups[0]));
    return lookup_sts_result(w->lookups[0]);
}

void sts_world_story(const struct sts_world *w, const char *name, const char *words)
{
    const char *story = sts_world_result(w)->story;

    ck_assert_msg(story != NULL && strstr(story, words) != NULL &&
                      strstr(story, WORLD_DOMAIN) != NULL,
                  "%s: %s", name, story);
}
