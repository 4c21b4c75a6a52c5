/*
 * name.c - see name.h. The usual name, plain ASCII letters, digits and hyphens, is checked in
 * one pass; whatever looks unusual goes to domain_of_address, whose verdict is law. The hash runs
 * over words from the right, so that a pass gives it for all suffixes.
 */
#include "route/name.h"

#include <assert.h>
#include <string.h>

#include "base/domain.h"
#include "base/error.h"

static_assert(MOX_LIMIT_DOMAIN + 1 <= UINT8_MAX, "where a label begins fits a byte");

static const uint64_t hash_of_nothing = 0x243f6a8885a308d3u; /* digits of pi */
static const uint64_t hash_factor = 0x9e3779b97f4a7c15u;     /* 2^64 / golden ratio */

/*
 * What a character is to a plain name. Of the last two a name consists, one with capitals is read
 * again in lower case; for all others only domain_of_address can tell.
 */
enum kind { OTHER, END, CAPITAL, PLAIN, SEPARATOR };

static const unsigned char kinds[256] = {
    ['\0'] = END,    ['-'] = SEPARATOR, ['.'] = SEPARATOR, ['0'] = PLAIN,   ['1'] = PLAIN,
    ['2'] = PLAIN,   ['3'] = PLAIN,     ['4'] = PLAIN,     ['5'] = PLAIN,   ['6'] = PLAIN,
    ['7'] = PLAIN,   ['8'] = PLAIN,     ['9'] = PLAIN,     ['a'] = PLAIN,   ['b'] = PLAIN,
    ['c'] = PLAIN,   ['d'] = PLAIN,     ['e'] = PLAIN,     ['f'] = PLAIN,   ['g'] = PLAIN,
    ['h'] = PLAIN,   ['i'] = PLAIN,     ['j'] = PLAIN,     ['k'] = PLAIN,   ['l'] = PLAIN,
    ['m'] = PLAIN,   ['n'] = PLAIN,     ['o'] = PLAIN,     ['p'] = PLAIN,   ['q'] = PLAIN,
    ['r'] = PLAIN,   ['s'] = PLAIN,     ['t'] = PLAIN,     ['u'] = PLAIN,   ['v'] = PLAIN,
    ['w'] = PLAIN,   ['x'] = PLAIN,     ['y'] = PLAIN,     ['z'] = PLAIN,   ['A'] = CAPITAL,
    ['B'] = CAPITAL, ['C'] = CAPITAL,   ['D'] = CAPITAL,   ['E'] = CAPITAL, ['F'] = CAPITAL,
    ['G'] = CAPITAL, ['H'] = CAPITAL,   ['I'] = CAPITAL,   ['J'] = CAPITAL, ['K'] = CAPITAL,
    ['L'] = CAPITAL, ['M'] = CAPITAL,   ['N'] = CAPITAL,   ['O'] = CAPITAL, ['P'] = CAPITAL,
    ['Q'] = CAPITAL, ['R'] = CAPITAL,   ['S'] = CAPITAL,   ['T'] = CAPITAL, ['U'] = CAPITAL,
    ['V'] = CAPITAL, ['W'] = CAPITAL,   ['X'] = CAPITAL,   ['Y'] = CAPITAL, ['Z'] = CAPITAL};

enum {
    PLAIN_LEN = 63, /* bytes: no label is too long, and a word has a bit for each byte */
    WORDS = MOX_LIMIT_DOMAIN / ROUTE_WORD + 1
};

static_assert((int)PLAIN_LEN <= (int)MOX_LIMIT_LABEL, "no label of a plain name is too long");

/* The last character of a word is its lowest byte. Compilers take this for one load. */
static inline uint64_t load_word(const char *at)
{
    const unsigned char *p = (const unsigned char *)at;

    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | (uint64_t)p[7];
}

/* The first bytes of a name, fewer than a word. */
static inline uint64_t load_first(const char *name, size_t len, size_t n)
{
    uint64_t word = 0;

    if (len >= ROUTE_WORD)
        return load_word(name) >> 8 >> 8 * (ROUTE_WORD - 1 - n);
    for (size_t i = 0; i < n; i++)
        word = word << 8 | (unsigned char)name[i];
    return word;
}

