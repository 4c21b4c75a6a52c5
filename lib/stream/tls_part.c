/*
 * tls_part.c - see tls_part.h. Suites are in the order of their speed where AES is in hardware:
 * AES-GCM, ChaCha20, CBC; and of what they are worth: ECDHE, DHE, and for old servers RSA.
 */
#include "stream/tls_part.h"

#include <assert.h>

#include <mbedtls/ssl_ciphersuites.h>

#include "base/error.h"
#include "base/mem.h"

static const char part_key; /* its address is the key */

#define SUITE(name)                                                                                \
    {                                                                                              \
        MBEDTLS_##name, #name                                                                      \
    }

static const struct {
    int id;
    const char *name;
} suites[] = {
#if MBED_TLS13
    {MBEDTLS_TLS1_3_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256"},
    {MBEDTLS_TLS1_3_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384"},
    {MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256"},
#endif
    SUITE(TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    SUITE(TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    SUITE(TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    SUITE(TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    SUITE(TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    SUITE(TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    SUITE(TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256),
    SUITE(TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256),
    SUITE(TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384),
    SUITE(TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384),
    SUITE(TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA),
    SUITE(TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA),
    SUITE(TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA),
    SUITE(TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA),
    SUITE(TLS_DHE_RSA_WITH_AES_128_GCM_SHA256),
    SUITE(TLS_DHE_RSA_WITH_AES_256_GCM_SHA384),
    SUITE(TLS_DHE_RSA_WITH_AES_128_CBC_SHA256),
    SUITE(TLS_DHE_RSA_WITH_AES_256_CBC_SHA256),
    SUITE(TLS_DHE_RSA_WITH_AES_128_CBC_SHA),
    SUITE(TLS_DHE_RSA_WITH_AES_256_CBC_SHA),
    SUITE(TLS_RSA_WITH_AES_128_GCM_SHA256),
    SUITE(TLS_RSA_WITH_AES_256_GCM_SHA384),
    SUITE(TLS_RSA_WITH_AES_128_CBC_SHA256),
    SUITE(TLS_RSA_WITH_AES_256_CBC_SHA256),
    SUITE(TLS_RSA_WITH_AES_128_CBC_SHA),
    SUITE(TLS_RSA_WITH_AES_256_CBC_SHA),
};

static_assert(ARRAY_LEN(suites) <= TLS_SUITES, "there must be room for all of them");

const char *tls_part_suite_name(int suite)
{
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        if (suites[i].id == suite)
            return suites[i].name;
    }
    return "unknown";
}

/* The context's own source, so that a simulated world repeats itself. */
static int fill_random(void *arg, unsigned char *buf, size_t len)
{
    return ctx_random(arg, buf, len) == MOX_OK ? 0 : MBED_NO_RANDOM;
}

int tls_part_configure(struct tls_part *part, mbedtls_ssl_config *conf)
{
    int ret;

    mbedtls_ssl_config_init(conf);
    ret = mbedtls_ssl_config_defaults(conf, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                      MBEDTLS_SSL_PRESET_DEFAULT);
    if (ret != 0)
        return MOX_E_NOMEM;
    mbed_conf_client(conf);
    mbedtls_ssl_conf_rng(conf, fill_random, part->ctx);
    mbedtls_ssl_conf_ciphersuites(conf, part->suites);
    mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_NONE); /* the owner looks at the chain */
    return MOX_OK;
}

static void part_end(struct ctx_part *base)
{
    struct tls_part *part = (struct tls_part *)base; /* its first member */

    tls_cache_clear(&part->cache);
    tls_part_release(part);
}

static struct tls_part *part_new(struct mox_ctx *ctx)
{
    struct tls_part *part = mem_new(sizeof *part);

    if (part == NULL)
        return NULL;
    part->part.key = &part_key;
    part->part.end = part_end;
    part->ctx = ctx;
    part->uses = 1;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++)
        part->suites[i] = suites[i].id;
    tls_cache_init(&part->cache);
    if (tls_part_configure(part, &part->conf) != MOX_OK) {
        tls_part_release(part);
        return NULL;
    }
    ctx_part_add(ctx, &part->part);
    return part;
}

int tls_part_use(struct mox_ctx *ctx, struct tls_part **out, struct mox_error *err)
{
    struct tls_part *part = (struct tls_part *)ctx_part_find(ctx, &part_key);
    int status = part != NULL ? MOX_OK : mbed_init(err);

    if (status != MOX_OK)
        return status;
    if (part == NULL)
        part = part_new(ctx);
    if (part == NULL)
        return error_nomem(err);
    part->uses++;
    *out = part;
    return MOX_OK;
}

void tls_part_release(struct tls_part *part)
{
    if (--part->uses > 0)
        return;
    mbedtls_ssl_config_free(&part->conf);
    mem_free(part);
}

struct tls_clock tls_part_clock(const struct tls_part *part)
{
    return (struct tls_clock){ctx_now_us(part->ctx), ctx_unix_s(part->ctx)};
}
