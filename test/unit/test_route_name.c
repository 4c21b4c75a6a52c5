/* test_route_name.c - the reader of names against domain_of_address, whose verdict is law. */
#include <string.h>

#include <check.h>

#include "base/domain.h"
#include "base/mem.h"
#include "route/name.h"
#include "test.h"

static const char *const addresses[] = {
    "example.org",
    "x",
    "a.b",
    "eight-88",
    "nine-nine",
    "user@example.org",
    "u@x",
    "first.last@mx.a-b.example",
    "a@b@c.example",
    "\"a b\"@sixteen-bytes.xy",
    "a..b-@seventeen-bytes.x",
    ".@fifteen-bytes.x",
    "A@B.Example",
    "a@Z.example",
    "@example.org",
    "m\xc3\xbcnster.example",
    "u@\xe1\xb1\xb0.example", /* without their top bits: a10 */
    "a@xn--bcher-kva.example",
    "a@1.example",
    "a@example.x1",
    "a@192.0.2.1",
    "a@[192.0.2.1]",
    "[IPv6:2001:db8::1]",
    "a@sixty-three-bytes.0123456789.0123456789.0123456789.012345.ijkl",
    "a@sixty-four-bytes.0123456789.0123456789.0123456789.01234567.ijkl",
    "a@0123456789012345678901234567890123456789012345678901234567890123.x",
    "user@",
    "a@.example.org",
    "a@-b.example.org",
    "a@example..org",
    "a@example.-rg.abcd",
    "a@example.or-.abcd",
    "a@ab--cd.example",
    "a@example.org.",
    "a@example.org-",
    "a@sixteen-.bytes-x",
    "a@example/org",
    "a@exam`le.org",
    "a@exam{le.org",
    "a@example:org",
    "a@exam,le.org",
};

/* Suffixes must be the same whatever stands before the name. */
static void check_keys(const char *address, struct route_name *name, const struct domain *domain)
{
    struct route_name alone;

    route_name_split(name);
    route_name_set(&alone, domain_slice(domain));
    ck_assert_msg(name->labels == alone.labels, "%s: %zu labels", address, name->labels);
    for (size_t i = 0; i < route_name_keys(name); i++) {
        struct route_key a = route_name_key(name, i), b = route_name_key(&alone, i);

        ck_assert_msg(slice_equal(a.text, b.text) && a.hash == b.hash && a.dot == b.dot,
                      "%s: key %zu", address, i);
    }
}

static void check_name(const char *address)
{
    struct route_name name;
    struct domain domain;
    struct mox_error err = {0};
    int status = domain_of_address(address, &domain, NULL, NULL);

    ck_assert_msg(route_name_read(address, "recipient", &name, &err) == status, "%s: %s", address,
                  err.message);
    if (status != MOX_OK)
        return;
    ck_assert_msg(slice_equal((struct slice){name.text, name.len}, domain_slice(&domain)),
                  "%s: %.*s", address, (int)name.len, name.text);
    check_keys(address, &name, &domain);
}

START_TEST(as_domain_of_address)
{
    check_name(addresses[_i]);
}
END_TEST

/* Each character at each place of a word, and at both ends of the name. */
START_TEST(every_character)
{
    static const char plain[] = "u@abcdefghi.klmnopqrs.uvwxyz";
    char address[sizeof plain];

    for (size_t at = 1; at < sizeof plain - 1; at++) {
        memcpy(address, plain, sizeof plain);
        address[at] = (char)_i;
        check_name(address);
    }
}
END_TEST

START_TEST(every_length)
{
    char address[MOX_LIMIT_DOMAIN + 8] = "a.b@";

    for (size_t len = 1; len <= MOX_LIMIT_DOMAIN + 1; len++) {
        for (size_t i = 0; i < len; i++)
            address[4 + i] = (len - i) % 10 == 0 && i > 0 ? '.' : 'x';
        check_name(address);
        check_name(address + 4);
    }
}
END_TEST

START_TEST(no_address_is_the_empty_domain)
{
    const char *const none[] = {NULL, ""};
    struct route_name name;

    ck_assert_int_eq(route_name_read(none[_i], "sender", &name, NULL), MOX_OK);
    ck_assert_uint_eq(name.len, 0);
    route_name_split(&name);
    ck_assert_uint_eq(name.labels, 0);
}
END_TEST

TCase *test_route_name(void)
{
    TCase *tcase = tcase_create("route/name");

    tcase_add_loop_test(tcase, as_domain_of_address, 0, (int)ARRAY_LEN(addresses));
    tcase_add_loop_test(tcase, every_character, 1, 256);
    tcase_add_test(tcase, every_length);
    tcase_add_loop_test(tcase, no_address_is_the_empty_domain, 0, 2);
    return tcase;
}
