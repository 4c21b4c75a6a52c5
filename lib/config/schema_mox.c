/*
 * schema_mox.c - every key of mox.conf (mox v0.0.17), at its place. What has a setter is ours.
 */
#include "base/mem.h"
#include "config/set.h"

#define BLOCK(table) .keys = (table), .nkeys = ARRAY_LEN(table)

static const struct schema_key acme_account_keys[] = {{.name = "KeyID"}, {.name = "KeyFile"}};
static const struct schema_block acme_account = {BLOCK(acme_account_keys)};
static const struct schema_key acme_provider_keys[] = {
    {.name = "DirectoryURL"},
    {.name = "RenewBefore"},
    {.name = "ContactEmail"},
    {.name = "Port"},
    {.name = "IssuerDomainName"},
    {.name = "ExternalAccountBinding", .type = SCHEMA_STRUCT, .block = &acme_account},
};
static const struct schema_block acme_provider = {BLOCK(acme_provider_keys)};
static const struct schema_key acme_keys[] = {{.type = SCHEMA_STRUCT, .block = &acme_provider}};
static const struct schema_block acme = {BLOCK(acme_keys)};

static const struct schema_key cert_files_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_ca_file}};
static const struct schema_block cert_files = {BLOCK(cert_files_keys)};
static const struct schema_key ca_keys[] = {
    {.name = "AdditionalToSystem", .type = SCHEMA_BOOL, .set = config_set_ca_system},
    {.name = "CertFiles", .type = SCHEMA_LIST, .block = &cert_files},
};
static const struct schema_block ca = {BLOCK(ca_keys), .open = config_set_open_ca};
static const struct schema_key tls_keys[] = {
    {.name = "CA", .type = SCHEMA_STRUCT, .block = &ca},
};
static const struct schema_block tls = {BLOCK(tls_keys)};

/* listeners */

static const struct schema_key ips_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_listener_ip}};
static const struct schema_block ips = {BLOCK(ips_keys), .open = config_set_open_listener_ips};
static const struct schema_key nat_ips_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_ip, .arg = SET_IP_PUBLIC},
};
static const struct schema_block nat_ips = {BLOCK(nat_ips_keys), .open = config_set_open_list,
                                            .close = config_set_close_listener_nat_ips};

static const struct schema_key key_cert_keys[] = {{.name = "CertFile"}, {.name = "KeyFile"}};
static const struct schema_block key_cert = {BLOCK(key_cert_keys)};
static const struct schema_key key_certs_keys[] = {{.type = SCHEMA_STRUCT, .block = &key_cert}};
static const struct schema_block key_certs = {BLOCK(key_certs_keys)};
static const struct schema_key listener_tls_keys[] = {
    {.name = "ACME"},
    {.name = "KeyCerts", .type = SCHEMA_LIST, .block = &key_certs},
    {.name = "MinVersion"},
    {.name = "HostPrivateKeyFiles", .type = SCHEMA_LIST, .block = &config_schema_passed_list},
    {.name = "ClientAuthDisabled"},
};
static const struct schema_block listener_tls = {BLOCK(listener_tls_keys)};

static const struct schema_key smtp_keys[] = {
    {.name = "Enabled", .type = SCHEMA_BOOL, .required = true, .set = config_set_listener_smtp},
    {.name = "Port"},
    {.name = "NoSTARTTLS"},
    {.name = "RequireSTARTTLS"},
    {.name = "NoRequireTLS"},
    {.name = "DNSBLs", .type = SCHEMA_LIST, .block = &config_schema_passed_list},
    {.name = "FirstTimeSenderDelay"},
    {.name = "TLSSessionTicketsDisabled"},
};
static const struct schema_block smtp = {BLOCK(smtp_keys)};

static const struct schema_key starttls_keys[] = {
    {.name = "Enabled"}, {.name = "Port"}, {.name = "NoRequireSTARTTLS"}};
static const struct schema_block starttls = {BLOCK(starttls_keys)};
static const struct schema_key implicit_keys[] = {
    {.name = "Enabled"}, {.name = "Port"}, {.name = "EnabledOnHTTPS"}};
static const struct schema_block implicit = {BLOCK(implicit_keys)};
static const struct schema_key http_keys[] = {
    {.name = "Enabled"}, {.name = "Port"}, {.name = "Path"}, {.name = "Forwarded"}};
static const struct schema_block http = {BLOCK(http_keys)};
static const struct schema_key plain_keys[] = {{.name = "Enabled"}, {.name = "Port"}};
static const struct schema_block plain = {BLOCK(plain_keys)};
static const struct schema_key well_known_keys[] = {
    {.name = "Enabled"}, {.name = "Port"}, {.name = "NonTLS"}, {.name = "Forwarded"}};
static const struct schema_block well_known = {BLOCK(well_known_keys)};
static const struct schema_key webserver_keys[] = {
    {.name = "Enabled"}, {.name = "Port"}, {.name = "RateLimitDisabled"}};
