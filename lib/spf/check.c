/*
 * check.c - see check.h. What an answer has is kept until the next question, so that no number of
 * answers adds up.
 */
#include "spf/check.h"

#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/units.h"
#include "config/config.h"
#include "dns/dns.h"
#include "lookup/chain.h"
#include "policy/family.h"
#include "spf/eval.h"

struct spf_check {
    struct lookup_chain chain; /* first */
    struct ctx_timer deadline; /* of all questions together */
    struct mox_ctx *ctx;
    struct lookup_rules rules;
    struct arena answer; /* of the question */
    struct spf_eval eval;
    void (*done)(void *arg);
    void *arg;
    uint32_t ttl;
    bool of_sender, finished;
    int status;
    struct mox_error error; /* of the status */
};

/* What kept the question from being answered is ours, not the domain's. */
static bool is_ours(int status)
{
    return status == MOX_E_NOMEM || status == MOX_E_UNSUPPORTED;
}

/* Whether a text has a macro of the sender's address, %{s} or %{l} in whatever form. */
static bool asks_for_sender(struct slice text)
{
    for (size_t i = 0; i + 2 < text.len; i++) {
        if (text.ptr[i] == '%' && text.ptr[i + 1] == '{' && strchr("slSL", text.ptr[i + 2]) != NULL)
            return true;
    }
    return false;
}

/* What whoever keeps the result must know of the answers. */
static void note_answer(struct spf_check *c)
{
    const struct lookup_answer *answer = &c->chain.answer;

    if (c->chain.status != MOX_OK || answer->count == 0)
        return;
    if (answer->ttl < c->ttl)
        c->ttl = answer->ttl;
    for (size_t i = 0; c->chain.type == DNS_TYPE_TXT && i < answer->count; i++)
        c->of_sender = c->of_sender || asks_for_sender(answer->items[i].data);
}

/* Gives the evaluator the answer that has come. MOX_OK, or the status that ends the check. */
static int give_answer(struct spf_check *c)
{
    const struct lookup_chain *chain = &c->chain;
    struct spf_answer answer = {.count = chain->answer.count,
                                .addresses = chain->answer.addresses,
                                .items = chain->answer.items};

    if (is_ours(chain->status) || (chain->status != MOX_OK && chain->error == NULL))
        return chain_error(chain, &c->error);
    note_answer(c);
    if (chain->status != MOX_OK)
        answer = (struct spf_answer){.failure = chain->error->message};
    if (spf_eval_answer(&c->eval, &answer) != MOX_OK)
        return error_nomem(&c->error);
    return MOX_OK;
}

static int ask(struct spf_check *c)
{
    arena_free(&c->answer);
    c->chain.type = c->eval.question.type;
    if (chain_start(c->ctx, &c->chain, c->eval.question.name) != MOX_OK)
        return error_nomem(&c->error);
    return MOX_OK;
}

/* As far as answers are there at once. */
static void go_on(struct spf_check *c)
{
    while (c->status == MOX_OK && !spf_eval_done(&c->eval)) {
        c->status = ask(c);
        if (c->status != MOX_OK)
            break;
        if (!c->chain.finished)
            return;
        c->status = give_answer(c);
    }
    c->finished = true;
    ctx_timer_clear(c->ctx, &c->deadline);
}

static void on_answer(struct lookup_chain *chain)
{
    struct spf_check *c = (struct spf_check *)chain; /* its first member */

    c->status = give_answer(c);
    go_on(c);
    if (c->finished)
        c->done(c->arg);
}

static void on_deadline(struct ctx_event *event)
{
    struct spf_check *c =
        (struct spf_check *)((char *)event - offsetof(struct spf_check, deadline.event));
    char why[128];
    struct text t = text_to(why, sizeof why);

    text_add(&t, "not all questions to DNS were answered within %d s", MOX_LIMIT_SPF_SECONDS);
    chain_cancel(&c->chain);
    spf_eval_stop(&c->eval, why);
    c->finished = true;
    c->done(c->arg);
}

static uint64_t question_us(const struct mox_config *config)
{
    uint64_t ms = config == NULL ? 0 : config->timeouts.dns;

    return ms == 0 ? us_of_s(MOX_LIMIT_SPF_SECONDS) : us_of_ms(ms);
}

/* What does not change from question to question. */
static void prepare(struct spf_check *c, const struct mox_config *config)
{
    c->rules = (struct lookup_rules){.timeout_us = question_us(config), .trust_ad = 0};
    c->deadline.event.run = on_deadline;
    c->chain.arena = &c->answer;
    c->chain.rules = &c->rules;
    c->chain.max_aliases = MOX_LIMIT_CNAME;
    c->chain.at_once = true;
    c->chain.done = on_answer;
}

struct spf_check *spf_check_start(struct mox_ctx *ctx, const struct mox_spf_request *request,
                                  void (*done)(void *arg), void *arg)
{
    struct spf_check *c = mem_new(sizeof *c);
    struct spf_request about = {.ip = policy_unmapped(&request->ip),
                                .helo = request->helo,
                                .mail_from = request->mail_from,
                                .receiver = request->receiver,
                                .unix_s = ctx_unix_s(ctx)};
    uint64_t end_us = ctx_now_us(ctx) + us_of_s(MOX_LIMIT_SPF_SECONDS);

    if (c == NULL)
        return NULL;
    c->ctx = ctx;
    c->done = done;
    c->arg = arg;
    c->ttl = UINT32_MAX;
    prepare(c, request->config);
    if (spf_eval_begin(&c->eval, &about) != MOX_OK ||
        ctx_timer_set(ctx, &c->deadline, end_us) != MOX_OK) {
        spf_check_free(c);
        return NULL;
    }
    go_on(c);
    return c;
}

bool spf_check_finished(const struct spf_check *c)
{
    return c->finished;
}

int spf_check_result(const struct spf_check *c, struct mox_spf_result *out, struct mox_error *err)
{
    if (c->status == MOX_OK)
        *out = c->eval.result;
    else if (err != NULL)
        *err = c->error;
    return c->status;
}

uint32_t spf_check_ttl(const struct spf_check *c)
{
    return c->ttl;
}

bool spf_check_is_of_sender(const struct spf_check *c)
{
    return c->of_sender;
}

void spf_check_free(struct spf_check *c)
{
    if (c == NULL)
        return;
    ctx_timer_clear(c->ctx, &c->deadline);
    chain_cancel(&c->chain);
    arena_free(&c->answer);
    spf_eval_free(&c->eval);
    mem_free(c);
}
