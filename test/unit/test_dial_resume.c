/* test_dial_resume.c - which dials may resume each other's TLS sessions: only those that demand the
 * same proof, and only for as long as it holds. */
#include "dial_world.h"

#include <unistd.h>

#include "test/sim/papers.h"
#include "test/sim/secure.h"

#define HOST "h0.z2.example"
#define ANSWERS HOST " A +ad 192.0.2.1\n192.0.2.1 up\n"
#define SMTP "\n\t\tSMTP:\n\t\t\tHost: " HOST "\n"

enum { HOUR_S = 3600 };
static const int64_t papers_end_s = 2208988800, begins_s = 1700000000; /* 2040; of the world */

static struct secure server;

/* A server at 192.0.2.1 whose sessions can be resumed, and what leads to it. trusting: its root,
 * whatever the configuration says. */
static void open_world(enum paper shown, const char *answers, bool trusting)
{
    struct mox_ctx_options options = {.size = sizeof options};
    struct mox_ip ip = dial_ip("192.0.2.1");

    papers_make();
    options.ca_file = trusting ? papers_file() : NULL;
    dial_renew(&options);
    server = (struct secure){.there = true, .offered = true, .tickets = true, .paper = shown};
    world_load(sim, answers);
    net_place(sim, &ip, 25)->secure = &server;
    secure_prepare(sim, &server);
}

static struct mox_config *parse(const char *text)
{
    struct mox_error err;
    struct mox_config *config = mox_config_parse(text, strlen(text), &err);

    ck_assert_msg(config != NULL, "%s", err.message);
    return config;
}

static bool last_is_resumed(void)
{
    return sim->streams->secure.resumed; /* the latest is the first */
}

/* A dial with that outcome; whether it resumed. */
static bool dial_asked(const struct dial_case *asked, const struct mox_config *config, int status)
{
    struct mox_dial_request request = *dial_request_of(asked);
    struct sim_call call;

    request.config = (struct mox_config *)config;
    dial_to_end(&call, &request);
    ck_assert_msg(call.status == status, "%s: %s", mox_status_name(call.status), call.err.message);
    if (call.conn != NULL)
        world_sleep(sim, 100); /* a ticket of TLS 1.3 comes with the words behind the handshake */
    mox_conn_close(call.conn);
    return last_is_resumed();
}

static bool dial_once(const struct mox_config *config, const char *to, const char *transport,
                      int status)
{
    return dial_asked(&(struct dial_case){.to = to, .transport = transport}, config, status);
}

START_TEST(not_at_another_port)
{
    const struct dial_case at_25 = {.server = HOST ":25"}, at_26 = {.server = HOST ":26"};
    struct mox_ip ip = dial_ip("192.0.2.1");

    open_world(PAPER_HOSTS, ANSWERS, false);
    net_place(sim, &ip, 26)->secure = &server;
    ck_assert(!dial_asked(&at_25, NULL, MOX_OK));
    ck_assert(dial_asked(&at_25, NULL, MOX_OK));
    ck_assert(!dial_asked(&at_26, NULL, MOX_OK));
    ck_assert(dial_asked(&at_26, NULL, MOX_OK));
    dial_renew(NULL);
}
END_TEST

START_TEST(not_by_another_transport)
{
    struct mox_config *config =
        parse("Transports:\n\ta:" SMTP "\t\t\tSTARTTLSInsecureSkipVerify: true\n"
              "\tb:" SMTP "\t\t\tSTARTTLSInsecureSkipVerify: true\n");

    open_world(PAPER_HOSTS, ANSWERS, false);
    ck_assert(!dial_once(config, NULL, "a", MOX_OK));
    ck_assert(dial_once(config, NULL, "a", MOX_OK));
    ck_assert(!dial_once(config, NULL, "b", MOX_OK));
    dial_renew(NULL);
    mox_config_free(config);
}
END_TEST

static struct mox_config *parse_trusting(const char *ca_file)
{
    char text[1024];

    snprintf(text, sizeof text, "CAFile: %s\nTransports:\n\ta:" SMTP, ca_file);
    return parse(text);
}

