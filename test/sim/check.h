/*
 * check.h - the invariants of a run. Each has a name, by which run_broken tells it:
 *
 *   route      a lookup answers as a linear scan over the rules does
 *   claims     no counter of the store stands over its maximum; plans count nothing (the world);
 *              a dial whose route hangs on that takes one that may hold
 *   start      a dial that may start does, and one that may not says why
 *   callback   one for each dial, from a dispatch; none after a cancel, a shutdown's included
 *   reached    a session is reached if, and only if, the reference says that one can be
 *   deadline   each outcome, attempt and question ends in its time
 *   permanent  mail is returned only if every server that could be asked refused it for good
 *   family     a disabled family is never asked for, never dialed; nor is a shut one dialed
 *   address    no special, own or unheard-of address is dialed, save what is exempt
 *   source     from the source address, to the port that were asked for
 *   race       at most two connects at once, after the delay, of one preference; better ones first;
 *              behind a refusal of our address the other family of the host
 *   order      within a preference the family that is put last comes last; without one IPv6 first
 *   plan       the attempts of the plans are what the network saw
 *   gate       a dial of which no address of ours is good asks no MX and waits; nothing is dialed
 *              before the gate is answered; what is known of an address is not asked again
 *   tls        a session proves what it must, and nothing but that is said before; where TLS fails
 *              the same address is dialed once more without it, only where that is allowed
 *   error      a session that fails does so with the code and at the stage that the reference says;
 *              a dial that fails tells of the attempt that came farthest
 *   learned    what the history says, and nothing else, puts a family of a host last; only what was
 *              said of our address is added to it, and nothing by who must not
 *   secret     no password or token is in clear, in an error, in the log, in memory given back
 *   proxy      who must go through a proxy does
 *   mail       each recipient of a delivery ends in one state, which is what servers took; nothing
 *              goes twice, and nothing is unknown but after the dot
 *   world      whatever the world saw by itself: see world.h, and handles left open
 *   memory     all is given back
 *   trace      the same seed gives the same trace (main.c)
 */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "test/sim/run.h"

/* Before the dials: some lookups of routes. */
void check_routes(struct run *run);

/* What the route of a dial was, and the reference by that. */
void check_way(struct run_dial *d);

/* At the end: the counters of the store. */
void check_claims(struct run *run);

/* In the callback of a dial, and of the resolving of a plan. */
void check_session(struct run_dial *d, const struct mox_conn *conn);
void check_failure(struct run_dial *d, int status, const struct mox_error *err);
void check_resolved(struct run_dial *d, int status, const struct mox_error *err);

/* The plan of a dial, while it is there. */
void check_plan(struct run_dial *d);

/* Of a plan that is there: its dial had its answers before it dialed. */
void check_answered(struct run_dial *d);

/* What a connection proves, against what it must. */
void check_proof(struct run_dial *d, const struct mox_conn *conn);

/* The hosts of the plan that are out for what TLS they must have, and why. */
void check_lost(struct run_dial *d);

/* The outcome of a dial that failed, by its attempts. */
void check_result(struct run_dial *d, int status, const struct mox_error *err);

/* Attempt n of the plan: whether what it reports is right, and the attempt behind it. */
void check_retry(struct run_dial *d, uint32_t n);

/* It is of the same address once more, after TLS failed there: in full, where an old session was
 * offered, or in clear. */
bool check_is_retry(const struct run_dial *d, uint32_t n);

/* What check_left looks for, as memory_watch takes it: the secrets, clear and in base64. */
const char *const *check_forms(void);

/* At the end of the context: what was given back since had none of them in it. */
void check_left(struct run *run);

/* A text that leaves the library. */
void check_text(struct run *run, const char *what, const char *text);

/* What the history put last is what it had to; and so it is in a plan that was just resolved. */
void check_learned(struct run_dial *d);
void check_learned_order(struct run_dial *d);

/* At the end: each connect of the plans that are there against the order by family health. And so
 * is a plan that was just resolved. */
void check_order(struct run *run);
void check_order_of_plan(struct run_dial *d);

/* The zone of a name like h1.z3.example; -1: of none. */
int check_zone_of(const char *name);

/* Without memory a place cannot be claimed, and another route is right. */
bool check_may_go_anywhere(const struct run *run);

/* At the end, from the log; from what servers heard. */
void check_network(struct run *run);
void check_history(struct run *run);
void check_secure(struct run *run);
void check_gates(struct run *run);

/* How long a question about an address of ours may take; 0: no dial may ask it. */
uint32_t check_gate_most_ms(const struct run *run, const char *name, const char *type);

/* In the callback: what must come of a dial none of whose addresses is good. */
void check_shut_out(struct run_dial *d, int status, const struct mox_error *err);

#endif
