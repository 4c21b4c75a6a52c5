/* preflight_words.c - see preflight_words.h. */
#include "preflight_words.h"

#include <stdio.h>

const char *preflight_ptr_words(const struct mox_preflight_source *s, char *out)
{
    const char *back =
        s->forward_confirmed > 0 ? ", which leads back" : ", which does not lead back";

    if (s->ptr == NULL)
        return s->forward_confirmed < 0 ? "not known" : "none";
    snprintf(out, PREFLIGHT_WORDS, "%s%s%s", s->ptr, s->forward_confirmed < 0 ? "" : back,
             s->generated != 0 ? "; it looks like a provider's name" : "");
    return out;
}

const char *preflight_spf_words(const struct mox_preflight_source *s, char *out)
{
    if (s->spf < 0)
        return "not checked: see --domain";
    snprintf(out, PREFLIGHT_WORDS, "%s%s%s", mox_spf_name(s->spf),
             s->spf_mechanism != NULL ? ", by " : "",
             s->spf_mechanism != NULL ? s->spf_mechanism : "");
    return out;
}
