/*
 * name.c - see name.h. The usual name, of ASCII letters in lower case, digits and hyphens, is
 * checked from its end, eight bytes a step, until the '@' or the beginning; whatever looks unusual
 * goes to domain_of_address, whose verdict is law.
 */
#include "route/name.h"

#include <assert.h>
#include <string.h>

#include "base/domain.h"
#include "base/error.h"
#include "base/word.h"

static_assert(MOX_LIMIT_DOMAIN + 1 <= UINT8_MAX, "where a label begins fits a byte");

static const uint64_t hash_of_nothing = 0x243f6a8885a308d3u; /* digits of pi */

enum { PLAIN_WORDS = 8 }; /* words that hold a plain name and the byte before it */

static_assert(PLAIN_WORDS * ROUTE_WORD - 1 <= MOX_LIMIT_LABEL, "no label can be too long");

/* Compilers take this for one load. */
static inline uint64_t load_word(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;

    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | (uint64_t)p[7];
}

/* The word that ends there, in a text of a word or more; before the text stand zeroes. */
static inline uint64_t load_until(const char *text, const char *end)
{
    size_t left = (size_t)(end - text), lack;

    if (left >= ROUTE_WORD)
        return load_word(end - ROUTE_WORD);
    lack = ROUTE_WORD - left;
    return load_word(text) >> 4 * lack >> 4 * lack;
}

/* A name shorter than a word. */
static uint64_t load_short(struct slice name)
{
    uint64_t word = 0;

    for (size_t i = 0; i < name.len; i++)
        word = word << 8 | (unsigned char)name.ptr[i];
    return word;
}

/*
 * A separator beside another, or at either end, is not plain; nor is a digit at the end, for it may
 * be that of an IPv4 address. A top bit in `other` says that the byte is no part of a plain name;
 * in `doubles`, that the byte behind it is a separator, and it is one itself or not part of a name.
 */
bool route_name_plain(struct slice address, struct route_name *out)
{
    uint64_t word, low, separators, other, doubles, after = 0x80, *to = out->word;
    const char *end;

    out->split = false;
    if (address.len < ROUTE_WORD)
        return false;
    end = address.ptr + address.len;
    for (;;) {
        word = load_until(address.ptr, end);
        low = word & ~WORD_TOPS;
        separators =
            word_at_least(low, '-') ^ word_at_least(low, '.' + 1); /* they are neighbours */
        other = separators ^ word_at_least(low, '0') ^ word_at_least(low, '9' + 1) ^
                word_at_least(low, 'a') ^ word_below(low, 'z' + 1);
        other = (word | other) & WORD_TOPS;
        separators &= WORD_TOPS;
        doubles = (separators | other) & (separators << 8 | after);
        after = separators >> 56;
        *to++ = word;
        if ((other | doubles) != 0 || to == out->word + PLAIN_WORDS)
            break;
        end -= ROUTE_WORD;
    }
    if (other == 0 || (doubles & (other ^ (other - 1))) != 0)
        return false;
    word = word >> (route_lowest_bit(other) - 7) & 0xff;
    if ((word != '@' && word != '\0') || slice_is_digit((char)(out->word[0] & 0xff)))
        return false;
    out->text = end - route_lowest_bit(other) / 8;
    out->len = (size_t)(address.ptr + address.len - out->text);
    return true;
}

void route_name_split(struct route_name *name)
{
    uint64_t hash = hash_of_nothing;

    if (name->split)
        return;
    name->split = true;
    name->labels = 0;
    name->at[0] = (uint8_t)name->len;
    for (size_t n = 0; n <= name->len / ROUTE_WORD; n++) {
        size_t left = name->len - n * ROUTE_WORD;
        uint64_t dots = word_equal(name->word[n], '.');

        if (left < ROUTE_WORD)
            dots = route_word_end(dots, left);
        for (; dots != 0; dots &= dots - 1)
            name->at[++name->labels] = (uint8_t)(left - route_lowest_bit(dots) / 8);
        name->hash[n] = hash;
        hash = route_hash_word(hash, name->word[n]);
    }
    if (name->len > 0)
        name->at[++name->labels] = 0;
}

/* A name that is known to be valid. */
static void take_valid(struct route_name *out, struct slice name)
{
    out->split = false;
    out->text = name.ptr;
    out->len = name.len;
    for (size_t n = 0; n <= name.len / ROUTE_WORD; n++)
        out->word[n] = name.len < ROUTE_WORD
                           ? load_short(name)
                           : load_until(name.ptr, name.ptr + name.len - n * ROUTE_WORD);
}

void route_name_set(struct route_name *out, struct slice name)
{
    take_valid(out, name);
    route_name_split(out);
}

static int bad_address(const char *address, const char *what, const struct mox_error *why,
                       struct mox_error *err)
{
    char text[MOX_LIMIT_ADDRESS + 1];
    bool sender = strcmp(what, "sender") == 0;

    slice_clean(slice_of(address), false, text, sizeof text);
    error_set(err, MOX_E_INVAL, "the %s \"%s\" has no valid domain: %s; correct the address", what,
              text, why->message);
    if (err == NULL)
        return MOX_E_INVAL;
    err->stage = MOX_STAGE_ROUTE;
    err->about = sender ? MOX_ABOUT_SENDER : MOX_ABOUT_RCPT;
    return MOX_E_INVAL;
}

int route_name_unusual(const char *address, const char *what, struct route_name *out,
                       struct mox_error *err)
{
    struct domain domain;
    struct mox_error why;
    int status = MOX_OK;

    domain_set(&domain, (struct slice){"", 0});
    if (address != NULL && address[0] != '\0')
        status = domain_of_address(address, &domain, NULL, &why);
    if (status == MOX_E_INVAL)
        return bad_address(address, what, &why, err);
    if (status != MOX_OK)
        return error_nomem(err);
    memcpy(out->copy, domain.name, domain.len);
    take_valid(out, (struct slice){out->copy, domain.len});
    return MOX_OK;
}
