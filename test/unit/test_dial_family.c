/*
 * test_dial_family.c - which addresses are asked for and dialed, and in what order: the family
 * filter, preference, MX levels, history, special addresses, our own.
 */
#include "dial_world.h"

#define ONLY4 "Transports:\n\tv4:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n"
#define ONLY6 "Transports:\n\tv6:\n\t\tDirect:\n\t\t\tDisableIPv4: true\n"
#define ROUTE(name) "Routes:\n\t-\n\t\tTransport: " name "\n"
#define PREFER(family)                                                                             \
    "Transports:\n\tp:\n\t\tDirect:\n\t\t\tPrefer: " family "\nRoutes:\n\t-\n\t\tTransport: p\n"
#define MX "example.org MX 10 mx.example.org\n"
#define HOST4 "mx.example.org A 192.0.2.1\n192.0.2.1 up\n"
#define HOST6 "mx.example.org AAAA 2001:db8::1\n2001:db8::1 up\n"
#define FOUR                                                                                       \
    MX "mx.example.org A 192.0.2.1\nmx.example.org A 192.0.2.2\n"                                  \
       "mx.example.org AAAA 2001:db8::1\nmx.example.org AAAA 2001:db8::2\n"
#define REFUSING                                                                                   \
    "192.0.2.1 refused +ms=0\n192.0.2.2 refused +ms=0\n2001:db8::1 refused +ms=0\n"                \
    "2001:db8::2 refused +ms=0\n"

