/*
 * sts_world.h - a context whose store, fetcher and name server are the test's, for lookups of
 * MTA-STS policies; time is simulated.
 */
#ifndef STS_WORLD_H
#define STS_WORLD_H

#include "ctx_world.h"
#include "lookup/sts.h"

#define WORLD_DOMAIN "example.org"
#define WORLD_BODY "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 86400\n"
#define WORLD_TESTING "version: STSv1\nmode: testing\nmx: mx.example.org\nmax_age: 86400\n"
#define WORLD_AT_ONCE "1700000000"     /* the world's Unix time */
#define WORLD_AN_HOUR_AGO "1699996400" /* and before it */
#define WORLD_A_HALF_DAY_AGO "1699956800"
#define WORLD_A_DAY_AGO "1699913600"

enum { WORLD_SILENT = 1, WORLD_LOOKUPS = 3 };

struct sts_world {
    struct ctx_world net; /* first */
    struct lookup_sts *lookups[WORLD_LOOKUPS];
    int done; /* how many lookups were told */
    /* What DNS says: a record; "": no such name; "?": the servers fail; NULL: nothing. */
    const char *txt;
    /* What the store says, WORLD_SILENT: nothing; and is told: "ttl:value" of the last, "-":
     * delete.
     */
    int get_status;
    const char *value; /* NULL: absent */
    char put[512];
    /* What the fetcher says, WORLD_SILENT: nothing. */
    int fetch_status;
    const char *body;
    /* What was asked of them. */
    int gets, fetches, cancels;
    uint64_t get_id, fetch_id;
    char url[128];
    uint32_t timeout_ms;
    bool wrong; /* something no table should be asked; libcheck allocates: no assertion in one */
};

extern const struct lookup_rules sts_world_rules;

/* A good record and a good policy, and nothing in the store. */
void sts_world_open(struct sts_world *w);
void sts_world_close(struct sts_world *w);

void sts_world_start(struct sts_world *w, size_t i);
void sts_world_wait(struct sts_world *w, unsigned seconds);
void sts_world_answer(struct sts_world *w); /* the question of the record, with txt */

/* Of the first lookup, which was told. */
const struct lookup_sts_result *sts_world_result(const struct sts_world *w);

/* Its story is whole, and has these words. */
void sts_world_story(const struct sts_world *w, const char *name, const char *words);

#endif
