/*
 * dns.c - see dns.h. Answers follow aliases as a resolver does. Each is given twice, and after a
 * cancel too: late ones must be found stale.
 */
#include "test/sim/dns.h"

#include <errno.h>
#include <string.h>

enum { MOST_ALIASES = 40, CNAME = 5, NOERROR = 0, NXDOMAIN = 3 };

struct dns_question {
    struct dns_question *next;
    uint64_t id;
    const char *name;
    uint16_t type;
    bool over; /* answered or cancelled */
    struct sim_moment asked, ended;
};

static const struct {
    const char *text;
    uint16_t type;
} types[] = {{"A", 1},    {"CNAME", CNAME}, {"PTR", 12}, {"MX", 15},
             {"TXT", 16}, {"AAAA", 28},     {"TLSA", 52}};

uint16_t dns_type(const char *text)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].text, text) == 0)
            return types[i].type;
    }
    return 0;
}

const char *dns_type_text(uint16_t type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].type == type)
            return types[i].text;
    }
    return "?";
}

static struct dns_set *find_set(const struct world *w, const char *name, uint16_t type)
{
    struct dns_set *set = w->zone;

    while (set != NULL && (set->type != type || strcmp(set->name, name) != 0))
        set = set->next;
    return set;
}

struct dns_set *dns_set(struct world *w, const char *name, uint16_t type)
{
    struct dns_set *set = find_set(w, name, type);

    if (set != NULL)
        return set;
    set = world_alloc(w, sizeof *set);
    set->name = world_text(w, name);
    set->type = type;
    set->next = w->zone;
    w->zone = set;
    return set;
}

void dns_add(struct world *w, struct dns_set *set, const char *rdata)
{
    if (set->n == set->cap) {
        size_t cap = 2 * set->cap + 4;
        const char **bigger = world_alloc(w, cap * sizeof *bigger);

        if (set->n > 0)
            memcpy(bigger, set->rdata, set->n * sizeof *bigger);
        set->rdata = bigger;
        set->cap = cap;
    }
    set->rdata[set->n++] = world_text(w, rdata);
}

static bool has_name(const struct world *w, const char *name)
{
    for (const struct dns_set *set = w->zone; set != NULL; set = set->next) {
        if (strcmp(set->name, name) == 0)
            return true;
    }
    return false;
}

/* The set that decides what becomes of the question: its own, or the alias that stands there. */
static struct dns_set *deciding_set(const struct world *w, const struct dns_question *q)
{
    struct dns_set *set = find_set(w, q->name, q->type);

    return set != NULL ? set : find_set(w, q->name, CNAME);
}

struct answer {
    struct mox_dns_record *records;
    size_t n;
    int rcode;
    bool authentic;
};

static void add_records(struct world *w, struct answer *a, const struct dns_set *set)
{
    struct mox_dns_record *bigger = world_alloc(w, (a->n + set->n) * sizeof *bigger);

    if (a->n > 0)
        memcpy(bigger, a->records, a->n * sizeof *bigger);
    a->records = bigger;
    for (size_t i = 0; i < set->n; i++)
        a->records[a->n++] = (struct mox_dns_record){set->name, set->type, 0, 300, set->rdata[i]};
    a->authentic = a->authentic && set->authentic;
    if (set->rcode != NOERROR)
        a->rcode = set->rcode;
}

static void resolve(struct world *w, const struct dns_question *q, struct answer *a)
{
    const char *name = q->name;

    *a = (struct answer){.authentic = true};
    for (int i = 0; i < MOST_ALIASES; i++) {
        const struct dns_set *set = find_set(w, name, q->type), *alias = find_set(w, name, CNAME);

        if (set != NULL || alias == NULL) {
            if (set != NULL)
                add_records(w, a, set);
            else
                a->authentic = false;
            if (!has_name(w, name))
                a->rcode = NXDOMAIN;
            return;
        }
        add_records(w, a, alias);
        if (alias->first_only || alias->n == 0)
            return;
        name = alias->rdata[0];
    }
}

static int say_garbage(struct world *w, const struct dns_question *q, size_t len)
{
    unsigned char bytes[512];

    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)world_random(w);
    return mox_dns_answer(w->ctx, q->id, bytes, len, MOX_DNS_TRUST_AD);
}

/* Well formed, and about other.example. */
static int say_other(struct world *w, const struct dns_question *q)
{
    unsigned char bytes[] = {0,   0,   0x81, 0x80, 0,   1,   0, 1,    0,   0,   0,   0,
                             5,   'o', 't',  'h',  'e', 'r', 7, 'e',  'x', 'a', 'm', 'p',
                             'l', 'e', 0,    0,    0,   0,   1, 0xc0, 12,  0,   1,   0,
                             1,   0,   0,    1,    44,  0,   4, 192,  0,   2,   66};

    bytes[28] = (unsigned char)q->type;
    return mox_dns_answer(w->ctx, q->id, bytes, sizeof bytes, 0);
}

