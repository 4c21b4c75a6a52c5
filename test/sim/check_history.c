/*
 * check_history.c - see check.h: the history of refusals. What the world's store was asked and said
 * is in the log; what must come of it is said here by brute force. The library's own store tells
 * nothing, so of runs over it only the outcomes are looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/check.h"
#include "test/sim/fetch.h"

enum { WEEK_S = 7 * 86400, AHEAD_S = 300, BEGAN_S = 1700000005 };

static long long unix_of(unsigned long long ms)
{
    return BEGAN_S + (long long)(ms / 1000);
}

/* Whether an entry says that the family is to be avoided. */
static bool says_avoid(const char *value, unsigned long long ms)
{
    unsigned long long accepted, refused;
    long long now = unix_of(ms);
    unsigned refusals;

    if (sscanf(value, "%19llu %19llu %9u", &accepted, &refused, &refusals) != 3)
        return false;
    if ((long long)accepted > now + AHEAD_S || (long long)refused > now + AHEAD_S)
        return false;
    return refused > accepted && now < (long long)refused + WEEK_S;
}

/* What the store said of a host and a family since a time. */
struct said {
    bool avoid, other; /* at least once: it is to be avoided; it is not */
};

static struct said what_was_said(const struct run *run, const char *host, int family,
                                 uint64_t from_ms)
{
    struct said said = {false, false};
    const char *line = run->w->log.ptr;
    size_t len = strlen(host);

    while (line != NULL && *line != '\0') {
        const char *end = strchr(line, '\n');
        char copy[1024], key[512];
        unsigned long long ms;
        int at = 0;

        snprintf(copy, sizeof copy, "%.*s", (int)(end - line), line);
        line = end + 1;
        if (sscanf(copy, "%llu store says mox1/fam/%511s %n", &ms, key, &at) != 2 || ms < from_ms ||
            strncmp(key, host, len) != 0 || key[len] != '/' ||
            key[strlen(key) - 1] != (family == MOX_IPV4 ? '4' : '6'))
            continue;
        if (says_avoid(copy + at, ms))
            said.avoid = true;
        else
            said.other = true;
    }
    return said;
}

static bool has_put_last(const struct run_dial *d)
{
    const struct mox_candidate *candidate;

    for (uint32_t i = 0; (candidate = mox_plan_candidate(d->plan, i)) != NULL; i++) {
        if (candidate->order == MOX_ORDER_PUT_LAST)
            return true;
    }
    return false;
}

/* An address stands last for what was learned if, and only if, the store said so. */
static void check_candidate(struct run_dial *d, const struct mox_candidate *candidate)
{
    int family = candidate->ip.family, other = family == MOX_IPV4 ? MOX_IPV6 : MOX_IPV4;
    struct said mine = what_was_said(d->run, candidate->host, family, d->born_ms);
    struct said its = what_was_said(d->run, candidate->host, other, d->born_ms);
    bool learned = candidate->order == MOX_ORDER_LEARNED;

    if (learned && (!d->reference.learned || !mine.avoid || (its.avoid && !its.other)))
        run_broken(d->run, "learned", "dial %d puts IPv%d of %s last, and nothing says so",
                   run_number_of(d), family, candidate->host);
    if (learned &&
        strstr(candidate->detail == NULL ? "" : candidate->detail, "was refused on") == NULL)
        run_broken(d->run, "learned", "dial %d does not say why IPv%d of %s is last",
                   run_number_of(d), family, candidate->host);
    if (!d->reference.learned || d->facts->ndialed > 0 || has_put_last(d))
        return;
    if (mine.avoid && !mine.other && !its.avoid &&
        (candidate->order == MOX_ORDER_DEFAULT || candidate->order == MOX_ORDER_PREFERRED))
        run_broken(d->run, "learned", "dial %d does not put IPv%d of %s last", run_number_of(d),
                   family, candidate->host);
}

void check_learned(struct run_dial *d)
{
    const struct mox_candidate *candidate;

    if (d->run->w->store == STORE_OF_LIBRARY || !run_is_sound(d->run))
        return;
    for (uint32_t i = 0; (candidate = mox_plan_candidate(d->plan, i)) != NULL; i++) {
        if (candidate->drop == MOX_DROP_NONE && candidate->ip.family != 0)
            check_candidate(d, candidate);
    }
}

void check_learned_order(struct run_dial *d)
{
    const struct mox_candidate *candidate, *last = NULL;

    for (uint32_t i = 0; (candidate = mox_plan_candidate(d->plan, i)) != NULL; i++) {
        if (candidate->drop != MOX_DROP_NONE)
            return;
        if (last != NULL && last->preference == candidate->preference &&
            candidate->order == MOX_ORDER_DEFAULT)
            run_broken(d->run, "learned", "the plan of dial %d has %s behind what was refused",
                       run_number_of(d), candidate->host);
        if (candidate->order == MOX_ORDER_LEARNED)
            last = candidate;
    }
}

