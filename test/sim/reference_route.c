/* reference_route.c - see reference_route.h. */
#include "test/sim/reference_route.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <mbedtls/md.h>

#include "test/sim/fetch.h"

enum verdict { NO, YES, MAYBE };

/* Whether the name is the other or stands below it. */
static bool is_or_below(const char *name, const char *other)
{
    size_t n = strlen(name), m = strlen(other);

    return strcmp(name, other) == 0 ||
           (n > m && name[n - m - 1] == '.' && strcmp(name + n - m, other) == 0);
}

static bool item_holds(const struct seed_item *item, int name)
{
    if (item->name < 0 || name < 0)
        return item->name < 0 && name < 0;
    if (!item->below)
        return item->name == name;
    return is_or_below(seed_name(name)->canonical, seed_name(item->name)->canonical);
}

static bool list_holds(const struct seed_item *items, size_t n, int name)
{
    for (size_t i = 0; i < n; i++) {
        if (item_holds(&items[i], name))
            return true;
    }
    return n == 0;
}

static bool is_list_for(const struct seed_list *list, int from, const char *account)
{
    switch (list->scope) {
    case MOX_SCOPE_ACCOUNT:
        return account != NULL && strcmp(list->name, account) == 0;
    case MOX_SCOPE_DOMAIN:
        return from == list->domain;
    default:
        return true;
    }
}

static unsigned bucket_of(const char *transport, const struct reference_asks *asks)
{
    char text[1024];
    unsigned char hash[32];
    unsigned long long number = 0;
    int n = snprintf(text, sizeof text, "mox1/percent\n%s\n", transport);

    if (asks->key[0] != '\0') {
        n += snprintf(text + n, sizeof text - (size_t)n, "%s", asks->key);
    } else {
        int from = n;

        n += snprintf(text + n, sizeof text - (size_t)n, "%s\n%s", asks->from_text, asks->to_text);
        for (int i = from; i < n; i++) {
            if (text[i] >= 'A' && text[i] <= 'Z')
                text[i] = (char)(text[i] + 'a' - 'A');
        }
    }
    mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (unsigned char *)text, (size_t)n,
               hash);
    for (int i = 0; i < 8; i++)
        number = 256 * number + hash[i];
    return (unsigned)(number % 100);
}

/* Minute by minute from the start of the week on, until it is now. */
static bool hours_hold(const struct seed_hours *hours, int64_t local_s)
{
    int64_t wanted = (local_s / 60 + 3 * 24 * 60) % (7 * 24 * 60); /* 1970 began on a Thursday */

    for (int day = 0; day < 7; day++) {
        int minute = hours->from;

        if (hours->days[0] != '\0' && strchr(hours->days, "1234567"[day]) == NULL)
            continue;
        do {
            if ((day * 24 * 60 + minute) % (7 * 24 * 60) == wanted)
                return true;
            minute++;
        } while (minute % (24 * 60) != hours->until % (24 * 60));
    }
    return false;
}

static enum verdict mx_holds(const struct seed_conditions *c, const struct reference_asks *asks)
{
    for (size_t i = 0; i < asks->nmx; i++) {
        if (c->to_mx[0] == '.' ? is_or_below(asks->mx[i].name, c->to_mx + 1)
                               : strcmp(asks->mx[i].name, c->to_mx) == 0)
            return c->to_mx[0] != '.' && asks->nmx > 32 ? MAYBE : YES;
    }
    return NO;
}

/* What all that is claimed before could change is not foretold. */
static enum verdict place_is_there(const struct seed_conditions *c,
                                   const struct reference_asks *asks)
{
    enum verdict verdict = YES;
    uint32_t count = asks->count == 0 ? 1 : asks->count;

    if (asks->store != STORE_OF_LIBRARY && asks->store != STORE_WORKS && asks->store != STORE_SLOW)
        return NO;
    for (size_t i = 0; i < 3; i++) {
        if (c->max[i] != 0 && c->max[i] < count)
            return NO;
        if (c->max[i] != 0 && c->max[i] < SEED_NEVER_FULL)
            verdict = MAYBE;
    }
    return verdict;
}

