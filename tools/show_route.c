/*
 * show_route.c - see show_route.h.
 */
#include "show_route.h"

#include <stdio.h>
#include <string.h>

#include "output.h"

enum { REASON = 1024 };

static const uint32_t needs[] = {MOX_NEED_TIME, MOX_NEED_MX, MOX_NEED_VOLUME};
enum { NEEDS = sizeof needs / sizeof *needs };

static json_t *families_of(const struct mox_route *route)
{
    json_t *array = json_array();

    if (route->kind == MOX_KIND_FAIL)
        return array;
    if ((route->families & MOX_ALLOW_IPV4) != 0)
        output_append(array, output_text(mox_family_name(MOX_IPV4)));
    if ((route->families & MOX_ALLOW_IPV6) != 0)
        output_append(array, output_text(mox_family_name(MOX_IPV6)));
    return array;
}

static json_t *needs_of(const struct mox_route *route)
{
    json_t *array = json_array();

    for (size_t i = 0; i < NEEDS; i++) {
        if ((route->needs & needs[i]) != 0)
            output_append(array, output_text(mox_need_name((int)needs[i])));
    }
    return array;
}

static json_t *blank_object(void)
{
    static const char *const keys[] = {"transport", "kind", "scope", "index", "file", "line"};
    json_t *object = output_object();

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        output_put(object, keys[i], json_null());
    output_put(object, "families", json_array());
    output_put(object, "prefer", json_null());
    output_put(object, "needs", json_array());
    output_put(object, "reason", json_null());
    output_put(object, "error", json_null());
    return object;
}

json_t *show_route_object(const struct mox_route *route, bool named)
{
    bool matched = route != NULL && route->scope != MOX_SCOPE_NONE;
    char reason[REASON];
    json_t *object;

    if (route == NULL)
        return blank_object();
    object = output_object();
    output_put(object, "transport", output_text(route->transport));
    output_put(object, "kind", output_text(mox_kind_name(route->kind)));
    output_put(object, "scope", matched ? output_text(mox_scope_name(route->scope)) : json_null());
    output_put(object, "index", matched ? output_not_negative(route->index) : json_null());
    output_put(object, "file", output_filled(route->file));
    output_put(object, "line", output_positive(route->line));
    output_put(object, "families", families_of(route));
    output_put(object, "prefer", output_text(mox_prefer_name(route->prefer)));
    output_put(object, "needs", needs_of(route));
    output_put(object, "reason",
               output_text(show_route_reason(route, named, reason, sizeof reason)));
    output_put(object, "error", json_null());
    return object;
}

static const char *families_in_words(const struct mox_route *route)
{
    if (route->kind == MOX_KIND_FAIL)
        return "nothing is dialed";
    if (route->families == MOX_ALLOW_IPV4)
        return "IPv4 only";
    if (route->families == MOX_ALLOW_IPV6)
        return "IPv6 only";
    switch (route->prefer) {
    case MOX_PREFER_IPV4:
        return "IPv4 first, then IPv6";
    case MOX_PREFER_IPV6:
        return "IPv6 first, then IPv4";
    case MOX_PREFER_LEARNED:
        return "IPv4 and IPv6, as was learned";
    default:
        return "IPv4 and IPv6";
    }
}

const char *show_route_words(const struct mox_route *route, char *out, size_t cap)
{
    if (route->transport == NULL)
        snprintf(out, cap, "direct delivery, %s", families_in_words(route));
    else
        snprintf(out, cap, "transport %s (%s), %s", route->transport, mox_kind_name(route->kind),
                 families_in_words(route));
    return out;
}

/* What was missing, and so kept routes from matching that might have. */
static void add_needs(const struct mox_route *route, char *out, size_t cap)
{
    const char *before = "; not known, so that routes which ask for it did not match: ";

    for (size_t i = 0; i < NEEDS; i++) {
        size_t len = strlen(out);

        if ((route->needs & needs[i]) == 0)
            continue;
        snprintf(out + len, cap - len, "%s%s", before, mox_need_name((int)needs[i]));
        before = ", ";
    }
}

const char *show_route_reason(const struct mox_route *route, bool named, char *out, size_t cap)
{
    if (named)
        snprintf(out, cap, "named by --transport, which overrides the routes");
    else if (route->scope == MOX_SCOPE_NONE)
        snprintf(out, cap, "no route matches");
    else
        snprintf(out, cap, "%s route %d is the first that matches (%s:%d)",
                 mox_scope_name(route->scope), route->index, route->file == NULL ? "" : route->file,
                 route->line);
    add_needs(route, out, cap);
    return out;
}
