/* ip.c - see ip.h and the address part of moxdial/base.h. */
#include "base/ip.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/text.h"

static_assert(sizeof(struct mox_ip) == 24, "a frozen layout");

static const unsigned char mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

size_t ip_size(const struct mox_ip *ip)
{
    return ip->family == MOX_IPV4 ? 4 : ip->family == MOX_IPV6 ? 16 : 0;
}

bool ip_equal(const struct mox_ip *a, const struct mox_ip *b)
{
    return a->family == b->family && a->scope == b->scope &&
           memcmp(a->bytes, b->bytes, ip_size(a)) == 0;
}

uint32_t ip_family_bit(int family)
{
    return family == MOX_IPV4 ? MOX_ALLOW_IPV4 : family == MOX_IPV6 ? MOX_ALLOW_IPV6 : 0;
}

int ip_other_family(int family)
{
    return family == MOX_IPV4 ? MOX_IPV6 : MOX_IPV4;
}

struct mox_ip ip_from_bytes(int family, const void *bytes)
{
    struct mox_ip ip = {.family = (uint16_t)family};

    memcpy(ip.bytes, bytes, ip_size(&ip));
    return ip;
}

/* An address has a colon or begins with a digit: most names need no closer look. */
static bool is_name(struct slice text)
{
    return text.len == 0 || (!slice_is_digit(text.ptr[0]) && slice_find(text, ':') == text.len);
}

/* inet_pton knows no zone and refuses leading zeros in IPv4, as Go does. */
int ip_parse_plain(struct slice text, struct mox_ip *out)
{
    char copy[MOX_LIMIT_IP_TEXT];
    unsigned char bytes[16];

    *out = (struct mox_ip){0};
    if (is_name(text) || text.len >= sizeof copy || memchr(text.ptr, '\0', text.len) != NULL)
        return MOX_E_INVAL;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, bytes) == 1)
        *out = ip_from_bytes(MOX_IPV4, bytes);
    else if (inet_pton(AF_INET6, copy, bytes) != 1)
        return MOX_E_INVAL;
    else if (memcmp(bytes, mapped_prefix, sizeof mapped_prefix) == 0)
        *out = ip_from_bytes(MOX_IPV4, bytes + sizeof mapped_prefix);
    else
        *out = ip_from_bytes(MOX_IPV6, bytes);
    return MOX_OK;
}

static int parse_zone(struct slice zone, uint32_t *scope)
{
    char name[IF_NAMESIZE];
    uint64_t number;

    if (slice_number(zone, UINT32_MAX, &number)) {
        *scope = (uint32_t)number;
        return number != 0 ? MOX_OK : MOX_E_INVAL;
    }
    if (zone.len == 0 || zone.len >= sizeof name)
        return MOX_E_INVAL;
    memcpy(name, zone.ptr, zone.len);
    name[zone.len] = '\0';
    *scope = if_nametoindex(name);
    return *scope != 0 ? MOX_OK : MOX_E_INVAL;
}

static bool is_link_local6(const struct mox_ip *ip)
{
    return ip->family == MOX_IPV6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

int ip_parse_any(struct slice s, struct mox_ip *out)
{
    bool v6_only = false;
    size_t zone;

    *out = (struct mox_ip){0};
    if (s.len >= 2 && s.ptr[0] == '[' && s.ptr[s.len - 1] == ']') {
        s = slice_sub(s, 1, s.len - 1);
        v6_only = s.len >= 5 && slice_is_nocase(slice_sub(s, 0, 5), "IPv6:");
        if (v6_only)
            s = slice_sub(s, 5, s.len);
    }
    zone = slice_find(s, '%');
    if (ip_parse_plain(slice_sub(s, 0, zone), out) != MOX_OK)
        return MOX_E_INVAL;
    if (v6_only && slice_find(s, ':') == s.len)
        goto invalid;
    if (zone < s.len &&
        (!is_link_local6(out) || parse_zone(slice_sub(s, zone + 1, s.len), &out->scope) != MOX_OK))
        goto invalid;
    return MOX_OK;
invalid:
    *out = (struct mox_ip){0};
    return MOX_E_INVAL;
}

int mox_ip_parse(const char *text, struct mox_ip *out)
{
    return ip_parse_any(slice_of(text), out);
}

/* What inet_ntop does, which goes through printf for it. */
static void add_ipv4(struct text *t, const uint8_t bytes[4])
{
    for (size_t i = 0; i < 4; i++) {
        if (i > 0)
            text_char(t, '.');
        text_number(t, bytes[i]);
    }
}

size_t mox_ip_format(const struct mox_ip *ip, char *buf, size_t cap)
{
    struct text t = text_to(buf, cap);
    char address[INET6_ADDRSTRLEN] = "", zone[IF_NAMESIZE];

    if (ip->family == MOX_IPV4)
        add_ipv4(&t, ip->bytes);
    else if (ip->family == MOX_IPV6)
        inet_ntop(AF_INET6, ip->bytes, address, sizeof address);
    text_slice(&t, slice_of(address));
    if (ip->family == MOX_IPV6 && ip->scope != 0) {
        if (if_indextoname(ip->scope, zone) != NULL)
            text_add(&t, "%%%s", zone);
        else
            text_add(&t, "%%%u", (unsigned)ip->scope);
    }
    return t.len;
}

int mox_ip_from_sockaddr(const struct sockaddr *address, struct mox_ip *out, uint16_t *port)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    uint16_t p = 0;

    *out = (struct mox_ip){0};
    if (address->sa_family == AF_INET) {
        memcpy(&in, address, sizeof in);
        *out = ip_from_bytes(MOX_IPV4, &in.sin_addr);
        p = ntohs(in.sin_port);
    } else if (address->sa_family == AF_INET6) {
        memcpy(&in6, address, sizeof in6);
        *out = ip_from_bytes(MOX_IPV6, &in6.sin6_addr);
        if (memcmp(out->bytes, mapped_prefix, sizeof mapped_prefix) == 0)
            *out = ip_from_bytes(MOX_IPV4, out->bytes + sizeof mapped_prefix);
        else
            out->scope = in6.sin6_scope_id;
        p = ntohs(in6.sin6_port);
    } else {
        return MOX_E_INVAL;
    }
    if (port != NULL)
        *port = p;
    return MOX_OK;
}

