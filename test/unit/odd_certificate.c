/* odd_certificate.c - see odd_certificate.h. */
#include "odd_certificate.h"

#include "test.h"

enum { DER = 4096 };

static void set_odd(mbedtls_x509write_cert *cert, const struct odd *odd)
{
    unsigned char serial[] = {7};
#if MBED_3
    ck_assert_int_eq(mbedtls_x509write_crt_set_serial_raw(cert, serial, sizeof serial), 0);
#else
    mbedtls_mpi number;

    mbedtls_mpi_init(&number);
    mbedtls_mpi_read_binary(&number, serial, sizeof serial);
    ck_assert_int_eq(mbedtls_x509write_crt_set_serial(cert, &number), 0);
    mbedtls_mpi_free(&number);
#endif
    mbedtls_x509write_crt_set_version(cert, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(cert,
                                     odd->md != MBEDTLS_MD_NONE ? odd->md : MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(cert, (mbedtls_pk_context *)(uintptr_t)odd->key);
    mbedtls_x509write_crt_set_issuer_key(cert, (mbedtls_pk_context *)(uintptr_t)&odd->of->key);
    ck_assert_int_eq(mbedtls_x509write_crt_set_subject_name(cert, odd->subject), 0);
    ck_assert_int_eq(mbedtls_x509write_crt_set_issuer_name(cert, odd->issuer), 0);
    ck_assert_int_eq(mbedtls_x509write_crt_set_validity(cert, "20000101000000", "20400101000000"),
                     0);
    ck_assert_int_eq(
        mbedtls_x509write_crt_set_basic_constraints(cert, odd->authority, odd->max_path - 1), 0);
    if (odd->oid != NULL)
        ck_assert_int_eq(mbedtls_x509write_crt_set_extension(cert, odd->oid, odd->oid_len, 0,
                                                             odd->bytes, odd->len),
                         0);
}

void add_odd(mbedtls_x509_crt *chain, const struct odd *odd)
{
    static uint64_t chance = 1;
    mbedtls_x509write_cert cert;
    unsigned char der[DER];
    int len;

    mbedtls_x509write_crt_init(&cert);
    set_odd(&cert, odd);
    len = mbedtls_x509write_crt_der(&cert, der, sizeof der, authority_random, &chance);
    ck_assert_int_gt(len, 0);
    ck_assert_int_eq(mbedtls_x509_crt_parse_der(chain, der + sizeof der - len, (size_t)len), 0);
    mbedtls_x509write_crt_free(&cert);
}

void add_copy(mbedtls_x509_crt *chain, const mbedtls_x509_crt *certificate)
{
    ck_assert_int_eq(mbedtls_x509_crt_parse_der(chain, certificate->raw.p, certificate->raw.len),
                     0);
}

struct credential *issue(const char *name, const struct credential *of, bool authority)
{
    const char *const names[] = {name, NULL};

    return credential_new(&(struct credential_request){
        .name = name, .dns = authority ? NULL : names, .authority = authority, .of = of});
}
