/*
 * run.c - mox_spf_start and mox_spf_check of moxdial/check.h: asks DNS what the evaluator wants to
 * know. What an answer has is kept until the next question, so that no number of answers adds up.
 */
#include <moxdial/check.h>

#include "base/error.h"
#include "base/input.h"
#include "base/mem.h"
#include "base/names.h"
#include "config/config.h"
#include "ctx/block.h"
#include "ctx/ctx.h"
#include "lookup/chain.h"
#include "policy/family.h"
#include "spf/eval.h"

enum { US_PER_MS = 1000, US_PER_S = 1000000 };

struct check {
    struct ctx_op op; /* first */
    struct mox_ctx *ctx;
    struct ctx_timer deadline; /* of all questions together */
    struct lookup_chain chain;
    struct lookup_rules rules;
    struct arena answer; /* of the question */
    struct spf_eval eval;
    struct mox_spf_result *out; /* the caller's */
    mox_done_fn *fn;
    void *arg;
    int status;
    struct mox_error error; /* of the status */
};

static void free_check(struct check *c)
{
    ctx_timer_clear(c->ctx, &c->deadline);
    chain_cancel(&c->chain);
    arena_free(&c->answer);
    spf_eval_free(&c->eval);
    mem_free(c);
}

static void finish(struct ctx_op *op)
{
    struct check *c = (struct check *)op; /* its first member */
    mox_done_fn *fn = c->fn;
    void *arg = c->arg;
    int status = c->status;
    struct mox_error err = c->error;

    if (status == MOX_OK)
        *c->out = c->eval.result;
    free_check(c);
    fn(arg, status, status == MOX_OK ? NULL : &err);
}

static void cancel(struct ctx_op *op)
{
    free_check((struct check *)op);
}

/* Nothing is asked any more, and the dispatch tells the end. */
static void end(struct check *c)
{
    ctx_timer_clear(c->ctx, &c->deadline);
    chain_cancel(&c->chain);
    ctx_op_complete(&c->op);
}

static void shut_down(struct ctx_op *op)
{
    struct check *c = (struct check *)op;

    c->status = error_set(&c->error, MOX_E_SHUTDOWN,
                          "the context was shut down during an SPF check; check again later");
    end(c);
}

static const struct ctx_op_class check_class = {
    .finish = finish, .cancel = cancel, .shutdown = shut_down};

/* What kept the question from being answered is ours, not the domain's. */
static bool is_ours(int status)
{
    return status == MOX_E_NOMEM || status == MOX_E_UNSUPPORTED;
}

/* Gives the evaluator the answer that has come. MOX_OK, or the status that ends the check. */
static int give_answer(struct check *c)
{
    const struct lookup_chain *chain = &c->chain;
    struct spf_answer answer = {.count = chain->answer.count,
                                .addresses = chain->answer.addresses,
                                .items = chain->answer.items};

    if (is_ours(chain->status) || (chain->status != MOX_OK && chain->error == NULL))
        return chain_error(chain, &c->error);
    if (chain->status != MOX_OK)
        answer = (struct spf_answer){.failure = chain->error->message};
    if (spf_eval_answer(&c->eval, &answer) != MOX_OK)
        return error_nomem(&c->error);
    return MOX_OK;
}

static int ask(struct check *c)
{
    arena_free(&c->answer);
    c->chain.error = NULL;
    c->chain.type = c->eval.question.type;
    if (chain_start(c->ctx, &c->chain, c->eval.question.name) != MOX_OK)
        return error_nomem(&c->error);
    return MOX_OK;
}

/* As far as answers are there at once. */
static void go_on(struct check *c)
{
    while (c->status == MOX_OK && !spf_eval_done(&c->eval)) {
        c->status = ask(c);
        if (c->status != MOX_OK)
            break;
        if (!c->chain.finished)
            return;
        c->status = give_answer(c);
    }
    end(c);
}

static void on_answer(struct lookup_chain *chain)
{
    struct check *c = (struct check *)((char *)chain - offsetof(struct check, chain));

    c->status = give_answer(c);
    go_on(c);
}

