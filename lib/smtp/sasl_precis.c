/*
 * sasl_precis.c - see sasl_precis.h. What is not assigned in the Unicode version of the library is
 * not allowed; that a newer one allows more is the nature of PRECIS.
 */
#include "smtp/sasl_precis.h"

#include <stdint.h>
#include <string.h>

#include <unictype.h>
#include <unistr.h>

#include "base/error.h"
#include "base/mem.h"

enum {
    ALLOWED = UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_P |
              UC_CATEGORY_MASK_S | UC_CATEGORY_MASK_Zs
};

enum {
    MIDDLE_DOT = 0xb7,
    GREEK_KERAIA = 0x375,
    HEBREW_GERESH = 0x5f3,
    HEBREW_GERSHAYIM = 0x5f4,
    ARABIC_ZERO = 0x660,
    ARABIC_NINE = 0x669,
    EXTENDED_ZERO = 0x6f0,
    EXTENDED_NINE = 0x6f9,
    NON_JOINER = 0x200c,
    JOINER = 0x200d,
    KATAKANA_DOT = 0x30fb
};

/* Exceptions (RFC 5892 section 2.6) and old Hangul Jamo (section 2.9): letters that are none. */
static const struct {
    ucs4_t first, last;
} disallowed[] = {
    {0x640, 0x640},   {0x7fa, 0x7fa},   {0x1100, 0x11ff}, {0x302e, 0x302f}, {0x3031, 0x3035},
    {0x303b, 0x303b}, {0xa960, 0xa97c}, {0xd7b0, 0xd7c6}, {0xd7cb, 0xd7fb},
};

/* One character within its text. */
struct place {
    const uint8_t *start, *end; /* of the text */
    const uint8_t *at, *next;   /* of the character, and behind it */
    ucs4_t c;
};

static bool step(struct place *p)
{
    int n;

    if (p->next == p->end)
        return false;
    p->at = p->next;
    n = u8_mbtouc(&p->c, p->at, (size_t)(p->end - p->at));
    p->next = p->at + n;
    return true;
}

static struct place place_in(struct slice text)
{
    const uint8_t *start = (const uint8_t *)text.ptr;

    return (struct place){.start = start, .end = start + text.len, .at = start, .next = start};
}

/* The neighbours; 0: there is none. */
static ucs4_t before(const struct place *p)
{
    ucs4_t c = 0;

    return u8_prev(&c, p->at, p->start) == NULL ? 0 : c;
}

static ucs4_t after(const struct place *p)
{
    struct place next = *p;

    return step(&next) ? next.c : 0;
}

static bool is_script(ucs4_t c, const char *name)
{
    const uc_script_t *script = uc_script(c);

    return script != NULL && strcmp(script->name, name) == 0;
}

/* RFC 5892 appendix A.1: between letters that would join across it, transparent ones passed over.
 */
static bool breaks_join(const struct place *p)
{
    struct place right = *p;
    const uint8_t *left = p->at;
    int joining = UC_JOINING_TYPE_T;
    ucs4_t c;

    while (joining == UC_JOINING_TYPE_T && (left = u8_prev(&c, left, p->start)) != NULL)
        joining = uc_joining_type(c);
    if (joining != UC_JOINING_TYPE_L && joining != UC_JOINING_TYPE_D)
        return false;
    joining = UC_JOINING_TYPE_T;
    while (joining == UC_JOINING_TYPE_T && step(&right))
        joining = uc_joining_type(right.c);
    return joining == UC_JOINING_TYPE_R || joining == UC_JOINING_TYPE_D;
}

static bool is_kana_or_han(ucs4_t c)
{
    return is_script(c, "Hiragana") || is_script(c, "Katakana") || is_script(c, "Han");
}

static bool is_arabic_digit(ucs4_t c)
{
    return c >= ARABIC_ZERO && c <= ARABIC_NINE;
}

static bool is_extended_digit(ucs4_t c)
{
    return c >= EXTENDED_ZERO && c <= EXTENDED_NINE;
}

static bool has(const struct place *p, bool (*is)(ucs4_t c))
{
    struct place i = *p;

    i.next = i.start;
    while (step(&i)) {
        if (is(i.c))
            return true;
    }
    return false;
}

/* RFC 5892 appendix A: what is allowed between some characters only. *fits: whether it is here. */
static bool is_contextual(const struct place *p, bool *fits)
{
    switch (p->c) {
    case NON_JOINER:
        *fits = uc_combining_class(before(p)) == UC_CCC_VR || breaks_join(p);
        return true;
    case JOINER:
        *fits = uc_combining_class(before(p)) == UC_CCC_VR;
        return true;
    case MIDDLE_DOT:
        *fits = before(p) == 'l' && after(p) == 'l';
        return true;
    case GREEK_KERAIA:
        *fits = is_script(after(p), "Greek");
        return true;
    case HEBREW_GERESH:
    case HEBREW_GERSHAYIM:
        *fits = is_script(before(p), "Hebrew");
        return true;
    case KATAKANA_DOT:
        *fits = has(p, is_kana_or_han);
        return true;
    default:
        *fits = is_arabic_digit(p->c) ? !has(p, is_extended_digit) : !has(p, is_arabic_digit);
        return is_arabic_digit(p->c) || is_extended_digit(p->c);
    }
}

static bool is_disallowed(ucs4_t c)
{
    for (size_t i = 0; i < ARRAY_LEN(disallowed); i++) {
        if (c >= disallowed[i].first && c <= disallowed[i].last)
            return true;
    }
    return uc_is_property_default_ignorable_code_point(c) || uc_is_property_not_a_character(c) ||
           !uc_is_general_category_withtable(c, ALLOWED);
}

bool sasl_precis_allows(struct slice text)
{
    struct place p = place_in(text);

    while (step(&p)) {
        bool fits;

        if (is_contextual(&p, &fits) ? !fits : is_disallowed(p.c))
            return false;
    }
    return text.len > 0;
}

int sasl_precis_map_spaces(struct slice text, struct buffer *out)
{
    struct place p = place_in(text);
    char *room = buffer_room(out, text.len);

    if (room == NULL)
        return MOX_E_NOMEM;
    while (step(&p)) {
        size_t n = (size_t)(p.next - p.at);
        bool space = uc_is_general_category_withtable(p.c, UC_CATEGORY_MASK_Zs);

        if (buffer_append(out, space ? (const void *)" " : p.at, space ? 1 : n) != MOX_OK)
            return MOX_E_NOMEM;
    }
    return MOX_OK;
}
