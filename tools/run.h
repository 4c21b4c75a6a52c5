/*
 * run.h - resolves, dials and deliveries from start to end, with an orderly end on Ctrl-C.
 */
#ifndef TOOLS_RUN_H
#define TOOLS_RUN_H

#include <stdbool.h>

#include "load.h"
#include "options.h"
#include "signals.h"
#include "store.h"
#include "trace.h"

struct mox_curl;

struct run {
    struct mox_ctx *ctx;
    struct mox_curl *curl; /* fetches MTA-STS policies; NULL: a build without */
    struct store store;
    struct mox_error store_err; /* why it is not the one that is configured; MOX_OK: it is */
    struct mox_plan *plan;
    struct mox_conn *conn; /* of a dial that got there */
    struct mox_dial_request request;
    struct trace trace;
    char ehlo[256]; /* the system's name, where that is what EHLO says */
    struct signals signals;
    bool done;
    bool quiet;
    int32_t status;
    struct mox_error err;
};

/*
 * A context and an empty plan; SIGINT and SIGTERM are caught from now on, the first of each. Not
 * MOX_OK: run->err; to be ended by run_close in any case. A store that cannot be opened stops no
 * mail: memory is in its place, and run_close warns.
 */
int run_open(struct run *run, const struct options *options, const struct load *load);

/* Whether a signal has come. Nothing new starts then: it ends with MOX_E_SHUTDOWN. */
bool run_interrupted(void);

/* The error that says so, as run->err. Returns its code. */
int run_end_interrupted(struct run *run);

/* Another empty plan, for another dial; the one before is freed. Not MOX_OK: run->err. */
int run_new_plan(struct run *run);

/* Whether this build can fetch MTA-STS policies. */
bool run_fetches(void);

/* What happened is in run->err, run->plan and run->conn. Returns run->err.code. */
int run_resolve(struct run *run);
int run_dial(struct run *run);

/* On an open run->conn. The first goes on as run->err says; without another server it ends with
 * that error. A signal gives a body that is being sent some seconds more. */
int run_dial_next(struct run *run);
int run_deliver(struct run *run, const struct mox_message *message,
                struct mox_rcpt_result *results);

/* Says QUIT where there is a connection, and what went wrong with the store. */
void run_close(struct run *run);

#endif
