/*
 * eval.c - see eval.h.
 *
 * A term is void once, however many of its questions find nothing (RFC 7208 section 4.6.4 speaks of
 * terms): else three IPv4-only MX hosts would make every IPv6 client's check a permerror. The
 * addresses of PTR names are not counted at all, for the client chose the names, and could turn a
 * fail into a permerror by them. An explanation counts for nothing.
 */
#include "spf/eval.h"

#include <assert.h>
#include <string.h>

#include "base/error.h"
#include "base/ip.h"
#include "base/mem.h"
#include "dns/dns.h"
#include "spf/target.h"

enum { TERM_SHOWN = 120 /* bytes of a term in a sentence, so that there is room for the rest */ };

static_assert(MOX_LIMIT_SPF_DEPTH == MOX_LIMIT_SPF_LOOKUPS + 1,
              "each record but the first comes by a term that was counted");
static_assert(MOX_LIMIT_SPF_EXPANSION == 8 << 10, "a sentence says so");
static_assert(sizeof((struct mox_spf_result *)0)->domain > MOX_LIMIT_DOMAIN, "any name fits");

static struct spf_frame *top(struct spf_eval *e)
{
    return &e->frames[e->depth];
}

static enum spf_state ask(struct spf_eval *e, uint16_t type, const struct domain *name)
{
    spf_target_escape(name, e->question.name, sizeof e->question.name);
    e->question.type = type;
    return SPF_STATE_WAIT;
}

static enum spf_state ask_address(struct spf_eval *e, const struct domain *name)
{
    return ask(e, e->result.ip.family == MOX_IPV6 ? DNS_TYPE_AAAA : DNS_TYPE_A, name);
}

/* The place for the sentence about a permerror or temperror, of which DONE is next. */
static struct text broken(struct spf_eval *e, int result)
{
    e->result.result = result;
    return text_to(e->result.explanation, sizeof e->result.explanation);
}

static enum spf_state no_memory(struct spf_eval *e)
{
    e->status = MOX_E_NOMEM;
    return SPF_STATE_DONE;
}

static enum spf_state dns_failed(struct spf_eval *e, const struct spf_answer *answer)
{
    struct text t = broken(e, MOX_SPF_TEMPERROR);

    text_add(&t, "%s", answer->failure);
    return SPF_STATE_DONE;
}

/* words: what is wrong with a term of the record. */
static void add_term(struct text *t, const struct spf_frame *f, struct slice term,
                     const char *words)
{
    text_add(t, "%s: \"", f->domain.name);
    text_slice(t, slice_sub(term, 0, TERM_SHOWN));
    text_add(t, "\" %s", words);
}

/* Of the term under way; words: what is wrong with it. */
static enum spf_state term_broken(struct spf_eval *e, const char *words)
{
    struct text t = broken(e, MOX_SPF_PERMERROR);

    add_term(&t, top(e), top(e)->term.text, words);
    return SPF_STATE_DONE;
}

/* false: there were as many as may be. */
static bool count_lookup(struct spf_eval *e)
{
    if (e->result.lookups == MOX_LIMIT_SPF_LOOKUPS)
        return false;
    e->result.lookups++;
    return true;
}

static enum spf_state too_many_lookups(struct spf_eval *e)
{
    return term_broken(e, "is over the limit of 10 lookups (RFC 7208 section 4.6.4)");
}

/* next: where it goes on, if it may. */
static enum spf_state found_nothing(struct spf_eval *e, enum spf_state next)
{
    if (e->counted)
        return next;
    e->counted = true;
    e->result.void_lookups++;
    if (e->result.void_lookups <= MOX_LIMIT_SPF_VOIDS)
        return next;
    return term_broken(e, "is the third lookup that finds nothing, one over the limit (RFC 7208 "
                          "section 4.6.4)");
}

/* What the letters stand for in the record on top. */
static struct spf_values values_of(struct spf_eval *e)
{
    struct spf_values values = e->values;