static void on_deadline(struct ctx_event *event)
{
    struct check *c = (struct check *)((char *)event - offsetof(struct check, deadline.event));
    char why[128];
    struct text t = text_to(why, sizeof why);

    text_add(&t, "not all questions to DNS were answered within %d s", MOX_LIMIT_SPF_SECONDS);
    spf_eval_stop(&c->eval, why);
    end(c);
}

static uint64_t question_us(const struct mox_config *config)
{
    uint64_t ms = config == NULL ? 0 : config->timeouts.dns;

    return ms == 0 ? (uint64_t)MOX_LIMIT_SPF_SECONDS * US_PER_S : ms * US_PER_MS;
}

/* NULL: err says why. */
static struct check *new_check(struct mox_ctx *ctx, const struct mox_spf_request *request,
                               struct mox_error *err)
{
    struct check *c = mem_new(sizeof *c);
    struct spf_request about = {.helo = request->helo,
                                .mail_from = request->mail_from,
                                .receiver = request->receiver,
                                .unix_s = ctx_unix_s(ctx)};

    mox_nat_map(request->config, &request->ip, &about.ip);
    about.ip = policy_unmapped(&about.ip);
    if (c == NULL || spf_eval_begin(&c->eval, &about) != MOX_OK) {
        if (c != NULL)
            spf_eval_free(&c->eval);
        mem_free(c);
        error_nomem(err);
        return NULL;
    }
    c->ctx = ctx;
    c->rules = (struct lookup_rules){.timeout_us = question_us(request->config), .trust_ad = 0};
    c->deadline.event.run = on_deadline;
    c->chain.arena = &c->answer;
    c->chain.rules = &c->rules;
    c->chain.max_aliases = MOX_LIMIT_CNAME;
    c->chain.at_once = true;
    c->chain.done = on_answer;
    return c;
}

/* What the caller gave; MOX_E_INVAL, MOX_E_UNSUPPORTED. */
static int take_request(const struct mox_spf_request *given, struct mox_spf_request *request,
                        bool has_function, struct mox_error *err)
{
    int status =
        input_take(request, sizeof *request, given, sizeof *request, "mox_spf_request", err);

    if (status == MOX_OK && !has_function)
        return error_set(err, MOX_E_INVAL, "no function to call at the end");
    if (status == MOX_OK && request->ip.family != MOX_IPV4 && request->ip.family != MOX_IPV6)
        return error_set(err, MOX_E_INVAL, "mox_spf_request.ip is no address");
    return status;
}

mox_op_id mox_spf_start(struct mox_ctx *ctx, const struct mox_spf_request *given,
                        struct mox_spf_result *out, mox_done_fn *fn, void *arg,
                        struct mox_error *err)
{
    struct mox_spf_request request = {0};
    struct check *c;
    mox_op_id id;

    *out = (struct mox_spf_result){0};
    if (take_request(given, &request, fn != NULL, err) != MOX_OK)
        return 0;
    c = new_check(ctx, &request, err);
    if (c == NULL)
        return 0;
    c->out = out;
    c->fn = fn;
    c->arg = arg;
    id = ctx_op_start(ctx, &c->op, &check_class, err);
    if (id == 0 ||
        ctx_timer_set(ctx, &c->deadline,
                      ctx_now_us(ctx) + (uint64_t)MOX_LIMIT_SPF_SECONDS * US_PER_S) != MOX_OK) {
        if (id != 0)
            error_nomem(err);
        ctx_op_drop(&c->op);
        free_check(c);
        return 0;
    }
    go_on(c);
    ctx_arm(ctx);
    return id;
}

int mox_spf_check(struct mox_ctx *ctx, const struct mox_spf_request *request,
                  struct mox_spf_result *out, struct mox_error *err)
{
    struct mox_error why = {0};
    struct block b = {.err = err != NULL ? err : &why};
    int status = ctx_may_block(ctx, err);
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
