/*
 * dns.h - the numbers of DNS that we use (RFC 1035, RFC 6891, RFC 6698), and their names.
 */
#ifndef DNS_DNS_H
#define DNS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dns_type {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_PTR = 12,
    DNS_TYPE_MX = 15,
    DNS_TYPE_TXT = 16,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_TLSA = 52
};

enum dns_rcode {
    DNS_RCODE_NOERROR = 0,
    DNS_RCODE_FORMERR = 1,
    DNS_RCODE_SERVFAIL = 2,
    DNS_RCODE_NXDOMAIN = 3,
    DNS_RCODE_NOTIMP = 4,
    DNS_RCODE_REFUSED = 5
};

enum { DNS_CLASS_IN = 1 };

/* The second 16 bits of a message. */
enum dns_header_flag {
    DNS_FLAG_QR = 0x8000, /* it is an answer */
    DNS_FLAG_TC = 0x0200, /* cut to fit the datagram */
    DNS_FLAG_RD = 0x0100,
    DNS_FLAG_RA = 0x0080,
    DNS_FLAG_AD = 0x0020, /* the resolver has validated all of it */
    DNS_MASK_OPCODE = 0x7800,
    DNS_MASK_RCODE = 0x000f
};

enum {
    DNS_HEADER_LEN = 12,
    DNS_OPT_LEN = 11,          /* an OPT record without options */
    DNS_EDNS_SIZE = 1232,      /* bytes of a datagram that meets no fragmentation (DNS flag day) */
    DNS_OPTION_EDE = 15,       /* RFC 8914 */
    DNS_NAME_WIRE = 255,       /* bytes of a name with length bytes and root */
    DNS_POINTER = 0xc0,        /* the two bits that mark a compression pointer */
    DNS_POINTER_REACH = 0x3fff /* the highest offset that a pointer can name */
};

/* "MX", "TYPE64": the text lives in buf or for ever. */
enum { DNS_TYPE_TEXT = 16 };
const char *dns_type_name(uint16_t type, char buf[DNS_TYPE_TEXT]);

/* "SERVFAIL", never NULL. */
const char *dns_rcode_name(int rcode);

/* The registered meaning of an extended error (RFC 8914 section 4), NULL if unknown. */
const char *dns_ede_name(int code);

/* Whether an extended error says that validation failed or could not be done: 1, 2, 5 to 12. */
bool dns_ede_is_dnssec(int code);

#endif
