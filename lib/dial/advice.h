/*
 * advice.h - what the dial knows that a reply does not say: whether a refusal of our address can be
 * helped by the other family of the same host or by another host, and whether it is for good if
 * not: only if nobody who was asked said anything else.
 */
#ifndef DIAL_ADVICE_H
#define DIAL_ADVICE_H

#include <moxdial/deliver.h>

#include "dial/dial.h"

struct advice_count { /* recipients of a message, by what became of them */
    uint32_t accepted, temporary, permanent;
};

/* Of the results of an earlier call. Those that are still open count as nothing. */
struct advice_count advice_count(const struct mox_rcpt_result *results, size_t n);

/* A message is done: tells the history what the session's server said of our address. */
void advice_learn(struct dial *d, const struct mox_message *message,
                  const struct mox_rcpt_result *results);

/* A message is done: settles the action of each recipient that was refused for our address. */
void advice_settle(const struct dial *d, struct mox_rcpt_result *results, size_t n);

#endif
