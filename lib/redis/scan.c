/* scan.c - see scan.h. */
#include "redis/scan.h"

#include <stdlib.h>
#include <string.h>

#include "apart/apart.h"

/* The prefix as SCAN's MATCH wants it: a glob. */
static void write_pattern(const char *prefix, char *out)
{
    for (; *prefix != '\0'; prefix++) {
        if (strchr("*?[]^\\", *prefix) != NULL)
            *out++ = '\\';
        *out++ = *prefix;
    }
    memcpy(out, "*", 2);
}

struct scan *scan_new(const char *prefix)
{
    struct scan *scan = calloc(1, sizeof *scan);
    size_t len = strlen(prefix);

    if (scan == NULL)
        return NULL;
    scan->cursor[0] = '0';
    scan->prefix = malloc(len + 1);
    scan->pattern = malloc(2 * len + 2);
    if (scan->prefix == NULL || scan->pattern == NULL) {
        scan_free(scan);
        return NULL;
    }
    memcpy(scan->prefix, prefix, len + 1);
    write_pattern(prefix, scan->pattern);
    return scan;
}

static int add_key(struct scan *scan, const redisReply *key)
{
    char *copy;

    if (key->type != REDIS_REPLY_STRING)
        return MOX_E_STORE;
    if (key->len > APART_KEY || strlen(key->str) != key->len ||
        strncmp(key->str, scan->prefix, strlen(scan->prefix)) != 0)
        return MOX_OK; /* not of ours */
    if (scan->n == scan->cap) {
        size_t cap = scan->cap == 0 ? 64 : 2 * scan->cap;
        char **grown = scan->cap == SCAN_KEYS ? NULL : realloc(scan->keys, cap * sizeof *grown);

        if (grown == NULL)
            return scan->cap == SCAN_KEYS ? MOX_E_LIMIT : MOX_E_NOMEM;
        scan->keys = grown;
        scan->cap = cap;
    }
    copy = malloc(key->len + 1);
    if (copy == NULL)
        return MOX_E_NOMEM;
    memcpy(copy, key->str, key->len + 1);
    scan->keys[scan->n++] = copy;
    return MOX_OK;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void settle(struct scan *scan)
{
    size_t kept = 0;

    if (scan->n > 0)
        qsort(scan->keys, scan->n, sizeof *scan->keys, compare);
    for (size_t i = 0; i < scan->n; i++) {
        if (kept > 0 && strcmp(scan->keys[kept - 1], scan->keys[i]) == 0)
            free(scan->keys[i]);
        else
            scan->keys[kept++] = scan->keys[i];
    }
    scan->n = kept;
}

int scan_take(struct scan *scan, const redisReply *reply, bool *more)
{
    const redisReply *cursor, *keys;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return MOX_E_STORE;
    cursor = reply->element[0];
    keys = reply->element[1];
    if (cursor->type != REDIS_REPLY_STRING || cursor->len >= SCAN_CURSOR ||
        keys->type != REDIS_REPLY_ARRAY)
        return MOX_E_STORE;
    memcpy(scan->cursor, cursor->str, cursor->len + 1);
    for (size_t i = 0; i < keys->elements; i++) {
        int status = add_key(scan, keys->element[i]);

        if (status != MOX_OK)
            return status;
    }
    *more = strcmp(scan->cursor, "0") != 0;
    if (!*more)
        settle(scan);
    return *more && ++scan->steps == SCAN_STEPS ? MOX_E_LIMIT : MOX_OK;
}

size_t scan_batch(const struct scan *scan)
{
    size_t left = scan->n - scan->next;

    return left < SCAN_VALUES ? left : SCAN_VALUES;
}

void scan_free(struct scan *scan)
{
    if (scan == NULL)
        return;
    for (size_t i = 0; i < scan->n; i++)
        free(scan->keys[i]);
    free(scan->keys);
    free(scan->prefix);
    free(scan->pattern);
    free(scan);
}
