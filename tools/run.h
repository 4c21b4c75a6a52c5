/*
 * run.h - one resolve or dial from start to end, with an orderly end on Ctrl-C.
 */
#ifndef TOOLS_RUN_H
#define TOOLS_RUN_H

#include <signal.h>
#include <stdbool.h>

#include "load.h"
#include "options.h"
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
    char ehlo[256];             /* the system's name, where that is what EHLO says */
    struct sigaction before[2]; /* what SIGINT and SIGTERM did */
    bool done;
    bool quiet;
    int32_t status;
    struct mox_error err;
};

/*
 * A context and an empty plan. Not MOX_OK: run->err; to be ended by run_close in any case. A store
 * that cannot be opened stops no mail: a warning, and memory in its place.
 */
int run_open(struct run *run, const struct options *options, const struct load *load);

/* Whether this build can fetch MTA-STS policies. */
bool run_fetches(void);

/* What happened is in run->err, run->plan and run->conn. Returns run->err.code. */
int run_resolve(struct run *run);
int run_dial(struct run *run);

/* Says QUIT where there is a connection, and what went wrong with the store. */
void run_close(struct run *run);

#endif
