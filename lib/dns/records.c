/*
 * records.c - see records.h. What the rdata of a type consists of is a word of field letters, one
 * a field; one function writes them all. A writer that failed writes no more, so only the end of a
 * record asks.
 */
#include "dns/records.h"

#include <string.h>

#include "base/error.h"
#include "base/ip.h"
#include "base/limits.h"
#include "base/mem.h"
#include "dns/dns.h"
#include "dns/message.h"

/*
 * Fields: 4 and 6 addresses, n name, B H W number of 8, 16, 32 bits, x hex to the end, s strings
 * to the end.
 */
static const struct {
    uint16_t type;
    const char *fields;
} types[] = {
    {DNS_TYPE_A, "4"},     {DNS_TYPE_AAAA, "6"},    {DNS_TYPE_MX, "Hn"},
    {DNS_TYPE_CNAME, "n"}, {DNS_TYPE_NS, "n"},      {DNS_TYPE_PTR, "n"},
    {DNS_TYPE_TXT, "s"},   {DNS_TYPE_TLSA, "BBBx"}, {DNS_TYPE_SOA, "nnWWWWW"},
};

enum { MAX_RECORDS = UINT16_MAX, MAX_RDATA = UINT16_MAX, MAX_STRING = 255, MAX_RCODE = 0xfff };

struct writer {
    struct buffer *out;
    size_t start; /* bytes in out before the message */
    int status;   /* not MOX_OK: nothing is written any more */
};

/* Bytes in the buffer; its own len moves when the front is given back. */
static size_t written(const struct writer *w)
{
    return buffer_slice(w->out).len;
}

static void put_bytes(struct writer *w, const void *bytes, size_t len)
{
    if (w->status == MOX_OK)
        w->status = buffer_append(w->out, bytes, len);
}

