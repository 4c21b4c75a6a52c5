/*
 * certificates.h - the certificates that libmoxdial-curl trusts.
 */
#ifndef FETCH_CERTIFICATES_H
#define FETCH_CERTIFICATES_H

#include <stdbool.h>
#include <stddef.h>

#include <curl/curl.h>

#include <moxdial/config.h>

struct certificates { /* all zero: the system's */
    char *file;       /* owned: the one file that is trusted; NULL: see text */
    char *text;       /* owned: of several files; NULL: the system's */
    size_t len;
};

/* Those of the configuration. MOX_OK; MOX_E_OS, MOX_E_LIMIT, MOX_E_UNSUPPORTED, MOX_E_NOMEM. */
int certificates_take(struct certificates *c, const struct mox_config *config,
                      struct mox_error *err);

/* Those of the file and no others. MOX_OK; MOX_E_OS, MOX_E_NOMEM: all is as it was. */
int certificates_take_file(struct certificates *c, const char *path, struct mox_error *err);

/* Makes a transfer trust them, which borrows them; false: this libcurl cannot. */
bool certificates_set(const struct certificates *c, CURL *easy);

void certificates_free(struct certificates *c);

#endif
