/*
 * answer.h - what a lookup wants from an answer: follow the aliases, collect the records.
 *
 * The message is foreign: whatever it says, reading it costs memory in proportion to its size and
 * time in proportion to its size and max_aliases.
 */
#ifndef DNS_ANSWER_H
#define DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/arena.h"
#include "base/domain.h"
#include "base/slice.h"
#include "dns/dns.h"

/* Why the name in a record is no host name. */
enum dns_fault {
    DNS_FAULT_NONE = 0,
    DNS_FAULT_ROOT,    /* "." */
    DNS_FAULT_ADDRESS, /* "192.0.2.1" */
    DNS_FAULT_NAME     /* other bytes than letters, digits, '-', '_'; or too long */
};

struct dns_item {
    uint16_t preference; /* MX */
    uint16_t fault;      /* enum dns_fault; of MX, CNAME, PTR, NS */
    /* MX, CNAME, PTR, NS: the name, lower case, no final dot; with a fault: what can be shown of
     * it. TXT: its strings joined. All else: the rdata as sent. In the arena, a NUL behind it. */
    struct slice data;
};

enum { DNS_EDE_TEXT = 128 }; /* bytes kept of an extended error's text, NUL included */

struct dns_answer {
    int rcode;      /* enum dns_rcode, with the upper bits of EDNS */
    bool authentic; /* the AD bit; whether to believe it is for others to say */
    bool truncated;
    int ede_code;                /* RFC 8914; -1: none */
    unsigned aliases;            /* CNAMEs followed from the question */
    uint32_t ttl;                /* the least of all records used, seconds; 0 if there are none */
    size_t count;                /* records of the type asked for, owned by the last name */
    size_t beyond;               /* more of them, over MOX_LIMIT_DNS_RECORDS, not read */
    struct mox_ip *addresses;    /* A, AAAA: count of them, in the arena; mapped ones as they are */
    struct dns_item *items;      /* all other types: count of them, in the arena */
    char ede_text[DNS_EDE_TEXT]; /* cleaned */
    struct domain canonical;     /* the last name of that chain; empty without aliases, and if it is
                                    no host name, as reverse zones have them (RFC 2317) */
};

struct dns_question {
    struct slice name; /* as in a struct domain, or any name with escapes (dns_name_parse) */
    uint16_t type;
    unsigned max_aliases; /* CNAMEs to be followed, at most MOX_LIMIT_NEXT_HOP */
};

/*
 * Reads the answer to a question. A CNAME is followed, at most max_aliases times, unless CNAME is
 * what was asked for; one that leads to its own
 * name, but for case, is none. out is filled as far as things got, on failure too.
 *
 * MOX_OK: rcode is NOERROR or NXDOMAIN, count may be 0. MOX_E_DNS: malformed, not the answer to
 * this question, SERVFAIL and the like (err->dns_rcode), truncated without a record, a CNAME loop
 * or a CNAME to no host name. MOX_E_LIMIT: too many aliases. MOX_E_NOMEM.
 */
int dns_answer_read(struct slice wire, const struct dns_question *question, struct dns_answer *out,
                    struct arena *arena, struct mox_error *err);

#endif
