/*
 * schema_moxdial.c - every key of a stand-alone file, with the words that describe it.
 */
#include <stddef.h>

#include "base/mem.h"
#include "config/set.h"

#define BLOCK(table) .keys = (table), .nkeys = ARRAY_LEN(table)
#define TIMEOUT(key, field, value, words)                                                          \
    {                                                                                              \
        .name = (key), .type = SCHEMA_DURATION, .set = config_set_timeout,                         \
        .arg = offsetof(struct config_timeouts, field), .doc = (words), .standard = (value),       \
        .example = (value)                                                                         \
    }

enum { ITEMS_TO = 0, ITEMS_FROM = 1 };

/* routes */

static const struct schema_key from_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_item, .arg = ITEMS_FROM, .example = "example.com"},
};
static const struct schema_block from = {BLOCK(from_keys), .open = config_set_open_items};
static const struct schema_key to_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_item, .arg = ITEMS_TO, .example = ".example.org"},
};
static const struct schema_block to = {BLOCK(to_keys), .open = config_set_open_items};
static const struct schema_key to_mx_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_to_mx, .example = ".mx.example.net"},
};
static const struct schema_block to_mx = {BLOCK(to_mx_keys), .open = config_set_open_list,
                                          .close = config_set_close_to_mx};
static const struct schema_key hours_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_hours, .example = "Mon-Fri 08:00-18:00"},
};
static const struct schema_block hours = {BLOCK(hours_keys), .open = config_set_open_list,
                                          .close = config_set_close_hours};

static const struct schema_key route_keys[] = {
    {.name = "FromDomain",
     .type = SCHEMA_LIST,
     .block = &from,
     .arg = ITEMS_FROM,
     .doc = "Sender domains, any of them; a leading dot takes the names below it too, and \".\" "
            "is mail without a domain, such as bounces.",
     .standard = "every sender"},
    {.name = "ToDomain",
     .type = SCHEMA_LIST,
     .block = &to,
     .arg = ITEMS_TO,
     .doc = "Recipient domains, written in the same way.",
     .standard = "every recipient"},
    {.name = "MinimumAttempts",
     .type = SCHEMA_INT,
     .set = config_set_minimum_attempts,
     .doc = "Match only after this many deliveries were tried: 1 skips the first.",
     .standard = "0",
     .example = "0"},
    {.name = "Transport",
     .type = SCHEMA_STRING,
     .required = true,
     .set = config_set_route_transport,
     .doc = "The transport to take, a name from Transports.",
     .example = "ipv4only"},
    {.name = "ToMX",
     .type = SCHEMA_LIST,
     .block = &to_mx,
     .doc = "MX hosts of the destination, any of them: exact, or with a leading dot also those "
            "below the name.",
     .standard = "every MX host"},
    {.name = "Hours",
     .type = SCHEMA_LIST,
     .block = &hours,
     .doc = "When the route holds: days (optional), start (inclusive) and end (exclusive). "
            "22:00-06:00 belongs to the day it starts.",
     .standard = "always"},
    {.name = "TimeZone",
     .type = SCHEMA_STRING,
     .set = config_set_time_zone,
     .doc = "The time zone of Hours: local, UTC, or an offset like +02:00.",
     .standard = "local",
     .example = "local"},
    {.name = "MaxPerMinute",
     .type = SCHEMA_INT,
     .set = config_set_maximum,
     .arg = offsetof(struct config_conditions, max_per_minute),
     .doc = "Recipients in a minute; when they are used up the route does not match.",
     .standard = "no limit",
     .example = "10"},
    {.name = "MaxPerHour",
     .type = SCHEMA_INT,
     .set = config_set_maximum,
     .arg = offsetof(struct config_conditions, max_per_hour),
     .doc = "The same for an hour.",
     .standard = "no limit",
     .example = "100"},
    {.name = "MaxPerDay",
     .type = SCHEMA_INT,
     .set = config_set_maximum,
     .arg = offsetof(struct config_conditions, max_per_day),
     .doc = "The same for a day, in UTC.",
     .standard = "no limit",
     .example = "1000"},
    {.name = "Percent",
     .type = SCHEMA_INT,
     .set = config_set_percent,
     .doc = "The share, 1 to 99, of the messages reaching this route that it takes; a retry stays "
            "where it was.",
     .standard = "all",
     .example = "50"},
};
static const struct schema_block route = {BLOCK(route_keys), .open = config_set_open_route,
                                          .close = config_set_close_route};
static const struct schema_key routes_keys[] = {{.type = SCHEMA_STRUCT, .block = &route}};
static const struct schema_block routes = {BLOCK(routes_keys), .open = config_set_open_routes};

static const struct schema_key domain_keys[] = {
    {.name = "Routes",
     .type = SCHEMA_LIST,
     .block = &routes,
     .arg = MOX_SCOPE_DOMAIN,
     .doc = "Routes for mail from this domain, with the keys of Routes above.",
     .brief = true},
};
static const struct schema_block domain = {BLOCK(domain_keys), .open = config_set_open_domain};
static const struct schema_key domains_keys[] = {
    {.type = SCHEMA_STRUCT, .block = &domain, .example = "example.com"},
};
static const struct schema_block domains = {BLOCK(domains_keys)};

static const struct schema_key account_keys[] = {
    {.name = "Routes",
     .type = SCHEMA_LIST,
     .block = &routes,
     .arg = MOX_SCOPE_ACCOUNT,
     .doc = "Routes for mail of this account, with the keys of Routes above.",
     .brief = true},
};
static const struct schema_block account = {BLOCK(account_keys), .open = config_set_open_account};
static const struct schema_key accounts_keys[] = {
    {.type = SCHEMA_STRUCT, .block = &account, .example = "alice"},
};
static const struct schema_block accounts = {BLOCK(accounts_keys)};

