/* certificates.c - see certificates.h. */
#include "fetch/certificates.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apart/apart.h"

enum {
    ALL_BYTES = 16 << 20, /* of all files together; the system's have 250 KB */
    PIECE = 64 << 10      /* bytes read at once */
};

static int fail_file(struct mox_error *err, const char *path, int error)
{
    char reason[128] = "";

    if (strerror_r(error, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "errno %d", error);
    apart_fail(err, MOX_E_CONFIG, "certificates for MTA-STS: %s: %s", path, reason);
    if (err != NULL)
        err->os_errno = error;
    return MOX_E_CONFIG;
}

/* Appends what an open file has, with a line end behind it. */
static int append_open(struct certificates *c, FILE *file, const char *path, struct mox_error *err)
{
    size_t n;

    do {
        char *grown = realloc(c->text, c->len + PIECE + 1);

        if (grown == NULL)
            return apart_nomem(err);
        c->text = grown;
        n = fread(c->text + c->len, 1, PIECE, file);
        c->len += n;
        if (c->len > ALL_BYTES)
            return apart_fail(err, MOX_E_LIMIT,
                              "certificates for MTA-STS: %s: over %d bytes with those before it",
                              path, ALL_BYTES);
    } while (n > 0);
    if (ferror(file) != 0)
        return fail_file(err, path, errno);
    c->text[c->len++] = '\n';
    return MOX_OK;
}

static int append_file(struct certificates *c, const char *path, struct mox_error *err)
{
    FILE *file = fopen(path, "rbe");
    int status;

    if (file == NULL)
        return fail_file(err, path, errno);
    status = append_open(c, file, path, err);
    fclose(file);
    return status;
}

/* The system's bundle, as libcurl was built to find it. */
static int append_system(struct certificates *c, struct mox_error *err)
{
    CURL *easy = curl_easy_init();
    char *path = NULL;
    int status;

    if (easy == NULL)
        return apart_nomem(err);
    curl_easy_getinfo(easy, CURLINFO_CAINFO, &path);
    status = path != NULL
                 ? append_file(c, path, err)
                 : apart_fail(err, MOX_E_UNSUPPORTED,
                              "certificates for MTA-STS: this libcurl knows no file of the "
                              "system's; name it with the others");
    curl_easy_cleanup(easy);
    return status;
}

int certificates_take_file(struct certificates *c, const char *path, struct mox_error *err)
{
    FILE *file = fopen(path, "rbe");
    char *copy;

    if (file == NULL)
        return fail_file(err, path, errno);
    fclose(file);
    copy = strdup(path);
    if (copy == NULL)
        return apart_nomem(err);
    free(c->file);
    c->file = copy;
    return MOX_OK;
}

/* One file is named to libcurl, which keeps what it read of it; several are put together. */
int certificates_take(struct certificates *c, const struct mox_config *config,
                      struct mox_error *err)
{
    const struct mox_config_info *info = config == NULL ? NULL : mox_config_summary(config);
    const char *const *file = info == NULL ? NULL : info->ca_files;
    int status = MOX_OK;

    if (file == NULL || *file == NULL)
        return MOX_OK;
    if (file[1] == NULL && !info->ca_system)
        return certificates_take_file(c, *file, err);
    for (; *file != NULL && status == MOX_OK; file++)
        status = append_file(c, *file, err);
    if (status == MOX_OK && info->ca_system)
        status = append_system(c, err);
    return status;
}

/* CAPATH would be trusted beside the others. Without it libcurl keeps what it has read of CAINFO,
 * for all transfers. */
bool certificates_set(const struct certificates *c, CURL *easy)
{
    struct curl_blob blob = {c->text, c->len, CURL_BLOB_NOCOPY};
    char *system = NULL;

    curl_easy_getinfo(easy, CURLINFO_CAINFO, &system);
    if (c->file == NULL && c->text == NULL && system == NULL)
        return true; /* it has nothing but CAPATH, or the system's own store */
    if (curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) != CURLE_OK)
        return false;
    if (c->file != NULL)
        return curl_easy_setopt(easy, CURLOPT_CAINFO, c->file) == CURLE_OK;
    return c->text == NULL || curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK;
}

void certificates_free(struct certificates *c)
{
    free(c->file);
    free(c->text);
}
