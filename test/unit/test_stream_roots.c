/* test_stream_roots.c - trust anchors from files and from the system, parsed once. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream/roots.h"
#include "test.h"
#include "test/sim/authority.h"

enum { TEXT = 8192, PATH = 64, FILES = 2, THREADS = 4, TURNS = 50 };

static char folder[] = "/tmp/moxdial-roots-XXXXXX";
static char paths[FILES][PATH], junk[PATH], mixed[PATH];
static struct credential *authorities[FILES];

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
    static const char *const names[FILES] = {"one", "two"};
    static char text[TEXT];

    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (size_t i = 0; i < FILES; i++) {
        authorities[i] = credential_root(names[i]);
        credential_chain_pem(authorities[i], text, sizeof text);
        write_file(paths[i], names[i], text, "");
    }
    write_file(junk, "junk", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "");
    write_file(mixed, "mixed", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
               text);
    setenv("SSL_CERT_FILE", paths[1], 1); /* the system, for as long as this process lives */
}

static void teardown(void)
{
    test_fail_alloc(0);
    for (size_t i = 0; i < FILES; i++) {
        unlink(paths[i]);
        credential_free(authorities[i]);
    }
    unlink(junk);
    unlink(mixed);
    ck_assert_int_eq(rmdir(folder), 0);
    unsetenv("SSL_CERT_FILE");
}

static bool holds(const struct mbedtls_x509_crt *chain, const struct credential *authority)
{
    const mbedtls_x509_buf *raw = &authority->chain.raw;

    for (; chain != NULL; chain = chain->next) {
        if (chain->raw.len == raw->len && memcmp(chain->raw.p, raw->p, raw->len) == 0)
            return true;
    }
    return false;
}

static size_t count(const struct mbedtls_x509_crt *chain)
{
    size_t n = 0;

    for (; chain != NULL; chain = chain->next)
        n++;
    return n;
}

START_TEST(come_from_files)
{
    const char *const files[] = {paths[0], paths[1], NULL}, *const one[] = {mixed, NULL};
    struct roots *roots = NULL, *again = NULL;

    ck_assert_int_eq(roots_load(files, false, &roots, NULL), MOX_OK);
    ck_assert_uint_eq(count(roots_chain(roots)), 2);
    ck_assert(holds(roots_chain(roots), authorities[0]));
    ck_assert(holds(roots_chain(roots), authorities[1]));
    ck_assert_int_eq(roots_load(files, false, &again, NULL), MOX_OK);
    ck_assert_mem_eq(roots_digest(roots), roots_digest(again), 32);
    roots_release(again);
    ck_assert_int_eq(roots_load(one, false, &again, NULL), MOX_OK); /* what cannot be read: over */
    ck_assert_uint_eq(count(roots_chain(again)), 1);
    ck_assert_mem_ne(roots_digest(roots), roots_digest(again), 32);
    roots_release(again);
    roots_release(roots);
    roots_release(NULL);
}
END_TEST

START_TEST(there_may_be_none)
{
    const char *const files[] = {NULL};
    struct roots *roots = NULL;

    ck_assert_int_eq(roots_load(files, false, &roots, NULL), MOX_OK);
    ck_assert_ptr_null(roots_chain(roots));
    roots_release(roots);
}
END_TEST

START_TEST(the_system_s_are_parsed_once)
{
    const char *const files[] = {paths[0], NULL}, *const nothing[] = {NULL};
    struct roots *system = NULL, *again = NULL, *both = NULL;
    const struct mbedtls_x509_crt *chain;

    ck_assert_int_eq(roots_system(&system, NULL), MOX_OK);
    chain = roots_chain(system);
    ck_assert(holds(chain, authorities[1]) || getenv("CK_FORK") != NULL);
    unlink(paths[1]);
    ck_assert_int_eq(roots_system(&again, NULL), MOX_OK);
    ck_assert_ptr_eq(again, system);
    roots_release(again);
    ck_assert_int_eq(roots_load(nothing, true, &again, NULL), MOX_OK);
    ck_assert_ptr_eq(again, system);
    ck_assert_int_eq(roots_load(files, true, &both, NULL), MOX_OK);
    ck_assert_uint_eq(count(roots_chain(both)), count(chain) + 1);
    ck_assert_mem_ne(roots_digest(both), roots_digest(system), 32);
    roots_release(both);
    ck_assert_ptr_eq(roots_chain(system), chain); /* still whole */
    ck_assert_uint_ge(count(chain), 1);
}
END_TEST

/* As two contexts with a CA file of their own, or two configurations, have them. */
START_TEST(one_file_is_parsed_once_while_it_is_used)
{
    const char *const files[] = {paths[0], NULL}, *const copy[] = {junk, NULL};
    struct roots *roots = NULL, *again = NULL, *other = NULL;
    static char text[TEXT];

    ck_assert_int_eq(roots_load(files, false, &roots, NULL), MOX_OK);
    ck_assert_int_eq(roots_load(files, false, &again, NULL), MOX_OK);
    ck_assert_ptr_eq(again, roots);
    credential_chain_pem(authorities[0], text, sizeof text);
    write_file(junk, "junk", text, "");
    ck_assert_int_eq(roots_load(copy, false, &other, NULL), MOX_OK); /* the same by another name */
    ck_assert_ptr_eq(other, roots);
    roots_release(other);
    roots_release(roots);
    ck_assert(holds(roots_chain(again), authorities[0])); /* the other user's still */

    credential_chain_pem(authorities[1], text, sizeof text);
    write_file(paths[0], "one", text, "");
    ck_assert_int_eq(roots_load(files, false, &other, NULL), MOX_OK);
    ck_assert_ptr_ne(other, again);
    ck_assert(holds(roots_chain(other), authorities[1]) &&
              !holds(roots_chain(other), authorities[0]));
    roots_release(again);
    ck_assert(holds(roots_chain(other), authorities[1]));
    roots_release(other);
}
END_TEST

