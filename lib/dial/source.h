/*
 * source.h - our own address in a dial: as this machine has it, and as the world sees it.
 */
#ifndef DIAL_SOURCE_H
#define DIAL_SOURCE_H

#include "dial/dial.h"

/*
 * Of that family, before a connect: the one that the rules bind, else the one this machine would
 * take towards the internet. Not through a proxy, whose address is not ours. family 0: there is
 * none.
 */
struct mox_ip source_local(const struct mox_ctx *ctx, const struct request_rules *rules,
                           int family);

/* The same, as the world sees it; a proxy's, where one speaks for us. */
struct mox_ip source_coming(const struct dial *d, int family);

/* Of the session, as the world sees it; the session may be closed already. */
struct mox_ip source_of_session(struct dial *d);

#endif
