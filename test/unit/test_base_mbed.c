/* test_base_mbed.c - what a failure of mbedTLS means: a want of memory, of random numbers, or else.
 */
#include "base/mbed.h"

#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pem.h>

#include "test.h"

static const struct failure {
    const char *name;
    int ret;
    bool nomem, random;
} failures[] = {
    {"none", 0, false, false},
    {"memory for a connection", MBEDTLS_ERR_SSL_ALLOC_FAILED, true, false},
    {"memory for a certificate", MBEDTLS_ERR_X509_ALLOC_FAILED, true, false},
    {"memory for a key", MBEDTLS_ERR_PK_ALLOC_FAILED, true, false},
    {"memory for a curve", MBEDTLS_ERR_ECP_ALLOC_FAILED, true, false},
    {"memory for a hash", MBEDTLS_ERR_MD_ALLOC_FAILED, true, false},
    {"memory for PEM", MBEDTLS_ERR_PEM_ALLOC_FAILED, true, false},
    {"memory for a number", MBEDTLS_ERR_MPI_ALLOC_FAILED, true, false},
    {"memory for a number, in a key", MBEDTLS_ERR_PK_INVALID_PUBKEY + MBEDTLS_ERR_MPI_ALLOC_FAILED,
     true, false},
    {"memory for ASN.1, in a certificate",
     MBEDTLS_ERR_X509_INVALID_EXTENSIONS + MBEDTLS_ERR_ASN1_ALLOC_FAILED, true, false},
    {"a key that is none", MBEDTLS_ERR_PK_INVALID_PUBKEY, false, false},
    {"a certificate that is none",
     MBEDTLS_ERR_X509_INVALID_FORMAT + MBEDTLS_ERR_ASN1_UNEXPECTED_TAG, false, false},
    {"the end of the connection", MBEDTLS_ERR_SSL_CONN_EOF, false, false},
    {"no random numbers", MBED_NO_RANDOM, false, true},
    {"no random numbers, for a key", MBEDTLS_ERR_PK_BAD_INPUT_DATA + MBED_NO_RANDOM, false, true},
};

START_TEST(what_a_failure_means)
{
    const struct failure *f = &failures[_i];

    ck_assert_msg(mbed_is_nomem(f->ret) == f->nomem, "%s", f->name);
    ck_assert_msg(mbed_is_random(f->ret) == f->random, "%s", f->name);
}
END_TEST

TCase *test_base_mbed(void)
{
    TCase *tcase = tcase_create("base/mbed");

    tcase_add_loop_test(tcase, what_a_failure_means, 0, (int)ARRAY_LEN(failures));
    return tcase;
}
