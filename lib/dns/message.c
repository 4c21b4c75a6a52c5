/*
 * message.c - see message.h. Lower-casing a whole wire name is safe: length bytes are at most 63,
 * below any letter. A place comes from scan_name alone, so whoever goes there may follow labels and
 * pointers without asking where they lead.
 */
#include "dns/message.h"

#include <string.h>

#include <moxdial/base.h>

#include "base/text.h"
#include "base/word.h"

struct slice dns_read_bytes(struct dns_reader *r, size_t n)
{
    const unsigned char *p = n == 0 ? NULL : dns_take(r, n);

    return p == NULL ? (struct slice){"", 0} : (struct slice){(const char *)p, n};
}

struct slice dns_read_rest(struct dns_reader *r)
{
    return dns_read_bytes(r, r->end - r->at);
}

void dns_read_header(struct dns_reader *r, struct dns_header *out)
{
    static const unsigned char none[DNS_HEADER_LEN];
    const unsigned char *p = dns_take(r, DNS_HEADER_LEN);

    p = p == NULL ? none : p;
    out->id = dns_get_u16(p);
    out->flags = dns_get_u16(p + 2);
    out->questions = dns_get_u16(p + 4);
    out->answers = dns_get_u16(p + 6);
    out->authorities = dns_get_u16(p + 8);
    out->additionals = dns_get_u16(p + 10);
}

/* Where the pointer at p leads. */
static size_t target_of(const unsigned char *p)
{
    return dns_get_u16(p) & DNS_POINTER_REACH;
}

/* Follows the pointer at *at, which must lead to before *start, where its own segment began. */
static bool follow_pointer(const struct dns_reader *r, size_t *at, size_t *start)
{
    size_t target;

    if (r->end - *at < 2)
        return false;
    target = target_of(r->message + *at);
    if (target >= *start || target < DNS_HEADER_LEN)
        return false;
    *at = *start = target;
    return true;
}

/* Where the name ends in its place, behind its root or first pointer; 0: it makes no sense. */
static size_t scan_name(const struct dns_reader *r)
{
    size_t at = r->at, start = r->at, behind = 0, len = 0;
    unsigned pointers = 0;

    while (at < r->end) {
        size_t label = r->message[at];

        if (label >= DNS_POINTER) {
            behind = behind == 0 ? at + 2 : behind;
            if (++pointers > MOX_LIMIT_LABELS || !follow_pointer(r, &at, &start))
                return 0;
            continue;
        }
        len += 1 + label;
        if (label == 0)
            return behind == 0 ? at + 1 : behind; /* fits: each label left room for the root */
        if (label > MOX_LIMIT_LABEL || label >= r->end - at || len + 1 > DNS_NAME_WIRE)
            return 0;
        at += 1 + label;
    }
    return 0;
}

/* Whether the name is a pointer to the question's, as nearly every owner is. */
static bool is_question(const struct dns_reader *r)
{
    return r->named && !r->bad && r->end - r->at >= 2 && r->message[r->at] == DNS_POINTER &&
           r->message[r->at + 1] == DNS_HEADER_LEN;
}

size_t dns_skip_name(struct dns_reader *r)
{
    size_t place = r->at, behind;

    if (is_question(r)) {
        r->at += 2;
        return DNS_HEADER_LEN;
    }
    behind = r->bad ? 0 : scan_name(r);
    if (behind == 0) {
        r->bad = true;
        return 0;
    }
    r->at = behind;
    r->named |= place == DNS_HEADER_LEN;
    return r->message[place] >= DNS_POINTER ? target_of(r->message + place) : place;
}

/* The bytes of host names in lower case; 0: no host name has it. */
static const char host_bytes[256] = {
    ['-'] = '-', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b', ['C'] = 'c',
    ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j',
    ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q',
    ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x',
    ['Y'] = 'y', ['Z'] = 'z', ['_'] = '_', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',
    ['e'] = 'e', ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k',
    ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',
    ['s'] = 's', ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',
    ['z'] = 'z'};

