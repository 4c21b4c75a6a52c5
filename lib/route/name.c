/*
 * name.c - see name.h. The usual name, plain ASCII letters, digits and hyphens, is checked and
 * lower-cased eight bytes at a time; whatever looks unusual goes to domain_of_address, whose
 * verdict is law. The hash runs over labels from the right, so that one pass gives it for all
 * suffixes.
 */
#include "route/name.h"

#include <assert.h>
#include <string.h>

#include "base/domain.h"
#include "base/error.h"

static_assert(MOX_LIMIT_DOMAIN + 1 <= UINT8_MAX, "where a label begins fits a byte");

static const uint64_t hash_of_nothing = 0x243f6a8885a308d3u; /* digits of pi */
static const uint64_t hash_factor = 0x9e3779b97f4a7c15u;     /* 2^64 / golden ratio */

/* Eight bytes at a time: the first is the lowest, whatever the byte order of the machine. */
static const uint64_t ones = 0x0101010101010101u;
static const uint64_t tops = 0x8080808080808080u; /* what a test of each byte answers in */

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

/* Written out, compilers take it for one load; and the other for one store. */
static inline uint64_t load_word(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;

    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
}

static inline void store_word(char *at, uint64_t word)
{
    unsigned char *p = (unsigned char *)at;

    p[0] = (unsigned char)word;
    p[1] = (unsigned char)(word >> 8);
    p[2] = (unsigned char)(word >> 16);
    p[3] = (unsigned char)(word >> 24);
    p[4] = (unsigned char)(word >> 32);
    p[5] = (unsigned char)(word >> 40);
    p[6] = (unsigned char)(word >> 48);
    p[7] = (unsigned char)(word >> 56);
}

/* What of a name stands from there on, letters behind its end; reads nothing beyond it. */
static uint64_t word_of(const char *name, size_t len, size_t at)
{
    size_t rest = len - at;
    uint64_t word = 0;

    if (rest >= ROUTE_WORD)
        return load_word(name + at);
    if (len >= ROUTE_WORD)
        word = load_word(name + len - ROUTE_WORD) >> 8 * (ROUTE_WORD - rest);
    for (size_t i = 0; len < ROUTE_WORD && i < rest; i++)
        word |= (uint64_t)(unsigned char)name[at + i] << 8 * i;
    return word | 'a' * ones << 8 * rest;
}

/* The bytes, all below 128, that are at least first and at most last. */
static uint64_t bytes_in(uint64_t word, char first, char last)
{
    return (word + (128 - (uint64_t)first) * ones) & ~(word + (127 - (uint64_t)last) * ones) & tops;
}

/* Sets *lower. False: a byte is none that a plain name has; only domain_of_address can tell. */
static bool lower_plain(uint64_t word, uint64_t *lower)
{
    uint64_t control = ~(word << 1 | word << 2), x = word | 0x20 * ones, plain;

    *lower = x; /* digits, '-' and '.' have that bit */
    if (((word | control) & tops) != 0)
        return false;
    plain = bytes_in(x, 'a', 'z') | bytes_in(x, '0', '9') | bytes_in(x, '-', '.');
    return plain == tops;
}

/* How many bytes there are up to the first whose top bit is set, that one included. */
static size_t bytes_to(uint64_t bits)
{
    return (size_t)((((bits & (0 - bits)) - 1) & ones) * ones >> 56);
}

/* Copies and takes apart a name; false: it is not plain. Separators side by side are not. */
static bool read_words(const char *domain, size_t len, struct route_name *out)
{
    uint64_t before = 128; /* a separator at the beginning would be the second one */

    out->labels = 1;
    out->starts[0] = 0;
    for (size_t at = 0; at < len; at += ROUTE_WORD) {
        uint64_t word, separators;

        if (!lower_plain(word_of(domain, len, at), &word))
            return false;
        store_word(out->text + at, word);
        separators = bytes_in(word, '-', '.');
        if ((separators & (separators << 8 | before)) != 0)
            return false;
        before = separators >> 56;
        for (uint64_t dots = bytes_in(word, '.', '.'); dots != 0; dots &= dots - 1)
            out->starts[out->labels++] = (uint8_t)(at + bytes_to(dots));
    }
    return domain[len - 1] != '-' && domain[len - 1] != '.';
}

static bool has_long_label(const struct route_name *name)
{
    size_t end = name->len;

    for (size_t i = name->labels; i-- > 0; end = name->starts[i] - (size_t)1) {
        if (end - name->starts[i] > MOX_LIMIT_LABEL)
            return true;
    }
    return false;
}

/* False: it is no plain name. What stands before the last '@' may be anything. */
static bool read_plain(const char *address, struct route_name *out)
{
    const char *at = strrchr(address, '@'), *domain = at == NULL ? address : at + 1;
    size_t len = strlen(domain);

    if (len == 0 || len > MOX_LIMIT_DOMAIN || !read_words(domain, len, out))
        return false;
    out->len = len;
    /* A number at the end may be that of an IPv4 address. */
    return !slice_is_digit(out->text[out->starts[out->labels - 1]]) &&
           (len <= MOX_LIMIT_LABEL || !has_long_label(out));
}

static void read_valid(struct slice name, struct route_name *out)
{
    out->len = name.len;
    out->labels = name.len > 0;
    out->starts[0] = 0;
    if (name.len > 0)
        memcpy(out->text, name.ptr, name.len);
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '.')
            out->starts[out->labels++] = (uint8_t)(i + 1);
    }
}

void route_name_hash(struct route_name *name)
{
    uint64_t hash = hash_of_nothing;
    size_t end = name->len;

    if (name->hashed)
        return;
    name->hashed = true;
    name->at[0] = (uint8_t)end;
    name->hash[0] = hash;
    for (size_t depth = 1; depth <= name->labels; depth++) {
        size_t at = name->starts[name->labels - depth];

        hash = hash_label(hash, name->text + at, end - at);
        name->at[depth] = (uint8_t)at;
        name->hash[depth] = hash;
        end = at - 1;
    }
}

void route_name_set(struct route_name *out, struct slice name)
{
    out->hashed = false;
    read_valid(name, out);
    route_name_hash(out);
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

static int read_unusual(const char *address, const char *what, struct route_name *out,
                        struct mox_error *err)
{
    struct domain domain;
    struct mox_error why;
    int status = domain_of_address(address, &domain, NULL, &why);

    if (status == MOX_E_INVAL)
        return bad_address(address, what, &why, err);
    if (status != MOX_OK)
        return error_nomem(err);
    read_valid(domain_slice(&domain), out);
    return MOX_OK;
}

int route_name_read(const char *address, const char *what, struct route_name *out,
                    struct mox_error *err)
{
    out->hashed = false;
    if (address == NULL || address[0] == '\0')
        read_valid((struct slice){0}, out);
    else if (!read_plain(address, out))
        return read_unusual(address, what, out, err);
    return MOX_OK;
}

int route_name_parse(const char *address, const char *what, struct route_name *out,
                     struct mox_error *err)
{
    int status = route_name_read(address, what, out, err);

    if (status == MOX_OK)
        route_name_hash(out);
    return status;
}