static const struct schema_block webserver = {BLOCK(webserver_keys)};

static const struct schema_key listener_keys[] = {
    {.name = "IPs", .type = SCHEMA_LIST, .required = true, .block = &ips},
    {.name = "NATIPs", .type = SCHEMA_LIST, .block = &nat_ips},
    {.name = "IPsNATed", .type = SCHEMA_BOOL, .set = config_set_listener_nated},
    {.name = "Hostname"},
    {.name = "TLS", .type = SCHEMA_STRUCT, .block = &listener_tls},
    {.name = "SMTPMaxMessageSize"},
    {.name = "SMTP", .type = SCHEMA_STRUCT, .block = &smtp},
    {.name = "Submission", .type = SCHEMA_STRUCT, .block = &starttls},
    {.name = "Submissions", .type = SCHEMA_STRUCT, .block = &implicit},
    {.name = "IMAP", .type = SCHEMA_STRUCT, .block = &starttls},
    {.name = "IMAPS", .type = SCHEMA_STRUCT, .block = &implicit},
    {.name = "AccountHTTP", .type = SCHEMA_STRUCT, .block = &http},
    {.name = "AccountHTTPS", .type = SCHEMA_STRUCT, .block = &http},
    {.name = "AdminHTTP", .type = SCHEMA_STRUCT, .block = &http},
    {.name = "AdminHTTPS", .type = SCHEMA_STRUCT, .block = &http},
    {.name = "WebmailHTTP", .type = SCHEMA_STRUCT, .block = &http},
    {.name = "WebmailHTTPS", .type = SCHEMA_STRUCT, .block = &http},
    {.name = "WebAPIHTTP", .type = SCHEMA_STRUCT, .block = &http},
    {.name = "WebAPIHTTPS", .type = SCHEMA_STRUCT, .block = &http},
    {.name = "MetricsHTTP", .type = SCHEMA_STRUCT, .block = &plain},
    {.name = "PprofHTTP", .type = SCHEMA_STRUCT, .block = &plain},
    {.name = "AutoconfigHTTPS", .type = SCHEMA_STRUCT, .block = &well_known},
    {.name = "MTASTSHTTPS", .type = SCHEMA_STRUCT, .block = &well_known},
    {.name = "WebserverHTTP", .type = SCHEMA_STRUCT, .block = &webserver},
    {.name = "WebserverHTTPS", .type = SCHEMA_STRUCT, .block = &webserver},
};
static const struct schema_block listener = {BLOCK(listener_keys), .open = config_set_open_listener,
                                             .close = config_set_close_listener};
static const struct schema_key listeners_keys[] = {{.type = SCHEMA_STRUCT, .block = &listener}};
static const struct schema_block listeners = {BLOCK(listeners_keys)};

/* transports */

static const struct schema_key mechanisms_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_mechanism},
};
static const struct schema_block mechanisms = {BLOCK(mechanisms_keys), .open = config_set_open_list,
                                               .close = config_set_close_mechanisms};
static const struct schema_key auth_keys[] = {
    {.name = "Username", .type = SCHEMA_STRING, .required = true, .set = config_set_username},
    {.name = "Password", .type = SCHEMA_STRING, .required = true, .set = config_set_password},
    {.name = "Mechanisms", .type = SCHEMA_LIST, .block = &mechanisms},
};
static const struct schema_block auth = {
    BLOCK(auth_keys), .secret = true, .open = config_set_open_auth, .close = config_set_close_auth};
static const struct schema_key smarthost_keys[] = {
    {.name = "Host", .type = SCHEMA_STRING, .required = true, .set = config_set_host},
    {.name = "Port", .type = SCHEMA_INT, .set = config_set_port},
    {.name = "STARTTLSInsecureSkipVerify", .type = SCHEMA_BOOL, .set = config_set_skip_verify},
    {.name = "NoSTARTTLS", .type = SCHEMA_BOOL, .set = config_set_no_starttls},
    {.name = "Auth", .type = SCHEMA_STRUCT, .block = &auth},
};
static const struct schema_block smarthost = {BLOCK(smarthost_keys), .open = config_set_open_method,
                                              .close = config_set_close_method};

static const struct schema_key remote_ips_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_ip, .arg = SET_IP_ANY},
};
static const struct schema_block remote_ips = {BLOCK(remote_ips_keys), .open = config_set_open_list,
                                               .close = config_set_close_remote_ips};
static const struct schema_key socks_keys[] = {
    {.name = "Address", .type = SCHEMA_STRING, .required = true, .set = config_set_address},
    {.name = "RemoteIPs", .type = SCHEMA_LIST, .required = true, .block = &remote_ips},
    {.name = "RemoteHostname",
     .type = SCHEMA_STRING,
     .required = true,
     .set = config_set_remote_hostname},
};
static const struct schema_block socks = {BLOCK(socks_keys), .open = config_set_open_method,
                                          .close = config_set_close_method};

