/*
 * message.h - reading DNS messages (RFC 1035 section 4) from whoever sent them.
 *
 * A reader cannot leave its bytes: past the end it yields zeroes and stays `bad`, so a caller reads
 * a whole record and asks once. Names are read under three bounds: 255 bytes, pointers that only
 * lead back, and no more pointers than a name has labels. A name that was read is known by its
 * place, where it can be compared and turned into text without another look at its form.
 */
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/domain.h"
#include "base/slice.h"
#include "dns/dns.h"

struct dns_reader {
    const unsigned char *message; /* borrowed; the start, which pointers count from */
    size_t at, end;               /* the next byte; behind the last that may be read */
    bool bad;                     /* something was not there or made no sense; stays so */
    bool named;                   /* the name behind the header, the question's, has been read */
};

struct dns_name {                      /* all zero: no name */
    unsigned char wire[DNS_NAME_WIRE]; /* lower case, not compressed; ends in the root's 0 */
    size_t len;                        /* bytes of wire; 1: the root */
};

struct dns_header {
    uint16_t id, flags;
    uint16_t questions, answers, authorities, additionals;
};

struct dns_record {
    size_t owner; /* the place of its name */
    uint16_t type, class;
    uint32_t ttl; /* as sent */
    struct dns_reader rdata;
};

static inline struct dns_reader dns_reader_of(struct slice message)
{
    return (struct dns_reader){.message = (const unsigned char *)message.ptr, .end = message.len};
}

static inline uint16_t dns_get_u16(const unsigned char *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

/* The next n bytes; NULL: they are not there, r is bad. */
static inline const unsigned char *dns_take(struct dns_reader *r, size_t n)
{
    if (r->bad || n > r->end - r->at) {
        r->bad = true;
        return NULL;
    }
    r->at += n;
    return r->message + (r->at - n);
}

static inline uint16_t dns_read_u16(struct dns_reader *r)
{
    const unsigned char *p = dns_take(r, 2);

    return p == NULL ? 0 : dns_get_u16(p);
}

struct slice dns_read_bytes(struct dns_reader *r, size_t n);
struct slice dns_read_rest(struct dns_reader *r);
void dns_read_header(struct dns_reader *r, struct dns_header *out);

/* Reads a name; returns its place, that of its first label. 0: r is bad. */
size_t dns_skip_name(struct dns_reader *r);

/* Reads a name that is written out and is that domain; false: it is another, r is as it was. */
bool dns_skip_domain(struct dns_reader *r, struct slice domain);

/* The same for any name in text with escapes, such as no host has; slower. */
bool dns_skip_text(struct dns_reader *r, struct slice text);

/* Reads a name, and gives the name itself; len 0: r is bad. */
void dns_read_name(struct dns_reader *r, struct dns_name *out);

/* The next record; false: r is bad. Its rdata is a reader of its own. */
bool dns_read_record(struct dns_reader *r, struct dns_record *out);

/* Of the names at two places of one message; the case of letters does not count (RFC 4343). */
bool dns_same_name(const unsigned char *message, size_t a, size_t b);

/*
 * The lax form (domain.h) of the name at a place; MOX_E_INVAL: the root, or bytes that no host name
 * has.
 */
int dns_host_name(const unsigned char *message, size_t place, struct domain *out);

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);

/*
 * A name from text, absolute with or without a final dot; "." is the root. Escapes as in zone files
 * (RFC 1035 section 5.1). MOX_E_INVAL: empty, an empty label, too long, or a broken escape.
 */
int dns_name_parse(struct slice text, struct dns_name *out);

/* Takes the byte at text[*at], \X and \DDD undone; *at ends behind it. false: a broken escape. */
bool dns_unescape(struct slice text, size_t *at, unsigned char *byte);

/* For people: bytes that are no text become '?', the root is ".". cap: 256 always suffices. */
size_t dns_name_text(const struct dns_name *name, char *out, size_t cap);

#endif
