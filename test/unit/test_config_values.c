/*
 * test_config_values.c - what a value may be, key by key: mox's rules, and those of our own keys.
 */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "config_world.h"
#include "test.h"

static struct world w;

/* A file is made of one of these and the lines of a case, each of which begins with '|' and is
 * indented as the frame says. */
static const struct frame {
    const char *head, *indent, *tail;
} top = {"", "", ""}, transport = {"Transports:\n\tt:\n", "\t\t", ""},
  route = {"Transports:\n\tx: nil\nRoutes:\n\t-\n", "\t\t", "\t\tTransport: x\n"},
  listener = {"Hostname: a.example\nListeners:\n\tl:\n", "\t\t", ""};

static const char *frame_text(const struct frame *f, const char *lines)
{
    static char text[70000];
    struct text t = text_to(text, sizeof text);

    text_add(&t, "%s", f->head);
    for (; *lines != '\0'; lines++) {
        if (*lines == '|')
            text_add(&t, "%s%s", t.len > 0 && text[t.len - 1] != '\n' ? "\n" : "", f->indent);
        else
            text_char(&t, *lines);
    }
    text_add(&t, "\n%s", f->tail);
    return text;
}

#define SMARTHOST "|Submission:|\tHost: a.example"

static const struct value_case {
    const char *name;
    const struct frame *frame;
    const char *lines;
    int line;          /* 0: accepted without a word */
    const char *words; /* of an error, or with '~' of a warning */
} cases[] = {
    /* transports */
    {"two methods", &transport, "|Fail:|\tSMTPCode: 500|Direct:|\tDisableIPv4: true", 5,
     "cannot have multiple methods"},
    {"host: an address", &transport, "|SMTP:|\tHost: 192.0.2.1", 4, "bad host \"192.0.2.1\""},
    {"host: empty", &transport, "|SMTP:|\tHost: ", 4, "bad host"},
    {"host: underscore", &transport, "|SMTP:|\tHost: a_b.example", 4, "bad host"},
    {"host: absent", &transport, "|SMTP:|\tPort: 25", 3, "missing required key \"Host\""},
    {"port: negative", &transport, SMARTHOST "|\tPort: -1", 5, "outside 0 to 65535"},
    {"port: large", &transport, SMARTHOST "|\tPort: 65536", 5, "outside 0 to 65535"},
    {"port: largest", &transport, SMARTHOST "|\tPort: 65535", 0, NULL},
    {"submissions, skip verify", &transport,
     "|Submissions:|\tHost: a.example|\tSTARTTLSInsecureSkipVerify: true", 5,
     "cannot have STARTTLSInsecureSkipVerify with immediate TLS"},
    {"submissions, no starttls", &transport, "|Submissions:|\tNoSTARTTLS: true|\tHost: a.example",
     4, "cannot have NoSTARTTLS with immediate TLS"},
    {"both", &transport, SMARTHOST "|\tNoSTARTTLS: true|\tSTARTTLSInsecureSkipVerify: true", 6,
     "contradict"},
    {"one of both", &transport, SMARTHOST "|\tNoSTARTTLS: true|\tSTARTTLSInsecureSkipVerify: false",
     0, NULL},
    {"auth without password", &transport, SMARTHOST "|\tAuth:|\t\tUsername: u", 5,
     "missing required key \"Password\""},
    {"auth without username", &transport, SMARTHOST "|\tAuth:|\t\tPassword: p", 5,
     "missing required key \"Username\""},
    {"empty password", &transport, SMARTHOST "|\tAuth:|\t\tUsername: u|\t\tPassword: ", 7,
     "empty password"},
    {"empty user name", &transport, SMARTHOST "|\tAuth:|\t\tUsername: |\t\tPassword: p", 6,
     "~empty user name"},
    {"auth in clear", &transport,
     SMARTHOST "|\tNoSTARTTLS: true|\tAuth:|\t\tUsername: u|\t\tPassword: p", 5, "~in clear"},
    {"mechanism twice", &transport,
     SMARTHOST "|\tAuth:|\t\tUsername: u|\t\tPassword: p|\t\tMechanisms:|\t\t\t- PLAIN"
               "|\t\t\t- CRAM-MD5|\t\t\t- PLAIN",
     11, "duplicate authentication mechanism PLAIN"},
    {"mechanism in small letters", &transport,
     SMARTHOST "|\tAuth:|\t\tUsername: u|\t\tPassword: p|\t\tMechanisms:|\t\t\t- plain", 9,
     "unknown authentication mechanism \"plain\""},
    {"mechanisms of our own", &transport,
     SMARTHOST "|\tAuth:|\t\tUsername: u|\t\tPassword: p|\t\tMechanisms:|\t\t\t- LOGIN"
               "|\t\t\t- EXTERNAL|\t\t\t- OAUTHBEARER|\t\t\t- XOAUTH2",
     0, NULL},
    {"certificate without key", &transport, SMARTHOST "|\tClientCert: c.pem", 3,
     "ClientCert without ClientKey"},
    {"families of a smarthost", &transport, SMARTHOST "|\tDisableIPv6: true|\tPrefer: ipv4", 0,
     NULL},
    {"both families disabled", &transport, "|Direct:|\tDisableIPv4: true|\tDisableIPv6: true", 5,
     "both IPv4 and IPv6 are disabled"},
    {"prefer", &transport, "|Direct:|\tPrefer: IPv4", 4, "unknown preference \"IPv4\""},
    {"local ips", &transport, "|Direct:|\tLocalIPs:|\t\t- 0.0.0.0", 5, "unspecified"},
    {"ehlo name", &transport, "|Direct:|\tEHLOHostname: -a.example", 4, "bad hostname"},
    {"all of direct", &transport,
     "|Direct:|\tDisableIPv4: false|\tPrefer: learned|\tEHLOHostname: a.example"
     "|\tRequireReverseDNS: true|\tRequireSPF: true|\tLocalIPs:|\t\t- 2001:db8::1",
     0, NULL},

#define SOCKS(address)                                                                             \
    "|Socks:|\tAddress: " address "|\tRemoteIPs:|\t\t- 192.0.2.1|\tRemoteHostname: a.example"
    {"socks: no port", &transport, SOCKS("a.example"), 4, "missing port in address"},
    {"socks: bare IPv6", &transport, SOCKS("2001:db8::1"), 4, "too many colons in address"},
    {"socks: bracket", &transport, SOCKS("[2001:db8::1:1080"), 4, "missing ']' in address"},
    {"socks: bracket behind", &transport, SOCKS("a]:1080"), 4, "unexpected ']' in address"},
    {"socks: no port behind brackets", &transport, SOCKS("[::1]"), 4, "missing port in address"},
    {"socks: IPv6", &transport, SOCKS("[2001:db8::1]:1080"), 0, NULL},
    {"socks: no host", &transport, SOCKS(":1080"), 4, "~no host"},
    {"socks: named port", &transport, SOCKS("a.example:socks"), 4, "~no port"},
    {"socks: large port", &transport, SOCKS("a.example:65536"), 4, "~no port"},
    {"socks: prefix", &transport,
     "|Socks:|\tAddress: a:1|\tRemoteIPs:|\t\t- 192.0.2.0/24|\tRemoteHostname: a.example", 6,
     "bad ip \"192.0.2.0/24\""},
    {"socks: leading zero", &transport,
     "|Socks:|\tAddress: a:1|\tRemoteIPs:|\t\t- 192.0.2.01|\tRemoteHostname: a.example", 6,
     "bad ip"},
    {"socks: zone", &transport,
     "|Socks:|\tAddress: a:1|\tRemoteIPs:|\t\t- fe80::1%eth0|\tRemoteHostname: a.example", 6,
     "bad ip"},
    {"socks: host name", &transport,
     "|Socks:|\tAddress: a:1|\tRemoteIPs:|\t\t- 192.0.2.1|\tRemoteHostname: ", 7, "bad hostname"},
    {"socks: half a login", &transport, SOCKS("a:1") "|\tUsername: u", 3,
     "Username without Password"},
    {"socks: empty login", &transport, SOCKS("a:1") "|\tUsername: |\tPassword: p", 8, "RFC 1929"},

    {"code: success", &transport, "|Fail:|\tSMTPCode: 250", 4, "must be 4xx or 5xx"},
    {"code: 600", &transport, "|Fail:|\tSMTPCode: 600", 4, "must be 4xx or 5xx"},
    {"code: zero", &transport, "|Fail:|\tSMTPCode: 0", 0, NULL},
    {"message: accents", &transport, "|Fail:|\tSMTPMessage: caf\xc3\xa9", 4, "ascii-only"},
    {"message: TAB", &transport, "|Fail:|\tSMTPMessage: a\tb", 4, "control characters"},

/* domain names, by way of a route's item */
#define ITEM(x) "|ToDomain:|\t- " x
    {"name", &route, ITEM("Example.ORG"), 0, NULL},
    {"U-label", &route,
     ITEM("B\xc3\x9c"
          "CHER.example"),
     0, NULL},
    {"ideographic dot", &route, ITEM("example\xe3\x80\x82org"), 0, NULL},
    {"single label", &route, ITEM("localhost"), 0, NULL},
    {"digits", &route, ITEM("1.2.3"), 0, NULL},
    {"digits alone", &route, ITEM("123"), 0, NULL},
    {"below", &route, ITEM(".example.org"), 0, NULL},
    {"the empty domain", &route, ITEM("."), 0, NULL},
    {"underscore", &route, ITEM("a_b.example"), 6, "invalid domain \"a_b.example\""},
    {"star", &route, ITEM("*.example"), 6, "invalid domain"},
    {"blank", &route, ITEM("a b"), 6, "invalid domain"},
    {"literal", &route, ITEM("[192.0.2.1]"), 6, "invalid domain"},
    {"hyphen first", &route, ITEM("-a.example"), 6, "invalid domain"},
    {"hyphen last", &route, ITEM("a-.example"), 6, "invalid domain"},
    {"hyphens at 3 and 4", &route, ITEM("ab--cd.example"), 6, "invalid domain"},
    {"bad punycode", &route, ITEM("xn--a"), 6, "invalid domain"},
    {"punycode of ASCII", &route, ITEM("xn--abc-"), 6, "invalid domain"},
    {"IPv4", &route, ITEM("192.0.2.1"), 6, "IP address"},
    {"IPv6", &route, ITEM("::1"), 6, "IP address"},
    {"final dot", &route, ITEM("example.org."), 6, "trailing dot"},
    {"final dot, mapped", &route, ITEM("example\xe3\x80\x82"), 6, "invalid domain"},
    {"empty label", &route, ITEM("a..b"), 6, "empty label"},
    {"two dots", &route, ITEM(".."), 6, "invalid domain \".\""},
    {"two dots and a name", &route, ITEM("..x"), 6, "invalid domain \".x\""},
    {"empty item", &route, ITEM(""), 6, "write \".\""},
    {"snowman", &route, ITEM("\xe2\x98\x83.example"), 6, "invalid domain"},
    {"attempts", &route, "|MinimumAttempts: -1", 5, "negative"},

    /* conditions of our own */
    {"hours", &route,
     "|Hours:|\t- Mon-Fri 08:00-18:00|\t- Sat 10:00-12:00|\t- 22:00-06:00"
     "|\t- Fri-Mon 00:00-24:00|TimeZone: UTC",
     0, NULL},
    {"hours: empty", &route, "|Hours:|\t- 08:00-08:00", 6, "bad hours"},
    {"hours: day", &route, "|Hours:|\t- Mo 08:00-18:00", 6, "bad hours"},
    {"hours: 25", &route, "|Hours:|\t- 25:00-26:00", 6, "bad hours"},
    {"hours: 24:30", &route, "|Hours:|\t- 08:00-24:30", 6, "bad hours"},
    {"hours: no end", &route, "|Hours:|\t- Mon-Fri", 6, "bad hours"},
    {"zone", &route, "|TimeZone: CET|Hours:|\t- 08:00-18:00", 5, "bad time zone"},
    {"zone: too far", &route, "|TimeZone: +14:01|Hours:|\t- 08:00-18:00", 5, "bad time zone"},
    {"zone without hours", &route, "|TimeZone: UTC", 5, "~without Hours"},
    {"percent: 0", &route, "|Percent: 0", 5, "outside 1 to 99"},
    {"percent: 100", &route, "|Percent: 100", 5, "outside 1 to 99"},
    {"maximum: 0", &route, "|MaxPerDay: 0", 5, "outside 1 to"},
    {"maximum", &route, "|MaxPerDay: 10|MaxPerHour: 5|MaxPerMinute: 1|Percent: 99", 0, NULL},
    {"to mx", &route, "|ToMX:|\t- .mx.example|\t- a.example", 0, NULL},
    {"to mx: dot", &route, "|ToMX:|\t- .", 6, "bad MX host"},

    /* the top */
    {"hostname: capitals", &top, "|Hostname: A.example", 1,
     "\"a.example\" instead of \"A.example\""},
    {"hostname: A-labels", &top, "|Hostname: xn--bcher-kva.example", 1, "unicode form"},
    {"hostname: U-labels", &top,
     "|Hostname: b\xc3\xbc"
     "cher.example",
     0, NULL},
    {"hostname: empty", &top, "|Hostname: ", 1, "parsing hostname"},
    {"local ips: none", &top, "|LocalIPs:|\t- ::", 2, "unspecified"},
    {"local ips: name", &top, "|LocalIPs:|\t- a.example", 2, "bad ip"},
    {"nat ips: loopback", &top, "|NATIPs:|\t- 127.0.0.1", 2, "unspecified or loopback"},
    {"spf map: name", &top, "|SPFIPMap:|\tx: 192.0.2.1", 2, "bad address or prefix"},
    {"spf map: value", &top, "|SPFIPMap:|\t10.0.0.0/8: 192.0.2.0/24", 2, "bad ip"},
    {"spf map: bits", &top, "|SPFIPMap:|\t10.0.0.0/33: 192.0.2.1", 2, "bad address or prefix"},
    {"race: short", &top, "|RaceDelay: 99ms", 1, "100ms to 2s"},
    {"race: long", &top, "|RaceDelay: 2001ms", 1, "100ms to 2s"},
    {"race: bounds", &top, "|RaceDelay: 100ms", 0, NULL},
    {"timeout: negative", &top, "|Timeouts:|\tDNS: -1s", 2, "outside 0 to 24h"},
    {"timeout: days", &top, "|Timeouts:|\tDial: 25h", 2, "outside 0 to 24h"},
    {"timeouts", &top, "|Timeouts:|\tDNS: 0|\tFinalReply: 1h30m|\tDial: 1.5s", 0, NULL},
    {"store", &top, "|Store: mysql", 1, "unknown store"},
    {"store: sqlite without path", &top, "|Store: sqlite:", 1, "unknown store"},
    {"store: redis without port", &top, "|Store: redis:localhost", 1, "unknown store"},
    {"store: redis", &top, "|Store: redis:localhost:6379", 0, NULL},
    {"store: redis by path", &top, "|Store: redis:/run/redis.sock", 0, NULL},
    {"store: sqlite", &top, "|Store: sqlite:a.db", 0, NULL},
    {"store: memory", &top, "|Store: memory", 0, NULL},
    {"ca file: empty", &top, "|CAFile: ", 1, "empty file name"},
    {"domain: capitals", &top, "|Domains:|\tA.example: nil", 2, "unicode form"},
    {"domain: bad", &top, "|Domains:|\ta_b: nil", 2, "parsing domain"},

    /* listeners */
    {"smtp ip", &listener, "|IPs:|\t- x|SMTP:|\tEnabled: true", 5, "invalid IP \"x\""},
    {"ip without smtp", &listener, "|IPs:|\t- x|SMTP:|\tEnabled: false", 0, NULL},
    {"nat ip", &listener, "|IPs:|\t- x|NATIPs:|\t- y", 7, "bad ip \"y\""},
    {"nat ip: unspecified", &listener, "|IPs:|\t- x|NATIPs:|\t- ::", 7, "unspecified or loopback"},
    {"nat twice", &listener, "|IPsNATed: true|IPs:|\t- x|NATIPs:|\t- 192.0.2.1", 7,
     "both IPsNATed and NATIPs"},
    {"smtp without enabled", &listener, "|IPs:|\t- x|SMTP:|\tPort: 25", 6,
     "missing required key \"Enabled\""},
    {"no ips", &listener, "|Hostname: x", 3, "missing required key \"IPs\""},
};

