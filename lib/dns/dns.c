/* dns.c - see dns.h. */
#include "dns/dns.h"

#include "base/mem.h"
#include "base/names.h"
#include "base/text.h"

static const char *const type_names[] = {
    [DNS_TYPE_A] = "A",       [DNS_TYPE_NS] = "NS",     [DNS_TYPE_CNAME] = "CNAME",
    [DNS_TYPE_SOA] = "SOA",   [DNS_TYPE_PTR] = "PTR",   [DNS_TYPE_MX] = "MX",
    [DNS_TYPE_TXT] = "TXT",   [DNS_TYPE_AAAA] = "AAAA", [DNS_TYPE_OPT] = "OPT",
    [DNS_TYPE_TLSA] = "TLSA",
};

/* RFC 6895 section 2.3; 16 is BADVERS in an answer without TSIG. */
static const char *const rcode_names[] = {
    "NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",  "REFUSED",
    "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE", NULL,
    NULL,       NULL,      NULL,       NULL,       "BADVERS",
};

enum { /* of RFC 8914 section 4: those of DNSSEC, and what stands between them */
       EDE_DNSKEY_ALGORITHM = 1,
       EDE_DS_DIGEST = 2,
       EDE_INDETERMINATE = 5,
       EDE_NSEC_MISSING = 12
};

static const char *const ede_names[] = {
    "other error",
    "unsupported DNSKEY algorithm",
    "unsupported DS digest type",
    "stale answer",
    "forged answer",
    "DNSSEC indeterminate",
    "DNSSEC bogus",
    "signature expired",
    "signature not yet valid",
    "DNSKEY missing",
    "RRSIGs missing",
    "no zone key bit set",
    "NSEC missing",
    "cached error",
    "not ready",
    "blocked",
    "censored",
    "filtered",
    "prohibited",
    "stale NXDOMAIN answer",
    "not authoritative",
    "not supported",
    "no reachable authority",
    "network error",
    "invalid data",
};

const char *dns_type_name(uint16_t type, char buf[DNS_TYPE_TEXT])
{
    struct text t = text_to(buf, DNS_TYPE_TEXT);

    if (type < ARRAY_LEN(type_names) && type_names[type] != NULL)
        return type_names[type];
    text_add(&t, "TYPE%u", (unsigned)type);
    return buf;
}

const char *dns_rcode_name(int rcode)
{
    return name_of(rcode_names, ARRAY_LEN(rcode_names), rcode);
}

const char *dns_ede_name(int code)
{
    return code >= 0 && (size_t)code < ARRAY_LEN(ede_names) ? ede_names[code] : NULL;
}

bool dns_ede_is_dnssec(int code)
{
    return code == EDE_DNSKEY_ALGORITHM || code == EDE_DS_DIGEST ||
           (code >= EDE_INDETERMINATE && code <= EDE_NSEC_MISSING);
}
