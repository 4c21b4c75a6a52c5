/*
 * record.c - see record.h. A '/' may stand in a domain-spec, so prefix lengths are taken off a
 * term's end, where no domain-spec can have one: it ends in a top-level label or in a macro.
 */
#include "spf/record.h"

#include <string.h>

#include "base/mem.h"
#include "spf/macro.h"

static const char version[] = "v=spf1";
static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

enum { BITS4 = 32, BITS6 = 128 };

bool spf_is_record(struct slice text)
{
    size_t n = sizeof version - 1;

    return text.len >= n && slice_is_nocase(slice_sub(text, 0, n), version) &&
           (text.len == n || text.ptr[n] == ' ');
}

/* 1*DIGIT without a zero ahead, at most max; -1: no such thing. */
static int read_bits(struct slice digits, int max)
{
    uint64_t bits;

    if (!slice_number(digits, (uint64_t)max, &bits) || (digits.len > 1 && digits.ptr[0] == '0'))
        return -1;
    return (int)bits;
}

/* Takes "/digits" off the end; false: it does not end so. */
static bool take_cidr(struct slice *text, struct slice *digits)
{
    size_t at = text->len;

    while (at > 0 && slice_is_digit(text->ptr[at - 1]))
        at--;
    if (at == 0 || text->ptr[at - 1] != '/')
        return false;
    *digits = slice_sub(*text, at, text->len);
    *text = slice_sub(*text, 0, at - 1);
    return true;
}

/* dual-cidr-length off the end of what stands behind the name. */
static const char *take_dual_cidr(struct slice *rest, struct spf_term *term)
{
    struct slice digits;
    bool six;

    term->bits4 = BITS4;
    term->bits6 = BITS6;
    if (!take_cidr(rest, &digits))
        return NULL;
    six = rest->len > 0 && rest->ptr[rest->len - 1] == '/';
    if (six) {
        rest->len--;
        term->bits6 = read_bits(digits, BITS6);
    }
    if (!six || take_cidr(rest, &digits))
        term->bits4 = read_bits(digits, BITS4);
    if (term->bits4 < 0)
        return "has a prefix length that is no number from 0 to 32";
    return term->bits6 < 0 ? "has a prefix length that is no number from 0 to 128" : NULL;
}

static const char *read_nothing(struct slice rest, struct spf_term *term)
{
    (void)term;
    return rest.len == 0 ? NULL : "has something behind it, where nothing may stand";
}

/* What stands behind the ':' or '='. */
static const char *read_spec(struct slice rest, struct spf_term *term)
{
    term->spec = slice_sub(rest, 1, rest.len);
    return rest.len > 1 && spf_is_domain_spec(term->spec) ? NULL : "does not name a domain";
}

static const char *read_optional_spec(struct slice rest, struct spf_term *term)
{
    if (rest.len > 0 && rest.ptr[0] != ':')
        return read_nothing(rest, term);
    return rest.len == 0 ? NULL : read_spec(rest, term);
}

static const char *read_spec_and_cidr(struct slice rest, struct spf_term *term)
{
    const char *fault = take_dual_cidr(&rest, term);

    return fault != NULL ? fault : read_optional_spec(rest, term);
}

static const char *read_ip4(struct slice rest, struct spf_term *term)
{
    struct slice text = slice_sub(rest, 1, rest.len), digits;
    int bits = BITS4;

    if (take_cidr(&text, &digits))
        bits = read_bits(digits, BITS4);
    if (bits < 0)
        return "has a prefix length that is no number from 0 to 32";
    if (slice_find(text, ':') < text.len || ip_parse_plain(text, &term->prefix.ip) != MOX_OK)
        return "does not have an IPv4 address";
    term->prefix.bits = bits;
    return NULL;
}

static const char *read_ip6(struct slice rest, struct spf_term *term)
{
    struct slice text = slice_sub(rest, 1, rest.len), digits;
    struct mox_ip *ip = &term->prefix.ip, four;
    int bits = BITS6;

    if (take_cidr(&text, &digits))
        bits = read_bits(digits, BITS6);
    if (bits < 0)
        return "has a prefix length that is no number from 0 to 128";
    if (slice_find(text, ':') == text.len || ip_parse_plain(text, ip) != MOX_OK)
        return "does not have an IPv6 address";
    if (ip->family == MOX_IPV4) { /* a mapped one: no client has it, but its short prefixes count */
        four = *ip;
        *ip = (struct mox_ip){.family = MOX_IPV6};
        memcpy(ip->bytes, mapped, sizeof mapped);
        memcpy(ip->bytes + sizeof mapped, four.bytes, 4);
    }
    term->prefix.bits = bits;
    return NULL;
}