START_TEST(one_value)
{
    const struct value_case *c = &cases[_i];
    bool warning = c->words != NULL && c->words[0] == '~';
    struct mox_config *config = world_build(&w, frame_text(c->frame, c->lines));

    if (c->line == 0) {
        if (w.n > 0)
            world_print(&w);
        ck_assert_msg(config != NULL && w.n == 0, "%s", c->name);
    } else {
        const struct world_problem *p = world_find(&w, c->line, NULL, c->words + (warning ? 1 : 0));

        if (p == NULL || w.n != 1)
            world_print(&w);
        ck_assert_msg(p != NULL, "%s: not told", c->name);
        ck_assert_msg(w.n == 1, "%s: %zu problems", c->name, w.n);
        ck_assert_msg(p->is_error == !warning && (config != NULL) == warning, "%s", c->name);
        ck_assert_msg(warning || strchr(p->message, ';') != NULL, "%s: no cure", c->name);
    }
    config_release(config);
}
END_TEST

START_TEST(long_values)
{
    char lines[400], name[300];

    memset(name, 'a', sizeof name);
    snprintf(lines, sizeof lines, "|Fail:|\tSMTPMessage: %.256s", name);
    config_release(world_build(&w, frame_text(&transport, lines)));
    ck_assert_uint_eq(w.n, 0);
    snprintf(lines, sizeof lines, "|Fail:|\tSMTPMessage: %.257s", name);
    ck_assert_ptr_null(world_build(&w, frame_text(&transport, lines)));
    ck_assert_ptr_nonnull(world_find(&w, 4, NULL, "<= 256 characters"));
    snprintf(lines, sizeof lines, "|ToDomain:|\t- %.63s.example", name);
    config_release(world_build(&w, frame_text(&route, lines)));
    ck_assert_uint_eq(w.n, 0);
    snprintf(lines, sizeof lines, "|ToDomain:|\t- %.64s.example", name);
    ck_assert_ptr_null(world_build(&w, frame_text(&route, lines)));
    ck_assert_ptr_nonnull(world_find(&w, 6, "Routes[0].ToDomain[0]", "63 bytes"));
}
END_TEST

