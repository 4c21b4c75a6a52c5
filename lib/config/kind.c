/*
 * kind.c - see kind.h. mox goes by the path of a file, we by its top-level keys: DataDir and
 * Listeners are required in a mox.conf, Domains and Accounts in a domains.conf, and a stand-alone
 * file may have any but the first two.
 */
#include "config/kind.h"

#include "base/mem.h"

enum { HAS_DATADIR = 1, HAS_LISTENERS = 2, HAS_DOMAINS = 4, HAS_ACCOUNTS = 8, HAS_OTHER = 16 };

static const struct {
    const char *key;
    unsigned bit;
} telling[] = {
    {"DataDir:", HAS_DATADIR},   {"Listeners:", HAS_LISTENERS}, {"Domains:", HAS_DOMAINS},
    {"Accounts:", HAS_ACCOUNTS}, {"Hostname:", HAS_OTHER},      {"Transports:", HAS_OTHER},
};

static unsigned bit_of_line(struct slice line)
{
    for (size_t i = 0; i < ARRAY_LEN(telling); i++) {
        if (slice_starts(line, telling[i].key))
            return telling[i].bit;
    }
    return 0;
}

enum config_kind config_kind_of_text(struct slice text, bool beside_mox)
{
    unsigned found = 0;

    if (slice_starts(text, "\xef\xbb\xbf")) /* told as an error later, not as an unknown key */
        text = slice_sub(text, 3, text.len);
    for (size_t at = 0; at < text.len;) {
        if (text.ptr[at] >= 'A' && text.ptr[at] <= 'Z')
            found |= bit_of_line(slice_sub(text, at, text.len));
        at += slice_find(slice_sub(text, at, text.len), '\n') + 1;
    }
    if ((found & (HAS_DATADIR | HAS_LISTENERS)) != 0)
        return CONFIG_MOX;
    if (found == (HAS_DOMAINS | HAS_ACCOUNTS) ||
        (beside_mox && (found == HAS_DOMAINS || found == HAS_ACCOUNTS)))
        return CONFIG_DOMAINS;
    return CONFIG_MOXDIAL;
}
