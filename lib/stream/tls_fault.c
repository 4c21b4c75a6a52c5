/*
 * tls_fault.c - see tls_fault.h. A handshake that broke is MOX_E_TLS whatever broke it: that is
 * what the plaintext retry of RFC 7435 and TLSRPT go by. What is this machine's own fault (memory,
 * random numbers, the host's socket functions) is told as that.
 */
#include "stream/tls_fault.h"

#include <errno.h>
#include <string.h>

#include <mbedtls/error.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/slice.h"

enum { RECORD_FIRST = 20, RECORD_LAST = 23 /* content types, RFC 8446 section 5.1 */ };

/* RFC 8446 section 6, and those of TLS 1.2 that it no longer has. */
static const char *const alert_names[] = {
    [0] = "close_notify",
    [10] = "unexpected_message",
    [20] = "bad_record_mac",
    [21] = "decryption_failed",
    [22] = "record_overflow",
    [30] = "decompression_failure",
    [40] = "handshake_failure",
    [41] = "no_certificate",
    [42] = "bad_certificate",
    [43] = "unsupported_certificate",
    [44] = "certificate_revoked",
    [45] = "certificate_expired",
    [46] = "certificate_unknown",
    [47] = "illegal_parameter",
    [48] = "unknown_ca",
    [49] = "access_denied",
    [50] = "decode_error",
    [51] = "decrypt_error",
    [60] = "export_restriction",
    [70] = "protocol_version",
    [71] = "insufficient_security",
    [80] = "internal_error",
    [86] = "inappropriate_fallback",
    [90] = "user_canceled",
    [100] = "no_renegotiation",
    [109] = "missing_extension",
    [110] = "unsupported_extension",
    [111] = "certificate_unobtainable",
    [112] = "unrecognized_name",
    [113] = "bad_certificate_status_response",
    [114] = "bad_certificate_hash_value",
    [115] = "unknown_psk_identity",
    [116] = "certificate_required",
    [120] = "no_application_protocol",
};

const char *tls_fault_alert_name(int alert)
{
    return name_of(alert_names, ARRAY_LEN(alert_names), alert);
}

void tls_fault_hear(struct tls_fault *fault, const unsigned char *bytes, size_t len)
{
    size_t room = sizeof fault->bytes - fault->heard;

    if (len > room)
        len = room;
    memcpy(fault->bytes + fault->heard, bytes, len);
    fault->heard += len;
}

bool tls_fault_is_foreign(const struct tls_fault *fault)
{
    return !fault->late && fault->heard > 0 &&
           (fault->bytes[0] < RECORD_FIRST || fault->bytes[0] > RECORD_LAST);
}

/* Whether the stream below says that the connection is gone, and not that we cannot go on. */
static bool is_hang_up(int lower)
{
    return lower == MOX_E_EOF || lower == MOX_E_CLOSED || lower == MOX_ERRNO(ECONNRESET) ||
           lower == MOX_ERRNO(EPIPE) || lower == MOX_ERRNO(ECONNABORTED);
}

static int status_of(const struct tls_fault *fault)
{
    if (fault->lower != MOX_OK && (fault->late || !is_hang_up(fault->lower)))
        return fault->lower == MOX_E_EOF ? MOX_E_CLOSED : fault->lower;
    if (mbed_is_nomem(fault->ret))
        return MOX_E_NOMEM;
    return mbed_is_random(fault->ret) ? MOX_E_OS : MOX_E_TLS;
}

int tls_fault_note(struct tls_fault *fault, const mbedtls_ssl_context *ssl, int ret)
{
    fault->ret = ret;
    fault->unread = fault->late ? 0 : mbed_unread(ssl, ret);
    if (ret == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        fault->alerted = true;
        fault->alert = mbed_alert(ssl);
    }
    fault->status = status_of(fault);
    return fault->status;
}

/* What an alert of the handshake means to people; "": its name says it. */
static const char *alert_hint(int alert, bool identity)
{
    switch (alert) {
    case 40: /* handshake_failure */
    case 71: /* insufficient_security */
        return ": it has no cipher suite, group or signature algorithm in common with us";
    case 70: /* protocol_version */
        return MBED_TLS13 ? ": it speaks neither TLS 1.2 nor TLS 1.3"
                          : ": it does not speak TLS 1.2, the latest of this build";
    case 42: /* bad_certificate */
    case 43: /* unsupported_certificate */
    case 44: /* certificate_revoked */
    case 45: /* certificate_expired */
    case 46: /* certificate_unknown */
    case 48: /* unknown_ca */
    case 49: /* access_denied */
        return identity ? ": it does not accept our client certificate" : "";
    case 41:  /* no_certificate */
    case 116: /* certificate_required */
        return ": it wants a client certificate; configure ClientCert and ClientKey";
    case 112: /* unrecognized_name */
        return ": it does not know the host name it was asked for";
    default:
        return "";
    }
}

