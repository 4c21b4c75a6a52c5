/* chain.c - see chain.h. */
#include "lookup/chain.h"

#include "base/error.h"
#include "base/text.h"
#include "dns/dns.h"

/* Why there was no message to read. */
static int no_answer(const struct lookup_chain *chain, struct mox_error *err)
{
    char buf[DNS_TYPE_TEXT];
    const char *type = dns_type_name(chain->type, buf), *name = chain->name;
    int status = chain->query.status;

    if (status == MOX_E_NOMEM)
        return error_nomem(err);
    if (status == MOX_E_UNSUPPORTED)
        return error_set(err, status,
                         "cannot look up %s of %s: this context has no DNS; give it dns ops or a "
                         "build with c-ares",
                         type, name);
    if (status == MOX_E_TIMEOUT)
        return error_set(err, MOX_E_DNS,
                         "no answer from the name servers for %s of %s in time; try again later",
                         type, name);
    if (status <= MOX_ERRNO(0)) {
        char what[MOX_LIMIT_DOMAIN + 64];

        text_add(&(struct text){what, sizeof what, 0}, "asking the name servers for %s of %s", type,
                 name);
        error_from_op(err, status, what);
        if (err != NULL)
            err->code = MOX_E_DNS; /* ours: the resolver cannot be reached */
        return MOX_E_DNS;
    }
    if (status == MOX_E_LIMIT)
        return error_set(err, MOX_E_DNS, "the answer for %s of %s is over %d bytes", type, name,
                         MOX_LIMIT_DNS_MESSAGE);
    return error_set(err, MOX_E_DNS,
                     "no name server gave a usable answer for %s of %s; try again later", type,
                     name);
}

static void keep_error(struct lookup_chain *chain, const struct mox_error *err)
{
    struct mox_error *kept = arena_new(chain->arena, sizeof *kept);

    chain->status = err->code;
    chain->error = kept;
    if (kept == NULL)
        return;
    *kept = *err;
    kept->stage = MOX_STAGE_RESOLVE;
    error_at_host(kept, chain->name);
}

static int ask(struct mox_ctx *ctx, struct lookup_chain *chain)
{
    return query_start(ctx, &chain->query, chain->name, chain->type, chain->rules->timeout_us);
}

/* Whether the answer stops at an alias whose own records were not told. */
static bool stops_short(const struct dns_answer *answer)
{
    return answer->aliases > 0 && answer->count == 0 && answer->canonical.len > 0 &&
           answer->rcode == DNS_RCODE_NOERROR;
}

/* What the lookup needs of it lives on; without an alias the name does already. */
static int keep_answer(struct lookup_chain *chain, const struct dns_answer *answer)
{
    const char *canonical = chain->name;

    if (answer->aliases > 0)
        canonical = arena_text(chain->arena, domain_slice(&answer->canonical));
    chain->answer =
        (struct lookup_answer){answer->rcode, answer->count, answer->beyond, answer->addresses,
                               answer->items, canonical,     answer->ttl};
    return canonical == NULL ? MOX_E_NOMEM : MOX_OK;
}

/* MOX_OK: finished; MOX_E_AGAIN: the last alias must be asked. */
static int read_answer(struct lookup_chain *chain, struct slice message, struct mox_error *err)
{
    bool believed = chain->rules->trust_ad < 0 ? chain->query.trusted : chain->rules->trust_ad > 0;
    struct dns_question question = {slice_of(chain->name), chain->type,
                                    chain->max_aliases - chain->aliases};
    struct dns_answer answer;
    int status = dns_answer_read(message, &question, &answer, chain->arena, err);

    chain->ede_code = answer.ede_code > INT16_MAX ? -1 : (int16_t)answer.ede_code;
    if (status != MOX_OK)
        return status;
    chain->authentic = chain->authentic && believed && answer.authentic;
    chain->aliases += answer.aliases;
    if (keep_answer(chain, &answer) != MOX_OK)
        return error_nomem(err);
    if (!stops_short(&answer))
        return MOX_OK;
    chain->name = chain->answer.canonical;
    return MOX_E_AGAIN;
}

static void take_message(struct ctx_query *query, struct slice message)
{
    struct lookup_chain *chain = (struct lookup_chain *)query; /* its first member */
    struct mox_error err;

    chain->status = read_answer(chain, message, &err);
    if (chain->status != MOX_OK && chain->status != MOX_E_AGAIN)
        keep_error(chain, &err);
}

/* The question has been answered, or never will be. true: all is known; false: the last alias has
 * been asked. */
static bool go_on(struct lookup_chain *chain)
{
    struct mox_error err;

    if (chain->query.status != MOX_OK) {
        no_answer(chain, &err);
        keep_error(chain, &err);
    } else if (chain->status == MOX_E_AGAIN) {
        if (ask(chain->query.ctx, chain) == MOX_OK)
            return false;
        error_nomem(&err);
        keep_error(chain, &err);
    }
    chain->finished = true;
    return true;
}

static void on_answer(struct ctx_query *query)
{
    struct lookup_chain *chain = (struct lookup_chain *)query;

    if (go_on(chain))
        chain->done(chain);
}

static void on_refused(struct ctx_event *event)
{
    on_answer((struct ctx_query *)event); /* its first member */
}

int chain_start(struct mox_ctx *ctx, struct lookup_chain *chain, const char *name)
{
    int status;

    chain->name = name;
    chain->query.take = take_message;
    chain->query.done = on_answer;
    chain->aliases = 0;
    chain->ede_code = -1;
    chain->authentic = true;
    chain->asked = true;
    chain->finished = false;
    chain->status = MOX_E_AGAIN;
    status = ask(ctx, chain);
    while (status == MOX_OK && chain->at_once && query_answered_at_once(&chain->query)) {
        if (go_on(chain))
            break;
    }
    if (status != MOX_E_UNSUPPORTED)
        return status;
    chain->query.status = status; /* told by the next dispatch, as every failure */
    chain->query.event.run = on_refused;
    ctx_event_queue(ctx, &chain->query.event);
    return MOX_OK;
}

void chain_cancel(struct lookup_chain *chain)
{
    if (!chain->asked)
        return;
    query_cancel(&chain->query);
    ctx_event_drop(&chain->query.event);
    chain->asked = false;
}

int chain_error(const struct lookup_chain *chain, struct mox_error *err)
{
    if (chain->error == NULL)
        return error_nomem(err);
    if (err != NULL)
        *err = *chain->error;
    return chain->status;
}