    values.domain = domain_slice(&top(e)->domain);
    values.validated = domain_slice(&top(e)->validated);
    return values;
}

/* Whether %{p} stands in the text and is not known; then it is to be found out first. */
static bool lacks_name(struct spf_eval *e, struct slice text)
{
    if (top(e)->validated.len > 0 || !spf_uses_macro(text, 'p'))
        return false;
    e->then = e->state;
    e->naming = true;
    return true;
}

/* Whether one of the addresses and our client's are the same as far as the bits go. */
static bool has_client(const struct spf_eval *e, const struct spf_answer *answer, int bits)
{
    for (size_t i = 0; i < answer->count; i++) {
        if (ip_in_prefix(&e->result.ip, &(struct ip_prefix){answer->addresses[i], bits}))
            return true;
    }
    return false;
}

static int term_bits(struct spf_eval *e)
{
    return e->result.ip.family == MOX_IPV6 ? top(e)->term.bits6 : top(e)->term.bits4;
}

/* The check has its result. */
static enum spf_state end_check(struct spf_eval *e, int result)
{
    e->result.result = result;
    if (result != MOX_SPF_FAIL || top(e)->exp.len == 0)
        return SPF_STATE_DONE;
    e->explaining = true;
    return SPF_STATE_EXP;
}

static int result_of(char qualifier)
{
    return qualifier == '+'   ? MOX_SPF_PASS
           : qualifier == '-' ? MOX_SPF_FAIL
           : qualifier == '~' ? MOX_SPF_SOFTFAIL
                              : MOX_SPF_NEUTRAL;
}

/* The record on top has this result: a pass makes the include below it match, all else does not. */
static enum spf_state end_record(struct spf_eval *e, int result)
{
    while (e->depth > 0) {
        e->depth--;
        if (result != MOX_SPF_PASS)
            return SPF_STATE_TERM;
        result = result_of(top(e)->term.qualifier);
    }
    return end_check(e, result);
}

static enum spf_state matched(struct spf_eval *e)
{
    return end_record(e, result_of(top(e)->term.qualifier));
}

static enum spf_state enter_record(struct spf_eval *e)
{
    return ask(e, DNS_TYPE_TXT, &top(e)->domain);
}

/* There is no record, or (several) more than one. */
static enum spf_state no_record(struct spf_eval *e, bool several)
{
    struct spf_frame *f = top(e);
    const char *name = f->domain.name;
    struct text t;

    if (!several && e->depth == 0 && f->term.text.len == 0)
        return end_check(e, MOX_SPF_NONE);
    t = broken(e, MOX_SPF_PERMERROR);
    if (several)
        text_add(&t, "%s has several SPF records, where one may stand", name);
    else if (f->term.text.len > 0)
        text_add(&t, "%s has no SPF record, and a redirect leads there", name);
    else
        text_add(&t, "%s has no SPF record, and %s includes it", name, (f - 1)->domain.name);
    return SPF_STATE_DONE;
}

static struct slice spec_of(struct slice terms)
{
    struct spf_term term = {0};

    spf_term_next(&terms, &term);
    return term.spec;
}

static enum spf_state begin_record(struct spf_eval *e, struct slice text)
{
    struct spf_frame *f = top(e);
    struct spf_record record;
    struct slice fault;
    const char *wrong;
    struct text t;

    text.ptr = arena_text(&e->arena, text);
    if (text.ptr == NULL)
        return no_memory(e);
    wrong = spf_record_read(text, &record, &fault);
    if (wrong != NULL) {
        t = broken(e, MOX_SPF_PERMERROR);
        add_term(&t, f, fault, wrong);
        return SPF_STATE_DONE;
    }
    f->term = (struct spf_term){0};
    f->terms = record.terms;
    f->redirect = record.redirect;
    f->exp = spec_of(record.exp);
    return SPF_STATE_TERM;
}

static enum spf_state take_record(struct spf_eval *e, const struct spf_answer *answer)
{
    struct slice text = {0};
    size_t n = 0;