static inline uint64_t mixed(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * hash_factor;
    return hash ^ hash >> 32;
}

/* A suffix hashes its whole words, counted from the end of the name, and then the rest. */
void route_name_hash(struct route_name *name)
{
    uint64_t words[WORDS], hashes[WORDS], hash = hash_of_nothing;
    size_t n = 0, left = name->len;

    if (name->hashed)
        return;
    name->hashed = true;
    for (; left >= ROUTE_WORD; left -= ROUTE_WORD, n++) {
        words[n] = load_word(name->text + left - ROUTE_WORD);
        hashes[n] = hash;
        hash = mixed(hash, words[n]);
    }
    words[n] = load_first(name->text, name->len, left);
    hashes[n] = hash;
    name->hash[0] = hash_of_nothing;
    for (size_t depth = 1; depth <= name->labels; depth++) {
        size_t len = name->len - name->at[depth], word = len / ROUTE_WORD;
        uint64_t rest = ((uint64_t)1 << 8 * (len % ROUTE_WORD)) - 1;

        name->hash[depth] = mixed(hashes[word], words[word] & rest);
    }
}

static inline size_t lowest_bit(uint64_t bits)
{
#if defined(__GNUC__)
    return (size_t)__builtin_ctzll(bits);
#else
    size_t n = 0;

    for (; (bits & 1) == 0; bits >>= 1)
        n++;
    return n;
#endif
}

/* separators: a bit for each character, the last one's is the lowest. */
static inline void set_labels(struct route_name *out, uint64_t separators)
{
    size_t depth = 0;

    out->at[0] = (uint8_t)out->len;
    for (; separators != 0; separators &= separators - 1) {
        size_t at = out->len - lowest_bit(separators);

        if (out->text[at - 1] == '.')
            out->at[++depth] = (uint8_t)at;
    }
    out->at[++depth] = 0;
    out->labels = depth;
}

/* Where to read on at what is neither plain nor a separator; NULL: it is no plain name. */
static const char *restart(struct route_name *out, const char *name, const char *p)
{
    const char *at = strrchr(p, '@');
    size_t len;

    if (at != NULL) /* before the last one may stand anything */
        return at + 1;
    if (kinds[(unsigned char)*p] != CAPITAL)
        return NULL;
    len = strlen(name);
    if (len > PLAIN_LEN)
        return NULL;
    for (size_t i = 0; i <= len; i++)
        out->copy[i] = slice_lower(name[i]);
    return out->copy;
}

/* False: it is no plain name. Separators side by side are not, and none is at an end. */
static bool read_plain(const char *address, struct route_name *out)
{
    const char *name = address, *p = address;
    uint64_t separators = 0;
    size_t kind;

    for (;;) {
        for (; (kind = kinds[(unsigned char)*p]) >= PLAIN; p++)
            separators = 2 * separators + (kind - PLAIN);
        if (kind == END)
            break;
        name = p = restart(out, name, p);
        if (p == NULL)
            return false;
        separators = 0;
    }
    out->text = name;
    out->len = (size_t)(p - name);
    if (out->len - 1 >= PLAIN_LEN || (separators & (separators << 1 | 1)) != 0 ||
        separators >> (out->len - 1) != 0)
        return false;
    set_labels(out, separators);
    return !slice_is_digit(name[out->at[1]]); /* which may be that of an IPv4 address */
}

static void read_valid(struct slice name, struct route_name *out)
{
    out->text = name.ptr;
    out->len = name.len;
    out->labels = 0;
    out->at[0] = (uint8_t)name.len;
    for (size_t i = name.len; i > 0; i--) {
        if (i == 1 || name.ptr[i - 2] == '.')
            out->at[++out->labels] = (uint8_t)(i - 1);
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
    memcpy(out->copy, domain.name, domain.len);
    read_valid((struct slice){out->copy, domain.len}, out);
    return MOX_OK;
}

int route_name_read(const char *address, const char *what, struct route_name *out,
                    struct mox_error *err)
{
    out->hashed = false;
    if (address == NULL || address[0] == '\0')
        read_valid((struct slice){"", 0}, out);
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
