/*
 * send.h - one message to its recipients: which of them go together, the servers one after the
 * other, and what became of each.
 */
#ifndef TOOLS_SEND_H
#define TOOLS_SEND_H

#include <stdbool.h>
#include <stddef.h>

#include <moxdial.h>

#include "message.h"
#include "options.h"
#include "run.h"

struct send_rcpt {
    struct mox_rcpt rcpt; /* texts of the command line */
    struct mox_rcpt_result result;
    char message[640]; /* why it was not accepted, where no server said it; else empty */
    struct mox_route route;
    bool grouped; /* its group has had its turn */
};

struct send_host {
    char host[256];
    struct mox_ip ip;
};

struct send {
    const struct options *options;
    struct mox_envelope envelope; /* of all; `to` and `count` are a group's */
    struct send_rcpt *rcpts;      /* owned; in the order given */
    size_t nrcpts;
    struct send_host *dialed; /* owned; what was connected to, each once, in that order */
    size_t ndialed;
};

/* Takes the recipients; those that can be none are settled at once. options outlives s. */
void send_prepare(struct send *s, const struct options *options);

/* Recipients that are open end with this error. */
void send_settle(struct send *s, const struct mox_error *err);

/* Delivers to recipients that are open: groups of one domain and route, one after the other. No
 * recipient is open then. */
void send_deliver(struct send *s, struct run *run, struct message *message);

/* What a result means, as an error; its code MOX_OK: accepted. */
void send_error(const struct send_rcpt *rcpt, struct mox_error *err);

/*
 * The recipient that decides the exit status: the first that is temporary or unknown, for then all
 * must be kept; else the first that is permanent. NULL: all are accepted.
 */
const struct send_rcpt *send_decider(const struct send *s);

void send_free(struct send *s);

#endif