static const struct dial_case cases[] = {
    {"both families, IPv6 first", NULL, MX HOST4 HOST6, .dials = "2001:db8::1@0",
     .at = "2001:db8::1"},
    {"IPv4 only: AAAA is not asked", ONLY4 ROUTE("v4"), MX HOST4 HOST6, .dials = "192.0.2.1@0",
     .never = "AAAA", .at = "192.0.2.1"},
    {"IPv6 only: A is not asked", ONLY6 ROUTE("v6"), MX HOST4 HOST6, .dials = "2001:db8::1@0",
     .never = ".org A\n"},
    {"IPv4 only, and the host has IPv6 alone", ONLY4 ROUTE("v4"), MX HOST6,
     .status = MOX_E_FILTERED, .dials = "", .never = "AAAA",
     .says = "IPv6 is disabled by transport v4", .stage = MOX_STAGE_RESOLVE},
    {"IPv4 only by the request", NULL, MX HOST4 HOST6, .families = MOX_ALLOW_IPV4,
     .dials = "192.0.2.1@0", .never = "AAAA"},
    {"IPv6 only by the request", NULL, MX HOST4 HOST6, .families = MOX_ALLOW_IPV6,
     .dials = "2001:db8::1@0", .never = ".org A\n"},
    {"IPv6 only by the request, and the host has IPv4 alone", NULL, MX HOST4,
     .families = MOX_ALLOW_IPV6, .status = MOX_E_FILTERED, .dials = "", .never = "connect"},
    {"the request cannot widen the transport", ONLY4 ROUTE("v4"), MX HOST4 HOST6,
     .families = MOX_ALLOW_IPV6, .status = MOX_E_FILTERED, .dials = "", .never = "query",
     .says = "transport v4"},
    {"a literal of the allowed family", ONLY4, HOST4, .transport = "v4", .to = "b@[192.0.2.1]",
     .dials = "192.0.2.1@0", .never = "query"},
    {"a literal of the disabled family", ONLY4, HOST6, .transport = "v4",
     .to = "b@[IPv6:2001:db8::1]", .status = MOX_E_FILTERED, .dials = "", .never = "query",
     .says = "transport v4"},
    {"a literal that is an IPv4-mapped address is IPv4", ONLY4, HOST4, .transport = "v4",
     .to = "b@[IPv6:::ffff:192.0.2.1]", .dials = "192.0.2.1@0"},
    {"a given server of the disabled family", ONLY4, HOST6, .transport = "v4",
     .server = "[2001:db8::1]:26", .status = MOX_E_FILTERED, .dials = ""},
    {"prefer ipv4: all of it first", PREFER("ipv4"), FOUR REFUSING, .status = MOX_E_CONNECT,
     .dials = "192.0.2.1@0 192.0.2.2@0 2001:db8::1@0 2001:db8::2@0"},
    {"prefer ipv6: all of it first", PREFER("ipv6"), FOUR REFUSING, .status = MOX_E_CONNECT,
     .dials = "2001:db8::1@0 2001:db8::2@0 192.0.2.1@0 192.0.2.2@0"},
    {"prefer ipv4 is no exclusion", PREFER("ipv4"), MX HOST6, .dials = "2001:db8::1@0"},
    {"interleaved, IPv6 first", NULL, FOUR REFUSING, .status = MOX_E_CONNECT,
     .dials = "2001:db8::1@0 192.0.2.1@0 2001:db8::2@0 192.0.2.2@0"},
    {"preference before family", PREFER("ipv4"),
     "example.org MX 10 m6.example.org\nexample.org MX 20 m4.example.org\n"
     "m6.example.org AAAA 2001:db8::1\nm4.example.org A 192.0.2.1\n" REFUSING,
     .status = MOX_E_CONNECT, .dials = "2001:db8::1@0 192.0.2.1@0"},
    {"the better preference is dialed alone", NULL,
     "example.org MX 20 m2.example.org\nexample.org MX 10 m1.example.org\n"
     "m1.example.org A 192.0.2.1\nm2.example.org A 192.0.2.2\n192.0.2.1 up\n192.0.2.2 up\n",
     .dials = "192.0.2.1@0", .never = "query m2"},
    {"history: the other family first, then the same address", NULL, FOUR REFUSING,
     .dialed = "mx.example.org=192.0.2.2", .status = MOX_E_CONNECT,
     .dials = "2001:db8::1@0 2001:db8::2@0 192.0.2.2@0 192.0.2.1@0"},
    {"history of any host", NULL, FOUR REFUSING, .dialed = "*=2001:db8::2", .status = MOX_E_CONNECT,
     .dials = "192.0.2.1@0 192.0.2.2@0 2001:db8::2@0 2001:db8::1@0"},
    {"history of another host", NULL, FOUR REFUSING, .dialed = "other.example.org=192.0.2.1",
     .status = MOX_E_CONNECT, .dials = "2001:db8::1@0 192.0.2.1@0 2001:db8::2@0 192.0.2.2@0"},
    {"history wins over prefer", PREFER("ipv4"), FOUR REFUSING,
     .dialed = "mx.example.org=192.0.2.1 mx.example.org=2001:db8::1", .status = MOX_E_CONNECT,
     .dials = "192.0.2.1@0 192.0.2.2@0 2001:db8::1@0 2001:db8::2@0"},
    {"history: no race", NULL,
     MX "mx.example.org A 192.0.2.1\nmx.example.org AAAA 2001:db8::1\n2001:db8::1 silent\n"
        "192.0.2.1 up\n",
     .dialed = "mx.example.org=192.0.2.1", .dials = "2001:db8::1@0 192.0.2.1@30000"},
    {"special addresses are out", NULL,
     MX "mx.example.org A 127.0.0.1\nmx.example.org A 0.0.0.0\nmx.example.org A 224.0.0.1\n"
        "mx.example.org AAAA ::1\nmx.example.org AAAA fe80::1\n"
        "mx.example.org AAAA ::ffff:192.0.2.1\n",
     .status = MOX_E_FILTERED, .dials = "", .about = MOX_ABOUT_DOMAIN,
     .says = "mail to a domain never goes to"},
    {"a special one among others", NULL,
     MX "mx.example.org A 127.0.0.1\nmx.example.org A 192.0.2.1\n192.0.2.1 up\n",
     .dials = "192.0.2.1@0"},
    {"AllowSpecial by the request", NULL, MX "mx.example.org A 127.0.0.1\n127.0.0.1 up\n",
     .flags = MOX_DIAL_ALLOW_SPECIAL, .dials = "127.0.0.1@0"},
    {"AllowSpecial by the configuration", "AllowSpecial: true\n",
     MX "mx.example.org A 127.0.0.1\n127.0.0.1 up\n", .dials = "127.0.0.1@0"},
    {"AllowSpecial does not allow mapped ones", "AllowSpecial: true\n",
     MX "mx.example.org AAAA ::ffff:192.0.2.1\n", .status = MOX_E_FILTERED, .dials = ""},
    {"a special literal", NULL, "127.0.0.1 up\n", .to = "b@[127.0.0.1]", .status = MOX_E_FILTERED,
     .dials = ""},
    {"a given server may be special", NULL, "127.0.0.1 up\n", .server = "127.0.0.1:2525",
     .dials = "127.0.0.1@0"},
    {"private addresses stay", NULL, MX "mx.example.org A 10.1.2.3\n10.1.2.3 up\n",
     .dials = "10.1.2.3@0"},
    {"6to4 and Teredo come last", NULL,
     MX "mx.example.org AAAA 2002:c000:201::1\nmx.example.org AAAA 2001:0:1::1\n"
        "mx.example.org A 192.0.2.1\n2002:c000:201::1 refused +ms=0\n"
        "2001:0:1::1 refused +ms=0\n192.0.2.1 refused +ms=0\n",
     .status = MOX_E_CONNECT, .dials = "192.0.2.1@0 2002:c000:201::1@0 2001:0:1::1@0"},
    {"NAT64 with both families", NULL,
     MX "mx.example.org AAAA 64:ff9b::c000:201\n64:ff9b::c000:201 up\n",
     .dials = "64:ff9b::c000:201@0"},
    {"NAT64 with IPv6 alone", ONLY6 ROUTE("v6"),
     MX "mx.example.org AAAA 64:ff9b::c000:201\n64:ff9b::c000:201 up\n", .status = MOX_E_FILTERED,
     .dials = ""},
    {"the same address twice", NULL,
     MX "mx.example.org A 192.0.2.1\nmx.example.org A 192.0.2.1\n192.0.2.1 refused +ms=0\n",
     .status = MOX_E_CONNECT, .dials = "192.0.2.1@0"},
};