size_t mox_ip_to_sockaddr(const struct mox_ip *ip, uint16_t port, void *storage, size_t cap)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (ip->family == MOX_IPV4 && cap >= sizeof in) {
        memcpy(&in.sin_addr, ip->bytes, 4);
        memcpy(storage, &in, sizeof in);
        return sizeof in;
    }
    if (ip->family == MOX_IPV6 && cap >= sizeof in6) {
        memcpy(&in6.sin6_addr, ip->bytes, 16);
        in6.sin6_scope_id = ip->scope;
        memcpy(storage, &in6, sizeof in6);
        return sizeof in6;
    }
    return 0;
}

int ip_parse_prefix(struct slice text, struct ip_prefix *out)
{
    size_t slash = slice_find(text, '/');
    uint64_t bits, most;

    if (ip_parse_plain(slice_sub(text, 0, slash), &out->ip) != MOX_OK)
        return MOX_E_INVAL;
    most = 8 * ip_size(&out->ip);
    bits = most;
    if (slash < text.len && !slice_number(slice_sub(text, slash + 1, text.len), most, &bits))
        return MOX_E_INVAL;
    out->bits = (int)bits;
    for (uint64_t i = bits; i < most; i++)
        out->ip.bytes[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
    return MOX_OK;
}

bool ip_in_prefix(const struct mox_ip *ip, const struct ip_prefix *prefix)
{
    size_t whole = (size_t)prefix->bits / 8;
    unsigned rest = (unsigned)prefix->bits % 8;
    unsigned mask = (0xff00u >> rest) & 0xffu;

    if (ip->family != prefix->ip.family || memcmp(ip->bytes, prefix->ip.bytes, whole) != 0)
        return false;
    return rest == 0 || ((ip->bytes[whole] ^ prefix->ip.bytes[whole]) & mask) == 0;
}

/* The blocks that this file tells apart; the first that holds an address names it. */
static const struct {
    struct ip_prefix prefix;
    enum ip_special special;
} special_blocks[] = {
    {{{.family = MOX_IPV4, .bytes = {0}}, 8}, IP_UNSPECIFIED},
    {{{.family = MOX_IPV4, .bytes = {127}}, 8}, IP_LOOPBACK},
    {{{.family = MOX_IPV4, .bytes = {169, 254}}, 16}, IP_LINK_LOCAL},
    {{{.family = MOX_IPV4, .bytes = {224}}, 4}, IP_MULTICAST},
    {{{.family = MOX_IPV4, .bytes = {240}}, 4}, IP_RESERVED},
    {{{.family = MOX_IPV6, .bytes = {0}}, 128}, IP_UNSPECIFIED},
    {{{.family = MOX_IPV6, .bytes = {[15] = 1}}, 128}, IP_LOOPBACK},
    {{{.family = MOX_IPV6, .bytes = {[10] = 0xff, [11] = 0xff}}, 96}, IP_MAPPED},
    {{{.family = MOX_IPV6, .bytes = {0}}, 96}, IP_MAPPED},
    {{{.family = MOX_IPV6, .bytes = {0xff}}, 8}, IP_MULTICAST},
};

enum ip_special ip_special(const struct mox_ip *ip)
{
    if (is_link_local6(ip))
        return ip->scope == 0 ? IP_LINK_LOCAL : IP_ORDINARY;
    for (size_t i = 0; i < ARRAY_LEN(special_blocks); i++) {
        if (ip_in_prefix(ip, &special_blocks[i].prefix))
            return special_blocks[i].special;
    }
    return IP_ORDINARY;
}

const char *ip_special_name(enum ip_special special)
{
    static const char *const names[] = {
        [IP_ORDINARY] = "ordinary",
        [IP_UNSPECIFIED] = "unspecified",
        [IP_LOOPBACK] = "loopback",
        [IP_MULTICAST] = "multicast",
        [IP_RESERVED] = "reserved",
        [IP_LINK_LOCAL] = "link-local",
        [IP_MAPPED] = "IPv4 in an IPv6 address",
    };

    return name_of(names, ARRAY_LEN(names), (int)special);
}

static bool in_any(const struct mox_ip *ip, const struct ip_prefix *blocks, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ip_in_prefix(ip, &blocks[i]))
            return true;
    }
    return false;
}

