/* sasl_words.c - what a server says inside a mechanism, as people may see it. */
#include "smtp/sasl_machine.h"

static bool contains(struct slice text, struct slice part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (slice_equal(slice_sub(text, i, i + part.len), part))
            return true;
    }
    return false;
}

void sasl_words(const struct sasl *sasl, struct slice said, char *out, size_t cap)
{
    struct slice secret = slice_of(sasl->facts.password);

    if (secret.len > 0 && contains(said, secret))
        said = slice_of("(our secret)");
    slice_clean(said, false, out, cap);
}
