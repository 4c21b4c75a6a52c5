/*
 * tls.c - see tls.h. mbedTLS reads and writes through the stream below and says which of the two it
 * waits for. It does the handshake step by step here, for one look at the ServerHello.
 */
#include "stream/tls.h"

#include <string.h>

#include <mbedtls/net_sockets.h>

#include "base/error.h"
#include "base/mem.h"
#include "stream/tls_fault.h"
#include "stream/tls_flight.h"
#include "stream/tls_hello.h"
#include "stream/tls_identity.h"
#include "stream/tls_resume.h"

enum { MAX_READ = 1 << 20 /* bytes asked for at once: mbedTLS counts them in an int */ };

struct tls {
    struct stream stream; /* first: the stream is the tls */
    struct stream *under;
    struct tls_part *part;
    mbedtls_ssl_config *own; /* NULL: the part's */
    mbedtls_ssl_context ssl;
    struct ctx_event waiting; /* to tell of bytes that are here and not in the stream below */
    struct tls_resume resume;
    struct tls_fault fault;
    struct tls_flight flight;
    size_t stuck; /* bytes of a write that has not gone out whole; 0: none */
    int need;     /* the event that the handshake, then reading waits for */
    bool open, bound, rejected, ended, narrow;
    bool dry; /* the last read found nothing */
};

/* What the stream below said to n bytes, as mbedTLS wants it; again: where it has to wait. */
static int answer(struct tls *tls, int status, size_t n, int again)
{
    if (status == MOX_OK)
        return (int)n;
    if (status == MOX_E_AGAIN)
        return again;
    tls->fault.lower = status;
    return MBEDTLS_ERR_NET_CONN_RESET;
}

/* What is held back goes first, and a server does not answer in that moment: no need to look. */
static int receive(void *arg, unsigned char *buf, size_t len)
{
    struct tls *tls = arg;
    bool speaks = tls_flight_holds(&tls->flight);
    size_t n = 0;
    int status = tls_flight_send(&tls->flight, tls->under);

    if (status != MOX_OK)
        return answer(tls, status, 0, MBEDTLS_ERR_SSL_WANT_WRITE);
    if (speaks && !tls_flight_is_ahead(&tls->flight))
        return MBEDTLS_ERR_SSL_WANT_READ;
    status = tls_flight_read(&tls->flight, tls->under, buf, len > MAX_READ ? MAX_READ : len, &n);
    if (status == MOX_E_EOF)
        return 0;
    if (status == MOX_OK && !tls->open)
        tls_fault_hear(&tls->fault, buf, n);
    return answer(tls, status, n, MBEDTLS_ERR_SSL_WANT_READ);
}

/* A flight of the handshake leaves when its answer is awaited, the last one with the first words
 * over TLS. */
static int transmit(void *arg, const unsigned char *buf, size_t len)
{
    struct tls *tls = arg;
    size_t n = 0;
    int status;

    if (len > MAX_READ)
        len = MAX_READ;
    if (tls->open)
        status = tls_flight_write(&tls->flight, tls->under, buf, len, &n);
    else
        status = tls_flight_gather(&tls->flight, tls->under, buf, len, &n);
    return answer(tls, status, n, MBEDTLS_ERR_SSL_WANT_WRITE);
}

/* 0, or an error of mbedTLS. */
static int shake_hands(struct tls *tls)
{
    int ret = 0;

    while (ret == 0 && !mbed_handshake_over(&tls->ssl)) {
        bool before = mbed_before_server_hello(&tls->ssl);
        const unsigned char *message;
        size_t len;

        ret = mbedtls_ssl_handshake_step(&tls->ssl);
        if (ret != 0 || !before || mbed_before_server_hello(&tls->ssl))
            continue;
        message = mbed_message(&tls->ssl, &len);
        tls->bound = tls_hello_extends_secret(message, len);
    }
    return ret;
}

/* What stands behind the first bytes of no TLS, for people to read. */
static void hear_out(struct tls *tls)
{
    unsigned char buf[TLS_FAULT_HEARD];
    size_t n = 0;

    while (tls->fault.heard < TLS_FAULT_HEARD &&
           tls_flight_read(&tls->flight, tls->under, buf, sizeof buf, &n) == MOX_OK)
        tls_fault_hear(&tls->fault, buf, n);
}

