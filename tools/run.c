/*
 * run.c - see run.h. The non-blocking calls, because a signal must be able to end them: the loop
 * below then asks the context to end what it does, so the plan is complete and the trace tells how
 * far the dial was.
 */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef MOX_HAVE_CURL
#include <moxdial/curl.h>
#endif

#include "error.h"
#include "output.h"

/* For an orderly end: less than the ten seconds that moxdial(1) promises. */
enum { SHUTDOWN_TURN_MS = 100, SHUTDOWN_TURNS = 15, BODY_GRACE_MS = 7000 };

/* Whether a transport of this configuration has an EHLO name of its own, which must win over the
 * system's. The normalised text is the one public place that tells. */
static bool transports_name_ehlo(const struct mox_config *config)
{
    size_t len = mox_config_show(config, NULL, 0);
    char *text = tool_alloc(len + 1, 1);
    bool found;

    mox_config_show(config, text, len + 1);
    found = strstr(text, "\tEHLOHostname: ") != NULL || strstr(text, "\tRemoteHostname: ") != NULL;
    free(text);
    return found;
}

/* Behind the request's and the configuration's names, before the library's address literal. */
static void choose_ehlo(struct run *run, const struct mox_config *config)
{
    if (run->request.ehlo != NULL)
        return;
    if (config != NULL &&
        (mox_config_summary(config)->hostname != NULL || transports_name_ehlo(config)))
        return;
    if (gethostname(run->ehlo, sizeof run->ehlo - 1) != 0)
        return;
    if (strchr(run->ehlo, '.') != NULL)
        run->request.ehlo = run->ehlo;
}

#ifdef MOX_HAVE_CURL
bool run_fetches(void)
{
    return true;
}

static int open_context(struct run *run, struct mox_ctx_options *options)
{
    run->curl = mox_curl_open(run->request.config, &run->err);
    if (run->curl == NULL || (options->ca_file != NULL &&
                              mox_curl_ca_file(run->curl, options->ca_file, &run->err) != MOX_OK))
        return run->err.code;
    options->fetch = mox_curl_ops(run->curl);
    run->ctx = mox_ctx_new(options, &run->err);
    if (run->ctx == NULL)
        return run->err.code;
    mox_curl_attach(run->curl, run->ctx);
    return MOX_OK;
}

static void close_context(struct run *run)
{
    mox_ctx_free(run->ctx);
    mox_curl_close(run->curl);
}
#else
bool run_fetches(void)
{
    return false;
}

static int open_context(struct run *run, struct mox_ctx_options *options)
{
    run->ctx = mox_ctx_new(options, &run->err);
    return run->ctx == NULL ? run->err.code : MOX_OK;
}

static void close_context(struct run *run)
{
    mox_ctx_free(run->ctx);
}
#endif

static void warn_of_store(const struct run *run, const struct mox_error *err)
{
    if (!run->quiet)
        output_problem_line(false, err, NULL);
}

static void open_store(struct run *run, struct mox_ctx_options *options)
{
    store_open(&run->store, run->request.config, &run->store_err);
    options->store = store_ops(&run->store);
}

/* What went wrong with it: the mail went on without. Last of all, for who runs `send` takes the
 * first line for the reason. */
static void close_store(struct run *run)
{
    struct mox_error err;
    const char *problem = store_problem(&run->store);

    if (run->store_err.code != MOX_OK)
        warn_of_store(run, &run->store_err);
    if (*problem != '\0') {
        tool_error(&err, MOX_E_STORE, MOX_STAGE_NONE, "%s", problem);
        warn_of_store(run, &err);
    }
    store_close(&run->store);
}

int run_new_plan(struct run *run)
{
    mox_plan_free(run->plan);
    run->plan = mox_plan_new(run->ctx);
    if (run->plan == NULL)
        return tool_error(&run->err, MOX_E_NOMEM, MOX_STAGE_NONE, "out of memory; try again later");
    run->request.plan = run->plan;
    return MOX_OK;
}