/* A route whose FromDomain, ToDomain and MinimumAttempts hold. *needs: what it lacks. */
static enum verdict conditions_hold(const struct seed_route *route,
                                    const struct reference_asks *asks, uint32_t *needs)
{
    const struct seed_conditions *c = &route->conditions;
    bool limited = c->max[0] + c->max[1] + c->max[2] > 0;
    bool by_mx = c->to_mx[0] != '\0', by_time = c->hours.until != 0;
    enum verdict mx = by_mx && asks->mx_known ? mx_holds(c, asks) : YES;

    *needs = 0;
    if (mx == NO ||
        (by_time && asks->unix_s != 0 && !hours_hold(&c->hours, asks->unix_s + c->offset_s)) ||
        (c->percent != 0 &&
         bucket_of(asks->config->transports[route->transport].name, asks) >= c->percent))
        return NO;
    *needs = (by_mx && !asks->mx_known ? MOX_NEED_MX : 0u) |
             (by_time && asks->unix_s == 0 ? MOX_NEED_TIME : 0u) |
             (limited && !asks->claims ? MOX_NEED_VOLUME : 0u);
    if (*needs != 0)
        return NO;
    if (limited && place_is_there(c, asks) != YES)
        return place_is_there(c, asks);
    return mx;
}

static bool basics_hold(const struct seed_route *route, const struct reference_asks *asks)
{
    return asks->attempts >= (uint32_t)route->attempts &&
           list_holds(route->from, route->nfrom, asks->from) &&
           list_holds(route->to, route->nto, asks->to);
}

struct scan {
    const struct reference_asks *asks;
    struct reference_route *out;
    size_t n;
    uint32_t needs;
    bool asks_mx, over;
};

/* Whether the MX hosts decide on it: all else holds, or may. */
static bool mx_decides(const struct seed_route *route, const struct reference_asks *asks)
{
    struct reference_asks without = *asks;
    uint32_t needs;

    without.mx_known = false;
    conditions_hold(route, &without, &needs);
    return (needs & MOX_NEED_MX) != 0;
}

static void scan_route(struct scan *s, const struct seed_list *list, size_t i)
{
    const struct seed_route *route = &list->routes[i];
    uint32_t needs;
    enum verdict verdict;

    if (!basics_hold(route, s->asks))
        return;
    if (s->asks->claims && mx_decides(route, s->asks)) {
        s->asks_mx = true;
        if (s->asks->mx_fails) {
            s->out[s->n++] = (struct reference_route){MOX_SCOPE_NONE, -1, -1, 0, true};
            s->over = true;
            return;
        }
    }
    verdict = conditions_hold(route, s->asks, &needs);
    s->needs |= needs;
    if (verdict != NO)
        s->out[s->n++] =
            (struct reference_route){list->scope, (int)i, route->transport, s->needs, false};
    s->over = verdict == YES;
}

size_t reference_routes(const struct reference_asks *asks, struct reference_route *out,
                        bool *asks_mx)
{
    struct scan s = {.asks = asks, .out = out};

    for (int scope = MOX_SCOPE_ACCOUNT; scope <= MOX_SCOPE_GLOBAL; scope++) {
        for (size_t l = 0; l < asks->config->nlists; l++) {
            const struct seed_list *list = &asks->config->lists[l];

            if (list->scope != scope || !is_list_for(list, asks->from, asks->account))
                continue;
            for (size_t i = 0; i < list->n && !s.over; i++)
                scan_route(&s, list, i);
        }
    }
    if (!s.over)
        out[s.n++] = (struct reference_route){MOX_SCOPE_NONE, -1, -1, s.needs, false};
    *asks_mx = s.asks_mx;
    return s.n;
}
