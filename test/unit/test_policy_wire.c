/* test_policy_wire.c - requests to `moxdial policy` as they are meant, broken, and cut anywhere. */
#include <string.h>

#include <check.h>

#include "test.h"
#include "tools/policy_delegation.h"
#include "tools/policy_limits.h"
#include "tools/policy_socketmap.h"
#include "tools/policy_spf.h"

static const struct socketmap_case {
    const char *name, *input;
    int status;
    const char *map, *key;
    size_t used;
} socketmaps[] = {
    {"a question", "13:transport a.b,", MOX_OK, "transport", "a.b", 17},
    {"a key with blanks", "7:m a b c,", MOX_OK, "m", "a b c", 10},
    {"an empty key", "2:m ,", MOX_OK, "m", "", 5},
    {"a second one waits", "3:m k,3:n l,", MOX_OK, "m", "k", 6},
    {"nothing", "", MOX_E_AGAIN, NULL, NULL, 0},
    {"a length that may go on", "13", MOX_E_AGAIN, NULL, NULL, 0},
    {"no comma yet", "3:m k", MOX_E_AGAIN, NULL, NULL, 0},
    {"no comma", "3:m kx", MOX_E_PROTOCOL, NULL, NULL, 0},
    {"no length", ":m k,", MOX_E_PROTOCOL, NULL, NULL, 0},
    {"a zero in front", "03:m k,", MOX_E_PROTOCOL, NULL, NULL, 0},
    {"nothing in it", "0:,", MOX_E_PROTOCOL, NULL, NULL, 0},
    {"no blank", "3:mkk,", MOX_E_PROTOCOL, NULL, NULL, 0},
    {"a length that wraps", "99999999999999999999999:m k,", MOX_E_LIMIT, NULL, NULL, 0},
};

START_TEST(socketmap_case)
{
    const struct socketmap_case *c = &socketmaps[_i];
    struct socketmap_request request = {0};
    struct mox_error err;
    char bytes[64];
    size_t len = strlen(c->input), used = 99;

    memcpy(bytes, c->input, len);
    ck_assert_msg(socketmap_take(bytes, len, &request, &used, &err) == c->status, "%s", c->name);
    ck_assert_uint_eq(used, c->used);
    if (c->status == MOX_OK) {
        ck_assert_str_eq(request.map, c->map);
        ck_assert_str_eq(request.key, c->key);
    }
    for (size_t cut = 0; c->status == MOX_OK && cut < c->used; cut++) {
        memcpy(bytes, c->input, len);
        ck_assert_msg(socketmap_take(bytes, cut, &request, &used, &err) == MOX_E_AGAIN,
                      "%s, cut at %zu", c->name, cut);
        ck_assert_mem_eq(bytes, c->input, len);
    }
}
END_TEST

START_TEST(socketmap_answers)
{
    char out[16];

    ck_assert_uint_eq(socketmap_write("", out, sizeof out), 3);
    ck_assert_str_eq(out, "0:,");
    ck_assert_uint_eq(socketmap_write("NOTFOUND ", out, sizeof out), 12);
    ck_assert_str_eq(out, "9:NOTFOUND ,");
    ck_assert_uint_eq(socketmap_write("0123456789", out, 15), 14);
    ck_assert_str_eq(out, "10:0123456789,");
    out[0] = 'x';
    ck_assert_uint_eq(socketmap_write("0123456789", out, 14), 14);
    ck_assert_int_eq(out[0], 'x');
}
END_TEST

static const char whole[] = "request=smtpd_access_policy\nprotocol_state=RCPT\nsender=a=b@c\n"
                            "client_address=::1\nsize=1\nhelo_name=\n\n";

START_TEST(delegation_whole_and_cut)
{
    struct delegation_request request;
    struct mox_error err;
    char bytes[sizeof whole];
    size_t len = sizeof whole - 1, used;

    for (size_t cut = 0; cut < len; cut++) {
        memcpy(bytes, whole, sizeof whole);
        ck_assert_int_eq(delegation_take(bytes, cut, &request, &used, &err), MOX_E_AGAIN);
        ck_assert_mem_eq(bytes, whole, len);
    }
    ck_assert_int_eq(delegation_take(bytes, len, &request, &used, &err), MOX_OK);
    ck_assert_uint_eq(used, len);
    ck_assert_str_eq(request.protocol_state, "RCPT");
    ck_assert_str_eq(request.sender, "a=b@c");
    ck_assert_str_eq(request.client_address, "::1");
    ck_assert_str_eq(request.helo_name, "");
    ck_assert_str_eq(request.instance, "");
}
END_TEST

START_TEST(delegation_at_the_limit)
{
    static char bytes[POLICY_DELEGATION + 2];
    static const char first[] = "request=smtpd_access_policy\na=";
    struct delegation_request request;
    struct mox_error err;
    size_t used;

    for (size_t len = POLICY_DELEGATION; len <= POLICY_DELEGATION + 1; len++) {
        memset(bytes, 'x', sizeof bytes);
        memcpy(bytes, first, sizeof first - 1);
        bytes[len - 1] = bytes[len - 2] = '\n';
        ck_assert_int_eq(delegation_take(bytes, len, &request, &used, &err),
                         len == POLICY_DELEGATION ? MOX_OK : MOX_E_LIMIT);
    }
}
END_TEST

/* How many bytes of printable ASCII it begins with. */
static size_t printable(const char *text)
{
    size_t n = 0;

    while (text[n] >= ' ' && text[n] <= '~')
        n++;
    return n;
}

/* The longest of everything: one line of printable ASCII below the bound, whatever is in it. */
START_TEST(an_action_is_one_clean_line)
{
    char sender[2000], out[POLICY_ANSWER];
    struct mox_spf_result result = {0};
    struct policy_spf_case about = {
        .client = {.family = MOX_IPV6}, .helo = sender, .sender = sender, .receiver = "us.example"};

    for (int byte = 1; byte < 256; byte++) {
        memset(sender, byte, sizeof sender - 1);
        sender[byte % 2 == 0 ? 40 : sizeof sender - 1] = '\0';
        memset(result.mechanism, byte, sizeof result.mechanism - 1);
        memset(result.domain, byte, sizeof result.domain - 1);
        memset(result.explanation, 'x', sizeof result.explanation - 1);
        for (result.result = MOX_SPF_NONE; result.result <= MOX_SPF_PERMERROR; result.result++) {
            policy_spf_action(POLICY_SPF_REJECT, &about, &result, out);
            ck_assert_uint_gt(strlen(out), 4);
            ck_assert_uint_le(strlen(out), POLICY_HEADER);
            ck_assert_uint_eq(printable(out), strlen(out));
        }
    }
}
END_TEST

TCase *test_policy_wire(void)
{
    TCase *tc = tcase_create("tools/policy");

    tcase_add_loop_test(tc, socketmap_case, 0, (int)ARRAY_LEN(socketmaps));
    tcase_add_test(tc, socketmap_answers);
    tcase_add_test(tc, delegation_whole_and_cut);
    tcase_add_test(tc, delegation_at_the_limit);
    tcase_add_test(tc, an_action_is_one_clean_line);
    return tc;
}
