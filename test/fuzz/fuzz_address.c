/*
 * fuzz_address.c - the same text as an address, a prefix, a host with its port, a domain and an
 * envelope address. What is taken comes out in a form that is taken as the same.
 */
#include <string.h>

#include <moxdial/base.h>

#include "base/domain.h"
#include "base/ip.h"
#include "base/limits.h"
#include "fuzz.h"
#include "route/name.h"

static void check_empty_tail(const struct mox_ip *ip)
{
    static const struct mox_ip none;

    if (ip->family == MOX_FAMILY_NONE)
        fuzz_require(memcmp(ip, &none, sizeof none) == 0, "no address is all zero");
    fuzz_require(ip->reserved == 0 && (ip->family == MOX_IPV6 || ip->scope == 0),
                 "only IPv6 has a zone");
    fuzz_require(ip->family == MOX_IPV6 || memcmp(ip->bytes + 4, none.bytes + 4, 12) == 0,
                 "IPv4 has four bytes");
}

static void check_ip(const char *text)
{
    char shown[MOX_LIMIT_IP_TEXT], bracketed[MOX_LIMIT_IP_TEXT + 2];
    struct mox_ip ip, again;
    int status = mox_ip_parse(text, &ip);

    check_empty_tail(&ip);
    if (status != MOX_OK) {
        fuzz_require(status == MOX_E_INVAL && ip.family == MOX_FAMILY_NONE,
                     "what is no address leaves none");
        return;
    }
    fuzz_require(mox_ip_format(&ip, shown, sizeof shown) < sizeof shown, "64 bytes suffice");
    fuzz_require(mox_ip_parse(shown, &again) == MOX_OK && ip_equal(&ip, &again),
                 "an address written is read as the same");
    snprintf(bracketed, sizeof bracketed, "[%s]", shown);
    fuzz_require(mox_ip_parse(bracketed, &again) == MOX_OK && ip_equal(&ip, &again),
                 "so it is in brackets");
    fuzz_require(ip_special(&ip) != IP_MAPPED || ip.bytes[11] != 0xff,
                 "an IPv4-mapped address has become IPv4");
}

static void check_plain_ip(struct slice text)
{
    char copy[MOX_LIMIT_IP_TEXT];
    struct mox_ip ip, again;

    if (ip_parse_plain(text, &ip) != MOX_OK)
        return;
    fuzz_require(text.len < sizeof copy, "an address is short");
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    fuzz_require(mox_ip_parse(copy, &again) == MOX_OK && ip_equal(&ip, &again),
                 "what is an address strictly is one laxly");
}

static void check_prefix(struct slice text)
{
    struct ip_prefix prefix = {.bits = 0}, again = {.bits = 0};
    char shown[MOX_LIMIT_IP_TEXT + 4];
    size_t len;

    if (ip_parse_prefix(text, &prefix) != MOX_OK)
        return;
    fuzz_require(prefix.bits >= 0 && (size_t)prefix.bits <= 8 * ip_size(&prefix.ip),
                 "a prefix is no longer than its address");
    fuzz_require(ip_in_prefix(&prefix.ip, &prefix), "a prefix holds its first address");
    len = mox_ip_format(&prefix.ip, shown, sizeof shown);
    snprintf(shown + len, sizeof shown - len, "/%d", prefix.bits);
    fuzz_require(ip_parse_prefix(slice_of(shown), &again) == MOX_OK && again.bits == prefix.bits &&
                     ip_equal(&again.ip, &prefix.ip),
                 "a prefix written is read as the same");
}

static void check_port(struct slice text)
{
    enum { UNTOUCHED = 12345 };
    struct slice host = {NULL, 0}, host_again = {NULL, 0};
    uint16_t port = UNTOUCHED, again = 0;
    char *joined;
    bool brackets;
    size_t len;

    if (ip_split_port(text, &host, &port) != MOX_OK)
        return;
    fuzz_require(host.len > 0 && host.ptr >= text.ptr && host.ptr + host.len <= text.ptr + text.len,
                 "the host is a part of the text");
    fuzz_require(port != 0, "a port is not 0");
    brackets = slice_find(host, ':') < host.len || host.ptr[0] == '[';
    joined = malloc(host.len + sizeof "[]:65535");
    fuzz_require(joined != NULL, "there is memory for the text");
    joined[0] = '[';
    memcpy(joined + brackets, host.ptr, host.len);
    len = brackets + host.len;
    len +=
        (size_t)snprintf(joined + len, sizeof "]:65535", brackets ? "]:%u" : ":%u", (unsigned)port);
    fuzz_require(ip_split_port((struct slice){joined, len}, &host_again, &again) == MOX_OK &&
                     again == port && slice_equal(host, host_again),
                 "host and port joined are split as the same");
    free(joined);
}