/* the top level */

static const struct schema_key local_ips_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_ip, .arg = SET_IP_SPECIFIED, .example = "192.0.2.10"},
};
static const struct schema_block local_ips = {BLOCK(local_ips_keys), .open = config_set_open_list,
                                              .close = config_set_close_local_ips};
static const struct schema_key nat_ips_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_ip, .arg = SET_IP_PUBLIC, .example = "198.51.100.1"},
};
static const struct schema_block nat_ips = {BLOCK(nat_ips_keys), .open = config_set_open_list,
                                            .close = config_set_close_nat_ips};
static const struct schema_key spf_map_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_spf_map, .example = "192.168.1.254: 198.51.100.1"},
};
static const struct schema_block spf_map = {BLOCK(spf_map_keys), .address_names = true};

static const struct schema_key timeouts_keys[] = {
    TIMEOUT("DNS", dns, "30s", "A question to the DNS."),
    TIMEOUT("Connect", connect, "30s", "A connection to one address."),
    TIMEOUT("Greeting", greeting, "5m", "The server's greeting."),
    TIMEOUT("EHLO", ehlo, "5m", "The reply to EHLO."),
    TIMEOUT("TLS", tls, "1m", "The TLS handshake."),
    TIMEOUT("AUTH", auth, "5m", "A reply while logging in."),
    TIMEOUT("Mail", mail, "5m", "The reply to MAIL."),
    TIMEOUT("Rcpt", rcpt, "5m", "The reply to RCPT."),
    TIMEOUT("Data", data, "2m", "The reply to DATA."),
    TIMEOUT("Block", block, "3m", "A block of the message, until the server took it."),
    TIMEOUT("FinalReply", final_reply, "10m", "The reply to the final dot."),
    TIMEOUT("Store", store, "1s", "An answer of the store."),
    TIMEOUT("Dial", dial, "5m", "Everything until a session is ready."),
};
static const struct schema_block timeouts = {BLOCK(timeouts_keys)};

static const struct schema_key top_keys[] = {
    {.name = "Hostname",
     .type = SCHEMA_STRING,
     .set = config_set_hostname,
     .doc = "Our name, told to servers in EHLO; in Unicode form.",
     .standard = "our end of the connection, as an address literal",
     .example = "mail.example.com"},
    {.name = "LocalIPs",
     .type = SCHEMA_LIST,
     .block = &local_ips,
     .doc = "The addresses to connect from; of each family the first is used.",
     .standard = "the system chooses"},
    {.name = "NATIPs",
     .type = SCHEMA_LIST,
     .block = &nat_ips,
     .doc = "Our public addresses, where a router translates those of this machine.",
     .standard = "none"},
    {.name = "SPFIPMap",
     .type = SCHEMA_MAP,
     .block = &spf_map,
     .doc = "For SPF: addresses or prefixes of peers, and the address that stands for each. The "
            "cure where our own mail comes back from the router's address.",
     .standard = "none"},
    {.name = "TrustAD",
     .type = SCHEMA_BOOL,
     .set = config_set_trust_ad,
     .doc = "Believe the name server when it says that an answer is authentic (DNSSEC), which "
            "DANE needs.",
     .standard = "true if resolv.conf says trust-ad or every name server is on this machine",
     .example = "false"},
    {.name = "AllowSpecial",
     .type = SCHEMA_BOOL,
     .set = config_set_allow_special,
     .doc = "Connect to loopback and other special addresses even if a recipient's domain names "
            "them.",
     .standard = "false",
     .example = "false"},
    {.name = "RaceDelay",
     .type = SCHEMA_DURATION,
     .set = config_set_race_delay,
     .doc = "How long a connect may take before the next address is tried beside it, 100ms to 2s "
            "(RFC 8305).",
     .standard = "1s",
     .example = "1s"},
    {.name = "CAFile",
     .type = SCHEMA_STRING,
     .set = config_set_ca_file,
     .doc = "A PEM file with the roots to trust, instead of the system's; a relative path starts "
            "at this file's folder.",
     .standard = "the system's bundle",
     .example = "/etc/ssl/certs/ca-certificates.crt",
     .quiet = true},
    {.name = "Timeouts",
     .type = SCHEMA_STRUCT,
     .block = &timeouts,
     .doc = "How long to wait for what; 0 is the default."},
    {.name = "Store",
     .type = SCHEMA_STRING,
     .set = config_set_store,
     .doc =
         "Where counters and what was learned are kept: memory, sqlite:PATH, "
         "redis:HOST:PORT or redis:PATH; a relative path of sqlite starts at this file's folder.",
     .standard = "memory",
     .example = "memory"},
    {.name = "Transports",
     .type = SCHEMA_MAP,
     .block = &config_schema_moxdial_transports,
     .doc = "The ways by which mail can leave, each under a name; a transport has one method, or "
            "none (nil): direct delivery over both families."},
    {.name = "Routes",
     .type = SCHEMA_LIST,
     .block = &routes,
     .arg = MOX_SCOPE_GLOBAL,
     .doc = "Which mail takes which transport: the first route that matches, of the account, then "
            "of the sender's domain, then of this list. None: direct delivery, both families. "
            "All conditions of a route must hold."},
    {.name = "Domains",
     .type = SCHEMA_MAP,
     .block = &domains,
     .doc = "Our domains, in Unicode form, with the routes of mail from them; nil: no routes."},
    {.name = "Accounts",
     .type = SCHEMA_MAP,
     .block = &accounts,
     .doc = "Accounts that submit mail, with their routes."},
};
static const struct schema_block top = {BLOCK(top_keys)};

const struct schema_key config_schema_moxdial = {.type = SCHEMA_STRUCT, .block = &top};