/* Notes a failure for good. An alert that mbedTLS had for the server is still held back. The
 * handshake's memory is not kept for the words. */
static int break_off(struct tls *tls, int ret)
{
    tls->fault.late = tls->open;
    tls_fault_note(&tls->fault, &tls->ssl, ret);
    if (!tls->open) {
        (void)tls_flight_send(&tls->flight, tls->under);
        if (tls_fault_is_foreign(&tls->fault))
            hear_out(tls);
        mbedtls_ssl_free(&tls->ssl);
        if (tls->resume.offered && tls->fault.status == MOX_E_TLS)
            tls_resume_forget(&tls->resume, tls->part);
    }
    return tls->fault.status;
}

static int await(struct tls *tls, int event)
{
    int status = tls->under->ops->want(tls->under, event);

    tls->need = event;
    if (status == MOX_OK)
        return MOX_E_AGAIN;
    tls->fault.lower = status;
    return break_off(tls, MBEDTLS_ERR_NET_CONN_RESET);
}

static int tls_opened(struct stream *s)
{
    struct tls *tls = (struct tls *)s;
    int ret;

    if (tls->open)
        return MOX_OK;
    if (tls->fault.status != MOX_OK)
        return tls->fault.status;
    ret = shake_hands(tls);
    if (ret == MBEDTLS_ERR_SSL_WANT_READ)
        return await(tls, MOX_READ);
    if (ret == MBEDTLS_ERR_SSL_WANT_WRITE)
        return await(tls, MOX_WRITE);
    if (ret != 0)
        return break_off(tls, ret);
    tls_resume_opened(&tls->resume, tls->part, &tls->ssl, tls->bound);
    if (!tls->resume.resumed && mbedtls_ssl_get_peer_cert(&tls->ssl) == NULL) {
        tls->fault.uncertified = true;
        return break_off(tls, MBEDTLS_ERR_SSL_INTERNAL_ERROR);
    }
    tls->open = true;
    tls->need = MOX_READ;
    return MOX_OK;
}

/* Whether to call mbedTLS again at once: it has taken in a ticket, or is about to, which it says as
 * if it waited for the stream below. */
static bool goes_on(struct tls *tls, int ret)
{
    if (!mbed_is_ticket(ret))
        return ret == MBEDTLS_ERR_SSL_WANT_READ && mbedtls_ssl_check_pending(&tls->ssl) != 0;
    tls_resume_ticket(&tls->resume, tls->part, &tls->ssl);
    return true;
}

static int tls_read(struct stream *s, void *buf, size_t cap, size_t *n)
{
    struct tls *tls = (struct tls *)s;
    int ret;

    if (tls->fault.status != MOX_OK || !tls->open)
        return tls->fault.status != MOX_OK ? tls->fault.status : MOX_E_AGAIN;
    if (tls->ended)
        return MOX_E_EOF;
    do
        ret = mbedtls_ssl_read(&tls->ssl, buf, cap > MAX_READ ? MAX_READ : cap);
    while (goes_on(tls, ret));
    if (ret > 0) {
        *n = (size_t)ret;
        return MOX_OK;
    }
    if (ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE) {
        /* After the warning no_renegotiation, too, mbedTLS says that it waits. */
        tls->dry = ret == MBEDTLS_ERR_SSL_WANT_WRITE || !tls_flight_is_ahead(&tls->flight);
        tls->need = ret == MBEDTLS_ERR_SSL_WANT_READ ? MOX_READ : MOX_WRITE;
        return MOX_E_AGAIN;
    }
    if (ret == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
        tls->ended = true;
        return MOX_E_EOF;
    }
    if (ret == 0 || ret == MBEDTLS_ERR_SSL_CONN_EOF)
        tls->fault.lower = MOX_E_EOF; /* cut off */
    return break_off(tls, ret);
}

