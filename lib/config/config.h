/*
 * config.h - struct mox_config: what a configuration says, validated, in the form its readers want.
 *
 * Immutable once `config_build` has returned it, counted, shared by threads. All memory but the
 * large arrays is one arena, wiped at the end, for it holds passwords. The route index is built by
 * route/ into `index`; api/ calls the two in turn.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <moxdial/config.h>
#include <moxdial/route.h>

#include "base/arena.h"
#include "base/ip.h"
#include "base/text.h"

enum config_kind { CONFIG_MOXDIAL = 0, CONFIG_MOX, CONFIG_DOMAINS }; /* semantics.md 2.1 */

struct config_auth {
    const char *username, *password;
    const char *const *mechanisms; /* in order, NULL at the end; NULL: mox's default list */
};

struct config_transport {
    const char *name, *file;
    int32_t line;        /* of its name */
    int32_t kind;        /* enum mox_kind; without a method it is MOX_KIND_DIRECT */
    bool method;         /* false: `name: nil` */
    uint32_t families;   /* MOX_ALLOW_ bits, never 0; none for Fail all the same */
    int32_t prefer;      /* enum mox_prefer */
    int32_t family_line; /* of DisableIPv4 or DisableIPv6 that is true; 0: neither */

    /* Submission, Submissions, SMTP */
    const char *host; /* A-labels */
    uint16_t port;    /* never 0: the default of the kind is filled in; of Socks the proxy's */
    bool no_starttls, skip_verify;
    const struct config_auth *auth; /* NULL: none */
    const char *client_cert, *client_key;

    /* Socks */
    const char *address;    /* as written */
    const char *proxy_host; /* of it, without brackets */
    const char *remote_hostname;
    const struct mox_ip *remote_ips;
    size_t nremote_ips;
    const char *socks_username, *socks_password;

    /* Direct */
    const struct mox_ip *local_ips;
    size_t nlocal_ips;
    const char *ehlo_hostname; /* NULL: none */
    bool require_reverse_dns, require_spf;

    /* Fail */
    int32_t smtp_code;        /* never 0 */
    const char *smtp_message; /* never NULL */
};

/* One "Mon-Fri 08:00-18:00": days are a bit each from Monday (1) on, minutes count from midnight;
 * until < from: it ends on the next day. */
struct config_hours {
    uint8_t days, reserved;
    uint16_t from, until;
};

/* What a route may ask beyond mox's conditions. */
struct config_conditions {
    const char *const *to_mx; /* A-labels, a leading dot where written; NULL at the end; or NULL */
    const struct config_hours *hours;
    size_t nhours;
    bool time_zone_fixed; /* false: local */
    int32_t utc_offset_s;
    uint32_t max_per_minute, max_per_hour, max_per_day; /* 0: none */
    uint32_t percent;                                   /* 0: none */
};

/* Small, for there may be a million of them. */
struct config_route {
    uint32_t transport;        /* index */
    uint32_t minimum_attempts; /* 0: none */
    uint32_t from, to;         /* first item, index into items */
    uint32_t nfrom, nto;       /* 0: the key is absent, matches everything */
    uint32_t conditions;       /* index + 1; 0: none */
    uint32_t line;
};

/* The routes of one scope: the global list, or those of an account or of a sender domain. */
struct config_list {
    const char *name;  /* account, or domain in A-labels; NULL: global */
    const char *shown; /* the map's name as written; NULL: global */
    const char *file;
    uint32_t first, count; /* in routes */
    int32_t scope;         /* enum mox_scope */
    int32_t line;
};

/* A listener that gives addresses to the NAT map. */
struct config_listener {
    const char *name;
    const struct mox_ip *ips, *nat_ips;
    size_t nips, nnat_ips;
    bool smtp, ips_nated;
};

struct config_spf_map {
    struct ip_prefix prefix;
    struct mox_ip ip;
};

struct config_timeouts { /* milliseconds; 0: the default */
    uint32_t dns, connect, greeting, ehlo, tls, auth, mail, rcpt, data, block, final_reply, store,
        dial;
};

struct mox_config {
    atomic_uint references;
    struct arena arena;          /* wiped on free */
    struct mox_config_info info; /* the public view */

    const char *hostname_ascii;   /* NULL: none */
    const char *hostname_unicode; /* as `show` writes it */
    struct config_transport *transports;
    uint32_t ntransports;
    const uint32_t *transports_by_name; /* indexes, sorted by strcmp of the names */

    struct config_route *routes; /* list by list, in file order within each */
    uint32_t nroutes;
    uint32_t *items; /* offsets into names */
    uint32_t nitems;
    /* Each name: its length in one byte, then the text with its NUL. A leading '.' where written;
     * "." is the empty domain. A-labels. */
    char *names;
    size_t names_len;
    struct config_list *lists; /* account lists, then domain lists, each sorted by strcmp of name,
                                * then the global one */
    uint32_t nlists;
    struct config_conditions *conditions;
    uint32_t nconditions;
    const char *const *domains;       /* keys of Domains in A-labels, sorted by strcmp */
    const char *const *domains_shown; /* the same as written */
    size_t ndomains;
    enum config_kind kind; /* CONFIG_MOXDIAL, or CONFIG_MOX for either or both of mox's files */

    struct config_listener *listeners;
    size_t nlisteners;
    const struct mox_ip *local_ips, *nat_ips; /* stand-alone: LocalIPs, NATIPs */
    size_t nlocal_ips, nnat_ips;
    struct mox_ip sources[2]; /* semantics.md 6.2: at most one of each family */
    size_t nsources;
    const struct mox_ip *own; /* addresses that are ourselves: SMTP listeners', NATIPs, LocalIPs */
    size_t nown;
    const struct config_spf_map *spf_map;
    size_t nspf_map;

    int8_t trust_ad; /* -1: not said */
    bool allow_special;
    uint32_t race_delay_ms; /* 0: not said */
    struct config_timeouts timeouts;

    _Atomic(void *)
        roots; /* trust anchors, parsed at their first use; the dialer owns the meaning */
    void (*roots_free)(void *roots);
    const void *index; /* route/ owns the meaning; lives in the arena or is freed by index_free */
    void (*index_free)(const void *index);
};

/*
 * Parses and validates; the index is not built yet. The maker is api/. NULL: err holds the first
 * problem. options: already taken by input_take.
 */
struct mox_config *config_build(const struct mox_config_options *options, struct mox_error *err);

/* NULL: no such transport. Names are case-sensitive. */
const struct config_transport *config_transport_by_name(const struct mox_config *config,
                                                        struct slice name);

/* The i-th item of a route's list: borrowed text, a leading dot included. */
struct slice config_item(const struct mox_config *config, uint32_t item);

/* "Mon-Fri 08:00-18:00", as a file says it; "Mon" for 0, and so on. */
void config_hours_text(struct text *out, const struct config_hours *hours);
const char *config_day_name(unsigned day);

/* Whether the configuration hosts this domain (A-labels). */
bool config_hosts_domain(const struct mox_config *config, struct slice domain);

/* Drops one reference; the last one ends it. */
void config_release(struct mox_config *config);

#endif