/* A file with the root that did not issue what the server shows. */
static void write_strange_root(char path[64])
{
    static char pem[16 * 1024];
    size_t len = credential_chain_pem(paper(PAPER_STRANGE_ROOT), pem, sizeof pem);
    int fd;

    snprintf(path, 64, "/tmp/strange-root-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, pem, len), (ssize_t)len);
    close(fd);
}

START_TEST(not_with_other_authorities)
{
    struct mox_config *trusting, *strange;
    char path[64];

    open_world(PAPER_HOSTS, ANSWERS, false);
    write_strange_root(path);
    trusting = parse_trusting(papers_file());
    strange = parse_trusting(path);
    ck_assert(!dial_once(trusting, NULL, "a", MOX_OK));
    ck_assert(dial_once(trusting, NULL, "a", MOX_OK));
    ck_assert(!dial_once(strange, NULL, "a", MOX_E_VERIFY));
    ck_assert(!dial_once(strange, NULL, "a", MOX_E_VERIFY));
    dial_renew(NULL);
    unlink(path);
    mox_config_free(trusting);
    mox_config_free(strange);
}
END_TEST

/* Records of the host: usage 2 for the issuer, whose names count, or usage 3. */
static void open_dane(int usage, enum paper of, enum paper shown)
{
    struct papers_record record = {.usage = usage, .selector = 0, .matching = 1, .paper = of};
    char answers[1024], text[256];

    papers_make();
    papers_record(&record, text, sizeof text);
    snprintf(answers, sizeof answers,
             ANSWERS "z0.example MX +ad 10 " HOST "\nexample.org MX +ad 10 " HOST "\n_25._tcp." HOST
                     " TLSA +ad %s\n",
             text);
    open_world(shown, answers, true);
}

/* The certificate is for the one recipient domain and not for the other (RFC 7672 section 3.2.2).
 */
START_TEST(not_for_a_domain_that_it_did_not_prove)
{
    struct mox_config *config = parse("TrustAD: true\n");

    open_dane(2, PAPER_ISSUER, PAPER_DOMAINS);
    ck_assert(!dial_once(config, "b@z0.example", NULL, MOX_OK));
    ck_assert(dial_once(config, "b@z0.example", NULL, MOX_OK));
    ck_assert(!dial_once(config, "b@example.org", NULL, MOX_E_VERIFY));
    dial_renew(NULL);
    mox_config_free(config);
}
END_TEST

/* An hour before the certificates end; at last, an hour behind it. */
static void check_end(const struct mox_config *config, const char *transport, bool resumed,
                      int status)
{
    sim->now_us = (uint64_t)(papers_end_s - HOUR_S - begins_s) * 1000 * 1000;
    ck_assert(!dial_once(config, "b@z0.example", transport, MOX_OK));
    ck_assert(dial_once(config, "b@z0.example", transport, MOX_OK));
    sim->now_us += 2ull * HOUR_S * 1000 * 1000;
    ck_assert_int_eq(dial_once(config, "b@z0.example", transport, status), resumed);
    dial_renew(NULL);
}

START_TEST(not_when_the_certificate_has_expired_since)
{
    struct mox_config *pkix = parse("Transports:\n\ta:" SMTP), *dane = parse("TrustAD: true\n");

    open_world(PAPER_HOSTS, ANSWERS, true);
    check_end(pkix, "a", false, MOX_E_VERIFY);
    open_dane(2, PAPER_ISSUER, PAPER_DOMAINS);
    check_end(dane, NULL, false, MOX_E_VERIFY);
    mox_config_free(pkix);
    mox_config_free(dane);
}
END_TEST

/* Of DANE-EE the dates do not count (RFC 7671 section 5.1). */
START_TEST(by_usage_3_whatever_the_dates)
{
    struct mox_config *dane = parse("TrustAD: true\n");

    open_dane(3, PAPER_HOSTS, PAPER_HOSTS);
    check_end(dane, NULL, true, MOX_OK);
    mox_config_free(dane);
}
END_TEST

TCase *test_dial_resume(void)
{
    TCase *tcase = tcase_create("dial/resume");

    tcase_add_checked_fixture(tcase, dial_setup, dial_teardown);
    tcase_add_test(tcase, not_at_another_port);
    tcase_add_test(tcase, not_by_another_transport);
    tcase_add_test(tcase, not_with_other_authorities);
    tcase_add_test(tcase, not_for_a_domain_that_it_did_not_prove);
    tcase_add_test(tcase, not_when_the_certificate_has_expired_since);
    tcase_add_test(tcase, by_usage_3_whatever_the_dates);
    return tcase;
}