bool ip_is_private(const struct mox_ip *ip)
{
    static const struct ip_prefix blocks[] = {
        {{.family = MOX_IPV4, .bytes = {10}}, 8},
        {{.family = MOX_IPV4, .bytes = {172, 16}}, 12},
        {{.family = MOX_IPV4, .bytes = {192, 168}}, 16},
        {{.family = MOX_IPV4, .bytes = {100, 64}}, 10},
        {{.family = MOX_IPV4, .bytes = {169, 254}}, 16},
        {{.family = MOX_IPV6, .bytes = {0xfc}}, 7},
        {{.family = MOX_IPV6, .bytes = {0xfe, 0x80}}, 10},
    };

    return in_any(ip, blocks, ARRAY_LEN(blocks));
}

bool ip_is_nat64(const struct mox_ip *ip)
{
    static const struct ip_prefix block = {{.family = MOX_IPV6, .bytes = {0, 0x64, 0xff, 0x9b}},
                                           96};

    return ip_in_prefix(ip, &block);
}

bool ip_is_transition(const struct mox_ip *ip)
{
    static const struct ip_prefix blocks[] = {
        {{.family = MOX_IPV6, .bytes = {0x20, 0x02}}, 16},             /* 6to4, RFC 3056 */
        {{.family = MOX_IPV6, .bytes = {0x20, 0x01, 0x00, 0x00}}, 32}, /* Teredo, RFC 4380 */
    };

    return in_any(ip, blocks, ARRAY_LEN(blocks));
}

int ip_split_port(struct slice text, struct slice *host, uint16_t *port)
{
    size_t colon;
    uint64_t number;

    if (text.len > 0 && text.ptr[0] == '[') {
        size_t end = slice_find(text, ']');

        if (end == text.len)
            return MOX_E_INVAL;
        *host = slice_sub(text, 1, end);
        if (end + 1 == text.len)
            return host->len > 0 ? MOX_OK : MOX_E_INVAL;
        colon = end + 1;
        if (text.ptr[colon] != ':')
            return MOX_E_INVAL;
    } else {
        colon = slice_find(text, ':');
        *host = slice_sub(text, 0, colon);
        if (colon == text.len)
            return host->len > 0 ? MOX_OK : MOX_E_INVAL;
        if (slice_find(slice_sub(text, colon + 1, text.len), ':') < text.len - colon - 1) {
            struct mox_ip ip; /* a bare IPv6 address */

            *host = text;
            return ip_parse_plain(text, &ip);
        }
    }
    if (!slice_number(slice_sub(text, colon + 1, text.len), UINT16_MAX, &number) || number == 0)
        return MOX_E_INVAL;
    *port = (uint16_t)number;
    return host->len > 0 ? MOX_OK : MOX_E_INVAL;
}

void ip_reverse_name(const struct mox_ip *ip, char out[MOX_LIMIT_REVERSE_NAME])
{
    struct text t = text_to(out, MOX_LIMIT_REVERSE_NAME);

    for (size_t i = ip_size(ip); i > 0; i--) {
        unsigned byte = ip->bytes[i - 1];

        if (ip->family == MOX_IPV4)
            text_add(&t, "%u.", byte);
        else
            text_add(&t, "%x.%x.", byte & 15, byte >> 4);
    }
    text_add(&t, "%s.arpa", ip->family == MOX_IPV4 ? "in-addr" : "ip6");
}

const char *mox_family_name(int family)
{
    return family == MOX_IPV4 ? "ipv4" : family == MOX_IPV6 ? "ipv6" : "none";
}

const char *mox_prefer_name(int prefer)
{
    static const char *const names[] = {
        [MOX_PREFER_DEFAULT] = "default",
        [MOX_PREFER_IPV4] = "ipv4",
        [MOX_PREFER_IPV6] = "ipv6",
        [MOX_PREFER_LEARNED] = "learned",
    };

    return name_of(names, ARRAY_LEN(names), prefer);
}
