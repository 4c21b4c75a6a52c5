/*
 * spf.c - SPF checks whose DNS is memory; the peer is bench/peer/spf2.c.
 *
 *   spf time COUNT   so many checks of the records in bench/spf.h, then so many times their bare
 *                    questions: prints nanoseconds of CPU time of each
 *   spf cases FILE   the cases of the RFC's suite: prints how many there are, and how many pass
 *
 * A bare question is no part of the API: this program is made of the library's objects.
 */
#include <moxdial.h>

#include "base/arena.h"
#include "bench/spf.h"
#include "dns/dns.h"
#include "lookup/chain.h"

enum { EXIT_NO = 1, EXIT_USAGE = 64, MOST_RECORDS = 256, MOST_NAME = 1024 };

struct bench {
    struct mox_ctx *ctx;
    const struct spf_record *zone;
    size_t nzone;
    unsigned long asked;
    int status; /* of the last check */
};

static uint16_t type_of(const char *name)
{
    static const struct {
        const char *name;
        uint16_t type;
    } types[] = {{"A", DNS_TYPE_A},     {"AAAA", DNS_TYPE_AAAA}, {"CNAME", DNS_TYPE_CNAME},
                 {"MX", DNS_TYPE_MX},   {"PTR", DNS_TYPE_PTR},   {"TXT", DNS_TYPE_TXT},
                 {"NAME", DNS_TYPE_SOA}};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    }
    return 0; /* LATE */
}

/* As with real name servers: where the name has no such record, it may be that they are late. */
static int answer(void *user, uint64_t id, const char *name, uint16_t type)
{
    struct bench *bench = user;
    struct mox_dns_record records[MOST_RECORDS];
    size_t n = 0;
    int exists = 0, late = 0;
    char plain[MOST_NAME];

    bench->asked++;
    snprintf(plain, sizeof plain, "%s", name);
    spf_unescape(plain);
    for (size_t i = 0; i < bench->nzone && n < MOST_RECORDS; i++) {
        const struct spf_record *record = &bench->zone[i];
        uint16_t found = type_of(record->type);

        if (strcmp(record->name, plain) != 0)
            continue;
        exists = 1;
        late |= found == 0;
        if (found == type || found == DNS_TYPE_CNAME)
            records[n++] = (struct mox_dns_record){name, found, 0, 300, record->data};
    }
    if (n == 0 && late)
        mox_dns_fail(bench->ctx, id, MOX_E_TIMEOUT);
    else
        mox_dns_answer_records(bench->ctx, id, exists ? DNS_RCODE_NOERROR : DNS_RCODE_NXDOMAIN,
                               records, n, 0);
    return MOX_OK;
}

static void forget(void *user, uint64_t id)
{
    (void)user;
    (void)id;
}

/* A host's loop that has nothing to wait for. */
static int no_watch(void *user, intptr_t fd, int events)
{
    (void)user;
    (void)fd;
    (void)events;
    return MOX_OK;
}

static int no_timer(void *user, int64_t delay_us)
{
    (void)user;
    (void)delay_us;
    return MOX_OK;
}

static struct mox_ctx *new_ctx(struct bench *bench)
{
    const struct mox_loop_ops loop = {.size = sizeof loop, .watch = no_watch, .timer = no_timer};
    const struct mox_dns_ops dns = {
        .size = sizeof dns, .user = bench, .query = answer, .cancel = forget};
    const struct mox_ctx_options options = {.size = sizeof options, .loop = &loop, .dns = &dns};

    return mox_ctx_new(&options, NULL);
}

static void on_done(void *arg, int status, const struct mox_error *err)
{
    (void)err;
    ((struct bench *)arg)->status = status;
}

/* MOX_OK: *result holds. */
static int check(struct bench *bench, const struct mox_spf_request *request,
                 struct mox_spf_result *result)
{
    bench->status = MOX_E_AGAIN;
    if (mox_spf_start(bench->ctx, request, result, on_done, bench, NULL) == 0)
        return MOX_E_NOMEM;
    mox_ctx_dispatch(bench->ctx);
    return bench->status;
}

