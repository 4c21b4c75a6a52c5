/* part.c - see part.h. */
#include "dial/part.h"

#include <string.h>

#include "base/hash.h"
#include "base/ip.h"
#include "base/mem.h"
#include "dial/conn.h"
#include "dial/plan.h"
#include "dial/pool.h"

enum { FIRST_PLACES = 16 };

static const char part_key; /* its address is the key */

static void part_end(struct ctx_part *base)
{
    struct dial_part *part = (struct dial_part *)base; /* its first member */

    pool_close(part);
    while (part->conns.next != &part->conns)
        conn_end(part->conns.next);
    while (part->plans.next != &part->plans)
        plan_end(part->plans.next);
    findings_free(&part->findings);
    roots_release(part->roots);
    buffer_free(&part->out);
    mem_free(part->counts);
    mem_free(part);
}

/* What is kept for another message has none to wait for. */
static void part_shutdown(struct ctx_part *base)
{
    pool_close((struct dial_part *)base);
}

struct dial_part *part_of(struct mox_ctx *ctx)
{
    struct dial_part *part = ctx_part_use(ctx, &part_key, sizeof *part, part_end);

    if (part == NULL || part->ctx != NULL)
        return part;
    part->ctx = ctx;
    part->plans.next = part->plans.prev = &part->plans;
    part->conns.next = part->conns.prev = &part->conns;
    part->idle.next = part->idle.prev = &part->idle;
    part->part.shutdown = part_shutdown;
    return part;
}

void part_link(struct part_link *head, struct part_link *link)
{
    link->prev = head->prev;
    link->next = head;
    link->prev->next = link->next->prev = link;
}

void part_unlink(struct part_link *link)
{
    if (link->next == NULL)
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
}

/* The place where an address stands or would stand. */
static size_t place_of(const struct dial_part *part, const struct mox_ip *ip)
{
    size_t mask = part->nplaces - 1;
    size_t at = (size_t)hash_bytes(ip->bytes, sizeof ip->bytes, ip->scope) & mask;

    while (part->counts[at].ip.family != 0 && !ip_equal(&part->counts[at].ip, ip))
        at = (at + 1) & mask;
    return at;
}

static uint32_t count_of(const struct dial_part *part, const struct mox_ip *ip)
{
    return part->nplaces == 0 ? 0 : part->counts[place_of(part, ip)].open;
}

/* At most half of the places are taken. */
static int make_room(struct dial_part *part)
{
    struct dial_part bigger = *part;

    if (2 * (part->naddresses + 1) <= part->nplaces)
        return MOX_OK;
    bigger.nplaces = part->nplaces == 0 ? FIRST_PLACES : 2 * part->nplaces;
    bigger.counts = mem_array(bigger.nplaces, sizeof *bigger.counts);
    if (bigger.counts == NULL)
        return MOX_E_NOMEM;
    for (size_t i = 0; i < part->nplaces; i++) {
        if (part->counts[i].ip.family != 0)
            bigger.counts[place_of(&bigger, &part->counts[i].ip)] = part->counts[i];
    }
    mem_free(part->counts);
    part->counts = bigger.counts;
    part->nplaces = bigger.nplaces;
    return MOX_OK;
}

/* Without a limit nobody asks for the counts. */
static bool counts_addresses(const struct dial_part *part)
{
    return part->ctx->options.max_conns_per_address != MOX_UNLIMITED;
}

static int count_up(struct dial_part *part, const struct mox_ip *ip)
{
    struct part_count *count;

    if (!counts_addresses(part)) {
        part->open++;
        return MOX_OK;
    }
    if (make_room(part) != MOX_OK)
        return MOX_E_NOMEM;
    count = &part->counts[place_of(part, ip)];
    if (count->open == 0) {
        count->ip = *ip;
        part->naddresses++;
    }
    count->open++;
    part->open++;
    return MOX_OK;
}

/* Takes a place out; what was pushed on by it moves up. */
static void remove_place(struct dial_part *part, size_t hole)
{
    size_t mask = part->nplaces - 1, at = hole;

    part->counts[hole] = (struct part_count){0};
    part->naddresses--;
    for (at = (at + 1) & mask; part->counts[at].ip.family != 0; at = (at + 1) & mask) {
        struct part_count count = part->counts[at];

        part->counts[at] = (struct part_count){0};
        part->counts[place_of(part, &count.ip)] = count;
    }
}

static void count_down(struct dial_part *part, const struct mox_ip *ip)
{
    size_t at;

    part->open--;
    if (!counts_addresses(part))
        return;
    at = place_of(part, ip);
    if (--part->counts[at].open == 0)
        remove_place(part, at);
}

int part_may_open(const struct dial_part *part, const struct mox_ip *ip)
{
    const struct mox_ctx_options *options = &part->ctx->options;

    if (part->open >= options->max_conns)
        return MOX_E_LIMIT;
    return count_of(part, ip) >= options->max_conns_per_address ? MOX_E_BUSY : MOX_OK;
}

int part_open(struct dial_part *part, const struct mox_ip *ip, const struct tcp_target *target,
              struct stream **out)
{
    int status = count_up(part, ip);

    *out = NULL;
    if (status != MOX_OK)
        return status;
    status = tcp_connect(part->ctx, target, out);
    if (status != MOX_OK)
        count_down(part, ip);
    return status;
}

void part_close(struct dial_part *part, const struct mox_ip *ip, struct stream *stream,
                bool quietly)
{
    if (stream == NULL)
        return;
    stream->ops->close(stream, quietly);
    count_down(part, ip);
}
