/* set_top.c - see set.h. */
#include <string.h>

#include "base/ip.h"
#include "config/set.h"

enum {
    MS = 1000000, /* nanoseconds */
    RACE_LEAST = 100,
    RACE_MOST = 2000,           /* ms, RFC 8305 section 8 */
    TIMEOUT_MOST = 24 * 3600000 /* ms: longer is a slip of the unit */
};

void config_set_hostname(struct build *b, const struct schema_key *key,
                         const struct schema_value *value)
{
    struct mox_config *c = b->config;

    (void)key;
    c->hostname_unicode = config_set_take_unicode(b, value->text, "hostname", &c->hostname_ascii);
    c->info.hostname = c->hostname_ascii;
}

void config_set_trust_ad(struct build *b, const struct schema_key *key,
                         const struct schema_value *value)
{
    (void)key;
    b->config->trust_ad = value->flag ? 1 : 0;
}

void config_set_allow_special(struct build *b, const struct schema_key *key,
                              const struct schema_value *value)
{
    (void)key;
    b->config->allow_special = value->flag;
}

void config_set_race_delay(struct build *b, const struct schema_key *key,
                           const struct schema_value *value)
{
    (void)key;
    if (value->number < (int64_t)RACE_LEAST * MS || value->number > (int64_t)RACE_MOST * MS)
        config_build_error(
            b,
            "%s is outside 100ms to 2s (RFC 8305 section 8); choose a value between, or "
            "remove the key for 1s",
            config_build_quote(value->text).text);
    else
        b->config->race_delay_ms = (uint32_t)(value->number / MS);
}

void config_set_timeout(struct build *b, const struct schema_key *key,
                        const struct schema_value *value)
{
    uint32_t ms;

    if (value->number < 0 || value->number > (int64_t)TIMEOUT_MOST * MS) {
        config_build_error(b, "%s is outside 0 to 24h; choose a value between, 0 for the default",
                           config_build_quote(value->text).text);
        return;
    }
    ms = (uint32_t)((value->number + MS - 1) / MS);
    memcpy((char *)&b->config->timeouts + key->arg, &ms, sizeof ms);
}

/* What follows "redis:": a socket's path, or HOST:PORT. */
static bool is_redis_place(struct slice place)
{
    struct slice host;
    uint16_t port = 0;

    if (slice_starts(place, "/"))
        return place.len > 1;
    return ip_split_port(place, &host, &port) == MOX_OK && port != 0;
}

/* "sqlite:" and the path, which starts at the folder of the file if it is relative. */
static const char *take_sqlite(struct build *b, struct slice method, struct slice place)
{
    const char *path = config_set_take_path(b, place);
    size_t len;
    char *text;

    if (path == NULL)
        return NULL;
    len = strlen(path) + 1;
    text = config_build_check(b, arena_bytes(&b->config->arena, method.len + 1 + len, 1));
    if (text == NULL)
        return NULL;
    memcpy(text, method.ptr, method.len);
    text[method.len] = ':';
    memcpy(text + method.len + 1, path, len);
    return text;
}

void config_set_store(struct build *b, const struct schema_key *key,
                      const struct schema_value *value)
{
    size_t colon = slice_find(value->text, ':');
    struct slice method = slice_sub(value->text, 0, colon);
    struct slice place = slice_sub(value->text, colon + 1, value->text.len);

    (void)key;
    if (slice_is(value->text, "memory"))
        return;
    if (slice_is(method, "sqlite") && place.len > 0)
        b->config->info.store = take_sqlite(b, method, place);
    else if (slice_is(method, "redis") && is_redis_place(place))
        b->config->info.store = config_build_text(b, value->text);
    else
        config_build_error(
            b,
            "unknown store %s; write memory, sqlite:PATH, redis:HOST:PORT or redis:PATH "
            "(which begins with a slash)",
            config_build_quote(value->text).text);
}

void config_set_spf_map(struct build *b, const struct schema_key *key,
                        const struct schema_value *value)
{
    struct config_spf_map map = {0};

    (void)key;
    if (ip_parse_prefix(b->name, &map.prefix) != MOX_OK)
        config_build_error(b, "bad address or prefix %s; write it as 192.168.1.254 or fd00::/8",
                           config_build_quote(b->name).text);
    else if (ip_parse_plain(value->text, &map.ip) != MOX_OK)
        config_build_error(
            b, "bad ip %s; write the address that stands for it, without prefix or zone",
            config_build_quote(value->text).text);
    else
        config_build_append(b, &b->spf_map, &map, sizeof map);
}

void config_set_close_local_ips(struct build *b, const struct schema_key *key, bool whole)
{
    (void)key, (void)whole;
    b->config->local_ips = config_set_take_ips(b, &b->config->nlocal_ips);
}

void config_set_close_nat_ips(struct build *b, const struct schema_key *key, bool whole)
{
    (void)key, (void)whole;
    b->config->nat_ips = config_set_take_ips(b, &b->config->nnat_ips);
}
