/* tls_identity.h - a certificate of ours: what tls.h does not show. */
#ifndef STREAM_TLS_IDENTITY_H
#define STREAM_TLS_IDENTITY_H

#include "base/mbed.h"
#include "stream/tls.h"

/* Makes a configuration show it to a server that asks. MOX_OK, MOX_E_NOMEM. */
int tls_identity_show(const struct tls_identity *identity, mbedtls_ssl_config *conf);

#endif