/* Without the question; the extended error is an option of the OPT record. */
static int say_bogus(struct world *w, const struct dns_question *q)
{
    static const unsigned char bytes[] = {0, 0,   0x81, 0x82, 0, 0, 0, 0, 0, 0,  0, 1, 0, 0, 41,
                                          4, 208, 0,    0,    0, 0, 0, 6, 0, 15, 0, 2, 0, 6};

    return mox_dns_answer(w->ctx, q->id, bytes, sizeof bytes, MOX_DNS_TRUST_AD);
}

/* A record as the type has it, of a name that nobody asked for. */
static void add_stranger(struct world *w, const struct dns_question *q, struct answer *a)
{
    static const struct {
        const char *type, *rdata;
    } records[] = {
        {"A", "203.0.113.66"},
        {"AAAA", "2001:db8:666::1"},
        {"MX", "0 stranger.example"},
        {"CNAME", "stranger.example"},
        {"TXT", "\"v=STSv1; id=66;\""},
        {"TLSA", "3 1 1 6666666666666666666666666666666666666666666666666666666666666666"},
    };
    struct dns_set stranger = {.name = "stranger.example", .type = q->type, .n = 1, .cap = 1};
    const char *record = "203.0.113.66";

    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        if (dns_type(records[i].type) == q->type)
            record = records[i].rdata;
    }
    stranger.rdata = &record;
    stranger.authentic = a->authentic;
    add_records(w, a, &stranger);
}

static int say(struct world *w, const struct dns_question *q)
{
    const struct dns_set *set = deciding_set(w, q);
    struct answer a;

    switch (set == NULL ? DNS_ANSWERS : set->fate) {
    case DNS_FAILS:
        return mox_dns_fail(w->ctx, q->id, set->code);
    case DNS_GARBAGE:
        return say_garbage(w, q, 40 + world_random(w) % 400);
    case DNS_TRUNCATED:
        return say_garbage(w, q, 11);
    case DNS_OTHER:
        return say_other(w, q);
    case DNS_BOGUS:
        return say_bogus(w, q);
    default:
        resolve(w, q, &a);
        if (set != NULL && set->fate == DNS_POISONED)
            add_stranger(w, q, &a);
        return mox_dns_answer_records(w->ctx, q->id, a.rcode, a.records, a.n, a.authentic);
    }
}

static void run_answer(struct world *w, void *arg)
{
    struct dns_question *q = arg;
    bool wanted = !q->over;
    int status;

    if (w->ended)
        return;
    if (wanted)
        q->ended = world_now(w);
    q->over = true;
    status = say(w, q);
    if (wanted && status == MOX_E_STALE)
        world_fault(w, "the answer for %s %s is wanted, and stale", q->name,
                    dns_type_text(q->type));
    if (!wanted && status != MOX_E_STALE)
        world_fault(w, "the answer for %s %s is not wanted, and taken", q->name,
                    dns_type_text(q->type));
    if (mox_dns_fail(w->ctx, q->id, MOX_E_DNS) != MOX_E_STALE)
        world_fault(w, "a second answer for %s %s is taken", q->name, dns_type_text(q->type));
}

static int sim_query(void *user, uint64_t id, const char *name, uint16_t type)
{
    struct world *w = user;
    struct dns_question *q = world_alloc(w, sizeof *q);
    const struct dns_set *set;

    *q = (struct dns_question){.next = w->questions,
                               .id = id,
                               .name = world_text(w, name),
                               .type = type,
                               .asked = world_now(w),
                               .ended = world_now(w)};
    w->questions = q;
    world_log(w, "query %s %s", name, dns_type_text(type));
    set = deciding_set(w, q);
    if (set != NULL && set->fate == DNS_UNASKABLE) {
        q->over = true;
        return set->code;
    }
    if (set != NULL && set->fate == DNS_LOST)
        return MOX_OK;
    if (w->dns_at_once)
        run_answer(w, q);
    else
        world_at(w, 1000u * (set == NULL || !set->timed ? w->dns_ms : set->ms), run_answer, q);
    return MOX_OK;
}

static void sim_cancel(void *user, uint64_t id)
{
    struct world *w = user;
    struct dns_question *q = w->questions;

    while (q != NULL && q->id != id)
        q = q->next;
    if (q == NULL)
        world_fault(w, "a question that was never asked is cancelled");
    else if (q->over)
        world_fault(w, "%s %s is cancelled, and was over", q->name, dns_type_text(q->type));
    else {
        q->over = true;
        q->ended = world_now(w);
    }
}

struct mox_dns_ops dns_ops(struct world *w)
{
    return (struct mox_dns_ops){sizeof(struct mox_dns_ops), w, sim_query, sim_cancel};
}

void dns_check(struct world *w)
{
    for (const struct dns_question *q = w->questions; q != NULL; q = q->next) {
        if (!q->over)
            world_fault(w, "%s %s is neither answered nor cancelled", q->name,
                        dns_type_text(q->type));
    }
}

bool dns_asked_at(const struct world *w, size_t n, struct dns_asked *out)
{
    const struct dns_question *q = w->questions;

    while (q != NULL && n > 0) {
        q = q->next;
        n--;
    }
    if (q != NULL)
        *out = (struct dns_asked){q->name, q->type, q->asked, q->ended, q->over};
    return q != NULL;
}
