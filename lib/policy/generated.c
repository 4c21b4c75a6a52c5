/* generated.c - names that providers give to all of their addresses; see identity.h. */
#include <string.h>

#include "base/ip.h"
#include "base/mem.h"
#include "base/slice.h"
#include "policy/identity.h"

/* Words that say: nobody has thought of a name for this one. */
static const char *const words[] = {
    "adsl",   "broadband", "cable",       "cust",       "customer", "dhcp",  "dial",
    "dialin", "dialup",    "dsl",         "dyn",        "dynamic",  "dynip", "pool",
    "ppp",    "pppoe",     "residential", "unassigned", "unused",   "vdsl",  "xdsl",
};

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The host's part of a name: what the last two labels do not hold. */
static struct slice host_part(const char *name)
{
    struct slice s = slice_of(name);
    int dots = 0;

    for (size_t i = s.len; i > 0; i--) {
        dots += s.ptr[i - 1] == '.';
        if (dots == 2)
            return slice_sub(s, 0, i - 1);
    }
    return slice_sub(s, 0, 0);
}

static bool is_word(struct slice s)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (slice_is(s, words[i]))
            return true;
    }
    return false;
}

static bool has_word(struct slice s)
{
    for (size_t from = 0, to; from < s.len; from = to + 1) {
        for (to = from; to < s.len && is_letter(s.ptr[to]);)
            to++;
        if (is_word(slice_sub(s, from, to)))
            return true;
    }
    return false;
}

/* Which of the four bytes stand in the name as numbers of their own: bits. */
static unsigned bytes_named(struct slice s, const uint8_t bytes[4])
{
    unsigned found = 0;

    for (size_t from = 0, to; from < s.len; from = to + 1) {
        unsigned number = 0, bit = 1;

        for (to = from; to < s.len && is_digit(s.ptr[to]) && to - from < 3; to++)
            number = 10 * number + (unsigned)(s.ptr[to] - '0');
        if (to == from || (to < s.len && is_digit(s.ptr[to])))
            continue;
        for (size_t i = 0; i < 4; i++, bit *= 2) { /* a number stands for one byte */
            if (bytes[i] == number && (found & bit) == 0) {
                found |= bit;
                break;
            }
        }
    }
    return found;
}

/* The hexadecimal digits of the text, without what separates them, hold those of the bytes. */
static bool has_hex(struct slice s, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    char wanted[32] = {0}, found[MOX_LIMIT_DOMAIN + 1];
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        wanted[2 * i] = digits[bytes[i] >> 4];
        wanted[2 * i + 1] = digits[bytes[i] & 15];
    }
    for (size_t i = 0; i < s.len && len < sizeof found - 1; i++) {
        if (s.ptr[i] != '-' && s.ptr[i] != '.' && s.ptr[i] != '_')
            found[len++] = s.ptr[i];
    }
    for (size_t at = 0; at + 2 * n <= len; at++) {
        if (memcmp(found + at, wanted, 2 * n) == 0)
            return true;
    }
    return false;
}

/* Of IPv6 the lower half, where the addresses of one network differ; "::1" and its like stand in no
 * name. */
static bool has_address(struct slice s, const struct mox_ip *ip)
{
    static const uint8_t none[6];

    if (ip->family == MOX_IPV4)
        return bytes_named(s, ip->bytes) == 15 || has_hex(s, ip->bytes, 4);
    return memcmp(ip->bytes + 8, none, sizeof none) != 0 && has_hex(s, ip->bytes + 8, 8);
}

bool identity_name_is_generated(const char *name, const struct mox_ip *ip)
{
    struct slice host = host_part(name);

    return has_word(host) || has_address(host, ip);
}
