/*
 * preflight_words.h - what a preflight found of an address, for a person: in text and on the page.
 */
#ifndef TOOLS_PREFLIGHT_WORDS_H
#define TOOLS_PREFLIGHT_WORDS_H

#include <moxdial.h>

enum { PREFLIGHT_WORDS = 512 };

/* "mx.example.org, which leads back". Returns out, which holds PREFLIGHT_WORDS bytes. */
const char *preflight_ptr_words(const struct mox_preflight_source *source, char *out);

/* "pass, by ip4:192.0.2.1". The same. */
const char *preflight_spf_words(const struct mox_preflight_source *source, char *out);

#endif
