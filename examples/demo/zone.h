/*
 * zone.h - what the demo's DNS server answers.
 */
#ifndef DEMO_ZONE_H
#define DEMO_ZONE_H

#include <stdbool.h>
#include <stddef.h>

#include "secure.h"

enum { ZONE_QUESTION = 512, ZONE_PACKET = 1024 }; /* a question, and room for its answer */

struct zone_seen { /* questions */
    unsigned mx, a, aaaa, tlsa;
};

/* Turns the question in packet, which has room for ZONE_PACKET bytes, into its answer and counts
 * it; returns the answer's length, 0: say nothing. TLSA records are of the keys of secure. */
size_t zone_answer(const struct secure *secure, struct zone_seen *seen, unsigned char *packet,
                   size_t len);

#endif
