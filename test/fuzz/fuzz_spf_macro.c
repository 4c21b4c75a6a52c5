/*
 * fuzz_spf_macro.c - a macro string, a local part and a name in HELO, a NUL between them.
 */
#include <string.h>

#include "base/mem.h"
#include "dns/message.h"
#include "fuzz.h"
#include "spf/target.h"

enum { OUT = 2048, PARTS = 512, VALUE = 300 };

static bool splits(struct slice delimiters, char c)
{
    for (size_t i = 0; i < delimiters.len; i++) {
        if (delimiters.ptr[i] == c)
            return true;
    }
    return false;
}

/* Section 7.3 word by word: split, reverse, take the last ones, join. */
static void transform(struct slice value, struct slice macro, struct text *out)
{
    struct slice parts[PARTS], delimiters;
    size_t n = 0, start = 0, from, wanted = 0, at = 0;
    bool reverse;

    for (; at < macro.len && slice_is_digit(macro.ptr[at]); at++)
        wanted = wanted > PARTS ? wanted : 10 * wanted + (size_t)(macro.ptr[at] - '0');
    reverse = at < macro.len && slice_lower(macro.ptr[at]) == 'r';
    delimiters = slice_sub(macro, at + reverse, macro.len);
    if (delimiters.len == 0)
        delimiters = slice_of(".");
    for (size_t i = 0; i <= value.len; i++) {
        if (i < value.len && !splits(delimiters, value.ptr[i]))
            continue;
        parts[n++] = slice_sub(value, start, i);
        start = i + 1;
    }
    from = wanted == 0 || wanted > n ? 0 : n - wanted;
    for (size_t i = from; i < n; i++) {
        text_slice(out, parts[reverse ? n - 1 - i : i]);
        if (i + 1 < n)
            text_char(out, '.');
    }
}

/* The one macro "%{l…}" against that. */
static void check_transform(struct slice text, const struct spf_values *values)
{
    char got[OUT], wanted[OUT];
    struct text a = text_to(got, sizeof got), b = text_to(wanted, sizeof wanted);

    if (!slice_starts(text, "%{l") || slice_find(text, '}') != text.len - 1)
        return;
    if (spf_expand(text, values, &a) != MOX_OK)
        return;
    transform(values->local, slice_sub(text, 3, text.len - 1), &b);
    fuzz_require(a.len == b.len && memcmp(got, wanted, a.len) == 0, "macros are as the RFC says");
}

static void check_target(struct slice text, const struct spf_values *values)
{
    char escaped[4 * MOX_LIMIT_DOMAIN + 1];
    struct domain target, again;
    struct dns_name name;

    if (spf_target_expand(&target, text, values) != MOX_OK)
        return;
    fuzz_require(target.len > 0 && target.len <= MOX_LIMIT_DOMAIN && target.name[target.len] == 0,
                 "names are bounded");
    spf_target_escape(&target, escaped, sizeof escaped);
    fuzz_require(dns_name_parse(slice_of(escaped), &name) == MOX_OK, "a name can be asked for");
    fuzz_require(name.len == target.len + 2, "byte for byte");
    fuzz_require(spf_target_set(&again, domain_slice(&target)) &&
                     strcmp(again.name, target.name) == 0,
                 "and is its own name");
}

static void check_expansion(struct slice text, const struct spf_values *values)
{
    char whole[OUT], cut[OUT / 64];
    struct text a = text_to(whole, sizeof whole), b = text_to(cut, sizeof cut);
    int status = spf_expand(text, values, &a), other = spf_expand(text, values, &b);

    fuzz_require(status == MOX_OK || status == MOX_E_LIMIT || status == MOX_E_INVAL,
                 "valid text expands, or says why not");
    fuzz_require(strlen(whole) < sizeof whole && strlen(cut) < sizeof cut, "within bounds");
    fuzz_require(status != MOX_OK || other == (a.len < sizeof cut ? MOX_OK : MOX_E_LIMIT),
                 "what does not fit is told");
    fuzz_require(memcmp(whole, cut, strlen(cut)) == 0, "and its beginning is there");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size}, parts[3];
    struct spf_values values = {.sender_domain = slice_of("example.org"),
                                .domain = slice_of("spf.example.org"),
                                .receiver = slice_of("mx.example.net"),
                                .validated = slice_of("unknown"),
                                .unix_s = -1};

    if (size > 4096)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        size_t end = slice_find(rest, '\0');

        parts[i] = slice_sub(rest, 0, end);
        rest = slice_sub(rest, end + 1, rest.len);
    }
    values.local = slice_sub(parts[1], 0, VALUE);
    values.helo = slice_sub(parts[2], 0, VALUE);
    mox_ip_parse(size % 2 == 0 ? "192.0.2.1" : "2001:db8::1", &values.ip);
    fuzz_require(!spf_is_domain_spec(parts[0]) || spf_is_macro_string(parts[0]),
                 "a domain-spec is a macro string");
    fuzz_require(!spf_is_macro_string(parts[0]) || spf_is_explain_string(parts[0]),
                 "a macro string is an explain string");
    if (spf_is_explain_string(parts[0])) {
        check_expansion(parts[0], &values);
        check_transform(parts[0], &values);
    }
    if (spf_is_domain_spec(parts[0]))
        check_target(parts[0], &values);
    return 0;
}
