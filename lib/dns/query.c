/* query.c - see query.h. */
#include "dns/query.h"

#include <string.h>

#include <moxdial/base.h>

#include "dns/message.h"

enum { AT_FLAGS = 2, AT_QUESTIONS = 4, AT_ADDITIONALS = 10 };

static unsigned char *put_u16(unsigned char *p, unsigned value)
{
    p[0] = (unsigned char)(value >> 8);
    p[1] = (unsigned char)value;
    return p + 2;
}

int dns_query_build(struct slice name, uint16_t type, uint16_t id, unsigned char *buf, size_t cap,
                    size_t *len)
{
    struct dns_name question;
    unsigned char *p;

    if (dns_name_parse(name, &question) != MOX_OK)
        return MOX_E_INVAL;
    *len = DNS_HEADER_LEN + question.len + 4 + DNS_OPT_LEN;
    if (*len > cap)
        return MOX_E_LIMIT;
    memset(buf, 0, *len);
    put_u16(buf, id);
    put_u16(buf + AT_FLAGS, DNS_FLAG_RD | DNS_FLAG_AD);
    put_u16(buf + AT_QUESTIONS, 1);
    put_u16(buf + AT_ADDITIONALS, 1);
    p = buf + DNS_HEADER_LEN;
    memcpy(p, question.wire, question.len);
    p = put_u16(p + question.len, type);
    p = put_u16(p, DNS_CLASS_IN);
    p = put_u16(p + 1, DNS_TYPE_OPT); /* of the root; version, flags, options: the zeroes */
    put_u16(p, DNS_EDNS_SIZE);
    return MOX_OK;
}

size_t dns_query_plain(unsigned char *query, size_t len)
{
    put_u16(query + AT_ADDITIONALS, 0);
    return len - DNS_OPT_LEN;
}
