/* test_stream_tls_identity.c - a certificate of ours: the files, and a server that asks for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"
#include "tls_world.h"

enum { TEXT = 8192, PATH = 64 };

static struct tls_world w;
static char folder[] = "/tmp/moxdial-identity-XXXXXX";
static char chain_path[PATH], key_path[PATH], both_path[PATH], other_path[PATH], junk_path[PATH];
static char locked_path[PATH];

/* Encrypted, by `openssl ec -aes128` with the password "x": only its head is looked at. */
static const char locked[] = "-----BEGIN EC PRIVATE KEY-----\n"
                             "Proc-Type: 4,ENCRYPTED\n"
                             "DEK-Info: AES-128-CBC,1E2D3C4B5A69788796A5B4C3D2E1F001\n"
                             "\n"
                             "AAAAAAAAAAAAAAAAAAAAAA==\n"
                             "-----END EC PRIVATE KEY-----\n";

static void write_file(char path[PATH], const char *name, const char *text, const char *more)
{
    FILE *file;

    snprintf(path, PATH, "%s/%s", folder, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fputs(more, file);
    ck_assert_int_eq(fclose(file), 0);
}

static void setup(void)
{
    static char chain[TEXT], key[TEXT], other[TEXT];
    struct credential *another;

    tls_world_open(&w, AUTHORITY_P256, &(struct tls_server_options){.asks = true, .tickets = true});
    another = credential_server(w.root, AUTHORITY_P256, "other.example");
    credential_chain_pem(w.credential, chain, sizeof chain);
    credential_key_pem(w.credential, key, sizeof key);
    credential_key_pem(another, other, sizeof other);
    credential_free(another);
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_file(chain_path, "chain", chain, "");
    write_file(key_path, "key", key, "");
    write_file(both_path, "both", key, chain);
    write_file(other_path, "other", other, "");
    write_file(junk_path, "junk", "not a certificate\n", "");
    write_file(locked_path, "locked", locked, "");
}

static void teardown(void)
{
    unlink(chain_path);
    unlink(key_path);
    unlink(both_path);
    unlink(other_path);
    unlink(junk_path);
    unlink(locked_path);
    ck_assert_int_eq(rmdir(folder), 0);
    tls_world_close(&w);
}

static int connect_with(const struct tls_identity *identity)
{
    const struct tls_options options = {
        .sni = "mx.example", .key = tls_world_key, .identity = identity};
    struct stream *stream = NULL;

    ck_assert_int_eq(tls_world_start(&w, NULL), MOX_OK);
    w.stream->ops->close(w.stream, true); /* the same wire again, with a certificate */
    w.wire.closed = false;
    ck_assert_int_eq(tls_open(w.world.ctx, &w.wire.stream, &options, &stream, NULL), MOX_OK);
    w.stream = stream;
    return tls_world_shake(&w);
}

START_TEST(is_shown_to_a_server_that_asks)
{
    struct tls_identity *identity = NULL;
    struct tls_proof proof = tls_world_proof();
    char buf[8];
    size_t n;

    ck_assert_int_eq(tls_world_connect(&w, NULL), MOX_OK);
    ck_assert(!tls_session_certified(w.wire.session));
    tls_world_hang_up(&w);
    ck_assert_int_eq(tls_identity_load(_i == 0 ? chain_path : both_path, _i == 0 ? key_path : NULL,
                                       &identity, NULL),
                     MOX_OK);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(connect_with(identity), MOX_OK);
        tls_world_serve(&w);
        ck_assert_int_eq(tls_session_state(w.wire.session), TLS_SESSION_OPEN);
        ck_assert(round == 1 || tls_session_certified(w.wire.session));
        ck_assert_int_eq(tls_proof(w.stream) != NULL, round == 1);
        if (round == 0)
            tls_keep(w.stream, &proof);
        ck_assert_int_eq(tls_world_read(&w, buf, sizeof buf, &n), MOX_E_AGAIN);
        tls_world_hang_up(&w);
    }
    tls_identity_free(identity);
}
END_TEST

static const struct wrong {
    const char *name;
    const char *chain, *key;
    int status;
    const char *says[3];
} wrongs[] = {
    {"no certificate", junk_path, key_path, MOX_E_CONFIG, {junk_path, ": no certificate in it"}},
    {"no key", chain_path, junk_path, MOX_E_CONFIG, {junk_path, ": no private key in it"}},
    {"a certificate for a key", chain_path, chain_path, MOX_E_CONFIG, {": no private key in it"}},
    {"no key in the same file", chain_path, NULL, MOX_E_CONFIG, {": no private key in it"}},
    {"locked", chain_path, locked_path, MOX_E_CONFIG, {locked_path, "is encrypted"}},
    {"another's key",
     chain_path,
     other_path,
     MOX_E_CONFIG,
     {other_path, "does not belong to the certificate in", chain_path}},
    {"no file", "/nowhere/chain", key_path, MOX_E_CONFIG, {"/nowhere/chain"}},
    {"no key file", chain_path, "/nowhere/key", MOX_E_CONFIG, {"/nowhere/key"}},
};

START_TEST(what_is_wrong_with_which_file)
{
    const struct wrong *c = &wrongs[_i];
    struct tls_identity *identity = NULL;
    struct mox_error err;

    ck_assert_msg(tls_identity_load(c->chain, c->key, &identity, &err) == c->status, "%s: %s",
                  c->name, err.message);
    ck_assert_ptr_null(identity);
    for (size_t i = 0; i < ARRAY_LEN(c->says) && c->says[i] != NULL; i++)
        ck_assert_msg(strstr(err.message, c->says[i]) != NULL, "%s: %s", c->name, err.message);
}
END_TEST

START_TEST(survives_without_memory)
{
    struct tls_identity *identity = NULL;
    bool failed = true;

    ck_assert_int_eq(mbed_init(NULL), MOX_OK);
    for (long n = 1; failed; n += n < 100 ? 1 : n / 20) {
        int status;

        identity = NULL;
        test_fail_alloc(n);
        status = tls_identity_load(chain_path, key_path, &identity, NULL);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert(status == MOX_OK ||
                  (failed && (status == MOX_E_NOMEM || status == MOX_E_CONFIG)));
        ck_assert_int_eq(status == MOX_OK, identity != NULL);
        tls_identity_free(identity);
    }
    tls_identity_free(NULL);
}
END_TEST

TCase *test_stream_tls_identity(void)
{
    TCase *tcase = tcase_create("stream/tls_identity");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, is_shown_to_a_server_that_asks, 0, 2);
    tcase_add_loop_test(tcase, what_is_wrong_with_which_file, 0, (int)ARRAY_LEN(wrongs));
    tcase_add_test(tcase, survives_without_memory);
    return tcase;
}
