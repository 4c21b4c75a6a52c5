/*
 * resolver.c - see resolver.h.
 *
 * A lookup goes from server to server: a timeout moves on, and comes back until LEAST_ROUNDS and
 * LEAST_TIME_US are both over (new c-ares versions shorten a timeout to what a fast server usually
 * needs, too short for a slow domain behind it); SERVFAIL, REFUSED and a dead socket put the server
 * out for this lookup. The server that answered last is asked first.
 *
 * c-ares calls back from within ares_send, ares_process_fd and ares_destroy. It cannot cancel one
 * query, so a cancelled lookup only forgets its id and is freed by its own callback.
 */
#include "resolver/resolver.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include <ares.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/units.h"
#include "dns/dns.h"
#include "dns/query.h"
#include "resolver/hosts.h"
#include "resolver/random.h"
#include "resolver/resolvconf.h"

enum {
    TRY_MS = 3000,
    LEAST_ROUNDS = 3,
    LEAST_TIME_US = 9000000,
    LEAST_TRY_US = 250000, /* no version of c-ares ends a try sooner */
    /* Then a new source port, and one after each pause: a forger must guess it anew (RFC 5452
     * section 9.2). To keep one for ever would save one call in twenty. */
    QUERIES_A_PORT = 64,
    SPARES = 64,  /* lookups that are kept for the next questions */
    BUCKETS = 256 /* of lookups in flight */
};

static const char default_hosts[] = "/etc/hosts";
static const char default_resolvconf[] = "/etc/resolv.conf";

struct channel {
    struct resolver *resolver;
    ares_channel ares; /* owned; NULL: not made yet */
    uint64_t armed_us; /* when its timer goes off; 0: it is off */
};

struct ring {
    struct ring *next, *prev;
};

struct lookup {
    struct ring ring; /* in its bucket, while id is not 0; first, so that it is the lookup */
    struct resolver *resolver;
    uint64_t id; /* 0: cancelled, nobody waits */
    uint64_t started_us;
    uint32_t out;          /* a bit for each server that failed it */
    struct lookup *behind; /* in the line of those that wait for their turn, or of the spare ones */
    size_t server;         /* that is asked now */
    unsigned asked;        /* times it was sent */
    bool plain;            /* without EDNS */
    size_t len;
    unsigned char query[DNS_QUERY_MAX];
};

struct resolver {
    struct mox_dns_ops ops;
    struct mox_ctx *ctx; /* borrowed */
    /* What c-ares and the context call back, and what is used above its definition. */
    mox_watch_fn *on_event;
    ares_callback on_answer;
    struct hosts *hosts; /* owned; NULL: not used */
    struct channel channels[MOX_LIMIT_DNS_SERVERS];
    size_t nchannels;
    size_t first;                          /* the server that answered last */
    struct lookup *waiting, *last_waiting; /* the line */
    size_t in_flight;                      /* lookups that c-ares has */
    struct lookup *spare;                  /* owned */
    size_t nspare;
    bool draining; /* the line is being served further up the stack */
    bool trust_ad;
    bool closing; /* the context is not called any more */
    struct resolver_random random;
    struct ring buckets[BUCKETS]; /* lookups in flight by id */
};

static_assert(MOX_LIMIT_DNS_SERVERS <= 32, "lookup.out has a bit for each server");

static uint64_t now_us(void)
{
    struct timespec t = {0};

    clock_gettime(CLOCK_MONOTONIC, &t);
    return us_of_s((uint64_t)t.tv_sec) + (uint64_t)t.tv_nsec / 1000;
}

static struct ring *bucket_of(struct resolver *resolver, uint64_t id)
{
    return &resolver->buckets[hash_mix(id) % BUCKETS];
}

static void link_lookup(struct lookup *lookup)
{
    struct ring *head = bucket_of(lookup->resolver, lookup->id);

    lookup->ring = (struct ring){.next = head->next, .prev = head};
    head->next->prev = &lookup->ring;
    head->next = &lookup->ring;
}

