/* sts_value.c - see sts_value.h. */
#include "lookup/sts_value.h"

#include <assert.h>
#include <inttypes.h>

#include "base/buffer.h"
#include "base/text.h"
#include "ctx/store.h"

enum { HEAD = 64 /* bytes that hold time and id */ };

static_assert(MOX_LIMIT_STS_POLICY + HEAD <= MOX_LIMIT_STORE_VALUE, "a policy fits");
static_assert((int)STS_KEY <= (int)MOX_LIMIT_STORE_KEY, "and so does its key");

void sts_key(char key[STS_KEY], const char *domain)
{
    struct text t = text_to(key, STS_KEY);

    text_add(&t, "mox1/sts/%s", domain);
}

bool sts_value_read(struct slice text, struct sts_value *out)
{
    struct slice head = slice_sub(text, 0, slice_find(text, '\n'));
    struct slice time = slice_sub(head, 0, slice_find(head, ' '));

    *out = (struct sts_value){0};
    if (!slice_number(time, INT64_MAX, &out->fetched_s))
        return false;
    if (time.len == text.len)
        return true;
    out->id = slice_sub(head, time.len + 1, head.len);
    out->policy = slice_sub(text, head.len + 1, text.len);
    return sts_is_id(out->id) && out->policy.len > 0;
}

static size_t write_time(const struct mox_ctx *ctx, char *buf, size_t cap)
{
    int64_t now = ctx_unix_s(ctx);
    struct text t = text_to(buf, cap);

    text_add(&t, "%" PRId64, now < 0 ? 0 : now);
    return t.len;
}

void sts_value_put(struct mox_ctx *ctx, const char *domain, struct slice id, struct slice policy,
                   uint32_t max_age_s)
{
    char key[STS_KEY], time[HEAD];
    struct buffer value = {0};
    size_t len = write_time(ctx, time, sizeof time);

    if (max_age_s == 0) {
        sts_value_delete(ctx, domain);
        return;
    }
    if (buffer_append(&value, time, len) == MOX_OK && buffer_append(&value, " ", 1) == MOX_OK &&
        buffer_append(&value, id.ptr, id.len) == MOX_OK &&
        buffer_append(&value, "\n", 1) == MOX_OK &&
        buffer_append(&value, policy.ptr, policy.len) == MOX_OK) {
        sts_key(key, domain);
        store_put_and_forget(ctx, key, buffer_slice(&value), max_age_s);
    }
    buffer_free(&value); /* without memory it is not kept, and is fetched again */
}

void sts_value_put_none(struct mox_ctx *ctx, const char *domain)
{
    char key[STS_KEY], time[HEAD];
    size_t len = write_time(ctx, time, sizeof time);

    sts_key(key, domain);
    store_put_and_forget(ctx, key, (struct slice){time, len}, STS_NONE_S);
}

void sts_value_delete(struct mox_ctx *ctx, const char *domain)
{
    char key[STS_KEY];

    sts_key(key, domain);
    store_put_and_forget(ctx, key, (struct slice){NULL, 0}, 0);
}