static void never(struct lookup_chain *chain)
{
    (void)chain; /* answers come at once */
}

/* One question as a check asks it; 0: it was not answered. */
static int ask(struct bench *bench, const char *name, uint16_t type)
{
    struct arena arena = {0};
    const struct lookup_rules rules = {.timeout_us = 1000000};
    struct lookup_chain chain = {.arena = &arena,
                                 .rules = &rules,
                                 .type = type,
                                 .max_aliases = MOX_LIMIT_CNAME,
                                 .at_once = true,
                                 .done = never};
    int good = chain_start(bench->ctx, &chain, name) == MOX_OK && chain.status == MOX_OK;

    arena_free(&arena);
    return good;
}

static int time_checks(struct bench *bench, unsigned long count)
{
    struct mox_spf_request request = {
        .size = sizeof request, .helo = spf_helo, .mail_from = spf_sender};
    struct mox_spf_result result;
    double begin = spf_ns(), checks, questions;
    int good = 1;

    bench->zone = spf_records;
    bench->nzone = SPF_RECORDS;
    mox_ip_parse(spf_client, &request.ip);
    for (unsigned long i = 0; i < count && good; i++)
        good = check(bench, &request, &result) == MOX_OK && result.result == MOX_SPF_PASS;
    checks = (spf_ns() - begin) / (double)count;
    good = good && bench->asked == count * SPF_QUESTIONS;
    begin = spf_ns();
    for (unsigned long i = 0; i < count && good; i++) {
        for (size_t k = 0; k < SPF_RECORDS && good; k++)
            good = ask(bench, spf_records[k].name, type_of(spf_records[k].type));
        good = good && ask(bench, spf_void, DNS_TYPE_A);
    }
    questions = (spf_ns() - begin) / (double)count;
    if (good)
        printf("check=%.1f dns=%.1f\n", checks, questions);
    return good ? 0 : EXIT_NO;
}

static int passes(struct bench *bench, char **fields)
{
    struct mox_spf_request request = {.size = sizeof request,
                                      .helo = spf_unescape(fields[3]),
                                      .mail_from = spf_unescape(fields[4])};
    struct mox_spf_result result;

    return mox_ip_parse(fields[2], &request.ip) == MOX_OK &&
           check(bench, &request, &result) == MOX_OK &&
           spf_is_among(mox_spf_name(result.result), fields[5]);
}

/* Lines of a zone, then of its cases; the zone's live until its end. */
static int run_cases(struct bench *bench, const char *path)
{
    static struct spf_line lines[MOST_RECORDS];
    static struct spf_record zone[MOST_RECORDS];
    FILE *file = fopen(path, "r");
    unsigned long cases = 0, passed = 0;
    struct spf_line *line = lines;

    if (file == NULL)
        return EXIT_NO;
    bench->zone = zone;
    while (line < lines + MOST_RECORDS - 1 && spf_line_next(file, line)) {
        char **f = line->fields;

        if (strcmp(f[0], "zone") == 0) {
            zone[bench->nzone++] = (struct spf_record){spf_unescape(f[2]), f[1], f[3]};
            line++;
        } else if (strcmp(f[0], "case") == 0) {
            int good = passes(bench, f);

            cases++;
            passed += (unsigned)good;
            if (!good)
                fprintf(stderr, "spf: %s fails\n", f[1]);
        } else {
            bench->nzone = 0;
            line = lines;
        }
    }
    fclose(file);
    printf("cases=%lu passed=%lu\n", cases, passed);
    return 0;
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    int status = EXIT_USAGE;

    bench.ctx = new_ctx(&bench);
    if (bench.ctx == NULL)
        return EXIT_NO;
    if (argc == 3 && strcmp(argv[1], "time") == 0)
        status = time_checks(&bench, strtoul(argv[2], NULL, 10));
    else if (argc == 3 && strcmp(argv[1], "cases") == 0)
        status = run_cases(&bench, argv[2]);
    mox_ctx_free(bench.ctx);
    return status;
}
