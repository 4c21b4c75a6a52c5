/*
 * roots.h - trust anchors: parsed once, then read-only and shared by all contexts and threads.
 */
#ifndef STREAM_ROOTS_H
#define STREAM_ROOTS_H

#include <stdbool.h>

#include <moxdial/base.h>

struct mbedtls_x509_crt;
struct roots;

/* Where systems keep their bundle; NULL at the end. */
extern const char *const roots_paths[];

/* `named`, as OpenSSL and Go take SSL_CERT_FILE, if it is neither NULL nor empty; else the first of
 * the paths that can be read; NULL: none. */
const char *roots_choose(const char *named, const char *const *paths);

/*
 * The system's bundle (SSL_CERT_FILE, else the first there is of the paths of Debian, Fedora,
 * Alpine, the BSDs), parsed at the first call of the process that finds it, and never freed.
 * MOX_E_CONFIG: there is none, or no certificate in it; MOX_E_NOMEM; what keeps it from being read.
 */
int roots_system(struct roots **out, struct mox_error *err);

/*
 * Of these PEM files, NULL at the end, and the system's too if `system`; there may be none at all.
 * One file alone is parsed once for all who use it at the same time, as long as it has the same
 * bytes. MOX_E_CONFIG: no certificate in the file, which is named; else as above.
 */
int roots_load(const char *const *files, bool system, struct roots **out, struct mox_error *err);

/* NULL: there are none. */
const struct mbedtls_x509_crt *roots_chain(const struct roots *roots);

/* SHA-256 over all of them: what a kept session's verdict rests on. 32 bytes, borrowed. */
const unsigned char *roots_digest(const struct roots *roots);

/* Once for each time they were given out. Accepts NULL; does nothing to the system's. */
void roots_release(struct roots *roots);

#endif
