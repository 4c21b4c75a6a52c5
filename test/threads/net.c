/* net.c - see net.h. What is answered is answered at once: nothing here ever waits. */
#include "net.h"

#include <stdlib.h>
#include <string.h>

enum { TYPE_A = 1, TYPE_MX = 15, TYPE_AAAA = 28, OUTPUT = 256 };

struct stream {
    struct net *net;
    uint64_t id;
    size_t len, taken; /* bytes in output, and of them read */
    char output[OUTPUT];
};

static void say(struct stream *stream, const char *text)
{
    size_t len = strlen(text);

    if (stream->len + len > sizeof stream->output)
        return; /* nobody reads: the client will find its answer missing */
    memcpy(stream->output + stream->len, text, len);
    stream->len += len;
}

static int net_connect(void *user, uint64_t id, const struct mox_ip *remote, uint16_t port,
                       const struct mox_ip *local, void **handle)
{
    struct net *net = user;
    struct stream *stream = calloc(1, sizeof *stream);

    (void)local;
    if (stream == NULL || remote->family == MOX_FAMILY_NONE || port != 25) {
        free(stream);
        return MOX_E_NOMEM;
    }
    stream->net = net;
    stream->id = id;
    say(stream, "220 memory.example ESMTP\r\n");
    net->streams++;
    *handle = stream;
    return MOX_OK;
}

static int net_connected(void *user, void *handle, struct mox_ip *local, uint16_t *port)
{
    (void)user;
    (void)handle;
    if (port != NULL)
        *port = 40000;
    return local == NULL ? MOX_OK : mox_ip_parse("192.0.2.1", local);
}

static int net_read(void *user, void *handle, void *buf, size_t cap, size_t *n)
{
    struct stream *stream = handle;
    size_t left = stream->len - stream->taken;

    (void)user;
    *n = left < cap ? left : cap;
    if (*n == 0)
        return MOX_E_AGAIN;
    memcpy(buf, stream->output + stream->taken, *n);
    stream->taken += *n;
    return MOX_OK;
}

static int net_write(void *user, void *handle, const void *buf, size_t len, size_t *n)
{
    struct stream *stream = handle;

    *n = len;
    if (len >= 4 && memcmp(buf, "QUIT", 4) == 0)
        ((struct net *)user)->quits++;
    else
        say(stream, "250 fine\r\n");
    return MOX_OK;
}

static int net_want(void *user, void *handle, int events)
{
    const struct stream *stream = handle;
    int ready = events & (MOX_WRITE | (stream->len > stream->taken ? MOX_READ : 0));

    (void)user;
    return ready == 0 ? MOX_OK : mox_socket_ready(stream->net->ctx, stream->id, ready);
}

static void net_close(void *user, void *handle)
{
    ((struct net *)user)->streams--;
    free(handle);
}

static int net_query(void *user, uint64_t id, const char *name, uint16_t type)
{
    struct mox_dns_record record = {.name = name, .rrtype = type, .ttl = 300};
    struct mox_ctx *ctx = ((struct net *)user)->ctx;

    if (type == TYPE_MX)
        record.rdata = "10 mx.memory.example.";
    else if (type == TYPE_A)
        record.rdata = "192.0.2.25";
    else if (type == TYPE_AAAA)
        record.rdata = "2001:db8::25";
    return mox_dns_answer_records(ctx, id, 0, &record, record.rdata != NULL, 0);
}

static void net_cancel(void *user, uint64_t id)
{
    (void)user;
    (void)id; /* there is none: all are answered at once */
}

struct mox_ctx *net_open(struct net *net)
{
    struct mox_socket_ops socket = {.size = sizeof socket,
                                    .user = net,
                                    .connect = net_connect,
                                    .connected = net_connected,
                                    .read = net_read,
                                    .write = net_write,
                                    .want = net_want,
                                    .close = net_close};
    struct mox_dns_ops dns = {
        .size = sizeof dns, .user = net, .query = net_query, .cancel = net_cancel};
    struct mox_ctx_options options = {.size = sizeof options, .socket = &socket, .dns = &dns};

    *net = (struct net){0};
    net->ctx = mox_ctx_new(&options, NULL);
    return net->ctx;
}
