/*
 * signals.h - the signals that end a command in order, or tell it to read its configuration again.
 */
#ifndef TOOLS_SIGNALS_H
#define TOOLS_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

#include <moxdial.h>

enum { SIGNALS_CAUGHT = 3 };

struct signals {                             /* all zero: nothing is caught */
    struct sigaction before[SIGNALS_CAUGHT]; /* what they did */
    int count;                               /* how many are caught */
};

/*
 * From now on SIGINT and SIGTERM, the first of each, and if wanted SIGHUP, each of them, end a wait
 * of the context. What the parent had ignored stays ignored, but for SIGHUP, which is asked for.
 */
void signals_catch(struct signals *signals, struct mox_ctx *ctx, bool hangup);
void signals_release(struct signals *signals);

/* The first that asked for the end; 0: none has come. */
int signals_end(void);

/* Whether SIGHUP has come since this was asked last. */
bool signals_hangup(void);

#endif