START_TEST(family_case)
{
    dial_case_run(&cases[_i]);
}
END_TEST

#define OURS "LocalIPs:\n\t- 192.0.2.9\n"
#define TWO_LEVELS                                                                                 \
    "machine 192.0.2.9 2001:db8:9::9\nexample.org MX 10 m1.example.org\n"                          \
    "example.org MX 20 m2.example.org\nexample.org MX 20 m3.example.org\n"                         \
    "example.org MX 30 m4.example.org\nm1.example.org A 192.0.2.1\n"                               \
    "m3.example.org A 192.0.2.3\nm4.example.org A 192.0.2.4\n"                                     \
    "192.0.2.1 refused +ms=0\n192.0.2.3 up\n192.0.2.4 up\n192.0.2.9 up\n"

static const struct dial_case loops[] = {
    {"the best host is ourselves", OURS,
     "machine 192.0.2.9\nexample.org MX 10 mx.example.org\nmx.example.org A 192.0.2.9\n",
     .status = MOX_E_LOOP, .dials = "", .permanent = 1, .says = "best"},
    {"equal and worse preference are out", OURS, TWO_LEVELS "m2.example.org A 192.0.2.9\n",
     .status = MOX_E_CONNECT, .dials = "192.0.2.1@0", .never = "query m4"},
    {"a NATIP is ourselves", OURS "NATIPs:\n\t- 203.0.113.9\n",
     "machine 192.0.2.9\nexample.org MX 10 mx.example.org\nmx.example.org A 203.0.113.9\n",
     .status = MOX_E_LOOP, .dials = "", .permanent = 1},
    {"one address of many is ours", OURS,
     "machine 192.0.2.9\nexample.org MX 10 mx.example.org\nmx.example.org A 192.0.2.9\n"
     "mx.example.org A 192.0.2.5\n192.0.2.5 up\n",
     .status = MOX_E_LOOP, .dials = "", .permanent = 1},
    {"not the best: temporary", OURS,
     "machine 192.0.2.9\nexample.org MX 10 m1.example.org\nexample.org MX 20 m2.example.org\n"
     "m1.example.org AAAA +nxdomain\nm2.example.org A 192.0.2.9\n",
     .status = MOX_E_LOOP, .dials = "", .permanent = 0},
    {"an implicit MX that is ourselves", OURS, "machine 192.0.2.9\nexample.org A 192.0.2.9\n",
     .status = MOX_E_LOOP, .dials = "", .permanent = 1},
    {"a given server may be ourselves", OURS, "machine 192.0.2.9\n192.0.2.9 up\n",
     .server = "192.0.2.9", .dials = "192.0.2.9@0"},
};

