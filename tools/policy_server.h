/*
 * policy_server.h - `moxdial policy` at work: who is connected, what waits, what it knows.
 *
 * One thread, on the event loop of one context. A watch is served under the rules for ops
 * functions, which may start nothing: a check of SPF is only noted there, and started behind the
 * dispatch.
 */
#ifndef TOOLS_POLICY_SERVER_H
#define TOOLS_POLICY_SERVER_H

#include "policy_config.h"
#include "policy_listen.h"
#include "policy_maps.h"
#include "policy_spf.h"

struct policy_client;

struct policy_server {
    struct mox_ctx *ctx;
    struct policy_log log;
    struct policy_config config;
    struct policy_sockets sockets;
    struct policy_facts facts;
    enum policy_spf_mode mode;
    char receiver[256]; /* our name, in Received-SPF */
    uint64_t now_s;     /* since the start, by ticks */
    bool paused;        /* no descriptor is free: nobody is accepted until the next tick */

    struct policy_client *oldest, *newest; /* clients, by when they asked last */
    uint32_t nclients;
    struct policy_client *first_waiting, *last_waiting; /* for an SPF check */
    uint32_t checks;                                    /* under way */
    struct policy_seldom full, short_of, hairpin;
};

/* Serves until a signal asks for the end. Returns the code of err. */
int policy_serve(const struct options *options, const struct load *load, struct mox_error *err);

#endif