static const struct schema_key direct_keys[] = {
    {.name = "DisableIPv4", .type = SCHEMA_BOOL, .set = config_set_disable, .arg = MOX_IPV4},
    {.name = "DisableIPv6", .type = SCHEMA_BOOL, .set = config_set_disable, .arg = MOX_IPV6},
};
static const struct schema_block direct = {BLOCK(direct_keys), .open = config_set_open_method,
                                           .close = config_set_close_method};

static const struct schema_key fail_keys[] = {
    {.name = "SMTPCode", .type = SCHEMA_INT, .set = config_set_smtp_code},
    {.name = "SMTPMessage", .type = SCHEMA_STRING, .set = config_set_smtp_message},
};
static const struct schema_block fail = {BLOCK(fail_keys), .open = config_set_open_method,
                                         .close = config_set_close_method};

static const struct schema_key transport_keys[] = {
    {.name = "Submissions",
     .type = SCHEMA_STRUCT,
     .block = &smarthost,
     .arg = MOX_KIND_SUBMISSIONS},
    {.name = "Submission", .type = SCHEMA_STRUCT, .block = &smarthost, .arg = MOX_KIND_SUBMISSION},
    {.name = "SMTP", .type = SCHEMA_STRUCT, .block = &smarthost, .arg = MOX_KIND_SMTP},
    {.name = "Socks", .type = SCHEMA_STRUCT, .block = &socks, .arg = MOX_KIND_SOCKS},
    {.name = "Direct", .type = SCHEMA_STRUCT, .block = &direct, .arg = MOX_KIND_DIRECT},
    {.name = "Fail", .type = SCHEMA_STRUCT, .block = &fail, .arg = MOX_KIND_FAIL},
};
static const struct schema_block transport = {
    BLOCK(transport_keys), .open = config_set_open_transport, .close = config_set_close_transport};
static const struct schema_key transports_keys[] = {{.type = SCHEMA_STRUCT, .block = &transport}};
static const struct schema_block transports = {BLOCK(transports_keys)};

/* the top level */

static const struct schema_key postmaster_keys[] = {{.name = "Account"}, {.name = "Mailbox"}};
static const struct schema_block postmaster = {BLOCK(postmaster_keys)};
static const struct schema_key tlsrpt_keys[] = {
    {.name = "Account"}, {.name = "Mailbox"}, {.name = "Localpart"}};
static const struct schema_block tlsrpt = {BLOCK(tlsrpt_keys)};
static const struct schema_key special_use_keys[] = {
    {.name = "Sent"}, {.name = "Archive"}, {.name = "Trash"}, {.name = "Draft"}, {.name = "Junk"}};
static const struct schema_block special_use = {BLOCK(special_use_keys)};
static const struct schema_key mailboxes_keys[] = {
    {.name = "SpecialUse", .type = SCHEMA_STRUCT, .block = &special_use},
    {.name = "Regular", .type = SCHEMA_LIST, .block = &config_schema_passed_list},
};
static const struct schema_block mailboxes = {BLOCK(mailboxes_keys)};

static const struct schema_key top_keys[] = {
    {.name = "DataDir"},
    {.name = "LogLevel"},
    {.name = "PackageLogLevels", .type = SCHEMA_MAP, .block = &config_schema_passed_map},
    {.name = "User"},
    {.name = "NoFixPermissions"},
    {.name = "Hostname", .type = SCHEMA_STRING, .required = true, .set = config_set_hostname},
    {.name = "CheckUpdates"},
    {.name = "Pedantic"},
    {.name = "TLS", .type = SCHEMA_STRUCT, .block = &tls},
    {.name = "ACME", .type = SCHEMA_MAP, .block = &acme},
    {.name = "AdminPasswordFile"},
    {.name = "Listeners", .type = SCHEMA_MAP, .required = true, .block = &listeners},
    {.name = "Postmaster", .type = SCHEMA_STRUCT, .block = &postmaster},
    {.name = "HostTLSRPT", .type = SCHEMA_STRUCT, .block = &tlsrpt},
    {.name = "InitialMailboxes", .type = SCHEMA_STRUCT, .block = &mailboxes},
    {.name = "DefaultMailboxes", .type = SCHEMA_LIST, .block = &config_schema_passed_list},
    {.name = "Transports", .type = SCHEMA_MAP, .block = &transports},
    {.name = "NoOutgoingDMARCReports"},
    {.name = "NoOutgoingTLSReports"},
    {.name = "OutgoingTLSReportsForAllSuccess"},
    {.name = "QuotaMessageSize"},
};
static const struct schema_block top = {BLOCK(top_keys)};

const struct schema_key config_schema_mox = {.type = SCHEMA_STRUCT, .block = &top};
