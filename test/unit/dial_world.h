/*
 * dial_world.h - what the tests of dialing share: a world as a checked fixture, and cases of it as
 * rows of a table.
 */
#ifndef DIAL_WORLD_H
#define DIAL_WORLD_H

#include <stdlib.h>
#include <string.h>

#include "test.h"
#include "test/sim/dns.h"
#include "test/sim/load.h"
#include "test/sim/net.h"
#include "test/sim/world.h"

/* The world of the test that runs. The fixture makes it and sees it emptied. */
extern struct world *sim;

void dial_setup(void);
void dial_teardown(void);

/* Another world for the same test; the old one is seen emptied. */
void dial_renew(const struct mox_ctx_options *options);

/* example.org with one MX, mx.example.org, which has both families, and servers that are up. */
extern const char dial_simple[];

struct dial_case {
    const char *name;
    const char *config; /* NULL: none */
    const char *world;
    /* the request; what is zero is the default */
    const char *to, *from; /* NULL: b@example.org, a@example.com */
    const char *transport, *server, *ehlo, *source;
    const char *dialed; /* "mx.example.org=192.0.2.1 *=2001:db8::1", oldest first */
    uint32_t families, flags, timeout_ms, attempts;
    uint16_t port;
    int stop_at;
    struct mox_timeouts timeouts;
    /* what must come of it */
    int status;
    const char *dials; /* "2001:db8::1@0 192.0.2.1@1000": connects and their milliseconds */
    const char *at;    /* the address reached, or that of the error; NULL: not looked at */
    const char *says;  /* part of the error's message; NULL: not looked at */
    const char *never; /* no line of the log has this; NULL: not looked at */
    int permanent, stage, about, action, smtp_code; /* of the error; stage to action 0: whichever */
    uint64_t ms;                                    /* when it ended; 0: whenever */
};

/* Runs the case in push mode, then again by the blocking call, and compares with the row. */
void dial_case_run(const struct dial_case *c);

/* The request of a case, for tests that run it themselves; lives until the next one. */
const struct mox_dial_request *dial_request_of(const struct dial_case *c);

/* A request for b@example.org, without a configuration. */
const struct mox_dial_request *dial_request(void);

/* Starts one, which must work. */
mox_op_id dial_start(struct sim_call *call, const struct mox_dial_request *request);

/* Starts one and runs the world until it has ended. */
void dial_to_end(struct sim_call *call, const struct mox_dial_request *request);

/* The connects of the world so far, as dial_case::dials; lives until the next call. */
const char *dial_seen(void);

/* The candidates of a plan, "192.0.2.1 2001:db8::1/family-disabled mx2/dns-error". */
const char *dial_candidates(const struct mox_plan *plan);

struct mox_ip dial_ip(const char *text);

#endif