/* Lower-case letters, digits, hyphens, in labels of 1 to 63 that hyphens neither begin nor end. */
static void check_ldh(const struct domain *domain, bool lax)
{
    size_t label = 0;

    fuzz_require(domain->len > 0 && domain->len <= MOX_LIMIT_DOMAIN &&
                     strlen(domain->name) == domain->len,
                 "a name has 1 to 253 bytes");
    for (size_t i = 0; i <= domain->len; i++) {
        char c = domain->name[i];

        if (c == '.' || c == '\0') {
            fuzz_require(label > 0 && label <= MOX_LIMIT_LABEL, "a label has 1 to 63 bytes");
            fuzz_require(lax || (domain->name[i - 1] != '-' && domain->name[i - label] != '-'),
                         "hyphens stand inside a label");
            label = 0;
            continue;
        }
        fuzz_require((c >= 'a' && c <= 'z') || slice_is_digit(c) || c == '-' || (lax && c == '_'),
                     "a name has letters, digits and hyphens");
        label++;
    }
}

static void check_parsed(const struct domain *domain)
{
    struct domain again;
    char unicode[1024];

    check_ldh(domain, false);
    fuzz_require(domain_parse(domain_slice(domain), &again, NULL) == MOX_OK &&
                     slice_equal(domain_slice(domain), domain_slice(&again)),
                 "a name that was taken is taken as itself");
    fuzz_require(domain_parse_lax(domain_slice(domain), &again) == MOX_OK &&
                     slice_equal(domain_slice(domain), domain_slice(&again)),
                 "what is a name is one for DNS");
    fuzz_require(domain_to_unicode(domain, unicode, sizeof unicode) == MOX_OK,
                 "a name has a Unicode form");
    if (domain_parse(slice_of(unicode), &again, NULL) != MOX_OK ||
        !slice_equal(domain_slice(domain), domain_slice(&again)))
        fprintf(stderr, "%s is shown as %s, which is %s\n", domain->name, unicode, again.name);
    fuzz_require(slice_equal(domain_slice(domain), domain_slice(&again)),
                 "the Unicode form is taken as the name");
}

static void check_domain(struct slice text)
{
    struct mox_error err = {0};
    struct domain domain, again;
    int status = domain_parse(text, &domain, &err);

    if (status == MOX_OK)
        check_parsed(&domain);
    else
        fuzz_require(status == MOX_E_INVAL && err.message[0] != '\0' && domain.len == 0,
                     "what is no name is refused with words");
    if (domain_parse_lax(text, &domain) != MOX_OK)
        return;
    check_ldh(&domain, true);
    fuzz_require(domain_parse_lax(domain_slice(&domain), &again) == MOX_OK &&
                     slice_equal(domain_slice(&domain), domain_slice(&again)),
                 "a lax name is taken as itself");
}

static bool same_key(struct route_key a, struct route_key b)
{
    return slice_equal(a.text, b.text) && a.hash == b.hash && a.dot == b.dot;
}

/* The index's own reader of names, against the one whose verdict is law. */
static void check_route_name(const char *text, int status, const struct domain *domain)
{
    struct route_name name, again;
    struct mox_error err = {0};

    fuzz_require(route_name_read(text, "recipient", &name, &err) == status,
                 "routes take the addresses that others take");
    if (status != MOX_OK) {
        fuzz_require(err.message[0] != '\0', "an address is refused with words");
        return;
    }
    fuzz_require(slice_equal((struct slice){name.text, name.len}, domain_slice(domain)),
                 "routes see the domain that others see");
    route_name_split(&name);
    route_name_set(&again, domain_slice(domain));
    fuzz_require(again.labels == name.labels, "labels are counted alike");
    for (size_t i = 0; i < route_name_keys(&name); i++)
        fuzz_require(same_key(route_name_key(&again, i), route_name_key(&name, i)),
                     "suffixes are found and hashed alike");
}

static void check_address(const char *text)
{
    struct domain domain, again;
    struct mox_ip literal;
    struct mox_error err = {0};
    int status = domain_of_address(text, &domain, &literal, &err);

    check_empty_tail(&literal);
    check_route_name(text, status, &domain);
    if (status != MOX_OK) {
        fuzz_require(status == MOX_E_INVAL && err.message[0] != '\0' && domain.len == 0,
                     "what has no domain is refused with words");
        return;
    }
    fuzz_require(literal.family == MOX_FAMILY_NONE || domain.len == 0,
                 "a literal has the empty domain");
    if (domain.len == 0)
        return;
    check_ldh(&domain, false);
    fuzz_require(domain_of_address(domain.name, &again, NULL, NULL) == MOX_OK &&
                     slice_equal(domain_slice(&domain), domain_slice(&again)),
                 "the domain of an address has itself as its domain");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {(const char *)data, size};
    char *text = malloc(size + 1);

    fuzz_require(text != NULL, "there is memory for the text");
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    check_ip(text);
    check_plain_ip(bytes);
    check_prefix(bytes);
    check_port(bytes);
    check_domain(bytes);
    check_address(text);
    free(text);
    return 0;
}