/* One of four threads; what went wrong is counted, for assertions belong to the first thread. */
static void *load_and_release(void *arg)
{
    const char *const files[] = {paths[0], NULL};
    size_t *wrong = arg;

    for (int i = 0; i < TURNS; i++) {
        struct roots *roots = NULL, *system = NULL;

        *wrong += roots_load(files, false, &roots, NULL) != MOX_OK ||
                  !holds(roots_chain(roots), authorities[0]);
        *wrong += roots_system(&system, NULL) != MOX_OK || roots_chain(system) == NULL;
        roots_release(roots);
        roots_release(system);
    }
    return NULL;
}

START_TEST(threads_share_them)
{
    pthread_t threads[THREADS];
    size_t wrong[THREADS] = {0};

    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, load_and_release, &wrong[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(wrong[i], 0);
    }
}
END_TEST

static const struct choice {
    const char *name;
    const char *named;
    size_t chosen; /* of the paths */
    bool removed;  /* the first one that is there */
} choices[] = {
    {"the first that is there", NULL, 1, false},
    {"the next where it is not", NULL, 2, true},
    {"nothing is named", "", 1, false},
    {"a name that comes first", "/nowhere/it", 0, false},
};

START_TEST(the_first_bundle_there_is)
{
    const struct choice *c = &choices[_i];
    const char *const list[] = {"/nowhere/roots", paths[0], paths[1], NULL};
    const char *const none[] = {"/nowhere/roots", NULL};
    const char *want = c->chosen == 0 ? c->named : list[c->chosen];

    if (c->removed)
        unlink(paths[0]);
    ck_assert_msg(roots_choose(c->named, list) == want, "%s", c->name);
    ck_assert_ptr_null(roots_choose(NULL, none));
}
END_TEST

/* Where the packages of these systems put it. */
static const struct kept {
    const char *system, *path;
} kept[] = {
    {"Debian, Alpine", "/etc/ssl/certs/ca-certificates.crt"},
    {"Fedora up to 42", "/etc/pki/tls/certs/ca-bundle.crt"},
    {"Fedora", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"},
    {"openSUSE", "/etc/ssl/ca-bundle.pem"},
    {"FreeBSD, OpenBSD", "/etc/ssl/cert.pem"},
    {"FreeBSD's package", "/usr/local/share/certs/ca-root-nss.crt"},
    {"NetBSD", "/etc/openssl/certs/ca-certificates.crt"},
};

START_TEST(each_system_is_known)
{
    const char *const *path = roots_paths;

    while (*path != NULL && strcmp(*path, kept[_i].path) != 0)
        path++;
    ck_assert_msg(*path != NULL, "%s", kept[_i].system);
}
END_TEST

static const struct wrong {
    const char *name;
    const char *path;
    int status;
    const char *says;
} wrongs[] = {
    {"no certificate", junk, MOX_E_CONFIG, "junk: no certificate in it that can be read"},
    {"no file", "/nowhere/roots", MOX_E_CONFIG, "/nowhere/roots"},
};

START_TEST(what_is_wrong_with_which_file)
{
    const struct wrong *c = &wrongs[_i];
    const char *const files[] = {paths[0], c->path, NULL};
    struct roots *roots = NULL;
    struct mox_error err;

    ck_assert_msg(roots_load(files, false, &roots, &err) == c->status, "%s", c->name);
    ck_assert_ptr_null(roots);
    ck_assert_msg(strstr(err.message, c->says) != NULL, "%s: %s", c->name, err.message);
}
END_TEST

START_TEST(survive_without_memory)
{
    const char *const files[] = {paths[0], paths[1], NULL};
    bool failed = true;

    for (long n = 1; failed; n++) {
        struct roots *roots = NULL;
        int status;

        test_fail_alloc(n);
        status = roots_load(files, false, &roots, NULL);
        failed = test_alloc_failed();
        test_fail_alloc(0);
        ck_assert(status == MOX_OK || (failed && status == MOX_E_NOMEM));
        ck_assert_int_eq(status == MOX_OK, roots != NULL);
        ck_assert(roots == NULL || count(roots_chain(roots)) == 2); /* never fewer */
        roots_release(roots);
    }
}
END_TEST

TCase *test_stream_roots(void)
{
    TCase *tcase = tcase_create("stream/roots");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, come_from_files);
    tcase_add_test(tcase, there_may_be_none);
    tcase_add_test(tcase, the_system_s_are_parsed_once);
    tcase_add_test(tcase, one_file_is_parsed_once_while_it_is_used);
    tcase_add_test(tcase, threads_share_them);
    tcase_add_loop_test(tcase, the_first_bundle_there_is, 0, (int)ARRAY_LEN(choices));
    tcase_add_loop_test(tcase, each_system_is_known, 0, (int)ARRAY_LEN(kept));
    tcase_add_loop_test(tcase, what_is_wrong_with_which_file, 0, (int)ARRAY_LEN(wrongs));
    tcase_add_test(tcase, survive_without_memory);
    return tcase;
}
