/*
 * request.h - what a dial is to do: the caller's request over the transport over the configuration
 * over the defaults, checked, in one struct.
 */
#ifndef DIAL_REQUEST_H
#define DIAL_REQUEST_H

#include <moxdial/dial.h>

#include "base/arena.h"
#include "base/units.h"
#include "config/config.h"
#include "ctx/ctx.h"
#include "lookup/chain.h"

enum request_target {
    REQUEST_DOMAIN = 0, /* by its MX hosts */
    REQUEST_LITERAL,    /* an address in brackets as the recipient's domain */
    REQUEST_HOST,       /* a smarthost's or a given server's name: no MX */
    REQUEST_ADDRESS     /* a given server by its address */
};

struct request_dialed {
    const char *host; /* A-labels; NULL: whichever */
    struct mox_ip ip;
};

/* Strings and arrays live in the plan's arena or in the configuration. */
struct request_rules {
    struct mox_config *config;                /* a reference, or NULL */
    const struct config_transport *transport; /* NULL: none matched */
    const char *name; /* of REQUEST_DOMAIN and _HOST; of the others the text of the address */
    const char *ehlo; /* NULL: our end of the connection as address literal */
    const char *from; /* the sender, where RequireSPF asks for it; NULL: it does not */
    const struct request_dialed *dialed;
    const struct mox_ip *address; /* of REQUEST_LITERAL and _ADDRESS; NULL: of the others */
    const struct mox_ip *sources; /* nsources: at most one of each family */
    uint64_t total_us, store_us, tag;
    uint32_t ndialed, nsources, families, flags, attempts;
    uint32_t race_delay_ms, dns_ms, connect_ms, greeting_ms, ehlo_ms, tls_ms, auth_ms;
    uint32_t mail_ms, rcpt_ms, data_ms, block_ms, final_ms;
    int32_t prefer, stop_at;
    uint16_t port;
    int8_t target;   /* enum request_target */
    int8_t trust_ad; /* -1: as the answers say */
    bool allow_special, hosted, race;
};

/* The structs of a request of any version, made whole; what they point to is the caller's. */
int request_read(const struct mox_dial_request *given, struct mox_dial_request *request,
                 struct mox_envelope *envelope, struct mox_timeouts *timeouts,
                 struct mox_error *err);

/* Gives an envelope without a time that of the context's clock, where a route may ask for it. */
void request_clock(const struct mox_ctx *ctx, const struct mox_config *config,
                   struct mox_envelope *envelope);

/*
 * Fills rules, all zero before; *arena takes the copies. A route that is not given is looked up,
 * but neither MX hosts nor volume: see way.h. On failure, too, *route says which transport it was
 * and rules->config is to be released. Errors: MOX_E_INVAL, MOX_E_CONFIG (unknown transport),
 * MOX_E_FAIL_TRANSPORT, MOX_E_NOMEM.
 */
int request_take(const struct mox_ctx *ctx, const struct mox_dial_request *request,
                 struct arena *arena, struct request_rules *rules, struct mox_route *route,
                 struct mox_error *err);

/* The smarthost that mail is to go through; NULL: it goes to the recipient's own hosts. */
static inline const struct config_transport *request_smarthost(const struct request_rules *rules)
{
    return rules->transport != NULL && rules->transport->host != NULL ? rules->transport : NULL;
}

/* The proxy that all connects go through; NULL: none. */
static inline const struct config_transport *request_proxy(const struct request_rules *rules)
{
    return rules->transport != NULL && rules->transport->kind == MOX_KIND_SOCKS ? rules->transport
                                                                                : NULL;
}

/* Whether it goes to an address that is given: there is no name to look up, or to ask for. */
static inline bool request_has_address(const struct request_rules *rules)
{
    return rules->target == REQUEST_LITERAL || rules->target == REQUEST_ADDRESS;
}

/* How its questions are asked. */
static inline struct lookup_rules request_lookup(const struct request_rules *rules)
{
    return (struct lookup_rules){us_of_ms(rules->dns_ms), rules->store_us, rules->trust_ad};
}

/* Whether a plan made by one holds for the other: the same hosts, addresses and order. */
bool request_same(const struct request_rules *a, const struct request_rules *b);

/* Of the same request given again: what does not bear upon hosts, addresses and order. */
void request_renew(struct request_rules *rules, const struct request_rules *again);

#endif
