/*
 * set.h - the setters that the schema's tables name: each takes one checked scalar, or opens or
 * closes a block, and reports what is wrong with it.
 */
#ifndef CONFIG_SET_H
#define CONFIG_SET_H

#include "config/build.h"

typedef void set_value(struct build *b, const struct schema_key *key,
                       const struct schema_value *value);
typedef void set_open(struct build *b, const struct schema_key *key, struct slice name);
typedef void set_close(struct build *b, const struct schema_key *key, bool whole);

/* set_common.c: what several blocks share. An address item's arg: */
enum {
    SET_IP_ANY = 0,
    SET_IP_PUBLIC = 1,   /* neither unspecified nor loopback */
    SET_IP_SPECIFIED = 2 /* not unspecified */
};
set_open config_set_open_list;
set_value config_set_ip;
const struct mox_ip *config_set_take_ips(struct build *b, size_t *n);
const char *const *config_set_take_texts(struct build *b); /* NULL at the end */

/* A name in A-labels, copied; NULL: refused, and told. what: "host". */
const char *config_set_take_domain(struct build *b, struct slice text, const char *what);

/* A name that must be in its Unicode form. *out: A-labels; returns the form; NULL: told. */
const char *config_set_take_unicode(struct build *b, struct slice text, const char *what,
                                    const char **ascii);

/* A path relative to the file's folder; NULL: refused, or no memory. */
const char *config_set_take_path(struct build *b, struct slice text);

/* set_top.c: the top level. args of config_set_timeout: offsets in struct config_timeouts. */
set_value config_set_hostname, config_set_trust_ad, config_set_allow_special, config_set_race_delay,
    config_set_store, config_set_timeout;
set_value config_set_spf_map;
set_close config_set_close_local_ips, config_set_close_nat_ips;

/* set_ca.c: roots of trust. */
set_open config_set_open_ca;
set_value config_set_ca_system, config_set_ca_file;
bool config_set_finish_ca(struct build *b);

/* set_listener.c */
set_open config_set_open_listener;
set_close config_set_close_listener, config_set_close_listener_nat_ips;
set_value config_set_listener_ip, config_set_listener_nated, config_set_listener_smtp;
set_open config_set_open_listener_ips;

/* set_transport.c. arg of methods: enum mox_kind; of set_transport_domain: an offset. */
set_open config_set_open_transport, config_set_open_method, config_set_open_auth;
set_close config_set_close_transport, config_set_close_method, config_set_close_auth;
set_close config_set_close_mechanisms, config_set_close_remote_ips, config_set_close_direct_ips;
set_value config_set_host, config_set_port, config_set_skip_verify, config_set_no_starttls,
    config_set_username, config_set_password;
set_value config_set_mechanism, config_set_address, config_set_remote_hostname,
    config_set_ehlo_hostname;
set_value config_set_disable, config_set_prefer, config_set_client_file, config_set_socks_login,
    config_set_require;
set_value config_set_smtp_code, config_set_smtp_message;

/* set_route.c. arg of config_set_open_routes: enum mox_scope; of set_open_domains: 1: from. */
set_open config_set_open_domain, config_set_open_account, config_set_open_routes,
    config_set_open_route, config_set_open_items;
set_close config_set_close_route;
set_value config_set_item, config_set_minimum_attempts, config_set_route_transport;

/* set_condition.c */
set_value config_set_to_mx, config_set_hours, config_set_time_zone, config_set_maximum,
    config_set_percent;
set_close config_set_close_to_mx, config_set_close_hours;
void config_set_check_conditions(struct build *b); /* at the route's end */

#endif
