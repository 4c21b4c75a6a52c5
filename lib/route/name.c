/*
 * name.c - see name.h. The usual name, plain ASCII letters, digits and hyphens, is checked and
 * lower-cased on the way; whatever looks unusual goes to domain_of_address, whose verdict is law.
 * The hash runs over labels from the right, so that one pass gives it for all suffixes.
 */
#include "route/name.h"

#include <assert.h>
#include <string.h>

#include "base/domain.h"
#include "base/error.h"

static_assert(MOX_LIMIT_DOMAIN + 1 <= UINT8_MAX, "where a label begins fits a byte");

static const uint64_t hash_of_nothing = 0x243f6a8885a308d3u; /* digits of pi */
static const uint64_t hash_factor = 0x9e3779b97f4a7c15u;     /* 2^64 / golden ratio */

/* What a character of a plain name is in lower case; 0: only domain_of_address can tell. */
static const unsigned char plain[256] = {
    ['-'] = '-', ['.'] = '.', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',
    ['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b',
    ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i',
    ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',
    ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w',
    ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',
    ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k',
    ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',
    ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',
    ['z'] = 'z',
};

/* From [8 - n] on: a mask for the first n bytes of a word, whatever the byte order. */
static const unsigned char masks[2 * ROUTE_WORD] = {255, 255, 255, 255, 255, 255, 255, 255};

/* Continues the hash of what stands to the right with a label; reads whole words. */
static uint64_t hash_label(uint64_t hash, const char *label, size_t len)
{
    uint64_t word, mask;

    for (; len > ROUTE_WORD; label += ROUTE_WORD, len -= ROUTE_WORD) {
        memcpy(&word, label, sizeof word);
        hash = (hash ^ word) * hash_factor;
        hash ^= hash >> 32;
    }
    memcpy(&word, label, sizeof word);
    memcpy(&mask, masks + ROUTE_WORD - len, sizeof mask);
    hash = (hash ^ (word & mask)) * hash_factor;
    return hash ^ (hash >> 32);
}

/* A label that is as most are; the others are domain_of_address's to judge. */
static bool is_plain_label(const char *label, size_t len)
{
    if (len == 0 || len > MOX_LIMIT_LABEL || label[0] == '-' || label[len - 1] == '-')
        return false;
    return len < 4 || label[2] != '-' || label[3] != '-';
}

/* starts[0] to starts[dots]: where the labels begin. check: false if a label is not plain. */
static inline bool set_suffixes(struct route_name *out, const uint8_t *starts, size_t dots,
                                bool check)
{
    uint64_t hash = hash_of_nothing;
    size_t end = out->len;

    out->labels = dots + 1;
    out->at[0] = (uint8_t)end;
    out->hash[0] = hash;
    for (size_t depth = 1; depth <= dots + 1; depth++) {
        size_t at = starts[dots + 1 - depth];

        if (check && !is_plain_label(out->text + at, end - at))
            return false;
        hash = hash_label(hash, out->text + at, end - at);
        out->at[depth] = (uint8_t)at;
        out->hash[depth] = hash;
        end = at - 1;
    }
    return true;
}

/* False: it is no plain name. What stands before the last '@' may be anything. */
static bool parse_plain(const char *address, struct route_name *out)
{
    uint8_t starts[MOX_LIMIT_DOMAIN + 1];
    size_t len = 0, dots = 0;

    starts[0] = 0;
    for (const char *p = address; *p != '\0'; p++) {
        unsigned char c = plain[(unsigned char)*p];

        if (c != 0 && len < MOX_LIMIT_DOMAIN) {
            out->text[len++] = (char)c;
            starts[dots + 1] = (uint8_t)len;
            dots += c == '.';
            continue;
        }
        p = strrchr(p, '@');
        if (p == NULL)
            return false;
        len = dots = 0;
    }
    out->len = len;
    /* A number at the end may be that of an IPv4 address. */
    if (dots >= MOX_LIMIT_LABELS || starts[dots] == len || slice_is_digit(out->text[starts[dots]]))
        return false;
    return set_suffixes(out, starts, dots, true);
}

static void set_empty(struct route_name *out)
{
    out->len = out->labels = 0;
    out->at[0] = 0;
    out->hash[0] = hash_of_nothing;
}

void route_name_set(struct route_name *out, struct slice name)
{
    uint8_t starts[MOX_LIMIT_LABELS + 1];
    size_t dots = 0;

    set_empty(out);
    if (name.len == 0)
        return;
    out->len = name.len;
    starts[0] = 0;
    memcpy(out->text, name.ptr, name.len);
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '.')
            starts[++dots] = (uint8_t)(i + 1);
    }
    set_suffixes(out, starts, dots, false);
}

static int bad_address(const char *address, const char *what, const struct mox_error *why,
                       struct mox_error *err)
{
    char text[MOX_LIMIT_ADDRESS + 1];

    slice_clean(slice_of(address), false, text, sizeof text);
    error_set(err, MOX_E_INVAL, "the %s \"%s\" has no valid domain: %s; correct the address", what,
              text, why->message);
    if (err != NULL)
        err->stage = MOX_STAGE_ROUTE;
    return MOX_E_INVAL;
}

int route_name_parse(const char *address, const char *what, struct route_name *out,
                     struct mox_error *err)
{
    struct domain domain;
    struct mox_error why;
    int status;

    if (address == NULL || address[0] == '\0') {
        set_empty(out);
        return MOX_OK;
    }
    if (parse_plain(address, out))
        return MOX_OK;
    status = domain_of_address(address, &domain, NULL, &why);
    if (status == MOX_E_INVAL)
        return bad_address(address, what, &why, err);
    if (status != MOX_OK)
        return error_nomem(err);
    route_name_set(out, domain_slice(&domain));
    return MOX_OK;
}
