/*
 * conditions.c - see conditions.h. What costs nothing is asked first; what is claimed, last.
 */
#include "route/conditions.h"

#include <string.h>

#include "base/domain.h"
#include "base/mbed.h"
#include "base/mem.h"

enum {
    MINUTE_S = 60,
    DAY_MINUTES = 24 * 60,
    WEEK_DAYS = 7,
    WEEK_S = WEEK_DAYS * DAY_MINUTES * MINUTE_S,
    FIRST_DAY = 3,  /* the first of January 1970 was a Thursday; Monday is 0 */
    TEXT_ITEMS = 3, /* of a list that are shown */
    CHUNK = 64      /* bytes that are lower-cased at a time */
};

enum answer { NO, YES, UNKNOWN };

static const struct config_conditions *record(const struct mox_config *config,
                                              const struct config_route *route)
{
    static const struct config_conditions none;
    const struct config_conditions *c = route_conditions(config, route);

    return c == NULL ? &none : c;
}

static bool is_limited(const struct config_conditions *c)
{
    return c->max_per_minute > 0 || c->max_per_hour > 0 || c->max_per_day > 0;
}

bool route_is_limited(const struct mox_config *config, const struct config_route *route)
{
    return is_limited(record(config, route));
}

bool route_is_conditional(const struct mox_config *config, const struct config_route *route)
{
    const struct config_conditions *c = record(config, route);

    return c->to_mx != NULL || c->nhours > 0 || c->percent > 0 || is_limited(c);
}

/* Hours */

struct moment {
    unsigned day, minute; /* of the week, from Monday; of the day */
};

static struct moment moment_of(const struct config_conditions *c, const struct mox_envelope *e)
{
    int64_t offset = c->time_zone_fixed ? c->utc_offset_s : e->utc_offset_s;
    int64_t s = (e->unix_s % WEEK_S + offset % WEEK_S + 2 * (int64_t)WEEK_S) % WEEK_S;
    unsigned minutes = (unsigned)(s / MINUTE_S);

    return (struct moment){(minutes / DAY_MINUTES + FIRST_DAY) % WEEK_DAYS, minutes % DAY_MINUTES};
}

static bool holds_at(const struct config_hours *h, struct moment now)
{
    bool today = (h->days >> now.day & 1) != 0;
    bool yesterday = (h->days >> (now.day + WEEK_DAYS - 1) % WEEK_DAYS & 1) != 0;

    if (h->from < h->until)
        return today && now.minute >= h->from && now.minute < h->until;
    return (today && now.minute >= h->from) || (yesterday && now.minute < h->until);
}

static enum answer ask_hours(const struct config_conditions *c, const struct mox_envelope *e)
{
    if (c->nhours == 0)
        return YES;
    if (e->unix_s == 0)
        return UNKNOWN;
    for (size_t i = 0; i < c->nhours; i++) {
        if (holds_at(&c->hours[i], moment_of(c, e)))
            return YES;
    }
    return NO;
}

/* ToMX */

/* A host as DNS or a person wrote it, in the form that items have; false: it is no name. */
static bool read_host(const char *text, struct domain *out)
{
    struct slice name = slice_of(text);

    if (name.len > 1 && name.ptr[name.len - 1] == '.')
        name.len--;
    return domain_parse_lax(name, out) == MOX_OK || domain_parse(name, out, NULL) == MOX_OK;
}

/* Item `.x` is x and each name below it, any other only itself. */
static bool item_is(const char *item, struct slice host)
{
    bool below = item[0] == '.';
    struct slice name = slice_of(item + below);
    size_t before = host.len - name.len;

    if (host.len < name.len || memcmp(host.ptr + before, name.ptr, name.len) != 0)
        return false;
    return before == 0 || (below && host.ptr[before - 1] == '.');
}

static enum answer ask_to_mx(const struct config_conditions *c, const struct mox_envelope *e)
{
    struct domain host;

    if (c->to_mx == NULL)
        return YES;
    if (e->mx == NULL)
        return UNKNOWN;
    for (size_t i = 0; i < e->nmx; i++) {
        if (!read_host(e->mx[i], &host))
            continue;
        for (const char *const *item = c->to_mx; *item != NULL; item++) {
            if (item_is(*item, domain_slice(&host)))
                return YES;
        }
    }
    return NO;
}

/* Percent */

static int add_lower(mbedtls_sha256_context *sha, struct slice text)
{
    char chunk[CHUNK];
    size_t n = 0;
    int ret = 0;

    for (size_t i = 0; i < text.len && ret == 0; i++) {
        chunk[n++] = slice_lower(text.ptr[i]);
        if (n == CHUNK || i + 1 == text.len) {
            ret = mbed_sha256_add(sha, chunk, n);
            n = 0;
        }
    }
    return ret;
}

static int add_text(mbedtls_sha256_context *sha, const char *text)
{
    return mbed_sha256_add(sha, text, strlen(text));
}

static int add_key(mbedtls_sha256_context *sha, const struct mox_envelope *e)
{
    int ret;

    if (e->key != NULL && e->key[0] != '\0')
        return add_text(sha, e->key);
    ret = add_lower(sha, slice_of(e->from));
    if (ret == 0)
        ret = add_text(sha, "\n");
    return ret == 0 ? add_lower(sha, slice_of(e->to)) : ret;
}

