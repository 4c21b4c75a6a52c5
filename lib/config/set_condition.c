/*
 * set_condition.c - see set.h. What a route of a stand-alone file may ask beyond mox's conditions;
 * a route without any has no record of it.
 */
#include <string.h>

#include "base/domain.h"
#include "base/error.h"
#include "base/mem.h"
#include "config/set.h"

enum {
    DAY_MINUTES = 24 * 60,
    ALL_DAYS = 0x7f,
    MOST_VOLUME = 1000000000,
    MOST_OFFSET = 14 * 60,
    WEEK_DAYS = 7
};

/* The record of the route at work, made at its first use; NULL: no memory. */
static struct config_conditions *conditions(struct build *b)
{
    static const struct config_conditions none = {0};
    struct config_conditions *all;

    if (b->route.conditions == 0) {
        if (!config_build_append(b, &b->conditions, &none, sizeof none))
            return NULL;
        b->route.conditions = (uint32_t)(b->conditions.len / sizeof none);
    }
    all = (struct config_conditions *)(void *)b->conditions.ptr;
    return &all[b->route.conditions - 1];
}

void config_set_to_mx(struct build *b, const struct schema_key *key,
                      const struct schema_value *value)
{
    bool dot = slice_starts(value->text, ".");
    struct slice name = slice_sub(value->text, dot ? 1 : 0, value->text.len);
    const char *text = config_set_take_domain(b, name, "MX host");
    char *dotted;
    size_t len;

    (void)key;
    if (text == NULL)
        return;
    if (dot) {
        len = strlen(text);
        dotted = config_build_check(b, arena_bytes(&b->config->arena, len + 2, 1));
        if (dotted == NULL)
            return;
        dotted[0] = '.';
        memcpy(dotted + 1, text, len + 1);
        text = dotted;
    }
    config_build_append(b, &b->scratch, &text, sizeof text);
}

void config_set_close_to_mx(struct build *b, const struct schema_key *key, bool whole)
{
    struct config_conditions *c = conditions(b);

    (void)key, (void)whole;
    if (c != NULL)
        c->to_mx = config_set_take_texts(b);
}

/* Takes "hh:mm" off; false: no such thing. */
static bool take_time(struct slice *text, unsigned *minutes)
{
    uint64_t hour, minute;

    if (text->len < 5 || text->ptr[2] != ':' || !slice_number(slice_sub(*text, 0, 2), 24, &hour) ||
        !slice_number(slice_sub(*text, 3, 5), 59, &minute))
        return false;
    *minutes = (unsigned)(60 * hour + minute);
    *text = slice_sub(*text, 5, text->len);
    return *minutes <= DAY_MINUTES;
}

/* 0 is Monday; 7: no day. */
static unsigned day_of(struct slice text)
{
    unsigned i = 0;

    while (i < WEEK_DAYS && !slice_is_nocase(text, config_day_name(i)))
        i++;
    return i;
}

/* "Mon", "Mon-Fri", "Fri-Mon"; 0: none of these. */
static uint8_t parse_days(struct slice text)
{
    size_t dash = slice_find(text, '-');
    unsigned from = day_of(slice_sub(text, 0, dash));
    unsigned to = dash == text.len ? from : day_of(slice_sub(text, dash + 1, text.len));
    unsigned days;

    if (from > 6 || to > 6)
        return 0;
    for (days = 1u << from; from != to; days |= 1u << from)
        from = (from + 1) % 7;
    return (uint8_t)days;
}

static bool parse_hours(struct slice text, struct config_hours *out)
{
    size_t blank = slice_find(text, ' ');
    unsigned from, until;

    out->days = ALL_DAYS;
    if (blank < text.len) {
        out->days = parse_days(slice_sub(text, 0, blank));
        text = slice_sub(text, blank + 1, text.len);
    }
    if (out->days == 0 || !take_time(&text, &from) || !slice_starts(text, "-"))
        return false;
    text = slice_sub(text, 1, text.len);
    if (!take_time(&text, &until) || text.len > 0 || from == until || from == DAY_MINUTES)
        return false;
    out->from = (uint16_t)from;
    out->until = (uint16_t)until;
    return true;
}

void config_set_hours(struct build *b, const struct schema_key *key,
                      const struct schema_value *value)
{
    struct config_hours hours = {0};

    (void)key;
    if (parse_hours(value->text, &hours))
        config_build_append(b, &b->scratch, &hours, sizeof hours);
    else
        config_build_error(b,
                           "bad hours %s; write them as 08:00-18:00, Sat 10:00-12:00 or Mon-Fri "
                           "22:00-06:00 (a whole day is 00:00-24:00)",
                           config_build_quote(value->text).text);
}

void config_set_close_hours(struct build *b, const struct schema_key *key, bool whole)
{
    struct config_conditions *c = conditions(b);
    struct config_hours *copy;

    (void)key, (void)whole;
    copy = config_build_check(b, arena_new(&b->config->arena, b->scratch.len + sizeof *copy));
    if (c == NULL || copy == NULL)
        return;
    if (b->scratch.len > 0)
        memcpy(copy, b->scratch.ptr, b->scratch.len);
    c->hours = copy;
    c->nhours = b->scratch.len / sizeof *copy;
}

static bool parse_zone(struct slice text, struct config_conditions *c)
{
    bool west = slice_starts(text, "-");
    unsigned minutes;

    c->time_zone_fixed = !slice_is(text, "local");
    c->utc_offset_s = 0;
    if (!c->time_zone_fixed || slice_is(text, "UTC"))
        return true;
    if (!west && !slice_starts(text, "+"))
        return false;
    text = slice_sub(text, 1, text.len);
    if (!take_time(&text, &minutes) || text.len > 0 || minutes > MOST_OFFSET)
        return false;
    c->utc_offset_s = (west ? -60 : 60) * (int32_t)minutes;
    return true;
}

void config_set_time_zone(struct build *b, const struct schema_key *key,
                          const struct schema_value *value)
{
    struct config_conditions *c = conditions(b);

    (void)key;
    b->zone_line = b->line;
    if (c != NULL && !parse_zone(value->text, c))
        config_build_error(b, "bad time zone %s; write local, UTC, or an offset like +02:00",
                           config_build_quote(value->text).text);
}

/* arg: where it stands in struct config_conditions. */
void config_set_maximum(struct build *b, const struct schema_key *key,
                        const struct schema_value *value)
{
    struct config_conditions *c = conditions(b);
    uint32_t n;

    if (value->number < 1 || value->number > MOST_VOLUME) {
        config_build_error(b, "%s is outside 1 to %d; choose a number between, or remove the key",
                           config_build_quote(value->text).text, MOST_VOLUME);
        return;
    }
    n = (uint32_t)value->number;
    if (c != NULL)
        memcpy((char *)c + key->arg, &n, sizeof n);
}

void config_set_percent(struct build *b, const struct schema_key *key,
                        const struct schema_value *value)
{
    struct config_conditions *c = conditions(b);

    (void)key;
    if (value->number < 1 || value->number > 99)
        config_build_error(b, "%s is outside 1 to 99; choose a number between, or remove the key",
                           config_build_quote(value->text).text);
    else if (c != NULL)
        c->percent = (uint32_t)value->number;
}

void config_set_check_conditions(struct build *b)
{
    const struct config_conditions *c = b->zone_line == 0 ? NULL : conditions(b);

    if (c != NULL && c->hours == NULL)
        config_build_warning_below(b, b->zone_line, ".TimeZone",
                                   "it has no effect without Hours; add them, or remove it");
}