START_TEST(undefined_transport)
{
    ck_assert_ptr_null(world_build(&w,
                                   "Transports:\n\tx: nil\nDomains:\n\ta.example:\n\t\tRoutes:\n"
                                   "\t\t\t-\n\t\t\t\tTransport: x\n\t\t\t-\n"
                                   "\t\t\t\tTransport: X\n"));
    ck_assert_uint_eq(w.n, 1);
    ck_assert_ptr_nonnull(world_find(&w, 9, "Domains.a.example.Routes[1].Transport",
                                     "route references undefined transport \"X\""));
    ck_assert_str_eq(w.err.message,
                     "t.conf:9: Domains.a.example.Routes[1].Transport: route references undefined "
                     "transport \"X\"; define it under Transports, or correct the name (case "
                     "counts)");
}
END_TEST

/* What a config holds of it all. */
START_TEST(stored)
{
    const struct config_transport *t;
    const struct config_conditions *c;
    struct mox_config *config = world_build(
        &w, "Hostname: b\xc3\xbc"
            "cher.example\nTransports:\n\ts:\n\t\tSubmissions:\n"
            "\t\t\tHost: B\xc3\xbc"
            "cher.example\n\t\t\tDisableIPv4: true\n\tn: nil\n\tf:\n"
            "\t\tFail:\n\t\t\tSMTPCode: 0\n\tp:\n\t\tSocks:\n\t\t\tAddress: [2001:db8::1]:99\n"
            "\t\t\tRemoteIPs:\n\t\t\t\t- ::ffff:192.0.2.1\n\t\t\tRemoteHostname: A.example\n"
            "Routes:\n\t-\n\t\tFromDomain:\n\t\t\t- .A.example\n\t\t\t- .\n\t\tTransport: f\n"
            "\t\tHours:\n\t\t\t- Fri-Mon 22:00-06:00\n\t\tTimeZone: -03:30\n");

    if (config == NULL)
        world_print(&w);
    ck_assert_ptr_nonnull(config);
    ck_assert_str_eq(config->info.hostname, "xn--bcher-kva.example");
    ck_assert_str_eq(config->hostname_unicode, "b\xc3\xbc"
                                               "cher.example");
    t = config_transport_by_name(config, slice_of("s"));
    ck_assert_ptr_nonnull(t);
    ck_assert_str_eq(t->host, "xn--bcher-kva.example");
    ck_assert_int_eq(t->port, 465);
    ck_assert_uint_eq(t->families, MOX_ALLOW_IPV6);
    ck_assert_int_eq(t->family_line, 6);
    t = config_transport_by_name(config, slice_of("n"));
    ck_assert(!t->method && t->kind == MOX_KIND_DIRECT && t->families == 3);
    t = config_transport_by_name(config, slice_of("f"));
    ck_assert_int_eq(t->smtp_code, 554);
    ck_assert_str_eq(t->smtp_message,
                     "transport fail: explicit immediate delivery failure per configuration");
    t = config_transport_by_name(config, slice_of("p"));
    ck_assert_str_eq(t->proxy_host, "2001:db8::1");
    ck_assert_int_eq(t->port, 99);
    ck_assert_int_eq(t->remote_ips[0].family, MOX_IPV4);
    ck_assert_str_eq(t->remote_hostname, "a.example");
    ck_assert_ptr_null(config_transport_by_name(config, slice_of("S")));
    ck_assert_uint_eq(config->nroutes, 1);
    ck_assert_uint_eq(config->routes[0].nfrom, 2);
    ck_assert_uint_eq(config->routes[0].nto, 0);
    ck_assert(slice_is(config_item(config, config->routes[0].from), ".a.example"));
    ck_assert(slice_is(config_item(config, config->routes[0].from + 1), "."));
    ck_assert_str_eq(config->transports[config->routes[0].transport].name, "f");
    ck_assert_uint_eq(config->routes[0].conditions, 1);
    c = &config->conditions[0];
    ck_assert_uint_eq(c->hours[0].days, 1 | 16 | 32 | 64);
    ck_assert_uint_eq(c->hours[0].from, 22 * 60);
    ck_assert_uint_eq(c->hours[0].until, 6 * 60);
    ck_assert(c->time_zone_fixed && c->utc_offset_s == -(3 * 60 + 30) * 60);
    config_release(config);
}
END_TEST

TCase *test_config_values(void)
{
    TCase *tc = tcase_create("config_values");

    tcase_add_loop_test(tc, one_value, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, long_values);
    tcase_add_test(tc, undefined_transport);
    tcase_add_test(tc, stored);
    return tc;
}
