/*
 * probe.h - a connection to our own public address from the inside: does the router lead it back,
 * and as whom does the server there see us? Some say so in their reply to EHLO.
 */
#ifndef CHECK_PROBE_H
#define CHECK_PROBE_H

#include <moxdial/conn.h>

#include "ctx/ctx.h"
#include "smtp/reply.h"

struct probe { /* all zero */
    struct mox_ctx *ctx;
    struct mox_conn *conn; /* owned */
    mox_op_id op;          /* what is in flight: the dial, or a watch; 0: nothing */
    struct ctx_timer deadline;
    struct smtp_reply reply; /* to EHLO */
    char command[300];
    size_t written;
    void (*done)(void *arg); /* inside a dispatch */
    void *arg;
    /* The result. */
    bool finished, reached;
    struct mox_ip seen;     /* family 0: the server does not say */
    struct mox_error error; /* why it was not reached */
};

/* ehlo: A-labels; NULL: none. MOX_OK: done will be called; else err says why not. */
int probe_start(struct probe *probe, struct mox_ctx *ctx, const struct mox_dial_request *request,
                const char *ehlo, struct mox_error *err);

void probe_end(struct probe *probe);

/* The address that a reply to EHLO says it was given by: "mx.example Hello us [192.0.2.1]". */
bool probe_address(struct slice text, struct mox_ip *out);

#endif