/*
 * Whether the text stands behind the first length byte as it is, with a length in the place of each
 * of its dots. As many lengths as dots: a dot within a label is none.
 */
static bool is_written_so(const unsigned char *name, struct slice text)
{
    const unsigned char *there = name + 1;
    size_t dots = 0, lengths = 0, i = 0;

    for (; text.len - i >= WORD_SIZE; i += WORD_SIZE) {
        uint64_t word = word_load(text.ptr + i), at = word_equal(word, '.');

        if (((word ^ word_load(there + i)) & ~word_mask(at)) != 0)
            return false;
        dots += word_count(at);
    }
    for (; i < text.len; i++) {
        if (text.ptr[i] == '.')
            dots++;
        else if ((unsigned char)text.ptr[i] != there[i])
            return false;
    }
    for (i = *name; i < text.len && text.ptr[i] == '.'; i += 1 + (size_t)there[i])
        lengths++;
    return i == text.len && lengths == dots;
}

/* Whether a label is this text of a domain, but for case. A dot in a label is no byte of either. */
static bool is_label(const unsigned char *label, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (host_bytes[label[i]] != text[i])
            return false;
    }
    return true;
}

/* The same but for case. Each byte of the text stands for one of the name, so its end is not
 * passed. */
static bool is_domain(const unsigned char *name, struct slice domain)
{
    const char *text = domain.ptr, *end = text + domain.len;

    for (;;) {
        size_t n = *name++;

        if (n == 0 || n > (size_t)(end - text) || !is_label(name, text, n))
            return false;
        name += n;
        text += n;
        if (text == end)
            return true;
        if (*text++ != '.')
            return false;
    }
}

bool dns_skip_domain(struct dns_reader *r, struct slice domain)
{
    const unsigned char *name = r->message + r->at;

    if (r->bad || r->end - r->at < domain.len + 2) /* the first length byte and the root */
        return false;
    if (name[domain.len + 1] != 0 || (!is_written_so(name, domain) && !is_domain(name, domain)))
        return false;
    r->named |= r->at == DNS_HEADER_LEN;
    r->at += domain.len + 2;
    return true;
}

/* The label at a place, or where the pointers there lead. */
static const unsigned char *label_at(const unsigned char *message, size_t place)
{
    const unsigned char *p = message + place;

    while (*p >= DNS_POINTER)
        p = message + target_of(p);
    return p;
}

static const unsigned char *next_label(const unsigned char *message, const unsigned char *label)
{
    return label_at(message, (size_t)(label - message) + 1 + *label);
}

void dns_read_name(struct dns_reader *r, struct dns_name *out)
{
    size_t place = dns_skip_name(r), n;

    out->len = 0;
    if (place == 0)
        return;
    for (const unsigned char *p = label_at(r->message, place);; p = next_label(r->message, p)) {
        n = 1 + (size_t)*p;
        for (size_t i = 0; i < n; i++)
            out->wire[out->len++] = (unsigned char)slice_lower((char)p[i]);
        if (n == 1)
            return;
    }
}

bool dns_read_record(struct dns_reader *r, struct dns_record *out)
{
    const unsigned char *p;
    size_t len;

    out->owner = dns_skip_name(r);
    p = dns_take(r, 10);
    if (p == NULL)
        return false;
    out->type = dns_get_u16(p);
    out->class = dns_get_u16(p + 2);
    out->ttl = (uint32_t)dns_get_u16(p + 4) << 16 | dns_get_u16(p + 6);
    len = dns_get_u16(p + 8);
    out->rdata = *r;
    if (dns_take(r, len) == NULL)
        return false;
    out->rdata.end = r->at;
    return true;
}

/* Equal but for case; most are equal as they stand. */
static bool same_letters(const void *a, const void *b, size_t n)
{
    const char *x = a, *y = b;

    if (memcmp(x, y, n) == 0)
        return true;
    for (size_t i = 0; i < n; i++) {
        if (slice_lower(x[i]) != slice_lower(y[i]))
            return false;
    }
    return true;
}

