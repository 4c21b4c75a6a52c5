/*
 * tls_part.h - what TLS keeps in a context: one configuration of mbedTLS for all streams, and the
 * sessions that may be resumed. Streams hold on to it: a context ends its parts in an order of its
 * own.
 */
#ifndef STREAM_TLS_PART_H
#define STREAM_TLS_PART_H

#include "base/mbed.h"
#include "ctx/ctx.h"
#include "stream/tls_cache.h"

enum { TLS_SUITES = 32 /* that we offer, at most */ };

struct tls_part {
    struct ctx_part part; /* first */
    struct mox_ctx *ctx;
    size_t uses;                /* the context and the streams */
    int suites[TLS_SUITES + 1]; /* as mbedTLS wants them: 0 at the end */
    mbedtls_ssl_config conf;
    struct tls_cache cache;
};

/* Made at its first use. MOX_OK: the caller holds on to it; MOX_E_NOMEM, MOX_E_OS. */
int tls_part_use(struct mox_ctx *ctx, struct tls_part **out, struct mox_error *err);
void tls_part_release(struct tls_part *part);

/* Fills in one more configuration, which lives no longer than the part. MOX_OK, MOX_E_NOMEM. */
int tls_part_configure(struct tls_part *part, mbedtls_ssl_config *conf);

struct tls_clock tls_part_clock(const struct tls_part *part);

/* IANA's name of a suite. */
const char *tls_part_suite_name(int suite);

#endif