static const char *read_unknown(struct slice rest, struct spf_term *term)
{
    (void)term;
    return spf_is_macro_string(slice_sub(rest, 1, rest.len)) ? NULL : "has a broken macro";
}

/* What we know. sign: what stands behind the name; 0: that need not be there. */
static const struct {
    const char *name;
    bool modifier;
    char sign;
    uint8_t kind;
    const char *(*read)(struct slice rest, struct spf_term *term);
} known[] = {
    {"all", false, 0, SPF_ALL, read_nothing},
    {"include", false, ':', SPF_INCLUDE, read_spec},
    {"a", false, 0, SPF_A, read_spec_and_cidr},
    {"mx", false, 0, SPF_MX, read_spec_and_cidr},
    {"ptr", false, 0, SPF_PTR, read_optional_spec},
    {"ip4", false, ':', SPF_IP4, read_ip4},
    {"ip6", false, ':', SPF_IP6, read_ip6},
    {"exists", false, ':', SPF_EXISTS, read_spec},
    {"redirect", true, '=', SPF_REDIRECT, read_spec},
    {"exp", true, '=', SPF_EXP, read_spec},
};

/* name: ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ), from the front. */
static struct slice name_of(struct slice text)
{
    size_t n = 0;

    while (n < text.len && (slice_is_alpha(text.ptr[n]) ||
                            (n > 0 && (slice_is_digit(text.ptr[n]) || text.ptr[n] == '-' ||
                                       text.ptr[n] == '_' || text.ptr[n] == '.'))))
        n++;
    return slice_sub(text, 0, n);
}

static const char *read_named(struct slice name, struct slice rest, struct spf_term *out)
{
    bool modifier = rest.len > 0 && rest.ptr[0] == '=';

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].modifier != modifier || !slice_is_nocase(name, known[i].name))
            continue;
        out->kind = known[i].kind;
        if (known[i].sign != 0 && (rest.len == 0 || rest.ptr[0] != known[i].sign))
            return "lacks the ':' and what should follow it";
        return known[i].read(rest, out);
    }
    out->kind = SPF_UNKNOWN;
    return modifier ? read_unknown(rest, out) : "is no mechanism of SPF";
}

/* NULL, or what is wrong with it. */
static const char *read_term(struct slice text, struct spf_term *out)
{
    struct slice qualifiers = slice_of("+-~?");
    bool qualified = text.len > 0 && slice_find(qualifiers, text.ptr[0]) < qualifiers.len;
    struct slice rest = slice_sub(text, qualified, text.len), name = name_of(rest);

    *out = (struct spf_term){.qualifier = qualified ? text.ptr[0] : '+', .text = text};
    rest = slice_sub(rest, name.len, rest.len);
    if (name.len == 0)
        return "is no term of SPF";
    if (qualified && rest.len > 0 && rest.ptr[0] == '=')
        return "is a modifier, which has no sign in front";
    return read_named(name, rest, out);
}

/* Blanks alone part the terms; empty: there is no more. */
static struct slice next_text(struct slice *terms)
{
    struct slice text;

    while (terms->len > 0 && terms->ptr[0] == ' ')
        *terms = slice_sub(*terms, 1, terms->len);
    text = slice_sub(*terms, 0, slice_find(*terms, ' '));
    *terms = slice_sub(*terms, text.len, terms->len);
    return text;
}

/* redirect and exp stand once at most. */
static const char *keep_once(struct slice *kept, struct slice text)
{
    if (kept->len > 0)
        return "stands there twice";
    *kept = text;
    return NULL;
}

const char *spf_record_read(struct slice text, struct spf_record *out, struct slice *fault)
{
    struct slice rest = slice_sub(text, sizeof version - 1, text.len);
    const char *wrong = NULL;
    struct spf_term term;

    *out = (struct spf_record){.terms = rest};
    for (*fault = next_text(&rest); fault->len > 0; *fault = next_text(&rest)) {
        wrong = read_term(*fault, &term);
        if (wrong == NULL && term.kind == SPF_REDIRECT)
            wrong = keep_once(&out->redirect, *fault);
        else if (wrong == NULL && term.kind == SPF_EXP)
            wrong = keep_once(&out->exp, *fault);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

bool spf_term_next(struct slice *terms, struct spf_term *out)
{
    struct slice text = next_text(terms);

    return text.len > 0 && read_term(text, out) == NULL;
}
