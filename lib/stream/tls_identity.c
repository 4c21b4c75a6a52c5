/* tls_identity.c - see tls.h. The files are the administrator's: faults are told by their names. */
#include "stream/tls_identity.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"

struct tls_identity {
    mbedtls_x509_crt chain;
    mbedtls_pk_context key;
};

/* The text with a NUL behind it, as mbedTLS wants PEM. */
static int read_text(struct buffer *text, const char *path, struct mox_error *err)
{
    int status = buffer_read_file(text, path, MOX_LIMIT_CA_FILE, err);

    if (status != MOX_OK)
        return error_in_config(err);
    return buffer_append(text, "", 1) == MOX_OK ? MOX_OK : error_nomem(err);
}

static int load_chain(mbedtls_x509_crt *chain, const char *path, struct mox_error *err)
{
    struct buffer text = {0};
    int status = read_text(&text, path, err), ret;

    if (status == MOX_OK) {
        ret = mbedtls_x509_crt_parse(chain, (const unsigned char *)buffer_slice(&text).ptr,
                                     buffer_slice(&text).len);
        if (mbed_is_nomem(ret))
            status = error_nomem(err);
        else if (ret > 0)
            status = error_set(err, MOX_E_CONFIG, "%s: %d of its certificates cannot be read", path,
                               ret);
        else if (ret < 0)
            status = error_set(err, MOX_E_CONFIG,
                               "%s: no certificate in it; name a file in PEM form", path);
    }
    buffer_free(&text);
    return status;
}

static int key_error(int ret, const char *path, struct mox_error *err)
{
    if (mbed_is_nomem(ret))
        return error_nomem(err);
    if (ret == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || ret == MBEDTLS_ERR_PK_PASSWORD_MISMATCH)
        return error_set(err, MOX_E_CONFIG,
                         "%s: the private key is encrypted; take its password off", path);
    return error_set(err, MOX_E_CONFIG,
                     "%s: no private key in it that can be read; name an RSA or EC key in PEM form",
                     path);
}

static int load_key(mbedtls_pk_context *key, const char *path, struct mox_error *err)
{
    struct buffer text = {0};
    int status = read_text(&text, path, err), ret;

    if (status == MOX_OK) {
        ret = mbed_pk_parse(key, (const unsigned char *)buffer_slice(&text).ptr,
                            buffer_slice(&text).len);
        if (ret != 0)
            status = key_error(ret, path, err);
    }
    buffer_wipe(&text);
    return status;
}

int tls_identity_load(const char *certificate, const char *key, struct tls_identity **out,
                      struct mox_error *err)
{
    struct tls_identity *identity;
    int status = mbed_init(err), ret;

    if (status != MOX_OK)
        return status;
    if (key == NULL)
        key = certificate;
    identity = mem_new(sizeof *identity);
    if (identity == NULL)
        return error_nomem(err);
    mbedtls_x509_crt_init(&identity->chain);
    mbedtls_pk_init(&identity->key);
    status = load_chain(&identity->chain, certificate, err);
    if (status == MOX_OK)
        status = load_key(&identity->key, key, err);
    if (status == MOX_OK) {
        ret = mbed_pk_check_pair(&identity->chain.pk, &identity->key);
        if (mbed_is_nomem(ret))
            status = error_nomem(err);
        else if (ret != 0)
            status = error_set(err, MOX_E_CONFIG,
                               "%s: this private key does not belong to the certificate in %s", key,
                               certificate);
    }
    if (status == MOX_OK)
        *out = identity;
    else
        tls_identity_free(identity);
    return status;
}

void tls_identity_free(struct tls_identity *identity)
{
    if (identity == NULL)
        return;
    mbedtls_x509_crt_free(&identity->chain);
    mbedtls_pk_free(&identity->key);
    mem_free(identity);
}

/* mbedTLS reads both, and blinds with the key under a lock of its own. */
int tls_identity_show(const struct tls_identity *identity, mbedtls_ssl_config *conf)
{
    struct tls_identity *shown = (struct tls_identity *)(uintptr_t)identity;

    return mbedtls_ssl_conf_own_cert(conf, &shown->chain, &shown->key) == 0 ? MOX_OK : MOX_E_NOMEM;
}
