/*
 * preflight.h - struct preflight: the machine behind mox_preflight.
 *
 *   LOOKUPS --all addresses and own domains are answered--> PROBE --it ended--> DONE
 *
 * PROBE is left out where nobody wants it, or no own address is behind a NAT.
 */
#ifndef CHECK_PREFLIGHT_H
#define CHECK_PREFLIGHT_H

#include "check/domains.h"
#include "check/probe.h"
#include "dial/request.h"

enum preflight_state { PREFLIGHT_LOOKUPS = 0, PREFLIGHT_PROBE, PREFLIGHT_DONE };

struct preflight {
    struct ctx_op op; /* first */
    struct mox_ctx *ctx;
    struct arena arena;         /* of the rules */
    struct request_rules rules; /* what a dial would go by; holds a reference to the config */
    struct mox_route route;
    struct check_request request;
    struct check_source sources[MOX_LIMIT_PREFLIGHT_SOURCES];
    size_t nsources;
    struct check_domains domains;
    struct ctx_timer domains_timer; /* what is not known of them by then is not looked for */
    struct probe probe;
    char probe_server[MOX_LIMIT_IP_TEXT + 8];
    uint32_t flags, port;
    int state; /* enum preflight_state */
    int status;
    struct mox_error error; /* of status */
    struct mox_preflight_report *report;
    mox_preflight_fn *fn;
    void *arg;
};

/* The address of ours, private, by whose family mail to own domains goes through the NAT; and the
 * MX's address there. NULL: there is none. */
const struct check_source *preflight_hairpin(const struct preflight *preflight,
                                             const struct mox_ip **public_ip);

/* From what was found; NULL: no memory. */
struct mox_preflight_report *report_make(const struct preflight *preflight);

#endif
