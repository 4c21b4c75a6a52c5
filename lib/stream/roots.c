/*
 * roots.c - see roots.h. They are the one thing that the library keeps for the process: some 140
 * certificates, the same for all contexts, whose parsing costs more than a handshake. The system's
 * stay; a file of which nobody has need any more goes.
 */
#include "stream/roots.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mbed.h"
#include "base/mem.h"

enum { DIGEST = 32 /* bytes of SHA-256 */ };

struct roots {
    bool system;            /* of the process: never freed */
    mbedtls_x509_crt chain; /* version 0: there are none */
    mbedtls_x509_crt *last; /* of ours; behind it may stand the system's; NULL: none is ours */
    unsigned char digest[DIGEST];
    unsigned users;             /* of one file, which is shared; 0: the caller's alone */
    struct roots *next;         /* of those that are shared */
    unsigned char text[DIGEST]; /* of the file, as it was read */
};

/* Of the process. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct roots *the_system; /* NULL: not parsed yet; guarded by lock */
static struct roots *shared;     /* guarded by lock */

/* Debian, Alpine and Arch; Fedora up to 42, and since; openSUSE; OpenBSD and FreeBSD; FreeBSD's
 * package; NetBSD. */
const char *const roots_paths[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/openssl/certs/ca-certificates.crt",
    NULL,
};

static void roots_free(struct roots *roots)
{
    if (roots->last != NULL)
        roots->last->next = NULL; /* what follows is not ours */
    mbedtls_x509_crt_free(&roots->chain);
    mem_free(roots);
}

/* One certificate, in place of mbedTLS's own way with many, which passes over one that there was no
 * memory for: the system's are parsed only once. */
static int parse_one(struct roots *roots, const char *text, size_t *used)
{
    mbedtls_pem_context pem;
    const unsigned char *der;
    size_t len;
    int ret;

    mbedtls_pem_init(&pem);
    ret = mbedtls_pem_read_buffer(&pem, "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----",
                                  (const unsigned char *)text, NULL, 0, used);
    if (ret == 0) {
        der = mbed_pem_bytes(&pem, &len);
        ret = mbedtls_x509_crt_parse_der(&roots->chain, der, len);
    }
    mbedtls_pem_free(&pem);
    return ret;
}

static void find_last(struct roots *roots)
{
    if (roots->chain.version == 0)
        return;
    for (roots->last = &roots->chain; roots->last->next != NULL;)
        roots->last = roots->last->next;
}

/* Those of a bundle that this build cannot read (an odd curve, say) are passed over. */
static int parse(struct roots *roots, const char *text, const char *path, struct mox_error *err)
{
    size_t taken = 0, used = 0;
    int ret;

    for (;;) {
        ret = parse_one(roots, text, &used);
        if (ret != 0 && !mbed_is_nomem(ret))
            ret = parse_one(roots, text, &used); /* some want of memory is told as bad keys */
        if (ret == MBEDTLS_ERR_PEM_NO_HEADER_FOOTER_PRESENT ||
            ret == MBEDTLS_ERR_PEM_BAD_INPUT_DATA || mbed_is_nomem(ret))
            break;
        taken += ret == 0;
        text += used;
    }
    find_last(roots);
    if (mbed_is_nomem(ret))
        return error_nomem(err);
    if (taken == 0)
        return error_set(err, MOX_E_CONFIG,
                         "%s: no certificate in it that can be read; name a file of certificates "
                         "in PEM form",
                         path);
    return MOX_OK;
}

/* PEM ends in NUL. */
static int read_text(const char *path, struct buffer *text, struct mox_error *err)
{
    int status = buffer_read_file(text, path, MOX_LIMIT_CA_FILE, err);

    if (status != MOX_OK)
        return error_in_config(err);
    return buffer_append(text, "", 1) == MOX_OK ? MOX_OK : error_nomem(err);
}

static int add_file(struct roots *roots, const char *path, struct mox_error *err)
{
    struct buffer text = {0};
    int status = read_text(path, &text, err);

    if (status == MOX_OK)
        status = parse(roots, buffer_slice(&text).ptr, path, err);
    buffer_free(&text);
    return status;
}

static int make_digest(struct roots *roots)
{
    mbedtls_md_context_t md;
    int ret;

    mbedtls_md_init(&md);
    ret = mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0);
    if (ret == 0)
        ret = mbedtls_md_starts(&md);
    for (const mbedtls_x509_crt *crt = roots_chain(roots); ret == 0 && crt != NULL; crt = crt->next)
        ret = mbedtls_md_update(&md, crt->raw.p, crt->raw.len);
    if (ret == 0)
        ret = mbedtls_md_finish(&md, roots->digest);
    mbedtls_md_free(&md);
    return ret == 0 ? MOX_OK : MOX_E_NOMEM;
}

static struct roots *make(struct mox_error *err)
{
    struct roots *roots = mem_new(sizeof *roots);

