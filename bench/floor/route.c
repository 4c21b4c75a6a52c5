/*
 * route.c - the floors of a route lookup. index: all suffixes of the name are hashed in one pass
 * and their slots asked for at once, then looked at. scan: every rule compared in turn.
 *
 *   route index|scan RULES QUERIES
 *
 * RULES has one ToDomain item a line, a leading dot matches subdomains too; QUERIES one name a
 * line. Prints what moxdial-bench route prints.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_LABELS = 32, LOOKUPS = 1000000 };

struct lines {
    char *text, **lines;
    size_t n;
};

struct slot {
    uint32_t hash, rule; /* rule: its number and 1; 0: free */
};

struct index {
    const struct lines *rules;
    struct slot *slots;
    uint32_t mask;
};

static int read_lines(const char *path, struct lines *q)
{
    FILE *file = fopen(path, "r");
    long len;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (len = ftell(file)) < 0)
        return 0;
    rewind(file);
    q->text = calloc(1, (size_t)len + 1);
    q->lines = calloc((size_t)len + 1, sizeof *q->lines);
    if (q->text == NULL || q->lines == NULL || fread(q->text, 1, (size_t)len, file) != (size_t)len)
        return 0;
    fclose(file);
    for (char *at = q->text, *end; *at != '\0'; at = end) {
        end = at + strcspn(at, "\n");
        if (*end != '\0')
            *end++ = '\0';
        if (*at != '\0')
            q->lines[q->n++] = at;
    }
    return 1;
}

static uint32_t step(uint32_t hash, char byte)
{
    return (hash ^ (uint8_t)byte) * 0x01000193u;
}

static uint32_t mixed(uint32_t hash, int dot)
{
    hash = (hash ^ hash >> 15 ^ (uint32_t)dot) * 0x2c1b3c6du;
    return hash ^ hash >> 13;
}

/* From its end, so that the hash of each suffix falls out on the way. */
static uint32_t hash_whole(const char *name, size_t len)
{
    uint32_t hash = 0x811c9dc5u;

    while (len > 0)
        hash = step(hash, name[--len]);
    return hash;
}

static int index_make(struct index *index, const struct lines *rules)
{
    uint32_t cap = 16;

    while (cap < 2 * rules->n)
        cap *= 2;
    *index = (struct index){rules, calloc(cap, sizeof *index->slots), cap - 1};
    if (index->slots == NULL)
        return 0;
    for (uint32_t i = 0; i < rules->n; i++) {
        const char *name = rules->lines[i];
        int dot = *name == '.';
        uint32_t hash = mixed(hash_whole(name + dot, strlen(name + dot)), dot),
                 at = hash & index->mask;

        while (index->slots[at].rule != 0)
            at = (at + 1) & index->mask;
        index->slots[at] = (struct slot){hash, i + 1};
    }
    return 1;
}

struct suffix {
    const char *name;
    uint32_t hash;
    int dot;
};

static uint32_t probe(const struct index *index, const struct suffix *s, uint32_t best)
{
    for (uint32_t at = s->hash & index->mask; index->slots[at].rule != 0;
         at = (at + 1) & index->mask) {
        const struct slot *slot = &index->slots[at];
        const char *item;

        if (slot->hash != s->hash || slot->rule >= best)
            continue;
        item = index->rules->lines[slot->rule - 1];
        if ((*item == '.') == s->dot && strcmp(item + s->dot, s->name) == 0)
            return slot->rule;
    }
    return best;
}

static void add(const struct index *index, struct suffix *s, const char *name, uint32_t hash,
                int dot)
{
    *s = (struct suffix){name, mixed(hash, dot), dot};
    __builtin_prefetch(&index->slots[s->hash & index->mask]);
}

/* The first rule that matches, UINT32_MAX: none. */
static uint32_t index_find(const struct index *index, const char *name)
{
    struct suffix suffixes[MAX_LABELS + 1];
    uint32_t hash = 0x811c9dc5u, best = UINT32_MAX;
    size_t n = 0, at = strlen(name);

    while (at > 0) {
        hash = step(hash, name[--at]);
        if ((at == 0 || name[at - 1] == '.') && n < MAX_LABELS)
            add(index, &suffixes[n++], name + at, hash, 1);
    }
    add(index, &suffixes[n++], name, hash, 0);
    for (size_t i = 0; i < n; i++)
        best = probe(index, &suffixes[i], best);
    return best;
}

static uint32_t scan_find(const struct index *index, const char *name)
{
    size_t len = strlen(name);

    for (uint32_t i = 0; i < index->rules->n; i++) {
        const char *item = index->rules->lines[i];
        int dot = *item == '.';
        size_t item_len = strlen(item + dot);

        if (item_len > len || memcmp(name + len - item_len, item + dot, item_len) != 0)
            continue;
        if (item_len == len || (dot && name[len - item_len - 1] == '.'))
            return i + 1;
    }
    return UINT32_MAX;
}

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    struct lines rules = {0}, queries = {0};
    struct index index;
    unsigned long hits = 0;
    uint32_t (*find)(const struct index *, const char *);
    size_t passes;
    double begin;

    if (argc != 4 || !read_lines(argv[2], &rules) || !read_lines(argv[3], &queries) ||
        queries.n == 0 || !index_make(&index, &rules))
        return 1;
    find = strcmp(argv[1], "scan") == 0 ? scan_find : index_find;
    passes = 1 + LOOKUPS / queries.n;
    begin = now_ns();
    for (size_t pass = 0; pass < passes; pass++) {
        for (size_t i = 0; i < queries.n; i++)
            hits += find(&index, queries.lines[i]) != UINT32_MAX && pass == 0;
    }
    printf("ns=%.1f hits=%lu bytes_per_route=%zu\n",
           (now_ns() - begin) / ((double)passes * (double)queries.n), hits,
           rules.n == 0 ? 0 : (index.mask + 1) * sizeof *index.slots / rules.n);
    return 0;
}
