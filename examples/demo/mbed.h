/*
 * mbed.h - what differs between mbedTLS 2.28 and 3.6 and the demo needs; nowhere else is an #if.
 */
#ifndef DEMO_MBED_H
#define DEMO_MBED_H

#include <stdbool.h>
#include <stddef.h>

#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#if MBEDTLS_VERSION_MAJOR >= 3

#include <psa/crypto.h>

/* TLS 1.3 takes its keys from PSA. */
static inline bool mbed_start(void)
{
    return psa_crypto_init() == PSA_SUCCESS;
}

static inline bool mbed_set_serial(mbedtls_x509write_cert *cert, unsigned char serial)
{
    return mbedtls_x509write_crt_set_serial_raw(cert, &serial, 1) == 0;
}

#else

static inline bool mbed_start(void)
{
    return true;
}

static inline bool mbed_set_serial(mbedtls_x509write_cert *cert, unsigned char serial)
{
    mbedtls_mpi number;
    bool set;

    mbedtls_mpi_init(&number);
    set = mbedtls_mpi_lset(&number, serial) == 0 &&
          mbedtls_x509write_crt_set_serial(cert, &number) == 0;
    mbedtls_mpi_free(&number);
    return set;
}

#endif

#endif
