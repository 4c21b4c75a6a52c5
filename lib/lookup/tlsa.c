/* tlsa.c - see tlsa.h. The candidates for the base domain are asked one after the other. */
#include "lookup/tlsa.h"

#include <string.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "dns/dns.h"

struct lookup_tlsa {
    struct lookup_chain chain; /* first */
    struct arena arena;
    struct lookup_rules rules;
    struct mox_ctx *ctx;
    const char *candidates[2]; /* borrowed; for the base domain, in order */
    size_t n, at;              /* of candidates; the one that is asked */
    uint16_t port;
    bool finished;
    struct lookup_tlsa_result result;
    void (*done)(void *arg);
    void *arg;
};

/* MOX_E_AGAIN: asked; MOX_OK: no candidate is left; MOX_E_NOMEM. */
static int ask_next(struct lookup_tlsa *tlsa)
{
    char name[MOX_LIMIT_DOMAIN + 16];

    for (; tlsa->at < tlsa->n; tlsa->at++) {
        struct text text = text_to(name, sizeof name);
        const char *question;

        text_add(&text, "_%u._tcp.%s", (unsigned)tlsa->port, tlsa->candidates[tlsa->at]);
        if (text.len > MOX_LIMIT_DOMAIN)
            continue; /* no such name can exist */
        question = arena_text(&tlsa->arena, (struct slice){name, text.len});
        if (question == NULL)
            return MOX_E_NOMEM;
        tlsa->chain.type = DNS_TYPE_TLSA;
        return chain_start(tlsa->ctx, &tlsa->chain, question) == MOX_OK ? MOX_E_AGAIN : MOX_E_NOMEM;
    }
    return MOX_OK;
}

/* The host of an error is the mail server, whatever name was asked for. */
static int fail(struct lookup_tlsa *tlsa, const struct mox_error *err)
{
    struct mox_error *kept = arena_new(&tlsa->arena, sizeof *kept);

    tlsa->result.error = kept;
    if (kept == NULL)
        return err->code;
    *kept = *err;
    kept->stage = MOX_STAGE_RESOLVE;
    return error_at_host(kept, tlsa->candidates[tlsa->n - 1]);
}

/* Records that are none, or too many, cannot be passed over: that would be less than DANE. */
static int keep_records(struct lookup_tlsa *tlsa)
{
    const struct lookup_answer *answer = &tlsa->chain.answer;
    struct lookup_tlsa_result *result = &tlsa->result;
    struct dane_record *records;
    struct mox_error err;
    size_t usable = 0;

    if (answer->count + answer->beyond > MOX_LIMIT_TLSA) {
        error_set(&err, MOX_E_LIMIT, "%s has %zu TLSA records, more than %d are not read",
                  tlsa->chain.name, answer->count + answer->beyond, MOX_LIMIT_TLSA);
        return fail(tlsa, &err);
    }
    records = arena_array(&tlsa->arena, answer->count, sizeof *records);
    if (records == NULL)
        return MOX_E_NOMEM;
    for (size_t i = 0; i < answer->count; i++) {
        if (!dane_record_read(answer->items[i].data, &records[i])) {
            error_set(&err, MOX_E_DNS, "a TLSA record of %s is malformed", tlsa->chain.name);
            return fail(tlsa, &err);
        }
        usable += dane_usable(&records[i]);
    }
    result->base = tlsa->candidates[tlsa->at];
    result->records = records;
    result->n = answer->count;
    result->usable = usable;
    return MOX_OK;
}

static int take_failure(struct lookup_tlsa *tlsa)
{
    struct mox_error err;

    if (chain_error(&tlsa->chain, &err) == MOX_E_NOMEM)
        return MOX_E_NOMEM;
    tlsa->result.bogus = dns_ede_is_dnssec(tlsa->chain.ede_code);
    return fail(tlsa, &err);
}

/* MOX_E_AGAIN: there is another question; else how the lookup ends. */
static int take_answer(struct lookup_tlsa *tlsa)
{
    const struct lookup_chain *chain = &tlsa->chain;
    bool found = chain->status == MOX_OK && chain->authentic && chain->answer.count > 0;

    /* What is not secure counts as nothing, and so does what lies behind it (RFC 7672 section
     * 2.2). A failure is never taken for absence: an attacker could have made it. */
    if (chain->status != MOX_OK && (chain->authentic || chain->status == MOX_E_NOMEM))
        return take_failure(tlsa);
    if (chain->type == DNS_TYPE_CNAME) /* without a secure alias of its own it has no records */
        return found ? ask_next(tlsa) : MOX_OK;
    if (found)
        return keep_records(tlsa);
    tlsa->at++;
    return ask_next(tlsa);
}

static void on_answer(struct lookup_chain *chain)
{
    struct lookup_tlsa *tlsa = (struct lookup_tlsa *)chain; /* its first member */
    int status = take_answer(tlsa);

    if (status == MOX_E_AGAIN)
        return;
    tlsa->result.status = status;
    tlsa->finished = true;
    tlsa->done(tlsa->arg);
}

static int start(struct lookup_tlsa *tlsa, const struct lookup_tlsa_host *host)
{
    int status;

    if (host->alias == LOOKUP_ALIAS_SECURE && strcmp(host->expansion, host->name) != 0)
        tlsa->candidates[tlsa->n++] = host->expansion;
    tlsa->candidates[tlsa->n++] = host->name;
    if (host->alias == LOOKUP_ALIAS_UNKNOWN) {
        tlsa->chain.type = DNS_TYPE_CNAME;
        return chain_start(tlsa->ctx, &tlsa->chain, host->name);
    }
    status = ask_next(tlsa);
    tlsa->finished = status == MOX_OK;
    return status == MOX_E_NOMEM ? status : MOX_OK;
}

struct lookup_tlsa *lookup_tlsa_start(struct mox_ctx *ctx, const struct lookup_tlsa_host *host,
                                      const struct lookup_rules *rules, void (*done)(void *arg),
                                      void *arg)
{
    struct lookup_tlsa *tlsa = mem_new(sizeof *tlsa);

    if (tlsa == NULL)
        return NULL;
    tlsa->ctx = ctx;
    tlsa->rules = *rules;
    tlsa->port = host->port;
    tlsa->done = done;
    tlsa->arg = arg;
    tlsa->chain.arena = &tlsa->arena;
    tlsa->chain.rules = &tlsa->rules;
    tlsa->chain.max_aliases = MOX_LIMIT_CNAME;
    tlsa->chain.done = on_answer;
    if (start(tlsa, host) != MOX_OK) {
        lookup_tlsa_free(tlsa);
        return NULL;
    }
    return tlsa;
}

bool lookup_tlsa_finished(const struct lookup_tlsa *tlsa)
{
    return tlsa->finished;
}

const struct lookup_tlsa_result *lookup_tlsa_result(const struct lookup_tlsa *tlsa)
{
    return &tlsa->result;
}

void lookup_tlsa_free(struct lookup_tlsa *tlsa)
{
    if (tlsa == NULL)
        return;
    chain_cancel(&tlsa->chain);
    arena_free(&tlsa->arena);
    mem_free(tlsa);
}
