/* test_dial_tls.c - STARTTLS in a dial that fails: when the same address is dialed again in clear,
 * and when it is not. The simulated network has the rest. */
#include "dial_world.h"
#include "test/sim/papers.h"
#include "test/sim/secure.h"

static const struct broken {
    const char *name;
    int reply, shake; /* of the server, enum secure_reply and secure_shake */
    bool no_chance;   /* this machine has no random numbers */
    int status;
    const char *dials;
} broken[] = {
    {"a handshake that is closed", SECURE_GO_AHEAD, SECURE_CLOSES, false, MOX_OK,
     "192.0.2.1@0 192.0.2.1@"},
    {"a handshake that is none", SECURE_GO_AHEAD, SECURE_BABBLES, false, MOX_OK,
     "192.0.2.1@0 192.0.2.1@"},
    {"STARTTLS refused", SECURE_REFUSED, SECURE_SHAKES, false, MOX_OK, "192.0.2.1@0 192.0.2.1@"},
    {"no random numbers of ours are no reason to go in clear", SECURE_GO_AHEAD, SECURE_SHAKES, true,
     MOX_E_OS, "192.0.2.1@0"},
};

START_TEST(in_clear_only_where_the_server_is_to_blame)
{
    const struct broken *row = &broken[_i];
    struct secure secure = {.there = true,
                            .offered = true,
                            .reply = row->reply,
                            .shake = row->shake,
                            .paper = PAPER_HOSTS};
    struct sim_call call;
    struct mox_ip ip = dial_ip("192.0.2.1");
    const char *seen;

    world_load(sim, "example.org MX 10 mx.example.org\nmx.example.org A 192.0.2.1\n192.0.2.1 up\n");
    net_place(sim, &ip, 25)->secure = &secure;
    secure_prepare(sim, &secure);
    sim->no_chance = row->no_chance;
    dial_to_end(&call, dial_request());
    seen = dial_seen();
    ck_assert_msg(call.status == row->status, "%s: %s: %s", row->name, mox_status_name(call.status),
                  call.err.message);
    ck_assert_msg(strncmp(seen, row->dials, strlen(row->dials)) == 0, "%s: dialed %s", row->name,
                  seen);
    ck_assert_msg(row->status == MOX_OK || strcmp(seen, row->dials) == 0, "%s: dialed %s",
                  row->name, seen);
    if (call.conn != NULL) {
        ck_assert_ptr_null(mox_conn_session(call.conn)->tls_version);
        mox_conn_close(call.conn);
    }
    dial_renew(NULL); /* what the place borrows ends here */
}
END_TEST

TCase *test_dial_tls(void)
{
    TCase *tcase = tcase_create("dial/tls");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, in_clear_only_where_the_server_is_to_blame, 0,
                        (int)ARRAY_LEN(broken));
    return tcase;
}
