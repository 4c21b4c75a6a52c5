/*
 * policy_maps.c - see policy_maps.h.
 *
 * Postfix asks a map for an address, then for its domain, then for `.domain` and `*`, as if it were
 * a file. The routes have said all there is to say at the first of these; what no route could be
 * asked for is not found.
 */
#include "policy_maps.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Reserved for ever (RFC 2606), so that no route is about it: the recipient nobody knows yet. */
static const char unknown_recipient[] = "recipient.invalid";

static const char not_found[] = "NOTFOUND ";

static void put(char *out, size_t cap, const char *text)
{
    snprintf(out, cap, "%s", text);
}

/* false: the answer is written: there is no such envelope, or no memory. */
static bool look_up(const struct policy_facts *facts, const char *from, const char *to,
                    struct mox_route *route, char *out, size_t cap)
{
    struct mox_envelope envelope = {.size = sizeof envelope,
                                    .from = from,
                                    .to = to,
                                    .unix_s = facts->unix_s,
                                    .utc_offset_s = facts->utc_offset_s};
    int status = mox_route_lookup(facts->config, &envelope, route, NULL);

    if (status == MOX_OK)
        return true;
    put(out, cap, status == MOX_E_NOMEM ? "TEMP out of memory" : not_found);
    return false;
}

/* Only what can be a recipient or its domain: not `.example.org`, not `*`. */
static bool is_envelope(const char *key)
{
    return key[0] != '\0' && key[0] != '.' && key[0] != '*' && strcmp(key, "<>") != 0;
}

/* "retry:4.7.0 text" and "error:5.7.0 text" are Postfix's own: it says so to whoever is to know. */
static void put_failure(const struct mox_transport *transport, char *out, size_t cap)
{
    bool later = transport->smtp_code / 100 == 4;

    snprintf(out, cap, "OK %s:%s %s", later ? "retry" : "error", later ? "4.7.0" : "5.7.0",
             transport->message);
}

static void put_transport(const struct policy_facts *facts, const struct mox_route *route,
                          char *out, size_t cap)
{
    struct mox_transport transport;

    if (route->transport == NULL ||
        mox_config_transport(facts->config, route->transport, &transport) == 0)
        put(out, cap, not_found);
    else if (transport.kind == MOX_KIND_FAIL)
        put_failure(&transport, out, cap);
    else if (transport.host != NULL)
        snprintf(out, cap, "OK %s:[%s]:%u", route->transport, transport.host,
                 (unsigned)transport.port);
    else
        snprintf(out, cap, "OK %s:", route->transport);
}

static void answer_transport(const struct policy_facts *facts, const char *key, char *out,
                             size_t cap)
{
    struct mox_route route;

    if (look_up(facts, NULL, key, &route, out, cap))
        put_transport(facts, &route, out, cap);
}

/* `@example.org` is asked for behind the address, of which it says nothing new. */
static void answer_sender(const struct policy_facts *facts, const char *key, char *out, size_t cap)
{
    struct mox_route route;

    if (key[0] == '@')
        put(out, cap, not_found);
    else if (look_up(facts, key, unknown_recipient, &route, out, cap))
        put_transport(facts, &route, out, cap);
}

static void answer_families(const struct policy_facts *facts, const char *key, char *out,
                            size_t cap)
{
    struct mox_route route;
    bool ipv4, ipv6;

    if (!look_up(facts, NULL, key, &route, out, cap))
        return;
    ipv4 = (route.families & MOX_ALLOW_IPV4) != 0;
    ipv6 = (route.families & MOX_ALLOW_IPV6) != 0;
    put(out, cap, ipv4 && ipv6 ? "OK ipv4 ipv6" : ipv4 ? "OK ipv4" : "OK ipv6");
}

/* A set: those whose route is this transport. */
static void answer_member(const struct policy_facts *facts, const struct socketmap_request *request,
                          char *out, size_t cap)
{
    struct mox_route route;

    if (!look_up(facts, NULL, request->key, &route, out, cap))
        return;
    if (route.transport != NULL && strcmp(route.transport, request->map) == 0)
        snprintf(out, cap, "OK %s", request->key);
    else
        put(out, cap, not_found);
}

void policy_map_answer(const struct policy_facts *facts, const struct socketmap_request *request,
                       char *out, size_t cap)
{
    static const struct {
        const char *name;
        void (*answer)(const struct policy_facts *facts, const char *key, char *out, size_t cap);
    } maps[] = {
        {"transport", answer_transport}, {"sender", answer_sender}, {"families", answer_families}};
    struct mox_transport transport;

    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        if (strcmp(request->map, maps[i].name) != 0)
            continue;
        if (is_envelope(request->key))
            maps[i].answer(facts, request->key, out, cap);
        else
            put(out, cap, not_found);
        return;
    }
    if (mox_config_transport(facts->config, request->map, &transport) == 0)
        put(out, cap,
            "PERM no such map: there are transport, sender, families, and one for each transport");
    else if (is_envelope(request->key))
        answer_member(facts, request, out, cap);
    else
        put(out, cap, not_found);
}