/* The zone of a key; -1: of none. */
static int zone_of_key(const char *key)
{
    const char *z = key[0] == 'z' ? key : strstr(key, ".z");
    char *end = NULL;
    long zone;

    if (z == NULL)
        return -1;
    zone = strtol(z + (z == key ? 1 : 2), &end, 10);
    return strncmp(end, ".example/", 9) == 0 && zone >= 0 && zone < SEED_ZONES ? (int)zone : -1;
}

/* Only what a dial that has a history did can lead to a question. */
static void check_asked(struct run *run, const char *key)
{
    int zone = zone_of_key(key);

    for (size_t i = 0; i < run->seed->ndials; i++) {
        const struct run_dial *d = &run->dials[i];

        if (d->started && d->reference.zone == zone && (d->facts->flags & MOX_DIAL_NO_HISTORY) == 0)
            return;
    }
    run_broken(run, "learned", "the store is asked for %s, which no dial may", key);
}

/* Whether a place of the zone and family has a server that says it. */
static bool is_said(const struct run *run, int zone, int family, const char *reply)
{
    for (size_t i = 0; i < run->seed->nplaces; i++) {
        const struct seed_place *place = &run->seed->places[i];
        const struct server_profile *server = place->server;

        if (place->zone != zone || place->ip.family != family || server == NULL)
            continue;
        if (mailbox_says(place->mailbox, reply))
            return true;
        if ((server->greeting != NULL && strstr(server->greeting, reply) != NULL) ||
            (server->ehlo != NULL && strstr(server->ehlo, reply) != NULL) ||
            (server->helo != NULL && strstr(server->helo, reply) != NULL))
            return true;
    }
    return false;
}

/* Whether the host told a dial of the zone that, at that family, before this line. */
static bool is_noted(const struct run *run, int zone, int family, const char *words,
                     const char *before)
{
    const char *line = run->w->log.ptr;

    while (line < before) {
        char copy[1024], ip[64];
        unsigned number;
        int at = 0;

        snprintf(copy, sizeof copy, "%.*s", (int)strcspn(line, "\n"), line);
        line += strcspn(line, "\n") + 1;
        if (sscanf(copy, "%*u host notes dial %u at %63s %n", &number, ip, &at) != 2)
            continue;
        if (run->dials[number].reference.zone == zone && strstr(copy + at, words) != NULL &&
            (strchr(ip, ':') != NULL) == (family == MOX_IPV6))
            return true;
    }
    return false;
}

/* Whether a mailbox of the zone and family took a recipient, before this line. */
static bool is_accepted(const struct run *run, int zone, int family, const char *before)
{
    const char *line = run->w->log.ptr;

    for (; line < before; line += strcspn(line, "\n") + 1) {
        char ip[64];
        struct mox_ip at;

        if (sscanf(line, "%*u mailbox %63s accepts", ip) != 1 || mox_ip_parse(ip, &at) != MOX_OK ||
            at.family != family)
            continue;
        for (size_t i = 0; i < run->seed->nplaces; i++) {
            if (run->seed->places[i].zone == zone &&
                memcmp(&run->seed->places[i].ip, &at, sizeof at) == 0)
                return true;
        }
    }
    return false;
}

/* A refusal that is kept was said by a server or noted by the host, over that family; one that was
 * only possible, once something was accepted over the other. */
static void check_put(struct run *run, const char *line, const char *key, const char *value)
{
    int family = key[strlen(key) - 1] == '4' ? MOX_IPV4 : MOX_IPV6, zone = zone_of_key(key);
    int other = family == MOX_IPV4 ? MOX_IPV6 : MOX_IPV4;
    long long accepted, refused;
    unsigned refusals;
    bool certain;
    int at = 0;

    if (sscanf(value, "%lld %lld %u %n", &accepted, &refused, &refusals, &at) != 3) {
        run_broken(run, "learned", "%s is set to \"%s\"", key, value);
        return;
    }
    if (refusals == 0 || strstr(value, " drawn") != NULL)
        return;
    if (!is_said(run, zone, family, value + at + 4) &&
        !is_noted(run, zone, family, value + at, line))
        run_broken(run, "learned", "%s: nobody said \"%s\" there", key, value + at);
    certain = strstr(value, "5.7.25") != NULL || strstr(value, "reverse") != NULL;
    if (!certain && !is_noted(run, zone, other, "accepted", line) &&
        !is_accepted(run, zone, other, line))
        run_broken(run, "learned", "%s: \"%s\" says nothing for sure", key, value + at);
}

void check_history(struct run *run)
{
    const char *line = run->w->log.ptr;

    while (line != NULL && *line != '\0') {
        const char *end = strchr(line, '\n');
        char copy[1024], key[512];
        int at = 0;

        snprintf(copy, sizeof copy, "%.*s", (int)(end - line), line);
        if (sscanf(copy, "%*u store %*[a-z] mox1/fam/%511s %n", key, &at) == 1)
            check_asked(run, key);
        if (sscanf(copy, "%*u store puts mox1/fam/%511s for %*u s: %n", key, &at) == 1 && at > 0)
            check_put(run, line, key, copy + at);
        line = end + 1;
    }
}
