/* spf_words.c - see spf_words.h. */
#include "spf_words.h"

#include <moxdial.h>

const char *spf_words(int result)
{
    static const char *const words[] = {
        [MOX_SPF_NONE] = "meets no SPF record of",
        [MOX_SPF_NEUTRAL] = "is neither allowed nor forbidden by",
        [MOX_SPF_PASS] = "may send for",
        [MOX_SPF_FAIL] = "may not send for",
        [MOX_SPF_SOFTFAIL] = "probably may not send for",
        [MOX_SPF_TEMPERROR] = "could not be checked, for now, for",
        [MOX_SPF_PERMERROR] = "cannot be checked, for the record is broken, for",
    };

    return words[result];
}