START_TEST(loop_case)
{
    dial_case_run(&loops[_i]);
}
END_TEST

START_TEST(hosted_domain_is_no_loop)
{
    static const char mox[] = "DataDir: x\nHostname: mail.example.org\nListeners:\n\tpublic:\n"
                              "\t\tIPs:\n\t\t\t- 192.0.2.9\n\t\tSMTP:\n\t\t\tEnabled: true\n";
    static const char domains[] = "Domains:\n\texample.org: nil\nAccounts:\n\ta:\n\t\tDomain: "
                                  "example.org\n";
    const struct mox_config_source sources[] = {{"mox.conf", mox, sizeof mox - 1},
                                                {"domains.conf", domains, sizeof domains - 1}};
    struct mox_config_options options = {.size = sizeof options, .sources = sources, .nsources = 2};
    struct mox_error err = {0};
    struct sim_call call;

    world_load(sim, "machine 192.0.2.9\nexample.org MX 10 mx.example.org\n"
                    "mx.example.org A 192.0.2.9\n192.0.2.9 up\n");
    sim->config = mox_config_open(&options, &err);
    ck_assert_msg(sim->config != NULL, "%s", err.message);
    dial_to_end(&call, dial_request());
    ck_assert_msg(call.status == MOX_OK, "%s", call.err.message);
    ck_assert_str_eq(dial_seen(), "192.0.2.9@0");
    mox_conn_close(call.conn);
}
END_TEST

/* Over all seeds, each of two equal hosts comes first at times, and a better one always. */
START_TEST(equal_preference_is_shuffled)
{
    unsigned first[2] = {0, 0};

    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct sim_call call;

        dial_teardown();
        sim = world_new(seed, NULL);
        world_load(sim, "example.org MX 10 m1.example.org\nexample.org MX 10 m2.example.org\n"
                        "m1.example.org A 192.0.2.1\nm2.example.org A 192.0.2.2\n"
                        "192.0.2.1 up\n192.0.2.2 up\n");
        dial_to_end(&call, dial_request());
        ck_assert_int_eq(call.status, MOX_OK);
        first[strcmp(dial_seen(), "192.0.2.1@0") == 0]++;
        mox_conn_close(call.conn);
    }
    ck_assert_uint_gt(first[0], 8);
    ck_assert_uint_gt(first[1], 8);
}
END_TEST

TCase *test_dial_family(void)
{
    TCase *tcase = tcase_create("dial/family");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_loop_test(tcase, family_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, loop_case, 0, (int)ARRAY_LEN(loops));
    tcase_add_test(tcase, hosted_domain_is_no_loop);
    tcase_add_test(tcase, equal_preference_is_shuffled);
    return tcase;
}
