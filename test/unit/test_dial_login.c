/*
 * test_dial_login.c - a host that is asked for an OAuth token and has none to give: nothing is said
 * of a login, and what it gave stands neither in the error nor in the log.
 */
#include <stdio.h>

#include "base/limits.h"
#include "dial_world.h"
#include "test/sim/papers.h"
#include "test/sim/secure.h"

enum { GOOD = 15 /* bytes of login_token */ };

static const char text[] = "Transports:\n\trelay:\n\t\tSubmission:\n\t\t\tHost: h0.z0.example\n"
                           "\t\t\tAuth:\n\t\t\t\tUsername: relay-user\n"
                           "\t\t\t\tPassword: unused\n\t\t\t\tMechanisms:\n"
                           "\t\t\t\t\t- OAUTHBEARER\n"
                           "Routes:\n\t-\n\t\tTransport: relay\n";

static const struct secure server = {.there = true,
                                     .offered = true,
                                     .paper = PAPER_HOSTS,
                                     .login = {.mechanisms = 1u << LOGIN_OAUTHBEARER}};

/* What the host answers. */
static const struct given {
    const char *name;
    int len; /* as mox_token_fn gives it; over MOX_LIMIT_TOKEN: it had not enough room */
    int status;
    const char *says;
} given[] = {
    {"a failure", MOX_E_OS, MOX_E_AUTH, "asking the host for an OAuth token"},
    {"a failure of the system", MOX_ERRNO(5), MOX_E_AUTH, "asking the host for an OAuth token"},
    {"an empty one", 0, MOX_E_AUTH, "the host gave no OAuth token for transport relay"},
    {"one that just does not fit", MOX_LIMIT_TOKEN, MOX_E_AUTH, "longer than 16383 bytes"},
    {"one that is far too long", 100 * MOX_LIMIT_TOKEN, MOX_E_AUTH, "longer than 16383 bytes"},
    {"a good one", GOOD, MOX_OK, ""},
};

struct asked {
    const struct given *given;
    int calls;
    bool wrong; /* not what was to be asked */
};

static int give(void *user, const char *transport, const char *username, char *buf, size_t cap)
{
    struct asked *asked = user;

    asked->calls++;
    asked->wrong = asked->wrong || strcmp(transport, "relay") != 0 ||
                   strcmp(username, "relay-user") != 0 || cap != MOX_LIMIT_TOKEN;
    if (asked->given->len != 0)
        snprintf(buf, cap, "%s", login_token);
    return asked->given->len;
}

START_TEST(a_host_without_a_token)
{
    struct asked asked = {.given = &given[_i]};
    struct mox_ctx_options options = {
        .size = sizeof options, .log_level = MOX_LOG_DIALOGUE, .token = give, .token_user = &asked};
    struct mox_ip ip = dial_ip("192.0.2.1");
    struct sim_call call;
    const struct given *c = asked.given;

    papers_make();
    options.ca_file = papers_file();
    dial_renew(&options);
    world_load(sim, "h0.z0.example A 192.0.2.1\n192.0.2.1 up +port=587\n");
    net_place(sim, &ip, 587)->secure = &server;
    secure_prepare(sim, &server);
    sim->config = mox_config_parse(text, strlen(text), NULL);
    ck_assert_ptr_nonnull(sim->config);
    dial_to_end(&call, dial_request());
    ck_assert_msg(call.status == c->status, "%s: %s: %s", c->name, mox_status_name(call.status),
                  call.err.message);
    ck_assert_msg(strstr(call.err.message, c->says) != NULL, "%s: %s", c->name, call.err.message);
    ck_assert_msg(asked.calls == 1 && !asked.wrong, "%s: asked %d times", c->name, asked.calls);
    ck_assert_ptr_null(strstr(call.err.message, login_token));
    ck_assert_msg(world_count_told(sim, login_token) == 0, "%s\n%s", c->name, sim->told.ptr);
    ck_assert_msg(world_count(sim, "AUTH") == (c->status == MOX_OK), "%s\n%s", c->name,
                  sim->log.ptr);
    if (c->status != MOX_OK) {
        ck_assert_int_eq(call.err.stage, MOX_STAGE_AUTH);
        ck_assert_int_eq(call.err.about, MOX_ABOUT_LOCAL);
        ck_assert_int_eq(call.err.permanent, 0);
    }
    mox_conn_close(call.conn);
    dial_renew(NULL); /* what the context borrows ends here */
}
END_TEST

TCase *test_dial_login(void)
{
    TCase *tcase = tcase_create("dial/login");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, a_host_without_a_token, 0, (int)ARRAY_LEN(given));
    return tcase;
}
