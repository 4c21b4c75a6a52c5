/* test_resolver_resolvconf.c - resolv.conf as people write it, and name servers given by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "resolver/resolvconf.h"
#include "test.h"

static const struct conf_case {
    const char *name, *text;
    const char *servers; /* each with its port and a blank behind it */
    bool trust_ad;
} cases[] = {
    {"empty", "", "127.0.0.1:53 ", false},
    {"servers", "nameserver 192.0.2.53\nnameserver\t2001:db8::53\n",
     "192.0.2.53:53 2001:db8::53:53 ", false},
    {"no line end, CRLF", "nameserver 192.0.2.1\r\nnameserver 192.0.2.2",
     "192.0.2.1:53 192.0.2.2:53 ", false},
    {"comments",
     "# nameserver 192.0.2.1\n;nameserver 192.0.2.2\nnameserver 192.0.2.3 # three\n"
     "nameserver 192.0.2.4;four\n",
     "192.0.2.3:53 192.0.2.4:53 ", false},
    {"what is no server",
     "nameserver\nnameserver ns.test\nnameserver 192.0.2.256\nnameservers 192.0.2.1\n",
     "127.0.0.1:53 ", false},
    {"indented is no keyword", " nameserver 192.0.2.1\n", "127.0.0.1:53 ", false},
    {"trusted", "options edns0 trust-ad\n", "127.0.0.1:53 ", true},
    {"trusted on a line of its own", "options edns0\noptions  trust-ad timeout:1\n",
     "127.0.0.1:53 ", true},
    {"not trusted", "options trust-adx\n#options trust-ad\nsearch trust-ad\n", "127.0.0.1:53 ",
     false},
    {"more than are asked",
     "nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"
     "nameserver 192.0.2.5\nnameserver 192.0.2.6\nnameserver 192.0.2.7\nnameserver 192.0.2.8\n"
     "nameserver 192.0.2.9\n",
     "192.0.2.1:53 192.0.2.2:53 192.0.2.3:53 192.0.2.4:53 192.0.2.5:53 192.0.2.6:53 "
     "192.0.2.7:53 192.0.2.8:53 ",
     false},
};

static void describe(const struct resolver_server *servers, size_t n, char *out, size_t cap)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        char ip[64];

        mox_ip_format(&servers[i].ip, ip, sizeof ip);
        at += (size_t)snprintf(out + at, cap - at, "%s:%u ", ip, (unsigned)servers[i].port);
    }
}

START_TEST(conf_case)
{
    const struct conf_case *c = &cases[_i];
    struct resolvconf conf;
    char got[512];

    resolvconf_parse(slice_of(c->text), &conf);
    describe(conf.servers, conf.nservers, got, sizeof got);
    ck_assert_msg(strcmp(got, c->servers) == 0, "%s: %s", c->name, got);
    ck_assert_msg(conf.trust_ad == c->trust_ad, "%s", c->name);
}
END_TEST

START_TEST(link_local_server_keeps_its_zone)
{
    struct resolvconf conf;

    resolvconf_parse(slice_of("nameserver fe80::1%7\n"), &conf);
    ck_assert_uint_eq(conf.nservers, 1);
    ck_assert_uint_eq(conf.servers[0].ip.scope, 7);
}
END_TEST

START_TEST(files)
{
    char path[] = "/tmp/test-resolvconf-XXXXXX";
    int fd = mkstemp(path);
    struct mox_error err = {0};
    struct resolvconf conf;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "nameserver ::1\n", 15), 15);
    close(fd);
    ck_assert_int_eq(resolvconf_read(path, &conf, &err), MOX_OK);
    ck_assert_uint_eq(conf.servers[0].ip.family, MOX_IPV6);
    unlink(path);
    ck_assert_int_eq(resolvconf_read(path, &conf, &err), MOX_OK);
    ck_assert_uint_eq(conf.nservers, 1);
    ck_assert_int_eq(resolvconf_read("/tmp", &conf, &err), MOX_E_OS);
    ck_assert(strstr(err.message, "/tmp") != NULL);
}
END_TEST

static const struct server_case {
    const char *text, *want; /* want NULL: MOX_E_INVAL */
} servers[] = {
    {"192.0.2.53", "192.0.2.53:53 "},
    {"192.0.2.53:5353", "192.0.2.53:5353 "},
    {"2001:db8::53", "2001:db8::53:53 "},
    {"[2001:db8::53]", "2001:db8::53:53 "},
    {"[2001:db8::53]:5353", "2001:db8::53:5353 "},
    {"", NULL},
    {NULL, NULL},
    {"ns.test", NULL},
    {"192.0.2.53:", NULL},
    {"192.0.2.53:0", NULL},
    {"192.0.2.53:65536", NULL},
    {"[2001:db8::53", NULL},
};

START_TEST(server_case)
{
    const struct server_case *c = &servers[_i];
    struct mox_error err = {0};
    struct resolver_server server;
    char got[128];
    int status = resolver_server_parse(c->text, &server, &err);

    ck_assert_msg((status == MOX_OK) == (c->want != NULL), "%s: %d", c->text, status);
    if (c->want == NULL) {
        ck_assert_int_eq(err.code, MOX_E_INVAL);
        return;
    }
    describe(&server, 1, got, sizeof got);
    ck_assert_str_eq(got, c->want);
}
END_TEST

TCase *test_resolver_resolvconf(void)
{
    TCase *tcase = tcase_create("resolver/resolvconf");

    tcase_add_loop_test(tcase, conf_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tcase, link_local_server_keeps_its_zone);
    tcase_add_test(tcase, files);
    tcase_add_loop_test(tcase, server_case, 0, (int)ARRAY_LEN(servers));
    return tcase;
}
