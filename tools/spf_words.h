/*
 * spf_words.h - what a result of SPF means, for a person.
 */
#ifndef TOOLS_SPF_WORDS_H
#define TOOLS_SPF_WORDS_H

/* What stands between an address and a domain: "may send for". result: enum mox_spf. */
const char *spf_words(int result);

#endif
