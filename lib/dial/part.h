/*
 * part.h - what dialing keeps in a context: its plans and connections, so that mox_ctx_free ends
 * them, how many streams are open to each address, the health of the families, and what was found
 * of our own addresses.
 */
#ifndef DIAL_PART_H
#define DIAL_PART_H

#include "base/buffer.h"
#include "ctx/ctx.h"
#include "dial/findings.h"
#include "dial/health.h"
#include "stream/roots.h"
#include "stream/tcp.h"

struct part_count {
    struct mox_ip ip; /* family 0: an empty place */
    uint32_t open;
};

/* A link of a list of things that end with the context. */
struct part_link {
    struct part_link *next, *prev;
};

struct dial_part {
    struct ctx_part part; /* first */
    struct mox_ctx *ctx;
    struct part_link plans, conns; /* heads */
    struct part_link idle;         /* head: connections kept for another message, oldest first */
    uint32_t nidle;
    struct part_count *counts; /* open addressing; a power of two of places */
    size_t nplaces, naddresses;
    uint32_t open; /* streams, opening ones included */
    struct health health;
    struct findings findings;
    struct roots *roots; /* of the context's CA file; NULL: not parsed yet */
    struct buffer out;   /* what deliveries write is made there, one after the other */
};

/* Made at its first use; NULL: no memory. */
struct dial_part *part_of(struct mox_ctx *ctx);

void part_link(struct part_link *head, struct part_link *link);
void part_unlink(struct part_link *link);

/* Whether one more stream may be opened: MOX_OK; MOX_E_LIMIT: max_conns; MOX_E_BUSY: the address
 * has max_conns_per_address. */
int part_may_open(const struct dial_part *part, const struct mox_ip *ip);

/* tcp_connect, counted for ip, which through a proxy is not the target's; what it opened, with the
 * streams over it, is closed by part_close alone. */
int part_open(struct dial_part *part, const struct mox_ip *ip, const struct tcp_target *target,
              struct stream **out);
void part_close(struct dial_part *part, const struct mox_ip *ip, struct stream *stream,
                bool quietly);

#endif
