/*
 * message.h - reading DNS messages (RFC 1035 section 4) from whoever sent them.
 *
 * A reader cannot leave its bytes: past the end it yields zeroes and stays `bad`, so a caller reads
 * a whole record and asks once. Names are decompressed under three bounds: 255 bytes, pointers that
 * only lead back, and no more pointers than a name has labels.
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
    struct dns_name owner;
    uint16_t type, class;
    uint32_t ttl; /* as sent */
    struct dns_reader rdata;
};

struct dns_reader dns_reader_of(struct slice message);

uint16_t dns_read_u16(struct dns_reader *r);
uint32_t dns_read_u32(struct dns_reader *r);
struct slice dns_read_bytes(struct dns_reader *r, size_t n);
struct slice dns_read_rest(struct dns_reader *r);
void dns_read_name(struct dns_reader *r, struct dns_name *out);
void dns_read_header(struct dns_reader *r, struct dns_header *out);

/* The next record; false: r is bad. Its rdata is a reader of its own. */
bool dns_read_record(struct dns_reader *r, struct dns_record *out);

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b);

/*
 * A name from text, absolute with or without a final dot; "." is the root. Escapes as in zone files
 * (RFC 1035 section 5.1). MOX_E_INVAL: empty, an empty label, too long, or a broken escape.
 */
int dns_name_parse(struct slice text, struct dns_name *out);

/* Takes the byte at text[*at], \X and \DDD undone; *at ends behind it. false: a broken escape. */
bool dns_unescape(struct slice text, size_t *at, unsigned char *byte);

/* The lax form (domain.h); MOX_E_INVAL: the root, or bytes that no host name has. */
int dns_name_to_domain(const struct dns_name *name, struct domain *out);

/* For people: bytes that are no text become '?', the root is ".". cap: 256 always suffices. */
size_t dns_name_text(const struct dns_name *name, char *out, size_t cap);

#endif
