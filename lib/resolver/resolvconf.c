/*
 * resolvconf.c - see resolvconf.h. As in the C library a keyword begins its line, what is not
 * understood is passed over, and servers over the limit are not asked.
 */
#include "resolver/resolvconf.h"

#include <errno.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/ip.h"

enum { DNS_PORT = 53 };

static void add_server(struct slice text, struct resolvconf *out)
{
    struct resolver_server *server = &out->servers[out->nservers];

    if (out->nservers == MOX_LIMIT_DNS_SERVERS || ip_parse_any(text, &server->ip) != MOX_OK)
        return;
    server->port = DNS_PORT;
    out->nservers++;
}

static void parse_line(struct slice line, struct resolvconf *out)
{
    struct slice keyword, word;

    line = slice_sub(line, 0, slice_find(line, '#'));
    line = slice_sub(line, 0, slice_find(line, ';'));
    line = slice_sub(line, 0, slice_find(line, '\r'));
    if (line.len == 0 || line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return;
    keyword = slice_word(&line);
    if (slice_is(keyword, "nameserver"))
        add_server(slice_word(&line), out);
    if (!slice_is(keyword, "options"))
        return;
    for (word = slice_word(&line); word.len > 0; word = slice_word(&line))
        out->trust_ad |= slice_is(word, "trust-ad");
}

void resolvconf_parse(struct slice text, struct resolvconf *out)
{
    *out = (struct resolvconf){0};
    while (text.len > 0) {
        size_t end = slice_find(text, '\n');

        parse_line(slice_sub(text, 0, end), out);
        text = slice_sub(text, end + 1, text.len);
    }
    if (out->nservers == 0)
        add_server(slice_of("127.0.0.1"), out);
}

int resolvconf_read(const char *path, struct resolvconf *out, struct mox_error *err)
{
    struct mox_error reason = {0};
    struct buffer text = {0};
    int status = buffer_read_file(&text, path, MOX_LIMIT_RESOLV_CONF, &reason);

    if (status == MOX_E_OS && reason.os_errno == ENOENT)
        status = MOX_OK;
    if (status == MOX_OK)
        resolvconf_parse(buffer_slice(&text), out);
    else if (err != NULL)
        *err = reason;
    buffer_free(&text);
    return status;
}

int resolver_server_parse(const char *text, struct resolver_server *out, struct mox_error *err)
{
    struct slice host;

    *out = (struct resolver_server){.port = DNS_PORT};
    if (text != NULL && ip_parse_any(slice_of(text), &out->ip) == MOX_OK)
        return MOX_OK; /* an IPv6 address without brackets would else end in a port */
    if (text == NULL || ip_split_port(slice_of(text), &host, &out->port) != MOX_OK ||
        ip_parse_any(host, &out->ip) != MOX_OK)
        return error_set(err, MOX_E_INVAL,
                         "\"%.100s\" is no name server; write 192.0.2.53, 192.0.2.53:5353 or "
                         "[2001:db8::53]:5353",
                         text == NULL ? "" : text);
    return MOX_OK;
}
