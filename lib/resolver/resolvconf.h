/*
 * resolvconf.h - resolv.conf(5): the name servers, and whether their AD bit is to be trusted.
 *
 * The search list and all else is not for us: names are absolute, timeouts are our own.
 */
#ifndef RESOLVER_RESOLVCONF_H
#define RESOLVER_RESOLVCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/limits.h"
#include "base/slice.h"

struct resolver_server {
    struct mox_ip ip;
    uint16_t port;
};

struct resolvconf {
    struct resolver_server servers[MOX_LIMIT_DNS_SERVERS];
    size_t nservers; /* never 0 after reading: without any it is 127.0.0.1, as in the C library */
    bool trust_ad;   /* options trust-ad */
};

void resolvconf_parse(struct slice text, struct resolvconf *out);

/* A file that is absent is an empty one. MOX_OK, MOX_E_OS, MOX_E_LIMIT, MOX_E_NOMEM. */
int resolvconf_read(const char *path, struct resolvconf *out, struct mox_error *err);

/* "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"; MOX_E_INVAL. */
int resolver_server_parse(const char *text, struct resolver_server *out, struct mox_error *err);

#endif
