/*
 * set_listener.c - see set.h. Of a listener we want its addresses, and only those of one that takes
 * SMTP must be valid; keys come in any order, so they are looked at when the listener ends.
 */
#include <string.h>

#include "base/ip.h"
#include "config/set.h"

void config_set_open_listener(struct build *b, const struct schema_key *key, struct slice name)
{
    (void)key;
    b->listener = (struct config_listener){.name = config_build_text(b, name)};
    b->listener_ips.len = b->listener_ips.at = 0;
    b->nated_line = b->nat_line = 0;
}

void config_set_open_listener_ips(struct build *b, const struct schema_key *key, struct slice name)
{
    (void)key, (void)name;
    b->listener_ips.len = b->listener_ips.at = 0;
}

void config_set_listener_ip(struct build *b, const struct schema_key *key,
                            const struct schema_value *value)
{
    struct config_build_text item = {value->text, b->line};

    (void)key;
    config_build_append(b, &b->listener_ips, &item, sizeof item);
}

void config_set_listener_nated(struct build *b, const struct schema_key *key,
                               const struct schema_value *value)
{
    (void)key;
    b->listener.ips_nated = value->flag;
    b->nated_line = value->flag ? b->line : 0;
}

void config_set_listener_smtp(struct build *b, const struct schema_key *key,
                              const struct schema_value *value)
{
    (void)key;
    b->listener.smtp = value->flag;
}

void config_set_close_listener_nat_ips(struct build *b, const struct schema_key *key, bool whole)
{
    (void)key, (void)whole;
    b->nat_line = b->frames[b->depth].line;
    b->listener.nat_ips = config_set_take_ips(b, &b->listener.nnat_ips);
}

/* Addresses of a listener without SMTP that are none are no concern of ours. */
static void parse_ips(struct build *b)
{
    const struct config_build_text *items =
        (const struct config_build_text *)(const void *)b->listener_ips.ptr;
    size_t n = b->listener_ips.len / sizeof *items;

    b->scratch.len = b->scratch.at = 0;
    for (size_t i = 0; i < n; i++) {
        struct mox_ip ip;
        char below[40];
        struct text t = text_to(below, sizeof below);

        text_add(&t, ".IPs[%zu]", i);
        if (ip_parse_plain(items[i].text, &ip) == MOX_OK)
            config_build_append(b, &b->scratch, &ip, sizeof ip);
        else if (b->listener.smtp)
            config_build_error_below(
                b, items[i].line, below,
                "invalid IP %s; write one address, without prefix, zone, or leading "
                "zeros",
                config_build_quote(items[i].text).text);
    }
    b->listener.ips = config_set_take_ips(b, &b->listener.nips);
}

void config_set_close_listener(struct build *b, const struct schema_key *key, bool whole)
{
    (void)key, (void)whole;
    if (b->nated_line != 0 && b->nat_line != 0)
        config_build_error_below(
            b, b->nated_line > b->nat_line ? b->nated_line : b->nat_line, ".IPsNATed",
            "both IPsNATed and NATIPs are configured; remove the deprecated IPsNATed");
    parse_ips(b);
    config_build_append(b, &b->listeners, &b->listener, sizeof b->listener);
}
