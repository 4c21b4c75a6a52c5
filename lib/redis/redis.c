/*
 * redis.c - a Redis or Valkey server as store ops: see moxdial/redis.h. Replies come in the order
 * of the commands, so what is in flight is a queue. Nothing here depends on scripts, clusters or a
 * version of the server after 2.8.
 */
#include <moxdial/redis.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apart/apart.h"
#include "redis/link.h"
#include "redis/place.h"
#include "redis/scan.h"

enum { PENDING = 1024, NUMBER = 24, WORDS = 7, ADD_REPLIES = 4 };

enum pending_kind { PENDING_GET, PENDING_PUT, PENDING_ADD, PENDING_KEYS, PENDING_VALUES };

/* An op in flight: one or more replies are due for it. */
struct pending {
    struct pending *next;
    enum pending_kind kind;
    uint64_t id;
    size_t replies;    /* still due */
    bool refused;      /* one of them was an error; it was noted */
    struct scan *scan; /* owned: of each */
};

struct mox_redis {
    struct mox_store_ops ops;
    struct mox_ctx *ctx; /* NULL: not attached */
    struct link *link;
    struct pending *first, **last;
    size_t pending;
};

/* A command in the making: words that are borrowed. */
struct words {
    int n;
    const char *text[WORDS];
    size_t len[WORDS];
};

static void put_bytes(struct words *w, const void *bytes, size_t len)
{
    w->text[w->n] = bytes;
    w->len[w->n++] = len;
}

static void put_word(struct words *w, const char *word)
{
    put_bytes(w, word, strlen(word));
}

static struct command command_of(struct words *w)
{
    return (struct command){.argc = w->n, .argv = w->text, .len = w->len};
}

/* What is in flight. */

static void free_pending(struct pending *p)
{
    if (p != NULL)
        scan_free(p->scan);
    free(p);
}

static void end_pending(struct mox_redis *redis, struct pending *p, int status, int64_t number)
{
    mox_store_done(redis->ctx, p->id, status, NULL, 0, number);
    free_pending(p);
}

/* MOX_OK: p stands in the queue from now on. */
static int send_for(struct mox_redis *redis, struct pending *p, const struct command *commands,
                    size_t n)
{
    int status = redis->pending == PENDING ? MOX_E_LIMIT : link_send(redis->link, commands, n);

    if (status != MOX_OK)
        return status;
    p->replies = n;
    p->next = NULL;
    *redis->last = p;
    redis->last = &p->next;
    redis->pending++;
    return MOX_OK;
}

static struct pending *take_first(struct mox_redis *redis)
{
    struct pending *p = redis->first;

    redis->first = p->next;
    if (redis->first == NULL)
        redis->last = &redis->first;
    redis->pending--;
    return p;
}

static void on_lost(void *user)
{
    struct mox_redis *redis = user;

    while (redis->first != NULL)
        end_pending(redis, take_first(redis), MOX_E_STORE, 0);
}

/* Each: first its keys, then their values. */

static int ask_keys(struct mox_redis *redis, struct pending *p)
{
    struct words w = {0};
    struct command command;

    put_word(&w, "SCAN");
    put_word(&w, p->scan->cursor);
    put_word(&w, "MATCH");
    put_word(&w, p->scan->pattern);
    put_word(&w, "COUNT");
    put_word(&w, "1000");
    command = command_of(&w);
    p->kind = PENDING_KEYS;
    return send_for(redis, p, &command, 1);
}

static int ask_values(struct mox_redis *redis, struct pending *p)
{
    const char *text[SCAN_VALUES + 1] = {"MGET"};
    size_t len[SCAN_VALUES + 1] = {strlen(text[0])}, n = scan_batch(p->scan);
    struct command command = {.argc = (int)n + 1, .argv = text, .len = len};

    for (size_t i = 0; i < n; i++) {
        text[i + 1] = p->scan->keys[p->scan->next + i];
        len[i + 1] = strlen(text[i + 1]);
    }
    p->kind = PENDING_VALUES;
    return send_for(redis, p, &command, 1);
}

/* Replies. */

static int fail_reply(struct mox_redis *redis, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR)
        link_note(redis->link, "%.200s", reply->str);
    else
        link_note(redis->link, "a reply of type %d, which was not asked for", reply->type);
    return MOX_E_STORE;
}