/* From now on nobody waits for it. */
static void unlink_lookup(struct lookup *lookup)
{
    lookup->ring.prev->next = lookup->ring.next;
    lookup->ring.next->prev = lookup->ring.prev;
    lookup->id = 0;
}

static struct lookup *new_lookup(struct resolver *resolver)
{
    struct lookup *lookup = resolver->spare;

    if (lookup == NULL)
        return mem_new(sizeof *lookup);
    resolver->spare = lookup->behind;
    resolver->nspare--;
    memset(lookup, 0, offsetof(struct lookup, query));
    return lookup;
}

static void end_lookup(struct resolver *resolver, struct lookup *lookup)
{
    if (resolver->nspare == SPARES) {
        mem_free(lookup);
        return;
    }
    lookup->behind = resolver->spare;
    resolver->spare = lookup;
    resolver->nspare++;
}

/* delay_us: negative: off. */
static void set_timer(struct channel *channel, uint64_t now, int64_t delay_us)
{
    struct resolver *resolver = channel->resolver;
    int status = mox_ctx_timer(resolver->ctx, delay_us, resolver->on_event, channel);

    channel->armed_us = status == MOX_OK && delay_us >= 0 ? now + (uint64_t)delay_us : 0;
}

/*
 * A query was sent. c-ares would look at all that are in flight to tell which ends first, so it is
 * asked only when the timer goes off; that it does before this one's try can end is enough.
 */
static void arm_timer(struct channel *channel, uint64_t now)
{
    if (channel->armed_us == 0 || channel->armed_us > now + LEAST_TRY_US)
        set_timer(channel, now, LEAST_TRY_US);
}

/* The timer went off: when c-ares wants to be called next. */
static void rearm_timer(struct channel *channel)
{
    struct timeval tv;
    int64_t delay_us = -1;

    if (ares_timeout(channel->ares, NULL, &tv) != NULL)
        delay_us = (int64_t)tv.tv_sec * US_PER_S + tv.tv_usec;
    set_timer(channel, now_us(), delay_us);
}

/* New versions would have the query as a parsed record; ours is written already. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#endif
static void send_query(struct channel *channel, struct lookup *lookup)
{
    ares_send(channel->ares, lookup->query, (int)lookup->len, channel->resolver->on_answer, lookup);
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/* The lookup may be gone on return: its callback can run inside. */
static void ask(struct lookup *lookup, uint64_t now)
{
    struct channel *channel = &lookup->resolver->channels[lookup->server];

    lookup->asked++;
    send_query(channel, lookup);
    arm_timer(channel, now);
}

/*
 * Serves the line. A burst of questions would overflow the servers' receive buffers, and what is
 * lost there costs a timeout. A lookup can end inside ask, hence the loop instead of a recursion.
 */
static void ask_waiting(struct resolver *resolver)
{
    if (resolver->draining)
        return;
    resolver->draining = true;
    while (resolver->waiting != NULL && resolver->in_flight < MOX_LIMIT_DNS_IN_FLIGHT) {
        struct lookup *lookup = resolver->waiting;

        resolver->waiting = lookup->behind;
        if (lookup->id == 0) { /* cancelled while it waited */
            end_lookup(resolver, lookup);
            continue;
        }
        resolver->in_flight++;
        lookup->started_us = now_us();
        ask(lookup, lookup->started_us);
    }
    resolver->draining = false;
}

static void join_line(struct lookup *lookup)
{
    struct resolver *resolver = lookup->resolver;

    if (resolver->waiting == NULL)
        resolver->waiting = lookup;
    else
        resolver->last_waiting->behind = lookup;
    resolver->last_waiting = lookup;
    ask_waiting(resolver);
}

/* Of a lookup that c-ares had; its place is free. */
static void free_lookup(struct lookup *lookup)
{
    lookup->resolver->in_flight--;
    end_lookup(lookup->resolver, lookup);
}

/* Goes on to the next server that is not out; false: all are. */
static bool next_server(struct lookup *lookup)
{
    size_t n = lookup->resolver->nchannels;

    for (size_t i = 1; i <= n; i++) {
        size_t server = (lookup->server + i) % n;

        if ((lookup->out >> server & 1) == 0) {
            lookup->server = server;
            return true;
        }
    }
    return false;
}