    if (answer->failure != NULL)
        return dns_failed(e, answer);
    for (size_t i = 0; i < answer->count; i++) {
        if (!spf_is_record(answer->items[i].data))
            continue;
        text = answer->items[i].data;
        n++;
    }
    return n == 1 ? begin_record(e, text) : no_record(e, n > 1);
}

/* The next term that asks DNS is on top; or the record has ended. */
static enum spf_state enter_term(struct spf_eval *e)
{
    struct spf_frame *f = top(e);

    while (spf_term_next(&f->terms, &f->term)) {
        switch (f->term.kind) {
        case SPF_ALL:
            return matched(e);
        case SPF_IP4:
        case SPF_IP6:
            if (ip_in_prefix(&e->result.ip, &f->term.prefix))
                return matched(e);
            break;
        case SPF_REDIRECT:
        case SPF_EXP:
        case SPF_UNKNOWN:
            break;
        default:
            e->counted = false;
            return count_lookup(e) ? SPF_STATE_TARGET : too_many_lookups(e);
        }
    }
    f->term = (struct spf_term){0};
    if (!spf_term_next(&f->redirect, &f->term))
        return end_record(e, MOX_SPF_NEUTRAL);
    e->counted = false;
    return count_lookup(e) ? SPF_STATE_TARGET : too_many_lookups(e);
}

/* The record of another domain: on top of this one, or in its place. */
static enum spf_state go_to_record(struct spf_eval *e)
{
    struct spf_term term = top(e)->term;

    if (term.kind == SPF_INCLUDE) {
        e->depth++;
        term = (struct spf_term){0};
    }
    *top(e) = (struct spf_frame){.domain = e->target, .term = term};
    return SPF_STATE_RECORD;
}

static enum spf_state go_to_target(struct spf_eval *e)
{
    switch (top(e)->term.kind) {
    case SPF_A:
        return SPF_STATE_ADDRESS;
    case SPF_MX:
        return SPF_STATE_MX;
    case SPF_PTR:
        return SPF_STATE_PTR;
    case SPF_EXISTS:
        return SPF_STATE_EXISTS;
    default:
        return go_to_record(e);
    }
}

/* What is no name has no record: no match, and for those that need one the end. */
static enum spf_state enter_target(struct spf_eval *e)
{
    const struct spf_term *term = &top(e)->term;
    struct spf_values values;
    int status;

    if (term->spec.len == 0) {
        e->target = top(e)->domain;
        return go_to_target(e);
    }
    if (lacks_name(e, term->spec))
        return SPF_STATE_PTR;
    values = values_of(e);
    status = spf_target_expand(&e->target, term->spec, &values);
    if (status == MOX_OK)
        return go_to_target(e);
    if (status == MOX_E_LIMIT)
        return term_broken(e, "expands to over 8 KiB");
    if (term->kind == SPF_INCLUDE || term->kind == SPF_REDIRECT)
        return term_broken(e, "does not lead to a domain name");
    return SPF_STATE_TERM;
}

static enum spf_state enter_address(struct spf_eval *e)
{
    return ask_address(e, &e->target);
}

static enum spf_state take_address(struct spf_eval *e, const struct spf_answer *answer)
{
    if (answer->failure != NULL)
        return dns_failed(e, answer);
    if (answer->count == 0)
        return found_nothing(e, SPF_STATE_TERM);
    return has_client(e, answer, term_bits(e)) ? matched(e) : SPF_STATE_TERM;
}

static enum spf_state enter_exists(struct spf_eval *e)
{
    return ask(e, DNS_TYPE_A, &e->target);
}

static enum spf_state take_exists(struct spf_eval *e, const struct spf_answer *answer)
{
    if (answer->failure != NULL)
        return dns_failed(e, answer);
    return answer->count > 0 ? matched(e) : found_nothing(e, SPF_STATE_TERM);
}

static enum spf_state enter_mx(struct spf_eval *e)
{
    return ask(e, DNS_TYPE_MX, &e->target);
}

