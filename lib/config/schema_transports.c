/*
 * schema_transports.c - the transports of a stand-alone file: mox's keys and those of our own.
 */
#include <stddef.h>

#include "base/mem.h"
#include "config/set.h"

#define BLOCK(table) .keys = (table), .nkeys = ARRAY_LEN(table)
#define DISABLE_IPV4                                                                               \
    {                                                                                              \
        .name = "DisableIPv4", .type = SCHEMA_BOOL, .set = config_set_disable, .arg = MOX_IPV4,    \
        .doc = "Never ask for, or connect to, an IPv4 address.", .standard = "false",              \
        .example = "false"                                                                         \
    }
#define DISABLE_IPV6                                                                               \
    {                                                                                              \
        .name = "DisableIPv6", .type = SCHEMA_BOOL, .set = config_set_disable, .arg = MOX_IPV6,    \
        .doc =                                                                                     \
            "Never ask for, or connect to, an IPv6 address: the cure where IPv6 has no reverse "   \
            "DNS.",                                                                                \
        .standard = "false", .example = "true"                                                     \
    }
#define PREFER(value)                                                                              \
    {                                                                                              \
        .name = "Prefer", .type = SCHEMA_STRING, .set = config_set_prefer,                         \
        .doc =                                                                                     \
            "Order, not exclusion: ipv4 or ipv6 puts all addresses of that family first, learned " \
            "puts last the family that a host refused lately.",                                    \
        .standard = "the families take turns, IPv6 first", .example = (value)                      \
    }

/* smarthosts */

static const struct schema_key mechanisms_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_mechanism, .example = "SCRAM-SHA-256"},
};
static const struct schema_block mechanisms = {BLOCK(mechanisms_keys), .open = config_set_open_list,
                                               .close = config_set_close_mechanisms};
static const struct schema_key auth_keys[] = {
    {.name = "Username",
     .type = SCHEMA_STRING,
     .required = true,
     .set = config_set_username,
     .doc = "The name to log in with.",
     .example = "user@example.org"},
    {.name = "Password",
     .type = SCHEMA_STRING,
     .required = true,
     .set = config_set_password,
     .doc = "The password, to the end of the line; there are no quotes. For OAUTHBEARER and "
            "XOAUTH2 the token.",
     .example = "secret"},
    {.name = "Mechanisms",
     .type = SCHEMA_LIST,
     .block = &mechanisms,
     .doc = "What may be used, in this order: SCRAM-SHA-256-PLUS, SCRAM-SHA-256, "
            "SCRAM-SHA-1-PLUS, SCRAM-SHA-1, CRAM-MD5, PLAIN, LOGIN, EXTERNAL, OAUTHBEARER, "
            "XOAUTH2. The last five are used only if they are listed.",
     .standard = "the first five"},
};
static const struct schema_block auth = {
    BLOCK(auth_keys), .secret = true, .open = config_set_open_auth, .close = config_set_close_auth};
static const struct schema_key smarthost_keys[] = {
    {.name = "Host",
     .type = SCHEMA_STRING,
     .required = true,
     .set = config_set_host,
     .doc = "The host to connect to; its certificate is verified by this name.",
     .example = "smtp.example.org"},
    {.name = "Port",
     .type = SCHEMA_INT,
     .set = config_set_port,
     .doc = "The port; 0 is the usual one.",
     .standard = "465 for Submissions, 587 for Submission, 25 for SMTP",
     .example = "0"},
    {.name = "STARTTLSInsecureSkipVerify",
     .type = SCHEMA_BOOL,
     .set = config_set_skip_verify,
     .doc = "Require STARTTLS, but accept any certificate. Not for Submissions.",
     .standard = "false",
     .example = "false"},
    {.name = "NoSTARTTLS",
     .type = SCHEMA_BOOL,
     .set = config_set_no_starttls,
     .doc = "Send in clear. Not for Submissions.",
     .standard = "false",
     .example = "false"},
    {.name = "Auth",
     .type = SCHEMA_STRUCT,
     .block = &auth,
     .doc = "Log in to the server.",
     .standard = "no login"},
    DISABLE_IPV4,
    DISABLE_IPV6,
    PREFER("learned"),
    {.name = "ClientCert",
     .type = SCHEMA_STRING,
     .set = config_set_client_file,
     .arg = offsetof(struct config_transport, client_cert),
     .doc = "A PEM file with our certificate, for EXTERNAL and for servers that ask for one; a "
            "relative path starts at this file's folder.",
     .standard = "none",
     .example = "client.pem",
     .quiet = true},
    {.name = "ClientKey",
     .type = SCHEMA_STRING,
     .set = config_set_client_file,
     .arg = offsetof(struct config_transport, client_key),
     .doc = "A PEM file with the key of ClientCert.",
     .standard = "none",
     .example = "client-key.pem",
     .quiet = true},
};
static const struct schema_block smarthost = {BLOCK(smarthost_keys), .secret = true,
                                              .open = config_set_open_method,
                                              .close = config_set_close_method};

/* a SOCKS proxy */

static const struct schema_key remote_ips_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_ip, .arg = SET_IP_ANY, .example = "192.0.2.20"},
};
static const struct schema_block remote_ips = {BLOCK(remote_ips_keys), .open = config_set_open_list,
                                               .close = config_set_close_remote_ips};
