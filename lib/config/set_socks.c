/* set_socks.c - see set.h. The address of a proxy is split as Go's net.SplitHostPort does. */
#include <string.h>

#include "config/set.h"

/* Inside brackets, or before the only colon; NULL: well, else what is wrong. */
static const char *split_address(struct slice text, struct slice *host, struct slice *port)
{
    size_t last = text.len, end;

    while (last > 0 && text.ptr[last - 1] != ':')
        last--;
    if (last == 0)
        return "missing port in address";
    *port = slice_sub(text, last, text.len);
    if (text.ptr[0] != '[') {
        *host = slice_sub(text, 0, last - 1);
        if (slice_find(*host, ':') < host->len)
            return "too many colons in address";
        end = 0;
    } else {
        end = slice_find(text, ']');
        if (end == text.len)
            return "missing ']' in address";
        if (end + 1 != last - 1)
            return end + 1 < text.len && text.ptr[end + 1] == ':' ? "too many colons in address"
                                                                  : "missing port in address";
        *host = slice_sub(text, 1, end);
        if (slice_find(*host, '[') < host->len)
            return "unexpected '[' in address";
        end++;
    }
    text = slice_sub(text, end, text.len);
    if (slice_find(text, '[') < text.len)
        return "unexpected '[' in address";
    return slice_find(text, ']') < text.len ? "unexpected ']' in address" : NULL;
}

void config_set_address(struct build *b, const struct schema_key *key,
                        const struct schema_value *value)
{
    struct slice host, port;
    uint64_t number = 0;
    const char *fault = split_address(value->text, &host, &port);

    (void)key;
    if (fault != NULL) {
        config_build_error(b, "bad address %s: %s; write host:port or [ipv6]:port",
                           config_build_quote(value->text).text, fault);
        return;
    }
    if (host.len == 0)
        config_build_warning(b, "no host in %s, so no dial will succeed; write host:port",
                             config_build_quote(value->text).text);
    if (!slice_number(port, UINT16_MAX, &number) || number == 0) {
        config_build_warning(
            b, "no port from 1 to 65535 in %s, so no dial will succeed; write host:port",
            config_build_quote(value->text).text);
        number = 0;
    }
    b->transport.address = config_build_text(b, value->text);
    b->transport.proxy_host = config_build_text(b, host);
    b->transport.port = (uint16_t)number;
}

void config_set_remote_hostname(struct build *b, const struct schema_key *key,
                                const struct schema_value *value)
{
    (void)key;
    b->transport.remote_hostname = config_set_take_domain(b, value->text, "hostname");
}

void config_set_close_remote_ips(struct build *b, const struct schema_key *key, bool whole)
{
    (void)key, (void)whole;
    b->transport.remote_ips = config_set_take_ips(b, &b->transport.nremote_ips);
}

/* arg: where it stands in struct config_transport. */
void config_set_socks_login(struct build *b, const struct schema_key *key,
                            const struct schema_value *value)
{
    const char *text = config_build_text(b, value->text);

    if (value->text.len < 1 || value->text.len > UINT8_MAX)
        config_build_error(b, "%zu bytes; RFC 1929 has room for 1 to 255", value->text.len);
    memcpy((char *)&b->transport + key->arg, &text, sizeof text);
}
