/*
 * tls_fault.h - why a TLS session failed: noted when it happens, put into words when somebody asks.
 */
#ifndef STREAM_TLS_FAULT_H
#define STREAM_TLS_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mbed.h"
#include "stream/stream.h"

enum { TLS_FAULT_HEARD = 48 /* bytes, for people to see what spoke instead */ };

struct tls_fault {    /* all zero: none so far */
    int status;       /* what the owner is told */
    int lower;        /* what the stream below said; MOX_OK: nothing wrong */
    int ret;          /* of mbedTLS */
    bool late;        /* the handshake was over */
    bool alerted;     /* by the server */
    int alert;        /* its number */
    bool identity;    /* we have a client certificate */
    bool uncertified; /* the server showed none */
    size_t unread;    /* bytes of a handshake message that mbedTLS cannot take; 0: none */
    size_t heard;
    unsigned char bytes[TLS_FAULT_HEARD]; /* the first ones from the server */
};

/* What was received, as it comes. */
void tls_fault_hear(struct tls_fault *fault, const unsigned char *bytes, size_t len);

/* Whether what was heard in the handshake is no TLS. */
bool tls_fault_is_foreign(const struct tls_fault *fault);

/* Notes what mbedTLS returned; gives the status. */
int tls_fault_note(struct tls_fault *fault, const mbedtls_ssl_context *ssl, int ret);

/* Fills err, with MOX_STAGE_TLS; under: the stream below, for its own words. Gives the status. */
int tls_fault_error(const struct tls_fault *fault, const struct stream *under,
                    struct mox_error *err);

/* "handshake_failure" (RFC 8446 section 6); "unknown". */
const char *tls_fault_alert_name(int alert);

#endif
