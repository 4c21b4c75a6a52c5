/*
 * roots.h - trust anchors: parsed once, then read-only and shared by all contexts and threads.
 */
#ifndef STREAM_ROOTS_H
#define STREAM_ROOTS_H

#include <stdbool.h>

#include <moxdial/base.h>

struct mbedtls_x509_crt;
struct roots;

/*
 * The system's bundle (SSL_CERT_FILE, else the first there is of the paths of Debian, Fedora,
 * Alpine, the BSDs), parsed at the first call of the process that finds it, and never freed.
 * MOX_E_CONFIG: there is none, or no certificate in it; MOX_E_NOMEM; what keeps it from being read.
 */
int roots_system(struct roots **out, struct mox_error *err);

/* Of these PEM files, NULL at the end, and the system's too if `system`; there may be none at all.
 * MOX_E_CONFIG: no certificate in the file, which is named; else as above. */
int roots_load(const char *const *files, bool system, struct roots **out, struct mox_error *err);

/* NULL: there are none. */
const struct mbedtls_x509_crt *roots_chain(const struct roots *roots);

/* SHA-256 over all of them: what a kept session's verdict rests on. 32 bytes, borrowed. */
const unsigned char *roots_digest(const struct roots *roots);

void roots_release(struct roots *roots); /* accepts NULL; does nothing to the system's */

#endif