static enum spf_state take_mx(struct spf_eval *e, const struct spf_answer *answer)
{
    if (answer->failure != NULL)
        return dns_failed(e, answer);
    if (answer->count == 0)
        return found_nothing(e, SPF_STATE_TERM);
    if (answer->count > MOX_LIMIT_SPF_MX)
        return term_broken(e, "leads to over 10 MX hosts (RFC 7208 section 4.6.4)");
    e->nhosts = e->at = 0;
    for (size_t i = 0; i < answer->count; i++)
        e->nhosts += spf_name_of(&answer->items[i], &e->hosts[e->nhosts]);
    return SPF_STATE_MX_HOST;
}

static enum spf_state enter_mx_host(struct spf_eval *e)
{
    return e->at < e->nhosts ? ask_address(e, &e->hosts[e->at]) : SPF_STATE_TERM;
}

static enum spf_state take_mx_host(struct spf_eval *e, const struct spf_answer *answer)
{
    if (answer->failure != NULL)
        return dns_failed(e, answer);
    e->at++;
    if (answer->count == 0)
        return found_nothing(e, SPF_STATE_MX_HOST);
    return has_client(e, answer, term_bits(e)) ? matched(e) : SPF_STATE_MX_HOST;
}

/* The client's names serve all of the check: they are asked for once. */
static enum spf_state enter_ptr(struct spf_eval *e)
{
    struct domain reverse;

    if (e->names.known)
        return SPF_STATE_PTR_HOST;
    if (e->naming && !e->explaining && !count_lookup(e))
        return too_many_lookups(e);
    spf_target_reverse(&reverse, &e->result.ip);
    return ask(e, DNS_TYPE_PTR, &reverse);
}

/* A failure is no match (section 5.5). */
static enum spf_state take_ptr(struct spf_eval *e, const struct spf_answer *answer)
{
    spf_names_take(&e->names, answer->items, answer->failure != NULL ? 0 : answer->count);
    if (answer->failure != NULL || answer->count > 0 || e->explaining)
        return SPF_STATE_PTR_HOST;
    return found_nothing(e, SPF_STATE_PTR_HOST);
}

/* %{p} is known. */
static enum spf_state end_naming(struct spf_eval *e, const struct spf_name *name)
{
    domain_set(&top(e)->validated, name == NULL ? slice_of("unknown") : domain_slice(&name->name));
    e->naming = false;
    return (enum spf_state)e->then;
}

static enum spf_state enter_ptr_host(struct spf_eval *e)
{
    const struct domain *domain = e->naming ? &top(e)->domain : &e->target;
    struct spf_name *name = spf_names_best(&e->names, domain, e->naming);

    if (name != NULL && !name->asked) {
        e->at = (size_t)(name - e->names.list);
        return ask_address(e, &name->name);
    }
    if (e->naming)
        return end_naming(e, name);
    return name != NULL ? matched(e) : SPF_STATE_TERM;
}

static enum spf_state take_ptr_host(struct spf_eval *e, const struct spf_answer *answer)
{
    struct spf_name *name = &e->names.list[e->at];

    name->asked = true;
    name->valid = answer->failure == NULL && has_client(e, answer, 8 * (int)ip_size(&e->result.ip));
    return SPF_STATE_PTR_HOST;
}

static enum spf_state enter_exp(struct spf_eval *e)
{
    struct slice spec = top(e)->exp;
    struct spf_values values;

    if (lacks_name(e, spec))
        return SPF_STATE_PTR;
    values = values_of(e);
    if (spf_target_expand(&e->target, spec, &values) != MOX_OK)
        return SPF_STATE_DONE;
    return ask(e, DNS_TYPE_TXT, &e->target);
}

/* Whatever is wrong with it, the fail then stands without an explanation (section 6.2). */
static enum spf_state take_exp(struct spf_eval *e, const struct spf_answer *answer)
{
    struct slice text;