bool dns_same_name(const unsigned char *message, size_t a, size_t b)
{
    const unsigned char *x = label_at(message, a), *y = label_at(message, b);

    while (x != y) {
        if (*x != *y || !same_letters(x + 1, y + 1, *x))
            return false;
        if (*x == 0)
            return true;
        x = next_label(message, x);
        y = next_label(message, y);
    }
    return true;
}

int dns_host_name(const unsigned char *message, size_t place, struct domain *out)
{
    const unsigned char *p = label_at(message, place);
    char *to = out->name;
    size_t n;

    out->len = 0;
    for (n = *p; n != 0; n = *p) {
        for (size_t i = 0; i < n; i++) {
            to[i] = host_bytes[p[1 + i]];
            if (to[i] == '\0')
                return MOX_E_INVAL;
        }
        to[n] = '.';
        to += n + 1;
        p = next_label(message, p);
    }
    if (to == out->name)
        return MOX_E_INVAL;
    *--to = '\0';
    out->len = (size_t)(to - out->name);
    return MOX_OK;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
    return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

/* What the backslash at *at means. */
static bool unescape(struct slice text, size_t *at, unsigned char *byte)
{
    uint64_t number;

    if (*at + 1 == text.len)
        return false;
    if (!slice_is_digit(text.ptr[*at + 1])) {
        *byte = (unsigned char)text.ptr[*at + 1];
        *at += 2;
        return true;
    }
    if (text.len - *at < 4 || !slice_number(slice_sub(text, *at + 1, *at + 4), 255, &number))
        return false;
    *byte = (unsigned char)number;
    *at += 4;
    return true;
}

bool dns_unescape(struct slice text, size_t *at, unsigned char *byte)
{
    *byte = (unsigned char)text.ptr[*at];
    if (*byte == '\\')
        return unescape(text, at, byte);
    ++*at;
    return true;
}

/* Writes the label that begins at text[*from]; *from ends behind its dot. */
static bool parse_label(struct slice text, size_t *from, struct dns_name *out)
{
    unsigned char *label = out->wire + out->len, byte;
    size_t n = 0, at = *from, room = DNS_NAME_WIRE - 1 - out->len; /* for the root */

    while (at < text.len && text.ptr[at] != '.') {
        byte = (unsigned char)text.ptr[at];
        if (n == MOX_LIMIT_LABEL || n + 1 >= room)
            return false;
        if (byte != '\\')
            at++;
        else if (!unescape(text, &at, &byte))
            return false;
        label[++n] = (unsigned char)slice_lower((char)byte);
    }
    *from = at + (at < text.len);
    if (n == 0)
        return false;
    label[0] = (unsigned char)n;
    out->len += 1 + n;
    return true;
}

int dns_name_parse(struct slice text, struct dns_name *out)
{
    size_t at = 0;

    out->len = 0;
    if (slice_is(text, "."))
        at = text.len;
    else if (text.len == 0)
        return MOX_E_INVAL;
    while (at < text.len) {
        if (!parse_label(text, &at, out))
            return MOX_E_INVAL;
    }
    out->wire[out->len++] = 0; /* fits: parse_label left room for it */
    return MOX_OK;
}

bool dns_skip_text(struct dns_reader *r, struct slice text)
{
    struct dns_name wanted, there;
    struct dns_reader at = *r;

    dns_read_name(&at, &there);
    if (there.len == 0 || dns_name_parse(text, &wanted) != MOX_OK ||
        !dns_name_equal(&wanted, &there))
        return false;
    *r = at;
    return true;
}

size_t dns_name_text(const struct dns_name *name, char *out, size_t cap)
{
    char text[DNS_NAME_WIRE] = ".";
    size_t len = 0;

    for (size_t at = 0; at < name->len && name->wire[at] != 0; at += 1 + (size_t)name->wire[at]) {
        const unsigned char *label = name->wire + at;

        if (len > 0)
            text[len++] = '.';
        for (size_t i = 1; i <= label[0]; i++)
            text[len++] = label[i] == '.' ? '?' : (char)label[i];
    }
    return slice_clean((struct slice){text, len == 0 ? 1 : len}, false, out, cap);
}