unsigned route_bucket(const char *transport, const struct mox_envelope *e)
{
    unsigned char hash[32] = {0};
    mbedtls_sha256_context sha;
    uint64_t number = 0;
    int ret = mbed_sha256_begin(&sha);

    if (ret == 0)
        ret = add_text(&sha, "mox1/percent\n");
    if (ret == 0)
        ret = add_text(&sha, transport);
    if (ret == 0)
        ret = add_text(&sha, "\n");
    if (ret == 0)
        ret = add_key(&sha, e);
    if (mbed_sha256_end(&sha, hash) != 0 || ret != 0)
        return ROUTE_BUCKETS;
    for (size_t i = 0; i < sizeof number; i++)
        number = number << 8 | hash[i];
    return (unsigned)(number % ROUTE_BUCKETS);
}

static enum answer ask_percent(const struct config_conditions *c, const char *transport,
                               const struct mox_envelope *e)
{
    return c->percent == 0 || route_bucket(transport, e) < c->percent ? YES : NO;
}

/* All of them */

static const char *limit_key(const struct config_conditions *c)
{
    if (c->max_per_minute > 0)
        return "MaxPerMinute";
    return c->max_per_hour > 0 ? "MaxPerHour" : "MaxPerDay";
}

static void take(struct route_verdict *verdict, enum answer answer, const char *key, uint32_t need)
{
    if (answer == YES)
        return;
    if (verdict->key == NULL)
        verdict->key = key;
    if (answer == UNKNOWN)
        verdict->needs |= need;
}

struct route_verdict route_judge(const struct mox_config *config, const struct config_route *route,
                                 const struct route_facts *facts)
{
    const struct config_conditions *c = record(config, route);
    const char *transport = config->transports[route->transport].name;
    enum answer to_mx = ask_to_mx(c, facts->envelope), hours = ask_hours(c, facts->envelope);
    struct route_verdict verdict = {NULL, 0};

    if (to_mx == NO)
        return (struct route_verdict){"ToMX", 0};
    if (hours == NO)
        return (struct route_verdict){"Hours", 0};
    if (ask_percent(c, transport, facts->envelope) == NO)
        return (struct route_verdict){"Percent", 0};
    take(&verdict, to_mx, "ToMX", MOX_NEED_MX);
    take(&verdict, hours, "Hours", MOX_NEED_TIME);
    take(&verdict, is_limited(c) && !facts->volume ? UNKNOWN : YES, limit_key(c), MOX_NEED_VOLUME);
    return verdict;
}

/* Words */

static void text_name(struct text *t, const char *name)
{
    char clean[MOX_LIMIT_DOMAIN + 2];

    slice_clean(slice_of(name), false, clean, sizeof clean);
    text_slice(t, slice_of(clean));
}

static void text_names(struct text *t, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n && i < TEXT_ITEMS; i++) {
        text_add(t, i > 0 ? ", " : "");
        text_name(t, names[i]);
    }
    if (n > TEXT_ITEMS)
        text_add(t, " and %zu more", n - TEXT_ITEMS);
}

static void text_to_mx(struct text *t, const struct config_conditions *c,
                       const struct mox_envelope *e)
{
    size_t n = 0;

    while (c->to_mx[n] != NULL)
        n++;
    text_add(t, e->mx == NULL ? "ToMX: the MX hosts are not known"
                : e->nmx == 0 ? "ToMX: there are no MX hosts"
                : e->nmx == 1 ? "ToMX: the MX host is "
                              : "ToMX: the MX hosts are ");
    if (e->mx != NULL)
        text_names(t, e->mx, e->nmx);
    text_add(t, ", wants ");
    text_names(t, c->to_mx, n);
}

static void text_hours(struct text *t, const struct config_conditions *c,
                       const struct mox_envelope *e)
{
    struct moment now = moment_of(c, e);

    if (e->unix_s == 0)
        text_add(t, "Hours: the time is not known, wants ");
    else
        text_add(t, "Hours: it is %s %02u:%02u, wants ", config_day_name(now.day), now.minute / 60,
                 now.minute % 60);
    for (size_t i = 0; i < c->nhours && i < TEXT_ITEMS; i++) {
        text_add(t, i > 0 ? ", " : "");
        config_hours_text(t, &c->hours[i]);
    }
    if (c->nhours > TEXT_ITEMS)
        text_add(t, " and %zu more", c->nhours - TEXT_ITEMS);
}

static void text_limit(struct text *t, const struct config_conditions *c)
{
    static const char *const keys[] = {"MaxPerMinute", "MaxPerHour", "MaxPerDay"};
    const uint32_t limits[] = {c->max_per_minute, c->max_per_hour, c->max_per_day};
    const char *between = "";

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (limits[i] == 0)
            continue;
        text_add(t, "%s%s is %u", between, keys[i], (unsigned)limits[i]);
        between = ", ";
    }
    text_add(t, ", and only a dial can claim a place");
}

void route_verdict_text(const struct mox_config *config, const struct config_route *route,
                        const struct mox_envelope *envelope, const char *key, struct text *t)
{
    const struct config_conditions *c = record(config, route);
    const char *transport = config->transports[route->transport].name;

    if (strcmp(key, "ToMX") == 0)
        text_to_mx(t, c, envelope);
    else if (strcmp(key, "Hours") == 0)
        text_hours(t, c, envelope);
    else if (strcmp(key, "Percent") == 0)
        text_add(t, "Percent: bucket %u, wants below %u", route_bucket(transport, envelope),
                 (unsigned)c->percent);
    else
        text_limit(t, c);
}