static void take_value(struct mox_redis *redis, struct pending *p, const redisReply *reply)
{
    int status = MOX_OK;

    if (reply->type == REDIS_REPLY_STRING) {
        mox_store_done(redis->ctx, p->id, MOX_OK, reply->str, reply->len, 0);
        free_pending(p);
        return;
    }
    if (reply->type != REDIS_REPLY_NIL)
        status = fail_reply(redis, reply);
    end_pending(redis, p, status, 0);
}

static void take_put(struct mox_redis *redis, struct pending *p, const redisReply *reply)
{
    bool good = reply->type == REDIS_REPLY_STATUS || reply->type == REDIS_REPLY_INTEGER;

    end_pending(redis, p, good ? MOX_OK : fail_reply(redis, reply), 0);
}

/* EXEC's: what SET NX said, and the sum. */
static void take_sum(struct mox_redis *redis, struct pending *p, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
        reply = reply->element[1];
    if (reply->type == REDIS_REPLY_INTEGER)
        end_pending(redis, p, MOX_OK, reply->integer);
    else
        end_pending(redis, p, p->refused ? MOX_E_STORE : fail_reply(redis, reply), 0);
}

static void go_on_with_values(struct mox_redis *redis, struct pending *p)
{
    int status = MOX_OK;

    if (scan_batch(p->scan) == 0) {
        end_pending(redis, p, MOX_OK, p->scan->told);
        return;
    }
    status = ask_values(redis, p);
    if (status != MOX_OK)
        end_pending(redis, p, status, 0);
}

static void take_keys(struct mox_redis *redis, struct pending *p, const redisReply *reply)
{
    bool more = false;
    int status = scan_take(p->scan, reply, &more);

    if (status == MOX_E_STORE)
        fail_reply(redis, reply);
    if (status == MOX_OK && more)
        status = ask_keys(redis, p);
    else if (status == MOX_OK) {
        go_on_with_values(redis, p);
        return;
    }
    if (status != MOX_OK)
        end_pending(redis, p, status, 0);
}

/* What is no text, or has gone meanwhile, is nil. */
static void take_values(struct mox_redis *redis, struct pending *p, const redisReply *reply)
{
    struct scan *scan = p->scan;
    size_t n = scan_batch(scan);

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != n) {
        end_pending(redis, p, fail_reply(redis, reply), 0);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const redisReply *value = reply->element[i];

        if (value->type != REDIS_REPLY_STRING)
            continue;
        if (mox_store_item(redis->ctx, p->id, scan->keys[scan->next + i], value->str, value->len) !=
            MOX_OK) { /* nobody waits for the rest */
            free_pending(p);
            return;
        }
        scan->told++;
    }
    scan->next += n;
    go_on_with_values(redis, p);
}

static void on_reply(void *user, const redisReply *reply)
{
    struct mox_redis *redis = user;
    struct pending *p = redis->first;

    if (--p->replies > 0) { /* to MULTI and what it holds; EXEC's does not say why it did not go */
        if (reply->type == REDIS_REPLY_ERROR && !p->refused)
            p->refused = fail_reply(redis, reply) != MOX_OK;
        return;
    }
    take_first(redis);
    switch (p->kind) {
    case PENDING_GET:
        take_value(redis, p, reply);
        break;
    case PENDING_PUT:
        take_put(redis, p, reply);
        break;
    case PENDING_ADD:
        take_sum(redis, p, reply);
        break;
    case PENDING_KEYS:
        take_keys(redis, p, reply);
        break;
    default:
        take_values(redis, p, reply);
        break;
    }
}

/* The table. */

/* NULL: *status says why. */
static struct pending *new_pending(const struct mox_redis *redis, enum pending_kind kind,
                                   uint64_t id, const char *key, int *status)
{
    struct pending *p = NULL;

    if (redis->ctx == NULL)
        *status = MOX_E_STATE;
    else if (strlen(key) > APART_KEY)
        *status = MOX_E_LIMIT;
    else {
        p = calloc(1, sizeof *p);
        *status = p == NULL ? MOX_E_NOMEM : MOX_OK;
    }
    if (p != NULL) {
        p->kind = kind;
        p->id = id;
    }
    return p;
}

static int start(struct mox_redis *redis, struct pending *p, const struct command *commands,
                 size_t n)
{
    int status = send_for(redis, p, commands, n);

    if (status != MOX_OK)
        free_pending(p);
    return status;
}

static int redis_get(void *user, uint64_t id, const char *key)
{
    struct mox_redis *redis = user;
    struct words w = {0};
    struct command command;
    int status;
    struct pending *p = new_pending(redis, PENDING_GET, id, key, &status);

    if (p == NULL)
        return status;
    put_word(&w, "GET");
    put_word(&w, key);
    command = command_of(&w);
    return start(redis, p, &command, 1);
}