static int alert_error(const struct tls_fault *fault, struct mox_error *err)
{
    const char *name = tls_fault_alert_name(fault->alert);

    if (fault->late)
        return error_set(err, fault->status, "the server ended the TLS session with the alert %s",
                         name);
    return error_set(err, fault->status, "the server ended the TLS handshake with the alert %s%s",
                     name, alert_hint(fault->alert, fault->identity));
}

static int foreign_error(const struct tls_fault *fault, struct mox_error *err)
{
    struct slice heard = {(const char *)fault->bytes, fault->heard};
    char text[TLS_FAULT_HEARD * 4];
    size_t line = 0;

    while (line < heard.len && heard.ptr[line] != '\r' && heard.ptr[line] != '\n')
        line++;
    slice_clean(slice_sub(heard, 0, line), false, text, sizeof text);
    return error_set(err, fault->status,
                     "the server does not speak TLS at all; instead of a handshake it sent \"%s\"",
                     text);
}

/* Most likely it is the one with its certificates, but not even its type may be left. */
static int unread_error(const struct tls_fault *fault, struct mox_error *err)
{
    if (fault->unread > MBEDTLS_SSL_IN_CONTENT_LEN)
        return error_set(err, fault->status,
                         "the server sent a handshake message of %zu bytes, as a large chain of "
                         "certificates makes it; mbedTLS takes %d at most",
                         fault->unread, MBEDTLS_SSL_IN_CONTENT_LEN);
    return error_set(err, fault->status,
                     "the server sent a handshake message of %zu bytes in several records, which "
                     "this version of mbedTLS does not take",
                     fault->unread);
}

/* What mbedTLS says, without the name of its part ("SSL - "). */
static int library_error(const struct tls_fault *fault, struct mox_error *err)
{
    char text[160] = "";
    const char *reason;

    mbedtls_strerror(fault->ret, text, sizeof text);
    reason = strstr(text, " - ");
    reason = reason == NULL ? text : reason + sizeof " - " - 1;
    return error_set(err, fault->status, "%s: %s (mbedTLS error -0x%04X)",
                     fault->late ? "the TLS session broke" : "the TLS handshake failed", reason,
                     (unsigned)-fault->ret);
}

static int own_error(const struct tls_fault *fault, const struct stream *under,
                     struct mox_error *err)
{
    if (fault->status == MOX_E_NOMEM)
        return error_nomem(err);
    if (fault->lower == MOX_OK)
        return error_set(err, fault->status,
                         "no random numbers for TLS; nothing was sent, try again later");
    if (under->ops->failure != NULL)
        return under->ops->failure(under, err);
    return error_from_op(err, fault->lower, "the connection under TLS");
}

static int describe(const struct tls_fault *fault, const struct stream *under,
                    struct mox_error *err)
{
    if (fault->status == MOX_E_CLOSED)
        return error_set(err, fault->status,
                         "the server closed the connection without ending the TLS session");
    if (fault->status != MOX_E_TLS)
        return own_error(fault, under, err);
    if (tls_fault_is_foreign(fault))
        return foreign_error(fault, err);
    if (fault->alerted)
        return alert_error(fault, err);
    if (fault->uncertified)
        return error_set(err, fault->status, "the server showed no certificate");
    if (fault->lower != MOX_OK || fault->ret == MBEDTLS_ERR_SSL_CONN_EOF)
        return error_set(err, fault->status,
                         "the server closed the connection in the TLS handshake");
    if (fault->ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return error_set(err, fault->status, "the server ended TLS in the middle of the handshake");
    if (fault->ret == MBED_ERR_SSL_VERSION)
        return error_set(err, fault->status, "the server wants a TLS version older than 1.2");
    if (fault->unread > 0)
        return unread_error(fault, err);
    if (mbed_is_unknown_kind(fault->ret))
        return error_set(err, fault->status,
                         "the server's certificates have a key or a signature of a kind that "
                         "mbedTLS does not know, as Ed25519 is");
    return library_error(fault, err);
}

int tls_fault_error(const struct tls_fault *fault, const struct stream *under,
                    struct mox_error *err)
{
    describe(fault, under, err);
    if (err != NULL)
        err->stage = MOX_STAGE_TLS;
    return fault->status;
}
