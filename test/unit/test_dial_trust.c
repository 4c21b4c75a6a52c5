/*
 * test_dial_trust.c - whose authorities a dial trusts, and that contexts which share a
 * configuration or a file have them parsed once: the file is gone when the second one dials.
 */
#include <stdio.h>
#include <unistd.h>

#include "dial/part.h"
#include "dial_world.h"
#include "test/sim/papers.h"
#include "test/sim/secure.h"

enum { TEXT = 8192, PATH = 64 };

static char path[PATH]; /* a file of authorities that a test may remove */

static const struct secure secure = {.there = true, .offered = true, .paper = PAPER_HOSTS};
static struct world *worlds[2];

/* A file with the root of that paper. */
static void write_roots(enum paper which)
{
    static char text[TEXT];
    size_t len = credential_chain_pem(paper(which), text, sizeof text);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

static void setup(void)
{
    papers_make();
    snprintf(path, sizeof path, "/tmp/moxdial-trust-%ld", (long)getpid());
}

static void teardown(void)
{
    for (size_t i = 0; i < 2; i++) {
        const char *fault = worlds[i] == NULL ? NULL : world_end(worlds[i]);

        ck_assert_msg(fault == NULL, "%s\n%s", fault, worlds[i]->log.ptr);
        if (worlds[i] != NULL)
            world_free(worlds[i]);
        worlds[i] = NULL;
    }
    unlink(path);
    sim = NULL;
}

/* The same smarthost in each. */
static void open_world(size_t i, const char *ca_file)
{
    struct mox_ctx_options options = {.size = sizeof options, .ca_file = ca_file};
    struct mox_ip ip = dial_ip("192.0.2.1");

    worlds[i] = sim = world_new(i + 1, &options);
    world_load(sim, "h0.z0.example A 192.0.2.1\n192.0.2.1 up +port=587\n");
    net_place(sim, &ip, 587)->secure = &secure;
    secure_prepare(sim, &secure);
}

static struct mox_config *parse(const char *ca_file)
{
    static char text[512];
    struct mox_config *config;

    snprintf(text, sizeof text,
             "%s%s%sTransports:\n\trelay:\n\t\tSubmission:\n\t\t\tHost: h0.z0.example\n"
             "Routes:\n\t-\n\t\tTransport: relay\n",
             ca_file == NULL ? "" : "CAFile: ", ca_file == NULL ? "" : ca_file,
             ca_file == NULL ? "" : "\n");
    config = mox_config_parse(text, strlen(text), NULL);
    ck_assert_ptr_nonnull(config);
    return config;
}

static int dial_in(size_t i, struct mox_config *config)
{
    struct mox_dial_request request;
    struct sim_call call;

    sim = worlds[i];
    request = *dial_request();
    request.config = config;
    dial_to_end(&call, &request);
    ck_assert(call.conn == NULL || mox_conn_session(call.conn)->tls_verified == MOX_TLS_PKIX);
    ck_assert(call.conn != NULL || call.err.stage == MOX_STAGE_TLS);
    mox_conn_close(call.conn);
    return call.status;
}

START_TEST(contexts_share_those_of_a_configuration)
{
    struct mox_config *config = parse(path);

    write_roots(PAPER_ROOT);
    open_world(0, NULL);
    open_world(1, NULL);
    ck_assert_int_eq(dial_in(0, config), MOX_OK);
    unlink(path);
    ck_assert_int_eq(dial_in(1, config), MOX_OK);
    ck_assert_int_eq(dial_in(0, config), MOX_OK);
    mox_config_free(config);
}
END_TEST

START_TEST(contexts_share_a_file_of_their_own)
{
    struct mox_config *config = parse(NULL);
    struct roots *mine = NULL, *of_both = NULL;
    const char *const files[] = {path, NULL};

    write_roots(PAPER_ROOT);
    open_world(0, path);
    open_world(1, path);
    ck_assert_int_eq(dial_in(0, config), MOX_OK);
    ck_assert_int_eq(dial_in(1, config), MOX_OK);
    mine = part_of(worlds[0]->ctx)->roots;
    ck_assert_ptr_nonnull(mine);
    ck_assert_ptr_eq(part_of(worlds[1]->ctx)->roots, mine);
    ck_assert_int_eq(roots_load(files, false, &of_both, NULL), MOX_OK);
    ck_assert_ptr_eq(of_both, mine);
    roots_release(of_both);
    mox_config_free(config);
}
END_TEST

static const struct whose {
    const char *name;
    enum paper configured, given; /* PAPERS: none */
    int status;
} whose[] = {
    {"the configuration's", PAPER_ROOT, PAPERS, MOX_OK},
    {"the configuration's, which are not the server's", PAPER_STRANGE_ROOT, PAPERS, MOX_E_VERIFY},
    {"the context's before the configuration's", PAPER_STRANGE_ROOT, PAPER_ROOT, MOX_OK},
};

START_TEST(whose_authorities)
{
    const struct whose *c = &whose[_i];
    struct mox_config *config = parse(path);

    write_roots(c->configured);
    open_world(0, c->given == PAPERS ? NULL : papers_file());
    ck_assert_msg(dial_in(0, config) == c->status, "%s", c->name);
    mox_config_free(config);
}
END_TEST

/* A file that is not there is told, and asked for again by the next dial. */
START_TEST(a_file_that_comes_later)
{
    struct mox_config *config = parse(path);

    open_world(0, NULL);
    ck_assert_int_eq(dial_in(0, config), MOX_E_CONFIG);
    write_roots(PAPER_ROOT);
    ck_assert_int_eq(dial_in(0, config), MOX_OK);
    mox_config_free(config);
}
END_TEST

TCase *test_dial_trust(void)
{
    TCase *tcase = tcase_create("dial/trust");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, contexts_share_those_of_a_configuration);
    tcase_add_test(tcase, contexts_share_a_file_of_their_own);
    tcase_add_loop_test(tcase, whose_authorities, 0, (int)ARRAY_LEN(whose));
    tcase_add_test(tcase, a_file_that_comes_later);
    return tcase;
}