static void fail(struct lookup *lookup, int code)
{
    struct resolver *resolver = lookup->resolver;
    uint64_t id = lookup->id;

    unlink_lookup(lookup);
    free_lookup(lookup);
    mox_dns_fail(resolver->ctx, id, code);
}

static void deliver(struct lookup *lookup, const void *wire, size_t len)
{
    struct resolver *resolver = lookup->resolver;
    uint64_t id = lookup->id;

    unlink_lookup(lookup);
    free_lookup(lookup);
    mox_dns_answer(resolver->ctx, id, wire, len, resolver->trust_ad ? MOX_DNS_TRUST_AD : 0);
}

static void take_answer(struct lookup *lookup, const unsigned char *wire, size_t len)
{
    int rcode = len < DNS_HEADER_LEN ? DNS_RCODE_SERVFAIL : wire[3] & DNS_MASK_RCODE;

    if ((rcode == DNS_RCODE_FORMERR || rcode == DNS_RCODE_NOTIMP) && !lookup->plain) {
        lookup->plain = true; /* a server that does not know EDNS (RFC 6891 section 7) */
        lookup->len = dns_query_plain(lookup->query, lookup->len);
        ask(lookup, now_us());
        return;
    }
    if (rcode == DNS_RCODE_FORMERR || rcode == DNS_RCODE_NOTIMP || rcode == DNS_RCODE_SERVFAIL ||
        rcode == DNS_RCODE_REFUSED) {
        lookup->out |= (uint32_t)1 << lookup->server;
        if (next_server(lookup)) {
            ask(lookup, now_us());
            return;
        }
    } else {
        lookup->resolver->first = lookup->server;
    }
    deliver(lookup, wire, len);
}

/* What c-ares says, in words that tell a person whether a server is down or silent. */
static int code_of(int status)
{
    switch (status) {
    case ARES_ENOMEM:
        return MOX_ERRNO(ENOMEM);
    case ARES_ETIMEOUT:
        return MOX_E_TIMEOUT;
    case ARES_ECONNREFUSED:
        return MOX_ERRNO(ECONNREFUSED);
    default:
        return MOX_E_DNS;
    }
}

static void take_failure(struct lookup *lookup, int status)
{
    bool timeout = status == ARES_ETIMEOUT;
    bool over = lookup->asked >= LEAST_ROUNDS * lookup->resolver->nchannels &&
                now_us() - lookup->started_us >= LEAST_TIME_US;

    if (!timeout)
        lookup->out |= (uint32_t)1 << lookup->server;
    if (status == ARES_ENOMEM || (timeout && over) || !next_server(lookup))
        fail(lookup, code_of(status));
    else
        ask(lookup, now_us());
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *wire, int len)
{
    struct lookup *lookup = arg;
    struct resolver *resolver = lookup->resolver;

    (void)timeouts;
    if (lookup->id == 0 || resolver->closing)
        free_lookup(lookup);
    else if (status == ARES_SUCCESS && wire != NULL && len > 0)
        take_answer(lookup, wire, (size_t)len);
    else
        take_failure(lookup, status);
    if (!resolver->closing)
        ask_waiting(resolver);
}

static void on_event(void *arg, intptr_t fd, int events)
{
    struct channel *channel = arg;
    ares_socket_t s = (ares_socket_t)fd;

    ares_process_fd(channel->ares, fd >= 0 && (events & MOX_READ) != 0 ? s : ARES_SOCKET_BAD,
                    fd >= 0 && (events & MOX_WRITE) != 0 ? s : ARES_SOCKET_BAD);
    if (fd < 0)
        rearm_timer(channel);
    else if (channel->resolver->in_flight == 0 && channel->armed_us != 0)
        set_timer(channel, 0, -1);
}

