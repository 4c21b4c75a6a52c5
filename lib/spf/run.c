/* run.c - mox_spf_start, mox_spf_check and mox_spf_name of moxdial/check.h. */
#include <moxdial/check.h>

#include "base/error.h"
#include "base/input.h"
#include "base/mem.h"
#include "base/names.h"
#include "ctx/block.h"
#include "spf/check.h"

struct run {
    struct ctx_op op;           /* first */
    struct spf_check *check;    /* owned; NULL: shut down */
    struct mox_spf_result *out; /* the caller's */
    mox_done_fn *fn;
    void *arg;
};

static void free_run(struct run *run)
{
    spf_check_free(run->check);
    mem_free(run);
}

static int end_shut_down(struct mox_error *err)
{
    return error_set(err, MOX_E_SHUTDOWN,
                     "the context was shut down during an SPF check; check again later");
}

static void finish(struct ctx_op *op)
{
    struct run *run = (struct run *)op; /* its first member */
    mox_done_fn *fn = run->fn;
    void *arg = run->arg;
    struct mox_error err;
    int status =
        run->check == NULL ? end_shut_down(&err) : spf_check_result(run->check, run->out, &err);

    free_run(run);
    fn(arg, status, status == MOX_OK ? NULL : &err);
}

static void cancel(struct ctx_op *op)
{
    free_run((struct run *)op);
}

/* A result that is there is told. */
static void shut_down(struct ctx_op *op)
{
    struct run *run = (struct run *)op;

    if (run->check == NULL || spf_check_finished(run->check))
        return;
    spf_check_free(run->check);
    run->check = NULL;
    ctx_op_complete(op);
}

static const struct ctx_op_class run_class = {
    .finish = finish, .cancel = cancel, .shutdown = shut_down};

static void on_done(void *arg)
{
    ctx_op_complete(&((struct run *)arg)->op);
}

/* What the caller gave. */
static int take_request(const struct mox_spf_request *given, struct mox_spf_request *request,
                        bool has_function, struct mox_error *err)
{
    int status =
        input_take(request, sizeof *request, given, sizeof *request, "mox_spf_request", err);

    if (status == MOX_OK && !has_function)
        return error_set(err, MOX_E_INVAL, "no function to call at the end");
    if (status != MOX_OK)
        return status;
    if (request->ip.family != MOX_IPV4 && request->ip.family != MOX_IPV6)
        return error_set(err, MOX_E_INVAL, "mox_spf_request.ip is no address");
    mox_nat_map(request->config, &request->ip, &request->ip);
    return MOX_OK;
}

/* Its op and its check; 0: it is freed, and err says why. */
static mox_op_id start(struct mox_ctx *ctx, struct run *run, const struct mox_spf_request *request,
                       struct mox_error *err)
{
    mox_op_id id = ctx_op_start(ctx, &run->op, &run_class, err);

    if (id == 0) {
        free_run(run);
        return 0;
    }
    run->check = spf_check_start(ctx, request, on_done, run);
    if (run->check == NULL) {
        error_nomem(err);
        ctx_op_drop(&run->op);
        free_run(run);
        return 0;
    }
    if (spf_check_finished(run->check))
        ctx_op_complete(&run->op);
    ctx_arm(ctx);
    return id;
}

mox_op_id mox_spf_start(struct mox_ctx *ctx, const struct mox_spf_request *given,
                        struct mox_spf_result *out, mox_done_fn *fn, void *arg,
                        struct mox_error *err)
{
    struct mox_spf_request request = {0};
    struct run *run;

    *out = (struct mox_spf_result){0};
    if (take_request(given, &request, fn != NULL, err) != MOX_OK)
        return 0;
    run = mem_new(sizeof *run);
    if (run == NULL) {
        error_nomem(err);
        return 0;
    }
    run->out = out;
    run->fn = fn;
    run->arg = arg;
    return start(ctx, run, &request, err);
}

int mox_spf_check(struct mox_ctx *ctx, const struct mox_spf_request *request,
                  struct mox_spf_result *out, struct mox_error *err)
{
    struct block b;
    int status = block_begin(&b, ctx, err);
    mox_op_id id;

    *out = (struct mox_spf_result){0};
    if (status != MOX_OK)
        return status;
    id = mox_spf_start(ctx, request, out, block_on_done, &b, b.err);
    return block_run(ctx, &b, id);
}

const char *mox_spf_name(int result)
{
    static const char *const names[] = {
        [MOX_SPF_NONE] = "none",           [MOX_SPF_NEUTRAL] = "neutral",
        [MOX_SPF_PASS] = "pass",           [MOX_SPF_FAIL] = "fail",
        [MOX_SPF_SOFTFAIL] = "softfail",   [MOX_SPF_TEMPERROR] = "temperror",
        [MOX_SPF_PERMERROR] = "permerror",
    };

    return name_of(names, ARRAY_LEN(names), result);
}