    if (roots == NULL)
        error_nomem(err);
    else
        mbedtls_x509_crt_init(&roots->chain);
    return roots;
}

/* What was read is to be used, or what went wrong is to be told. */
static int finish(struct roots *roots, int status, struct roots **out, struct mox_error *err)
{
    if (status == MOX_OK && make_digest(roots) != MOX_OK)
        status = error_nomem(err);
    if (status == MOX_OK)
        *out = roots;
    else
        roots_free(roots);
    return status;
}

/* below: shared, not copied; NULL: none. system: these are the process's. */
static int load(const char *const *files, const struct roots *below, bool system,
                struct roots **out, struct mox_error *err)
{
    struct roots *roots = make(err);
    int status = MOX_OK;

    if (roots == NULL)
        return MOX_E_NOMEM;
    roots->system = system;
    for (; status == MOX_OK && *files != NULL; files++)
        status = add_file(roots, *files, err);
    if (status == MOX_OK && below != NULL)
        roots->last->next = (mbedtls_x509_crt *)(uintptr_t)roots_chain(below);
    return finish(roots, status, out, err);
}

static struct roots *find_shared(const unsigned char text[DIGEST])
{
    struct roots *roots = shared;

    while (roots != NULL && memcmp(roots->text, text, DIGEST) != 0)
        roots = roots->next;
    return roots;
}

/* Under lock. */
static int share(struct slice text, const char *path, struct roots **out, struct mox_error *err)
{
    unsigned char digest[DIGEST];
    struct roots *roots;
    int status;

    if (mbed_sha256(text.ptr, text.len, digest) != 0)
        return error_nomem(err);
    *out = find_shared(digest);
    if (*out == NULL) {
        roots = make(err);
        if (roots == NULL)
            return MOX_E_NOMEM;
        status = finish(roots, parse(roots, text.ptr, path, err), out, err);
        if (status != MOX_OK)
            return status;
        memcpy(roots->text, digest, DIGEST);
        roots->next = shared;
        shared = roots;
    }
    (*out)->users++;
    return MOX_OK;
}

/* Known by its bytes, not by its name: a file that was changed is another one. */
static int load_shared(const char *path, struct roots **out, struct mox_error *err)
{
    struct buffer text = {0};
    int status = read_text(path, &text, err);

    if (status == MOX_OK) {
        pthread_mutex_lock(&lock);
        status = share(buffer_slice(&text), path, out, err);
        pthread_mutex_unlock(&lock);
    }
    buffer_free(&text);
    return status;
}

const char *roots_choose(const char *named, const char *const *paths)
{
    if (named != NULL && *named != '\0')
        return named;
    while (*paths != NULL && access(*paths, R_OK) != 0)
        paths++;
    return *paths;
}

static int load_system(struct roots **out, struct mox_error *err)
{
    const char *const files[] = {roots_choose(getenv("SSL_CERT_FILE"), roots_paths), NULL};

    if (files[0] == NULL)
        return error_set(err, MOX_E_CONFIG,
                         "no certificates of authorities on this machine (%s and others); install "
                         "them (Debian: ca-certificates) or name a CAFile",
                         roots_paths[0]);
    return load(files, NULL, true, out, err);
}

/* A failure is not remembered: memory comes back, and files may be installed. */
int roots_system(struct roots **out, struct mox_error *err)
{
    int status = MOX_OK;

    pthread_mutex_lock(&lock);
    if (the_system == NULL)
        status = load_system(&the_system, err);
    *out = the_system;
    pthread_mutex_unlock(&lock);
    return status;
}

int roots_load(const char *const *files, bool system, struct roots **out, struct mox_error *err)
{
    struct roots *below = NULL;
    int status;

    *out = NULL;
    if (!system && files[0] != NULL && files[1] == NULL)
        return load_shared(files[0], out, err);
    status = system ? roots_system(&below, err) : MOX_OK;
    if (status == MOX_OK && system && *files == NULL)
        *out = below;
    else if (status == MOX_OK)
        status = load(files, below, false, out, err);
    return status;
}

const struct mbedtls_x509_crt *roots_chain(const struct roots *roots)
{
    return roots->chain.version == 0 ? NULL : &roots->chain;
}

const unsigned char *roots_digest(const struct roots *roots)
{
    return roots->digest;
}

/* The last user frees what was shared. */
static bool is_last(struct roots *roots)
{
    struct roots **link = &shared;
    bool last;

    pthread_mutex_lock(&lock);
    last = --roots->users == 0;
    while (last && *link != roots)
        link = &(*link)->next;
    if (last)
        *link = roots->next;
    pthread_mutex_unlock(&lock);
    return last;
}

void roots_release(struct roots *roots)
{
    if (roots == NULL || roots->system)
        return;
    if (roots->users == 0 || is_last(roots))
        roots_free(roots);
}