static const struct schema_key socks_keys[] = {
    {.name = "Address",
     .type = SCHEMA_STRING,
     .required = true,
     .set = config_set_address,
     .doc = "The SOCKS5 proxy, as host:port or [ipv6]:port.",
     .example = "socks.example.org:1080"},
    {.name = "RemoteIPs",
     .type = SCHEMA_LIST,
     .required = true,
     .block = &remote_ips,
     .doc = "The addresses that the proxy connects from, for checks of SPF and reverse DNS."},
    {.name = "RemoteHostname",
     .type = SCHEMA_STRING,
     .required = true,
     .set = config_set_remote_hostname,
     .doc = "The name of the proxy's address, told to servers in EHLO.",
     .example = "mail2.example.org"},
    {.name = "Username",
     .type = SCHEMA_STRING,
     .set = config_set_socks_login,
     .arg = offsetof(struct config_transport, socks_username),
     .doc = "The login at the proxy (RFC 1929).",
     .standard = "no login",
     .example = "user"},
    {.name = "Password",
     .type = SCHEMA_STRING,
     .set = config_set_socks_login,
     .arg = offsetof(struct config_transport, socks_password),
     .doc = "Its password.",
     .example = "secret"},
    DISABLE_IPV4,
    DISABLE_IPV6,
    PREFER("ipv4"),
};
static const struct schema_block socks = {BLOCK(socks_keys), .secret = true,
                                          .open = config_set_open_method,
                                          .close = config_set_close_method};

/* direct delivery */

static const struct schema_key local_ips_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_ip, .arg = SET_IP_SPECIFIED, .example = "192.0.2.11"},
};
static const struct schema_block local_ips = {BLOCK(local_ips_keys), .open = config_set_open_list,
                                              .close = config_set_close_direct_ips};
static const struct schema_key direct_keys[] = {
    DISABLE_IPV4,
    DISABLE_IPV6,
    PREFER("ipv4"),
    {.name = "LocalIPs",
     .type = SCHEMA_LIST,
     .block = &local_ips,
     .doc = "The addresses to connect from, instead of those at the top of the file; of each "
            "family the first is used.",
     .standard = "LocalIPs at the top"},
    {.name = "EHLOHostname",
     .type = SCHEMA_STRING,
     .set = config_set_ehlo_hostname,
     .doc = "Our name in EHLO on this transport.",
     .standard = "Hostname",
     .example = "mail.example.org"},
    {.name = "RequireReverseDNS",
     .type = SCHEMA_BOOL,
     .set = config_set_require,
     .arg = offsetof(struct config_transport, require_reverse_dns),
     .doc = "Do not use a family whose source address has no confirmed reverse DNS.",
     .standard = "false",
     .example = "false"},
    {.name = "RequireSPF",
     .type = SCHEMA_BOOL,
     .set = config_set_require,
     .arg = offsetof(struct config_transport, require_spf),
     .doc = "Do not use a family whose source address the sender domain's SPF record refuses.",
     .standard = "false",
     .example = "false"},
};
static const struct schema_block direct = {BLOCK(direct_keys), .open = config_set_open_method,
                                           .close = config_set_close_method};

/* refusal */

static const struct schema_key fail_keys[] = {
    {.name = "SMTPCode",
     .type = SCHEMA_INT,
     .set = config_set_smtp_code,
     .doc = "The code: 4xx to try again later, 5xx to give up.",
     .standard = "554",
     .example = "554"},
    {.name = "SMTPMessage",
     .type = SCHEMA_STRING,
     .set = config_set_smtp_message,
     .doc = "The message, at most 256 characters of ASCII.",
     .standard = "transport fail: explicit immediate delivery failure per configuration",
     .example = "mail to this domain is not sent"},
};
static const struct schema_block fail = {BLOCK(fail_keys), .open = config_set_open_method,
                                         .close = config_set_close_method};

static const struct schema_key transport_keys[] = {
    {.name = "Direct",
     .type = SCHEMA_STRUCT,
     .block = &direct,
     .arg = MOX_KIND_DIRECT,
     .doc = "Deliver to the MX hosts of the recipient's domain.",
     .example = "ipv4only"},
    {.name = "Submissions",
     .type = SCHEMA_STRUCT,
     .block = &smarthost,
     .arg = MOX_KIND_SUBMISSIONS,
     .doc = "Hand the mail to a smarthost, with TLS from the first byte.",
     .example = "relay"},
    {.name = "Submission",
     .type = SCHEMA_STRUCT,
     .block = &smarthost,
     .arg = MOX_KIND_SUBMISSION,
     .doc = "The same with STARTTLS. It has the keys of Submissions.",
     .example = "relay587",
     .brief = true},
    {.name = "SMTP",
     .type = SCHEMA_STRUCT,
     .block = &smarthost,
     .arg = MOX_KIND_SMTP,
     .doc = "The same with STARTTLS on port 25. It has the keys of Submissions.",
     .example = "relay25",
     .brief = true},
    {.name = "Socks",
     .type = SCHEMA_STRUCT,
     .block = &socks,
     .arg = MOX_KIND_SOCKS,
     .doc = "Deliver to the MX hosts of the recipient's domain through a SOCKS5 proxy.",
     .example = "elsewhere"},
    {.name = "Fail",
     .type = SCHEMA_STRUCT,
     .block = &fail,
     .arg = MOX_KIND_FAIL,
     .doc = "Refuse the mail, without any connection.",
     .example = "reject"},
};
static const struct schema_block transport = {
    BLOCK(transport_keys), .open = config_set_open_transport, .close = config_set_close_transport};
static const struct schema_key transports_keys[] = {
    {.type = SCHEMA_STRUCT, .block = &transport, .example = "plain", .one_of = true},
};

const struct schema_block config_schema_moxdial_transports = {BLOCK(transports_keys)};