/* "EX ttl", where it has a time. text: holds the number. */
static void put_ttl(struct words *w, uint32_t ttl_s, char *text)
{
    if (ttl_s == 0)
        return;
    snprintf(text, NUMBER, "%" PRIu32, ttl_s);
    put_word(w, "EX");
    put_word(w, text);
}

static int redis_put(void *user, uint64_t id, const char *key, const void *value, size_t len,
                     uint32_t ttl_s)
{
    struct mox_redis *redis = user;
    struct words w = {0};
    struct command command;
    char ttl[NUMBER];
    int status;
    struct pending *p = new_pending(redis, PENDING_PUT, id, key, &status);

    if (p == NULL)
        return status;
    if (len > APART_VALUE) {
        free_pending(p);
        return MOX_E_LIMIT;
    }
    put_word(&w, len == 0 ? "DEL" : "SET");
    put_word(&w, key);
    if (len > 0) {
        put_bytes(&w, value, len);
        put_ttl(&w, ttl_s, ttl);
    }
    command = command_of(&w);
    return start(redis, p, &command, 1);
}

/* In one transaction: a zero with its time if there is nothing, then the sum. Not by a script,
 * whose numbers are floats. */
static int redis_add(void *user, uint64_t id, const char *key, int64_t delta, uint32_t ttl_s)
{
    struct mox_redis *redis = user;
    struct words w[ADD_REPLIES] = {{0}};
    struct command commands[ADD_REPLIES];
    char ttl[NUMBER], number[NUMBER];
    int status;
    struct pending *p;

    if (delta == INT64_MIN)
        return MOX_E_STORE; /* no sum with it fits, as in the other stores */
    p = new_pending(redis, PENDING_ADD, id, key, &status);
    if (p == NULL)
        return status;
    snprintf(number, sizeof number, "%" PRId64, delta);
    put_word(&w[0], "MULTI");
    put_word(&w[1], "SET");
    put_word(&w[1], key);
    put_word(&w[1], "0");
    put_ttl(&w[1], ttl_s, ttl);
    put_word(&w[1], "NX");
    put_word(&w[2], "INCRBY");
    put_word(&w[2], key);
    put_word(&w[2], number);
    put_word(&w[3], "EXEC");
    for (size_t i = 0; i < ADD_REPLIES; i++)
        commands[i] = command_of(&w[i]);
    return start(redis, p, commands, ADD_REPLIES);
}

static int redis_each(void *user, uint64_t id, const char *prefix)
{
    struct mox_redis *redis = user;
    int status;
    struct pending *p = new_pending(redis, PENDING_KEYS, id, prefix, &status);

    if (p == NULL)
        return status;
    p->scan = scan_new(prefix);
    status = p->scan == NULL ? MOX_E_NOMEM : ask_keys(redis, p);
    if (status != MOX_OK)
        free_pending(p);
    return status;
}

const struct mox_store_ops *mox_redis_ops(struct mox_redis *redis)
{
    return &redis->ops;
}

void mox_redis_attach(struct mox_redis *redis, struct mox_ctx *ctx)
{
    redis->ctx = ctx;
    link_attach(redis->link, ctx);
}

const char *mox_redis_problem(const struct mox_redis *redis)
{
    return link_problem(redis->link);
}

struct mox_redis *mox_redis_open(const char *server, struct mox_error *err)
{
    struct mox_redis *redis;
    struct place place;

    if (place_find(&place, server == NULL ? "" : server, err) != MOX_OK)
        return NULL;
    redis = calloc(1, sizeof *redis);
    if (redis != NULL)
        redis->link = link_new(
            &place, &(struct link_events){.user = redis, .reply = on_reply, .lost = on_lost});
    if (redis == NULL || redis->link == NULL) {
        free(redis);
        apart_nomem(err);
        return NULL;
    }
    redis->last = &redis->first;
    redis->ops = (struct mox_store_ops){.size = sizeof redis->ops,
                                        .user = redis,
                                        .get = redis_get,
                                        .put = redis_put,
                                        .add = redis_add,
                                        .each = redis_each};
    if (err != NULL)
        err->code = MOX_OK;
    return redis;
}

void mox_redis_close(struct mox_redis *redis)
{
    if (redis == NULL)
        return;
    while (redis->first != NULL)
        free_pending(take_first(redis));
    link_free(redis->link);
    free(redis);
}