/* What mbedTLS began to send it must be given again, and neither less nor more of it. */
static int tls_write(struct stream *s, const void *buf, size_t len, size_t *n)
{
    struct tls *tls = (struct tls *)s;
    size_t part = len > MAX_READ ? MAX_READ : len;
    int ret;

    if (tls->fault.status != MOX_OK || !tls->open)
        return tls->fault.status != MOX_OK ? tls->fault.status : MOX_E_AGAIN;
    if (tls->stuck > len)
        return MOX_E_INVAL;
    if (tls->stuck != 0)
        part = tls->stuck;
    do
        ret = mbedtls_ssl_write(&tls->ssl, buf, part);
    while (goes_on(tls, ret));
    if (ret == MBEDTLS_ERR_SSL_WANT_READ || ret == MBEDTLS_ERR_SSL_WANT_WRITE) {
        tls->stuck = part;
        return MOX_E_AGAIN;
    }
    if (ret <= 0)
        return break_off(tls, ret);
    tls->stuck = 0;
    *n = (size_t)ret;
    return MOX_OK;
}

/* Bytes that are here, and not in the stream below. */
static bool has_bytes(const struct tls *tls)
{
    return tls_flight_is_ahead(&tls->flight) || mbedtls_ssl_check_pending(&tls->ssl) != 0;
}

/* Bytes that are here make nothing below ready: then we say it ourselves. A flight that no words of
 * the owner took along is not to wait for them; if it has to wait itself, then so has reading. */
static int tls_want(struct stream *s, int events)
{
    struct tls *tls = (struct tls *)s;
    bool reads = (events & MOX_READ) != 0;

    if (!tls->open)
        return tls->under->ops->want(tls->under, events == 0 ? 0 : tls->need);
    if (tls_flight_send(&tls->flight, tls->under) == MOX_E_AGAIN)
        tls->need = MOX_WRITE;
    if (reads && !tls->dry && has_bytes(tls))
        ctx_event_queue(tls->part->ctx, &tls->waiting);
    else
        ctx_event_drop(&tls->waiting);
    return tls->under->ops->want(tls->under, reads ? events | tls->need : events);
}

static int tls_local(struct stream *s, struct mox_ip *ip, uint16_t *port)
{
    struct tls *tls = (struct tls *)s;

    return tls->under->ops->local(tls->under, ip, port);
}

/* Whoever had it could not go on: the keys are ours. */
static intptr_t tls_fd(struct stream *s)
{
    (void)s;
    return -1;
}

static void tls_free(struct tls *tls)
{
    ctx_event_drop(&tls->waiting);
    tls_resume_end(&tls->resume);
    tls_flight_end(&tls->flight);
    mbedtls_ssl_free(&tls->ssl);
    if (tls->own != NULL) {
        mbedtls_ssl_config_free(tls->own);
        mem_free(tls->own);
    }
    tls_part_release(tls->part);
    mem_free(tls);
}

