/* tls_flight.c - see tls_flight.h. All that is held here is as it is on the wire: no secrets. */
#include "stream/tls_flight.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

static_assert(MOX_LIMIT_TLS_FLIGHT <= UINT16_MAX && MOX_LIMIT_TLS_AHEAD <= UINT16_MAX,
              "the positions of struct tls_flight");

/* Bytes have left. */
static void note_sent(struct tls_flight *f, size_t n)
{
    f->sent = (uint16_t)(f->sent + n);
    if (f->sent < f->held)
        return;
    mem_free(f->out);
    f->out = NULL;
    f->sent = f->held = 0;
}

int tls_flight_send(struct tls_flight *f, struct stream *under)
{
    while (tls_flight_holds(f)) {
        size_t n = 0;
        int status = under->ops->write(under, f->out + f->sent, (size_t)f->held - f->sent, &n);

        if (status != MOX_OK)
            return status;
        note_sent(f, n);
    }
    return MOX_OK;
}

int tls_flight_gather(struct tls_flight *f, struct stream *under, const void *buf, size_t len,
                      size_t *n)
{
    if (len > (size_t)MOX_LIMIT_TLS_FLIGHT - f->held) {
        int status = tls_flight_send(f, under);

        if (status != MOX_OK)
            return status;
    }
    if (f->out == NULL && len <= MOX_LIMIT_TLS_FLIGHT)
        f->out = mem_resize(NULL, MOX_LIMIT_TLS_FLIGHT, 1);
    if (f->out == NULL)
        return under->ops->write(under, buf, len, n);
    memcpy(f->out + f->held, buf, len);
    f->held = (uint16_t)(f->held + len);
    *n = len;
    return MOX_OK;
}

/* A short write means that more would have to wait. */
int tls_flight_write(struct tls_flight *f, struct stream *under, const void *buf, size_t len,
                     size_t *n)
{
    size_t room = (size_t)MOX_LIMIT_TLS_FLIGHT - f->held, unsent = (size_t)f->held - f->sent;
    size_t with = len < room ? len : room, done = 0;
    int status;

    if (f->out == NULL)
        return under->ops->write(under, buf, len, n);
    memcpy(f->out + f->held, buf, with);
    status = under->ops->write(under, f->out + f->sent, unsent + with, &done);
    if (status != MOX_OK)
        return status;
    note_sent(f, done < unsent ? done : unsent);
    if (done <= unsent)
        return MOX_E_AGAIN;
    *n = done - unsent;
    return MOX_OK;
}

static void drop_in(struct tls_flight *f)
{
    mem_free(f->in);
    f->in = NULL;
    f->at = f->len = 0;
}

/* Bytes of the stream below, into memory of ours. */
static int fill(struct tls_flight *f, struct stream *under)
{
    size_t got = 0;
    int status = under->ops->read(under, f->in, MOX_LIMIT_TLS_AHEAD, &got);

    if (status != MOX_OK)
        drop_in(f);
    f->len = (uint16_t)got;
    return status;
}

int tls_flight_read(struct tls_flight *f, struct stream *under, void *buf, size_t cap, size_t *n)
{
    size_t part;

    if (f->in == NULL) {
        int status;

        if (cap < MOX_LIMIT_TLS_AHEAD)
            f->in = mem_resize(NULL, MOX_LIMIT_TLS_AHEAD, 1);
        if (f->in == NULL)
            return under->ops->read(under, buf, cap, n);
        status = fill(f, under);
        if (status != MOX_OK)
            return status;
    }
    part = (size_t)f->len - f->at;
    if (part > cap)
        part = cap;
    memcpy(buf, f->in + f->at, part);
    f->at = (uint16_t)(f->at + part);
    if (f->at == f->len)
        drop_in(f);
    *n = part;
    return MOX_OK;
}

void tls_flight_end(struct tls_flight *f)
{
    mem_free(f->out);
    mem_free(f->in);
    *f = (struct tls_flight){0};
}