static void put_number(struct writer *w, uint32_t value, unsigned bytes)
{
    unsigned char wire[4];

    for (unsigned i = 0; i < bytes; i++)
        wire[i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
    put_bytes(w, wire, bytes);
}

static void invalid(struct writer *w)
{
    if (w->status == MOX_OK)
        w->status = MOX_E_INVAL;
}

static void put_name(struct writer *w, struct slice text)
{
    struct dns_name name;

    if (dns_name_parse(text, &name) != MOX_OK)
        invalid(w);
    else
        put_bytes(w, name.wire, name.len);
}

/* The owner as a pointer to the question, where the two are the same. */
static void put_owner(struct writer *w, const struct dns_name *question, const char *text)
{
    struct dns_name owner;

    if (dns_name_parse(slice_of(text), &owner) != MOX_OK)
        invalid(w);
    else if (dns_name_equal(&owner, question))
        put_number(w, DNS_POINTER << 8 | DNS_HEADER_LEN, 2);
    else
        put_bytes(w, owner.wire, owner.len);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void put_decimal(struct writer *w, struct slice word, unsigned bytes)
{
    uint64_t value;

    if (slice_number(word, UINT32_MAX >> (8 * (4 - bytes)), &value))
        put_number(w, (uint32_t)value, bytes);
    else
        invalid(w);
}

/* An IPv4-mapped one in an AAAA record stays that: whoever reads it wants to know. */
static void put_address(struct writer *w, struct slice word, int family)
{
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool colon = slice_find(word, ':') < word.len;
    struct mox_ip ip;

    if (ip_parse_plain(word, &ip) != MOX_OK || colon != (family == MOX_IPV6)) {
        invalid(w);
        return;
    }
    if (ip.family != family)
        put_bytes(w, mapped, sizeof mapped);
    put_bytes(w, ip.bytes, ip_size(&ip));
}

static int hex_digit(char c)
{
    c = slice_lower(c);
    return slice_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hex digits to the end, with blanks or without. */
static void put_hex(struct writer *w, struct slice *text)
{
    int high = -1;

    for (size_t i = 0; i < text->len; i++) {
        int digit = hex_digit(text->ptr[i]);

        if (is_blank(text->ptr[i]))
            continue;
        if (digit < 0)
            invalid(w);
        else if (high >= 0)
            put_number(w, (uint32_t)(high << 4 | digit), 1);
        high = high >= 0 ? -1 : digit;
    }
    if (high >= 0)
        invalid(w);
    *text = slice_sub(*text, text->len, text->len);
}

/* The end of a string: its quote, or the blank behind a bare word. */
static bool ends_string(char c, bool quoted)
{
    return quoted ? c == '"' : is_blank(c);
}

/* One string from text[*at] on; *at ends behind it. */
static void put_string(struct writer *w, struct slice text, size_t *at)
{
    bool quoted = text.ptr[*at] == '"', good = true;
    unsigned char string[1 + MAX_STRING] = {0}, byte;

    *at += quoted;
    while (good && *at < text.len && !ends_string(text.ptr[*at], quoted)) {
        good = string[0] < MAX_STRING && dns_unescape(text, at, &byte);
        if (good)
            string[++string[0]] = byte;
    }
    if (!good || (quoted && *at == text.len)) {
        invalid(w);
        return;
    }
    *at += quoted;
    if (*at < text.len && !is_blank(text.ptr[*at]))
        invalid(w);
    put_bytes(w, string, 1 + (size_t)string[0]);
}

/* Strings to the end, at least one. */
static void put_strings(struct writer *w, struct slice *text)
{
    struct slice rest = slice_trim(*text);
    size_t at = 0;

    if (rest.len == 0)
        invalid(w);
    while (at < rest.len && w->status == MOX_OK) {
        if (is_blank(rest.ptr[at]))
            at++;
        else
            put_string(w, rest, &at);
    }
    *text = slice_sub(rest, rest.len, rest.len);
}

static void put_field(struct writer *w, char field, struct slice *text)
{
    switch (field) {
    case '4':
        put_address(w, slice_word(text), MOX_IPV4);
        break;
    case '6':
        put_address(w, slice_word(text), MOX_IPV6);
        break;
    case 'n':
        put_name(w, slice_word(text));
        break;
    case 'B':
        put_decimal(w, slice_word(text), 1);
        break;
    case 'H':
        put_decimal(w, slice_word(text), 2);
        break;
    case 'W':
        put_decimal(w, slice_word(text), 4);
        break;
    case 'x':
        put_hex(w, text);
        break;
    default:
        put_strings(w, text);
    }
}

/* What stands behind "\#": a length and as many bytes in hex. */
static void put_generic(struct writer *w, struct slice text)
{
    size_t from = written(w);
    uint64_t len;

    if (!slice_number(slice_word(&text), MAX_RDATA, &len)) {
        invalid(w);
        return;
    }
    put_hex(w, &text);
    if (written(w) - from != len)
        invalid(w);
}

static void put_rdata(struct writer *w, uint16_t type, struct slice text)
{
    struct slice rest = text;
    const char *fields = NULL;

    if (slice_is(slice_word(&rest), "\\#")) {
        put_generic(w, rest);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(types) && fields == NULL; i++)
        fields = types[i].type == type ? types[i].fields : NULL;
    if (fields == NULL)
        invalid(w);
    for (; fields != NULL && *fields != '\0'; fields++)
        put_field(w, *fields, &text);
    if (slice_trim(text).len > 0)
        invalid(w);
}

static void put_record(struct writer *w, const struct dns_name *question,
                       const struct mox_dns_record *record)
{
    size_t at, len;

    put_owner(w, question, record->name);
    put_number(w, (uint32_t)record->rrtype << 16 | DNS_CLASS_IN, 4);
    put_number(w, record->ttl, 4);
    put_number(w, 0, 2);
    at = written(w);
    put_rdata(w, record->rrtype, slice_of(record->rdata));
    len = written(w) - at;
    if (len > MAX_RDATA)
        invalid(w);
    if (w->status != MOX_OK)
        return;
    w->out->ptr[w->out->at + at - 2] = (char)(len >> 8);
    w->out->ptr[w->out->at + at - 1] = (char)len;
    if (written(w) - w->start > MOX_LIMIT_DNS_BUILT)
        w->status = MOX_E_LIMIT;
}

/* The id is 0: whoever reads the message knows what it asked. */
static void put_head(struct writer *w, const struct dns_name *question, uint16_t type,
                     uint32_t flags, uint32_t records)
{
    put_number(w, flags, 4);
    put_number(w, 1u << 16 | records, 4);
    put_number(w, 1, 4); /* the OPT record */
    put_bytes(w, question->wire, question->len);
    put_number(w, (uint32_t)type << 16 | DNS_CLASS_IN, 4);
}

/* OPT has the upper bits of the rcode. */
static void put_opt(struct writer *w, uint32_t rcode)
{
    put_number(w, 0, 1);
    put_number(w, DNS_TYPE_OPT << 16 | DNS_EDNS_SIZE, 4);
    put_number(w, (rcode >> 4) << 24, 4);
    put_number(w, 0, 2);
}

static int report(int status, const struct mox_dns_record *record, size_t index,
                  struct mox_error *err)
{
    char type[DNS_TYPE_TEXT], name[128], text[128];

    if (status == MOX_E_NOMEM)
        return error_nomem(err);
    if (status == MOX_E_LIMIT)
        return error_set(err, status, "the records of a DNS answer need over %d bytes",
                         MOX_LIMIT_DNS_BUILT);
    if (record == NULL)
        return error_set(err, status, "a DNS answer cannot be built from what was given");
    slice_clean(slice_of(record->name), false, name, sizeof name);
    slice_clean(slice_of(record->rdata), false, text, sizeof text);
    return error_set(err, MOX_E_INVAL,
                     "record %zu of a DNS answer is no zone-file text: name \"%s\", type %s, "
                     "rdata \"%s\"",
                     index, name, dns_type_name(record->rrtype, type), text);
}

int dns_records_to_wire(const struct dns_reply *reply, struct buffer *out, struct mox_error *err)
{
    uint32_t flags = DNS_FLAG_QR | DNS_FLAG_RD | DNS_FLAG_RA | (reply->authentic ? DNS_FLAG_AD : 0);
    uint32_t rcode = (uint32_t)reply->rcode;
    struct writer w = {out, buffer_slice(out).len, MOX_OK};
    struct dns_name name;
    size_t done = 0;

    if (dns_name_parse(slice_of(reply->question), &name) != MOX_OK)
        return error_set(err, MOX_E_INVAL, "the question of a DNS answer is no domain name");
    if (reply->rcode < 0 || reply->rcode > MAX_RCODE)
        return error_set(err, MOX_E_INVAL, "%d is no rcode of a DNS answer", reply->rcode);
    if (reply->n > MAX_RECORDS)
        return error_set(err, MOX_E_LIMIT, "a DNS answer of over %d records", MAX_RECORDS);
    put_head(&w, &name, reply->type, flags | (rcode & DNS_MASK_RCODE), (uint32_t)reply->n);
    for (; done < reply->n && w.status == MOX_OK; done++)
        put_record(&w, &name, &reply->records[done]);
    if (w.status == MOX_OK)
        put_opt(&w, rcode);
    if (w.status == MOX_OK)
        return MOX_OK;
    out->len = out->at + w.start;
    return report(w.status, done > 0 ? &reply->records[done - 1] : NULL, done, err);
}