    if (answer->failure != NULL || answer->count != 1)
        return SPF_STATE_DONE;
    text = answer->items[0].data;
    if (!spf_is_explain_string(text))
        return SPF_STATE_DONE;
    e->explain = (struct slice){arena_text(&e->arena, text), text.len};
    return e->explain.ptr == NULL ? no_memory(e) : SPF_STATE_EXPLAIN;
}

/* What does not fit is cut. */
static enum spf_state enter_explain(struct spf_eval *e)
{
    struct text t = text_to(e->result.explanation, sizeof e->result.explanation);
    struct spf_values values;

    if (lacks_name(e, e->explain))
        return SPF_STATE_PTR;
    values = values_of(e);
    if (spf_expand(e->explain, &values, &t) == MOX_E_INVAL)
        e->result.explanation[0] = '\0';
    return SPF_STATE_DONE;
}

/* Printable ASCII alone leaves: HELO and the records are strangers' words. */
static void clean(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            *text = '?';
    }
}

static enum spf_state enter_done(struct spf_eval *e)
{
    struct mox_spf_result *result = &e->result;
    struct text t = text_to(result->mechanism, sizeof result->mechanism);

    e->question.name[0] = '\0';
    if (result->result == MOX_SPF_NEUTRAL && e->frames[0].term.text.len == 0)
        text_add(&t, "default"); /* as section 9.1 has it */
    else if (result->result != MOX_SPF_NONE)
        text_slice(&t, e->frames[0].term.text);
    clean(result->mechanism);
    clean(result->explanation);
    return SPF_STATE_WAIT;
}

static const struct {
    /* Do what can be done: the next state, or SPF_STATE_WAIT: the question is set, or all is done.
     */
    enum spf_state (*enter)(struct spf_eval *e);
    /* Take the answer: the next state. */
    enum spf_state (*take)(struct spf_eval *e, const struct spf_answer *answer);
} states[] = {
    [SPF_STATE_RECORD] = {enter_record, take_record},
    [SPF_STATE_TERM] = {enter_term, NULL},
    [SPF_STATE_TARGET] = {enter_target, NULL},
    [SPF_STATE_ADDRESS] = {enter_address, take_address},
    [SPF_STATE_EXISTS] = {enter_exists, take_exists},
    [SPF_STATE_MX] = {enter_mx, take_mx},
    [SPF_STATE_MX_HOST] = {enter_mx_host, take_mx_host},
    [SPF_STATE_PTR] = {enter_ptr, take_ptr},
    [SPF_STATE_PTR_HOST] = {enter_ptr_host, take_ptr_host},
    [SPF_STATE_EXP] = {enter_exp, take_exp},
    [SPF_STATE_EXPLAIN] = {enter_explain, NULL},
    [SPF_STATE_DONE] = {enter_done, NULL},
};
static_assert(ARRAY_LEN(states) == SPF_STATE_WAIT, "a row for every state");

static int go(struct spf_eval *e, enum spf_state next)
{
    while (next != SPF_STATE_WAIT) {
        e->state = (uint8_t)next;
        next = states[next].enter(e);
    }
    return e->status;
}

int spf_eval_begin(struct spf_eval *e, const struct spf_request *request)
{
    struct domain *domain = &e->frames[0].domain;

    e->result.ip = request->ip;
    if (spf_identity_of(request, &e->arena, domain, &e->values) != MOX_OK)
        return go(e, no_memory(e));
    memcpy(e->result.domain, domain->name, domain->len + 1);
    return go(e, domain->len == 0 ? end_check(e, MOX_SPF_NONE) : SPF_STATE_RECORD);
}

int spf_eval_answer(struct spf_eval *e, const struct spf_answer *answer)
{
    return go(e, states[e->state].take(e, answer));
}

void spf_eval_stop(struct spf_eval *e, const char *why)
{
    if (!e->explaining)
        dns_failed(e, &(struct spf_answer){.failure = why});
    go(e, SPF_STATE_DONE);
}

void spf_eval_free(struct spf_eval *e)
{
    arena_free(&e->arena);
}