static void tls_close(struct stream *s, bool quietly)
{
    struct tls *tls = (struct tls *)s;
    struct stream *under = tls->under;

    if (tls->open && tls->fault.status == MOX_OK && !quietly) {
        if (tls->rejected)
            (void)mbedtls_ssl_send_alert_message(&tls->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                                 MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
        else
            (void)mbedtls_ssl_close_notify(&tls->ssl);
    }
    tls_free(tls);
    under->ops->close(under, quietly);
}

static int tls_failure(const struct stream *s, struct mox_error *err)
{
    const struct tls *tls = (const struct tls *)s;

    return tls_fault_error(&tls->fault, tls->under, err);
}

static const struct stream_ops tls_ops = {
    .read = tls_read,
    .write = tls_write,
    .want = tls_want,
    .opened = tls_opened,
    .local = tls_local,
    .fd = tls_fd,
    .close = tls_close,
    .failure = tls_failure,
};

static void tell(struct tls *tls, int events)
{
    if (tls->stream.ready != NULL)
        tls->stream.ready(tls->stream.arg, &tls->stream, events);
}

static void on_ready(void *arg, struct stream *under, int events)
{
    struct tls *tls = arg;

    (void)under;
    if (!tls->open) {
        tell(tls, MOX_WRITE);
        return;
    }
    if ((events & tls->need) != 0) {
        tls->dry = false;
        events |= MOX_READ;
    }
    tell(tls, events);
}

static void on_waiting(struct ctx_event *event)
{
    struct tls *tls = (struct tls *)((char *)event - offsetof(struct tls, waiting));

    tell(tls, MOX_READ);
}

/* A configuration of its own where it differs from all others. */
static int configure(struct tls *tls, const struct tls_options *options)
{
    if (options->identity == NULL && !options->narrow)
        return MOX_OK;
    tls->own = mem_new(sizeof *tls->own);
    if (tls->own == NULL || tls_part_configure(tls->part, tls->own) != MOX_OK)
        return MOX_E_NOMEM;
    tls->narrow = options->narrow;
    if (options->narrow)
        mbed_conf_narrow(tls->own);
    tls->fault.identity = options->identity != NULL;
    return tls->fault.identity ? tls_identity_show(options->identity, tls->own) : MOX_OK;
}

static int prepare(struct tls *tls, const struct tls_options *options)
{
    const mbedtls_ssl_config *conf;

    if (configure(tls, options) != MOX_OK)
        return MOX_E_NOMEM;
    conf = tls->own != NULL ? tls->own : &tls->part->conf;
    if (mbedtls_ssl_setup(&tls->ssl, conf) != 0 ||
        mbedtls_ssl_set_hostname(&tls->ssl, options->sni) != 0)
        return MOX_E_NOMEM;
    mbedtls_ssl_set_bio(&tls->ssl, tls, transmit, receive, NULL);
    if (options->key != NULL) {
        memcpy(tls->resume.key, options->key, TLS_KEY);
        tls->resume.keyed = true;
    }
    return tls_resume_offer(&tls->resume, tls->part, &tls->ssl);
}

int tls_open(struct mox_ctx *ctx, struct stream *under, const struct tls_options *options,
             struct stream **out, struct mox_error *err)
{
    struct tls_part *part;
    struct tls *tls;
    int status = tls_part_use(ctx, &part, err);

    if (status != MOX_OK)
        return status;
    tls = mem_new(sizeof *tls);
    if (tls == NULL) {
        tls_part_release(part);
        return error_nomem(err);
    }
    tls->stream.ops = &tls_ops;
    tls->under = under;
    tls->part = part;
    tls->need = MOX_WRITE;
    tls->waiting.run = on_waiting;
    mbedtls_ssl_init(&tls->ssl);
    if (prepare(tls, options) != MOX_OK) {
        tls_free(tls);
        return error_nomem(err);
    }
    stream_notify(under, on_ready, tls);
    *out = &tls->stream;
    return MOX_OK;
}

const char *tls_version(const struct stream *s)
{
    return mbedtls_ssl_get_version(&((const struct tls *)s)->ssl);
}

const char *tls_cipher(const struct stream *s)
{
    const struct tls *tls = (const struct tls *)s;

    return tls_part_suite_name(mbed_session_suite(mbed_session(&tls->ssl)));
}

const struct mbedtls_x509_crt *tls_chain(const struct stream *s)
{
    return mbedtls_ssl_get_peer_cert(&((const struct tls *)s)->ssl);
}

const struct tls_proof *tls_proof(const struct stream *s)
{
    const struct tls *tls = (const struct tls *)s;

    return tls->resume.resumed ? &tls->resume.of->proof : NULL;
}

bool tls_wants_narrow(const struct stream *s)
{
    const struct tls *tls = (const struct tls *)s;

    return !tls->open && !tls->narrow && mbed_wants_narrow(tls->fault.ret);
}

bool tls_offered(const struct stream *s)
{
    return ((const struct tls *)s)->resume.offered;
}

void tls_keep(struct stream *s, const struct tls_proof *proof)
{
    struct tls *tls = (struct tls *)s;

    tls_resume_keep(&tls->resume, tls->part, &tls->ssl, proof);
}

void tls_reject(struct stream *s)
{
    struct tls *tls = (struct tls *)s;

    tls->rejected = true;
    tls_resume_forget(&tls->resume, tls->part);
}

/*
 * tls-unique is the first Finished message: the client's, or the server's in a resumed handshake.
 */
const char *tls_binding(struct stream *s, unsigned char data[TLS_BINDING], size_t *len)
{
    struct tls *tls = (struct tls *)s;

    if (mbed_is_13(&tls->ssl)) {
        *len = TLS_BINDING;
        return mbed_export(&tls->ssl, "EXPORTER-Channel-Binding", data, *len) == 0 ? "tls-exporter"
                                                                                   : NULL;
    }
    if (!tls->resume.bound)
        return NULL;
    *len = mbed_finished(&tls->ssl, !tls->resume.resumed, data, TLS_BINDING);
    return *len == 0 ? NULL : "tls-unique";
}

void tls_settle(struct stream *s)
{
    mbed_session_drop_chain(mbed_session(&((struct tls *)s)->ssl));
}
