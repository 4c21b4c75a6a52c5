/*
 * message.c - see message.h. Lower-casing a whole wire name is safe: length bytes are at most 63,
 * below any letter.
 */
#include "dns/message.h"

#include <string.h>

#include <moxdial/base.h>

#include "base/text.h"

struct dns_reader dns_reader_of(struct slice message)
{
    return (struct dns_reader){(const unsigned char *)message.ptr, 0, message.len, false};
}

struct slice dns_read_bytes(struct dns_reader *r, size_t n)
{
    struct slice bytes = {"", 0};

    if (r->bad || n > r->end - r->at) {
        r->bad = true;
        return bytes;
    }
    if (n > 0)
        bytes = (struct slice){(const char *)r->message + r->at, n};
    r->at += n;
    return bytes;
}

struct slice dns_read_rest(struct dns_reader *r)
{
    return dns_read_bytes(r, r->end - r->at);
}

uint16_t dns_read_u16(struct dns_reader *r)
{
    struct slice s = dns_read_bytes(r, 2);
    const unsigned char *p = (const unsigned char *)s.ptr;

    if (s.len < 2)
        return 0;
    return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t dns_read_u32(struct dns_reader *r)
{
    uint32_t high = dns_read_u16(r);

    return high << 16 | dns_read_u16(r);
}

/* The label at `at`, length byte included; false: it does not fit the name. */
static bool add_label(struct dns_name *name, const unsigned char *label)
{
    size_t n = 1 + (size_t)label[0];

    if (name->len + n + (n > 1) > DNS_NAME_WIRE)
        return false;
    for (size_t i = 0; i < n; i++)
        name->wire[name->len++] = (unsigned char)slice_lower((char)label[i]);
    return true;
}

/* Follows the pointer at *at, which must lead to before *start, where its own segment began. */
static bool follow_pointer(const struct dns_reader *r, size_t *at, size_t *start)
{
    size_t target;

    if (r->end - *at < 2)
        return false;
    target = ((size_t)r->message[*at] << 8 | r->message[*at + 1]) & DNS_POINTER_REACH;
    if (target >= *start || target < DNS_HEADER_LEN)
        return false;
    *at = *start = target;
    return true;
}

/* Where the name ends in its place, behind its last label or first pointer; 0: it makes no sense.
 */
static size_t read_labels(const struct dns_reader *r, struct dns_name *out)
{
    size_t at = r->at, start = r->at, behind = 0;
    unsigned pointers = 0;

    while (at < r->end) {
        const unsigned char *label = r->message + at;

        if (label[0] >= DNS_POINTER) {
            behind = behind == 0 ? at + 2 : behind;
            if (++pointers > MOX_LIMIT_LABELS || !follow_pointer(r, &at, &start))
                return 0;
            continue;
        }
        if (label[0] > MOX_LIMIT_LABEL || label[0] >= r->end - at || !add_label(out, label))
            return 0;
        at += 1 + (size_t)label[0];
        if (label[0] == 0)
            return behind == 0 ? at : behind;
    }
    return 0;
}

void dns_read_name(struct dns_reader *r, struct dns_name *out)
{
    size_t behind;

    out->len = 0;
    behind = r->bad ? 0 : read_labels(r, out);
    if (behind == 0) {
        r->bad = true;
        out->len = 0;
        return;
    }
    r->at = behind;
}

void dns_read_header(struct dns_reader *r, struct dns_header *out)
{
    out->id = dns_read_u16(r);
    out->flags = dns_read_u16(r);
    out->questions = dns_read_u16(r);
    out->answers = dns_read_u16(r);
    out->authorities = dns_read_u16(r);
    out->additionals = dns_read_u16(r);
}

bool dns_read_record(struct dns_reader *r, struct dns_record *out)
{
    uint16_t len;

    dns_read_name(r, &out->owner);
    out->type = dns_read_u16(r);
    out->class = dns_read_u16(r);
    out->ttl = dns_read_u32(r);
    len = dns_read_u16(r);
    out->rdata = *r;
    dns_read_bytes(r, len);
    out->rdata.end = r->bad ? out->rdata.at : r->at;
    out->rdata.bad = r->bad;
    return !r->bad;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
    return a->len == b->len && memcmp(a->wire, b->wire, a->len) == 0;
}

bool dns_unescape(struct slice text, size_t *at, unsigned char *byte)
{
    uint64_t number;

    *byte = (unsigned char)text.ptr[*at];
    if (*byte != '\\') {
        ++*at;
        return true;
    }
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

/* Writes the label that begins at text[*at]; *at ends behind its dot. */
static bool parse_label(struct slice text, size_t *at, struct dns_name *out)
{
    unsigned char label[1 + MOX_LIMIT_LABEL] = {0};

    while (*at < text.len && text.ptr[*at] != '.') {
        unsigned char byte;

        if (label[0] == MOX_LIMIT_LABEL || !dns_unescape(text, at, &byte))
            return false;
        label[++label[0]] = byte;
    }
    if (*at < text.len)
        ++*at;
    return label[0] != 0 && add_label(out, label);
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
    out->wire[out->len++] = 0; /* fits: add_label left room for it */
    return MOX_OK;
}

int dns_name_to_domain(const struct dns_name *name, struct domain *out)
{
    char text[DNS_NAME_WIRE];
    size_t len = 0;

    for (size_t at = 0; at < name->len && name->wire[at] != 0; at += 1 + (size_t)name->wire[at]) {
        const unsigned char *label = name->wire + at;

        if (memchr(label + 1, '.', label[0]) != NULL)
            return MOX_E_INVAL;
        if (len > 0)
            text[len++] = '.';
        memcpy(text + len, label + 1, label[0]);
        len += label[0];
    }
    return domain_parse_lax((struct slice){text, len}, out);
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
