/*
 * pool.h - open connections kept for another message (mox_conn_release): bounded in number and
 * time, given only to a dial that would have made the same one.
 */
#ifndef DIAL_POOL_H
#define DIAL_POOL_H

#include "dial/conn.h"

/*
 * For a dial that begins: whether a kept connection serves it, which is d->conn then and has the
 * dial that it came of. One that the server has closed meanwhile is passed over.
 */
bool pool_serve(struct dial *d);

/* As part_may_open; kept connections that stand in the way are closed. */
int pool_may_open(struct dial_part *part, const struct mox_ip *ip);

/* Closes the kept connection of this plan, which somebody wants to use anew. */
void pool_forget(struct dial_part *part, const struct mox_plan *plan);

/* Closes them all, with QUIT. */
void pool_close(struct dial_part *part);

#endif