static void on_socket_state(void *arg, ares_socket_t s, int readable, int writable)
{
    struct channel *channel = arg;
    struct resolver *resolver = channel->resolver;
    int events = (readable ? MOX_READ : 0) | (writable ? MOX_WRITE : 0);

    if (!resolver->closing)
        mox_ctx_watch(resolver->ctx, (intptr_t)s, events, resolver->on_event, channel);
}

/* The hosts file has this name: its addresses are the answer, never an authentic one. */
static int answer_from_hosts(struct resolver *resolver, uint64_t id,
                             const struct hosts_entry *entry, uint16_t type)
{
    struct buffer wire = {0};
    int status = hosts_answer(entry, type, &wire);

    if (status == MOX_OK)
        mox_dns_answer(resolver->ctx, id, buffer_slice(&wire).ptr, buffer_slice(&wire).len, 0);
    buffer_free(&wire);
    return status;
}

static int start_lookup(struct resolver *resolver, uint64_t id, struct slice name, uint16_t type)
{
    struct lookup *lookup = new_lookup(resolver);
    uint16_t message_id;
    int status = MOX_E_NOMEM;

    if (lookup != NULL)
        status = resolver_random_id(&resolver->random, &message_id);
    if (status == MOX_OK)
        status = dns_query_build(name, type, message_id, lookup->query, sizeof lookup->query,
                                 &lookup->len);
    if (status != MOX_OK) {
        if (lookup != NULL)
            end_lookup(resolver, lookup);
        return status;
    }
    lookup->resolver = resolver;
    lookup->id = id;
    lookup->server = resolver->first;
    link_lookup(lookup);
    join_line(lookup);
    return MOX_OK;
}

static int op_query(void *user, uint64_t id, const char *name, uint16_t type)
{
    struct resolver *resolver = user;
    const struct hosts_entry *entry = NULL;

    if (resolver->ctx == NULL)
        return MOX_E_STATE;
    if (resolver->hosts != NULL && (type == DNS_TYPE_A || type == DNS_TYPE_AAAA))
        entry = hosts_find(resolver->hosts, slice_of(name), now_us());
    if (entry != NULL)
        return answer_from_hosts(resolver, id, entry, type);
    return start_lookup(resolver, id, slice_of(name), type);
}

static void op_cancel(void *user, uint64_t id)
{
    struct ring *head = bucket_of(user, id), *at = head->next;

    while (at != head && ((struct lookup *)at)->id != id)
        at = at->next;
    if (at != head)
        unlink_lookup((struct lookup *)at);
}

static void init_library(void)
{
    ares_library_init(ARES_LIB_INIT_ALL);
}

/* c-ares is kept from reading files: servers, names and hosts are our business. */
static int open_channel(struct channel *channel)
{
    char nothing[] = "/dev/null";
    struct ares_options options = {0};
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
               ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF | ARES_OPT_DOMAINS;

    options.flags = ARES_FLAG_EDNS | ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH;
    options.timeout = TRY_MS;
    options.tries = 1;
    options.ednspsz = DNS_EDNS_SIZE; /* a longer datagram would be asked for again by TCP */
    options.sock_state_cb = on_socket_state;
    options.sock_state_cb_data = channel;
    options.resolvconf_path = nothing;
#ifdef ARES_OPT_UDP_MAX_QUERIES
    options.udp_max_queries = QUERIES_A_PORT;
    mask |= ARES_OPT_UDP_MAX_QUERIES;
#endif
#ifdef ARES_OPT_QUERY_CACHE
    options.qcache_max_ttl = 0;
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    return ares_init_options(&channel->ares, &options, mask);
}

static int add_server(struct resolver *resolver, const struct resolver_server *server,
                      struct mox_error *err)
{
    struct channel *channel = &resolver->channels[resolver->nchannels];
    char ip[MOX_LIMIT_IP_TEXT], csv[MOX_LIMIT_IP_TEXT + sizeof "[]:65535"];
    struct text t = text_to(csv, sizeof csv);
    int status;