int run_open(struct run *run, const struct options *options, const struct load *load)
{
    struct mox_ctx_options ctx = options->ctx;

    memset(run, 0, sizeof *run);
    run->request = options->request;
    run->request.config = load->config;
    choose_ehlo(run, load->config);
    run->quiet = options->quiet;
    trace_attach(&run->trace, &ctx, options->quiet ? 0 : options->verbose);
    open_store(run, &ctx);
    if (open_context(run, &ctx) != MOX_OK)
        return run->err.code;
    store_attach(&run->store, run->ctx);
    signals_catch(&run->signals, run->ctx, false);
    return run_new_plan(run);
}

bool run_interrupted(void)
{
    return signals_end() != 0;
}

int run_end_interrupted(struct run *run)
{
    return tool_error(&run->err, MOX_E_SHUTDOWN, MOX_STAGE_NONE, "interrupted by %s",
                      signals_end() == SIGINT ? "Ctrl-C" : "a signal");
}

static void on_resolved(void *arg, int status, const struct mox_error *err)
{
    struct run *run = arg;

    run->done = true;
    if (status != MOX_OK && err != NULL)
        run->err = *err;
    run->status = status;
}

static void on_dialed(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct run *run = arg;

    run->conn = conn;
    on_resolved(arg, status, err);
}

/*
 * Gives the context its chance to settle the plan, and to finish a body that is being sent; then
 * cancels. What ended well all the same stays so.
 */
static int end_interrupted(struct run *run, mox_op_id op, uint32_t grace_ms)
{
    int turns = SHUTDOWN_TURNS + (int)(grace_ms / SHUTDOWN_TURN_MS);

    mox_ctx_shutdown(run->ctx, grace_ms);
    for (int i = 0; i < turns && !run->done; i++)
        mox_ctx_wait(run->ctx, SHUTDOWN_TURN_MS);
    if (!run->done)
        mox_op_cancel(run->ctx, op);
    if (!run->done || run->status != MOX_OK || grace_ms == 0)
        return run_end_interrupted(run);
    run->err.code = MOX_OK;
    return MOX_OK;
}

static int run_to_end(struct run *run, mox_op_id op, uint32_t grace_ms)
{
    while (!run->done) {
        int served;

        if (signals_end() != 0)
            return end_interrupted(run, op, grace_ms);
        served = mox_ctx_wait(run->ctx, -1);
        if (served >= 0)
            continue;
        mox_op_cancel(run->ctx, op);
        return tool_error(&run->err, served, MOX_STAGE_NONE, "cannot wait for the network: %s",
                          mox_status_name(served));
    }
    if (run->status == MOX_OK)
        run->err.code = MOX_OK;
    return run->err.code;
}

int run_resolve(struct run *run)
{
    mox_op_id op;

    run->done = false;
    op = mox_plan_resolve_start(run->ctx, &run->request, on_resolved, run, &run->err);
    return op == 0 ? run->err.code : run_to_end(run, op, 0);
}

int run_dial(struct run *run)
{
    mox_op_id op;

    run->done = false;
    op = mox_dial_start(run->ctx, &run->request, on_dialed, run, &run->err);
    return op == 0 ? run->err.code : run_to_end(run, op, 0);
}

int run_dial_next(struct run *run)
{
    struct mox_error why = run->err;
    mox_op_id op;

    run->done = false;
    op = mox_dial_next_start(run->conn, &why, on_dialed, run, &run->err);
    if (op == 0)
        return run->err.code;
    run->conn = NULL;
    return run_to_end(run, op, 0);
}

int run_deliver(struct run *run, const struct mox_message *message, struct mox_rcpt_result *results)
{
    mox_op_id op;

    run->done = false;
    op = mox_deliver_start(run->conn, message, results, on_resolved, run, &run->err);
    return op == 0 ? run->err.code : run_to_end(run, op, BODY_GRACE_MS);
}

void run_close(struct run *run)
{
    mox_conn_close(run->conn);
    mox_plan_free(run->plan);
    signals_release(&run->signals);
    close_context(run);
    close_store(run);
}
