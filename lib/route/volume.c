/* volume.c - see volume.h. */
#include "route/volume.h"

#include <assert.h>
#include <inttypes.h>

#include "base/limits.h"
#include "base/mbed.h"
#include "base/text.h"
#include "route/conditions.h"
#include "route/lookup.h"

enum { PART = 253, HASH = 32 }; /* bytes of a name that stands as it is; of a SHA-256 */

static_assert(ROUTE_VOLUME_KEY >=
                  sizeof "mox1/vol/account///86400/-9223372036854775808" + PART + PART,
              "the longest key fits");
static_assert((int)ROUTE_VOLUME_KEY <= (int)MOX_LIMIT_STORE_KEY, "a store takes it");

size_t route_windows(const struct mox_route *route, const struct mox_config *config,
                     struct route_window out[ROUTE_WINDOWS])
{
    const struct config_route *rule = route_rule(route, config);
    const struct config_conditions *c = rule == NULL ? NULL : route_conditions(config, rule);
    size_t n = 0;

    if (c == NULL)
        return 0;
    if (c->max_per_minute > 0)
        out[n++] = (struct route_window){60, c->max_per_minute};
    if (c->max_per_hour > 0)
        out[n++] = (struct route_window){3600, c->max_per_hour};
    if (c->max_per_day > 0)
        out[n++] = (struct route_window){86400, c->max_per_day};
    return n;
}

static bool is_plain(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!slice_is_alpha(c) && !slice_is_digit(c) && c != '-' && c != '.' && c != '_')
            return false;
    }
    return name.len <= PART;
}

/* A name as a part of a key; what could be taken for more than one part is hashed. */
static void add_part(struct text *t, const char *name)
{
    struct slice text = slice_of(name);
    unsigned char hash[HASH] = {0};

    if (is_plain(text)) {
        text_slice(t, text);
        return;
    }
    mbed_sha256(text.ptr, text.len, hash); /* it fails only where there is no SHA-256 at all */
    text_char(t, '%');
    for (size_t i = 0; i < HASH; i++)
        text_add(t, "%02x", hash[i]);
}

void route_volume_key(const struct mox_route *route, uint32_t seconds, int64_t unix_s,
                      char out[ROUTE_VOLUME_KEY])
{
    const struct config_list *list = route_list(route);
    struct text t = text_to(out, ROUTE_VOLUME_KEY);
    int64_t n = unix_s / (int64_t)seconds - (unix_s % (int64_t)seconds < 0);

    text_add(&t, "mox1/vol/%s/", mox_scope_name(route->scope));
    add_part(&t, list == NULL || list->name == NULL ? "-" : list->name);
    text_char(&t, '/');
    add_part(&t, route->transport);
    text_add(&t, "/%" PRIu32 "/%" PRId64, seconds, n);
}