    mox_ip_format(&server->ip, ip, sizeof ip);
    text_add(&t, server->ip.family == MOX_IPV6 ? "[%s]:%u" : "%s:%u", ip, (unsigned)server->port);
    channel->resolver = resolver;
    status = open_channel(channel);
    if (status == ARES_SUCCESS) {
        resolver->nchannels++;
        status = ares_set_servers_ports_csv(channel->ares, csv);
    }
    if (status == ARES_ENOMEM)
        return error_nomem(err);
    if (status != ARES_SUCCESS)
        return error_set(err, MOX_E_OS, "cannot set up DNS with the name server %s: %s", csv,
                         ares_strerror(status));
    return MOX_OK;
}

/* The servers given by hand, else those of resolv.conf. */
static int find_servers(const struct resolver_options *options, struct resolvconf *out,
                        struct mox_error *err)
{
    const char *path = options->resolvconf_path;
    int status = MOX_OK;

    if (options->nservers == 0)
        return resolvconf_read(path == NULL ? default_resolvconf : path, out, err);
    if (options->nservers > MOX_LIMIT_DNS_SERVERS)
        return error_set(err, MOX_E_LIMIT, "%zu name servers are given, at most %d are asked",
                         options->nservers, MOX_LIMIT_DNS_SERVERS);
    *out = (struct resolvconf){.nservers = options->nservers};
    for (size_t i = 0; i < options->nservers && status == MOX_OK; i++)
        status = resolver_server_parse(options->servers[i], &out->servers[i], err);
    return status;
}

static bool trusts_ad(const struct resolver_options *options, const struct resolvconf *conf)
{
    bool loopback = true;

    for (size_t i = 0; i < conf->nservers; i++)
        loopback = loopback && ip_special(&conf->servers[i].ip) == IP_LOOPBACK;
    return options->trust_ad == RESOLVER_TRUST_DEFAULT ? loopback || conf->trust_ad
                                                       : options->trust_ad != 0;
}

static int set_up(struct resolver *resolver, const struct resolver_options *options,
                  struct mox_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *path = options->hosts_path == NULL ? default_hosts : options->hosts_path;
    struct resolvconf conf = {0};
    int status = find_servers(options, &conf, err);

    if (status != MOX_OK)
        return status;
    pthread_once(&once, init_library);
    resolver->trust_ad = trusts_ad(options, &conf);
    for (size_t i = 0; i < conf.nservers && status == MOX_OK; i++)
        status = add_server(resolver, &conf.servers[i], err);
    if (status == MOX_OK && options->hosts_file && options->nservers == 0) {
        resolver->hosts = hosts_new(path);
        status = resolver->hosts == NULL ? error_nomem(err) : MOX_OK;
    }
    return status;
}

struct resolver *resolver_new(const struct resolver_options *options, struct mox_error *err)
{
    struct resolver *resolver = mem_new(sizeof *resolver);

    if (resolver == NULL) {
        error_nomem(err);
        return NULL;
    }
    resolver->ops = (struct mox_dns_ops){
        .size = sizeof resolver->ops, .user = resolver, .query = op_query, .cancel = op_cancel};
    resolver->on_event = on_event;
    resolver->on_answer = on_answer;
    for (size_t i = 0; i < BUCKETS; i++)
        resolver->buckets[i].next = resolver->buckets[i].prev = &resolver->buckets[i];
    if (set_up(resolver, options, err) != MOX_OK) {
        resolver_free(resolver);
        return NULL;
    }
    return resolver;
}

const struct mox_dns_ops *resolver_ops(struct resolver *resolver)
{
    return &resolver->ops;
}

void resolver_attach(struct resolver *resolver, struct mox_ctx *ctx)
{
    resolver->ctx = ctx;
}

bool resolver_trusts_ad(const struct resolver *resolver)
{
    return resolver->trust_ad;
}

static void free_line(struct lookup *lookup)
{
    for (struct lookup *behind; lookup != NULL; lookup = behind) {
        behind = lookup->behind;
        mem_free(lookup);
    }
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    resolver->closing = true;
    for (size_t i = 0; i < resolver->nchannels; i++)
        ares_destroy(resolver->channels[i].ares);
    free_line(resolver->waiting);
    free_line(resolver->spare);
    hosts_free(resolver->hosts);
    mem_free(resolver);
}
