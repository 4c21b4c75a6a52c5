/*
 * schema_domains.c - every key of domains.conf (mox v0.0.17), at its place. What has a setter is
 * ours.
 */
#include "base/mem.h"
#include "config/set.h"

#define BLOCK(table) .keys = (table), .nkeys = ARRAY_LEN(table)

enum { ITEMS_TO = 0, ITEMS_FROM = 1 };

/* routes */

static const struct schema_key from_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_item, .arg = ITEMS_FROM},
};
static const struct schema_block from = {BLOCK(from_keys), .open = config_set_open_items};
static const struct schema_key to_keys[] = {
    {.type = SCHEMA_STRING, .set = config_set_item, .arg = ITEMS_TO},
};
static const struct schema_block to = {BLOCK(to_keys), .open = config_set_open_items};
static const struct schema_key route_keys[] = {
    {.name = "FromDomain", .type = SCHEMA_LIST, .block = &from, .arg = ITEMS_FROM},
    {.name = "ToDomain", .type = SCHEMA_LIST, .block = &to, .arg = ITEMS_TO},
    {.name = "MinimumAttempts", .type = SCHEMA_INT, .set = config_set_minimum_attempts},
    {.name = "Transport",
     .type = SCHEMA_STRING,
     .required = true,
     .set = config_set_route_transport},
};
static const struct schema_block route = {BLOCK(route_keys), .open = config_set_open_route,
                                          .close = config_set_close_route};
static const struct schema_key routes_keys[] = {{.type = SCHEMA_STRUCT, .block = &route}};
static const struct schema_block routes = {BLOCK(routes_keys), .open = config_set_open_routes};

/* domains */

static const struct schema_key canonicalization_keys[] = {{.name = "HeaderRelaxed"},
                                                          {.name = "BodyRelaxed"}};
static const struct schema_block canonicalization = {BLOCK(canonicalization_keys)};
static const struct schema_key selector_keys[] = {
    {.name = "Hash"},
    {.name = "Canonicalization", .type = SCHEMA_STRUCT, .block = &canonicalization},
    {.name = "Headers", .type = SCHEMA_LIST, .block = &config_schema_passed_list},
    {.name = "DontSealHeaders"},
    {.name = "Expiration"},
    {.name = "PrivateKeyFile"},
};
static const struct schema_block selector = {BLOCK(selector_keys)};
static const struct schema_key selectors_keys[] = {{.type = SCHEMA_STRUCT, .block = &selector}};
static const struct schema_block selectors = {BLOCK(selectors_keys)};
static const struct schema_key dkim_keys[] = {
    {.name = "Selectors", .type = SCHEMA_MAP, .block = &selectors},
    {.name = "Sign", .type = SCHEMA_LIST, .block = &config_schema_passed_list},
};
static const struct schema_block dkim = {BLOCK(dkim_keys)};
static const struct schema_key report_keys[] = {
    {.name = "Localpart"}, {.name = "Domain"}, {.name = "Account"}, {.name = "Mailbox"}};
static const struct schema_block report = {BLOCK(report_keys)};
static const struct schema_key mtasts_keys[] = {
    {.name = "PolicyID"},
    {.name = "Mode"},
    {.name = "MaxAge"},
    {.name = "MX", .type = SCHEMA_LIST, .block = &config_schema_passed_list},
};
static const struct schema_block mtasts = {BLOCK(mtasts_keys)};
static const struct schema_key alias_keys[] = {
    {.name = "Addresses", .type = SCHEMA_LIST, .block = &config_schema_passed_list},
    {.name = "PostPublic"},
    {.name = "ListMembers"},
    {.name = "AllowMsgFrom"},
};
static const struct schema_block alias = {BLOCK(alias_keys)};
static const struct schema_key aliases_keys[] = {{.type = SCHEMA_STRUCT, .block = &alias}};
static const struct schema_block aliases = {BLOCK(aliases_keys)};

static const struct schema_key domain_keys[] = {
    {.name = "Disabled"},
    {.name = "Description"},
    {.name = "ClientSettingsDomain"},
    {.name = "LocalpartCatchallSeparator"},
    {.name = "LocalpartCatchallSeparators",
     .type = SCHEMA_LIST,
     .block = &config_schema_passed_list},
    {.name = "LocalpartCaseSensitive"},
    {.name = "DKIM", .type = SCHEMA_STRUCT, .block = &dkim},
    {.name = "DMARC", .type = SCHEMA_STRUCT, .block = &report},
    {.name = "MTASTS", .type = SCHEMA_STRUCT, .block = &mtasts},
    {.name = "TLSRPT", .type = SCHEMA_STRUCT, .block = &report},
    {.name = "Routes", .type = SCHEMA_LIST, .block = &routes, .arg = MOX_SCOPE_DOMAIN},
    {.name = "Aliases", .type = SCHEMA_MAP, .block = &aliases},
};
static const struct schema_block domain = {BLOCK(domain_keys), .open = config_set_open_domain};
static const struct schema_key domains_keys[] = {{.type = SCHEMA_STRUCT, .block = &domain}};
static const struct schema_block domains = {BLOCK(domains_keys)};

/* accounts */

static const struct schema_key outgoing_webhook_keys[] = {
    {.name = "URL"},
    {.name = "Authorization"},
    {.name = "Events", .type = SCHEMA_LIST, .block = &config_schema_passed_list},
};
static const struct schema_block outgoing_webhook = {BLOCK(outgoing_webhook_keys)};
static const struct schema_key incoming_webhook_keys[] = {{.name = "URL"},
                                                          {.name = "Authorization"}};
static const struct schema_block incoming_webhook = {BLOCK(incoming_webhook_keys)};
static const struct schema_key ruleset_keys[] = {
    {.name = "SMTPMailFromRegexp"},
    {.name = "MsgFromRegexp"},
    {.name = "VerifiedDomain"},
    {.name = "HeadersRegexp", .type = SCHEMA_MAP, .block = &config_schema_passed_map},
    {.name = "IsForward"},
    {.name = "ListAllowDomain"},
    {.name = "AcceptRejectsToMailbox"},
    {.name = "Mailbox"},
    {.name = "Comment"},
};
static const struct schema_block ruleset = {BLOCK(ruleset_keys)};
static const struct schema_key rulesets_keys[] = {{.type = SCHEMA_STRUCT, .block = &ruleset}};
static const struct schema_block rulesets = {BLOCK(rulesets_keys)};
static const struct schema_key destination_keys[] = {
    {.name = "Mailbox"},   {.name = "Rulesets", .type = SCHEMA_LIST, .block = &rulesets},
    {.name = "SMTPError"}, {.name = "MessageAuthRequiredSMTPError"},
    {.name = "FullName"},
};
static const struct schema_block destination = {BLOCK(destination_keys)};
static const struct schema_key destinations_keys[] = {
    {.type = SCHEMA_STRUCT, .block = &destination}};
static const struct schema_block destinations = {BLOCK(destinations_keys)};
static const struct schema_key subject_pass_keys[] = {{.name = "Period"}};
static const struct schema_block subject_pass = {BLOCK(subject_pass_keys)};
static const struct schema_key junk_flags_keys[] = {
    {.name = "Enabled"},
    {.name = "JunkMailboxRegexp"},
    {.name = "NeutralMailboxRegexp"},
    {.name = "NotJunkMailboxRegexp"},
};
static const struct schema_block junk_flags = {BLOCK(junk_flags_keys)};
static const struct schema_key junk_params_keys[] = {
    {.name = "Onegrams"}, {.name = "Twograms"},    {.name = "Threegrams"}, {.name = "MaxPower"},
    {.name = "TopWords"}, {.name = "IgnoreWords"}, {.name = "RareWords"},
};
static const struct schema_block junk_params = {BLOCK(junk_params_keys)};

/* In mox, Params is embedded, so its keys are taken beside it too. */
static const struct schema_key junk_filter_keys[] = {
    {.name = "Threshold"},  {.name = "Params", .type = SCHEMA_STRUCT, .block = &junk_params},
    {.name = "Onegrams"},   {.name = "Twograms"},
    {.name = "Threegrams"}, {.name = "MaxPower"},
    {.name = "TopWords"},   {.name = "IgnoreWords"},
    {.name = "RareWords"},
};
static const struct schema_block junk_filter = {BLOCK(junk_filter_keys)};

static const struct schema_key account_keys[] = {
    {.name = "OutgoingWebhook", .type = SCHEMA_STRUCT, .block = &outgoing_webhook},
    {.name = "IncomingWebhook", .type = SCHEMA_STRUCT, .block = &incoming_webhook},
    {.name = "FromIDLoginAddresses", .type = SCHEMA_LIST, .block = &config_schema_passed_list},
    {.name = "KeepRetiredMessagePeriod"},
    {.name = "KeepRetiredWebhookPeriod"},
    {.name = "LoginDisabled"},
    {.name = "Domain"},
    {.name = "Description"},
    {.name = "FullName"},
    {.name = "Destinations", .type = SCHEMA_MAP, .block = &destinations},
    {.name = "SubjectPass", .type = SCHEMA_STRUCT, .block = &subject_pass},
    {.name = "QuotaMessageSize"},
    {.name = "RejectsMailbox"},
    {.name = "KeepRejects"},
    {.name = "Introbox"},
    {.name = "AutomaticJunkFlags", .type = SCHEMA_STRUCT, .block = &junk_flags},
    {.name = "JunkFilter", .type = SCHEMA_STRUCT, .block = &junk_filter},
    {.name = "MaxOutgoingMessagesPerDay"},
    {.name = "MaxFirstTimeRecipientsPerDay"},
    {.name = "NoFirstTimeSenderDelay"},
    {.name = "NoCustomPassword"},
    {.name = "IMAPCapabilitiesDisabled", .type = SCHEMA_LIST, .block = &config_schema_passed_list},
    {.name = "Routes", .type = SCHEMA_LIST, .block = &routes, .arg = MOX_SCOPE_ACCOUNT},
};
static const struct schema_block account = {BLOCK(account_keys), .open = config_set_open_account};
static const struct schema_key accounts_keys[] = {{.type = SCHEMA_STRUCT, .block = &account}};
static const struct schema_block accounts = {BLOCK(accounts_keys)};

/* the web server, and the top level */

static const struct schema_key web_static_keys[] = {
    {.name = "StripPrefix"},
    {.name = "Root"},
    {.name = "ListFiles"},
    {.name = "ContinueNotFound"},
    {.name = "ResponseHeaders", .type = SCHEMA_MAP, .block = &config_schema_passed_map},
};
static const struct schema_block web_static = {BLOCK(web_static_keys)};
static const struct schema_key web_redirect_keys[] = {{.name = "BaseURL"},
                                                      {.name = "OrigPathRegexp"},
                                                      {.name = "ReplacePath"},
                                                      {.name = "StatusCode"}};
static const struct schema_block web_redirect = {BLOCK(web_redirect_keys)};
static const struct schema_key web_forward_keys[] = {
    {.name = "StripPath"},
    {.name = "URL"},
    {.name = "ResponseHeaders", .type = SCHEMA_MAP, .block = &config_schema_passed_map},
};
static const struct schema_block web_forward = {BLOCK(web_forward_keys)};
static const struct schema_key web_internal_keys[] = {{.name = "BasePath"}, {.name = "Service"}};
static const struct schema_block web_internal = {BLOCK(web_internal_keys)};
static const struct schema_key web_handler_keys[] = {
    {.name = "LogName"},
    {.name = "Domain"},
    {.name = "PathRegexp"},
    {.name = "DontRedirectPlainHTTP"},
    {.name = "Compress"},
    {.name = "WebStatic", .type = SCHEMA_STRUCT, .block = &web_static},
    {.name = "WebRedirect", .type = SCHEMA_STRUCT, .block = &web_redirect},
    {.name = "WebForward", .type = SCHEMA_STRUCT, .block = &web_forward},
    {.name = "WebInternal", .type = SCHEMA_STRUCT, .block = &web_internal},
};
static const struct schema_block web_handler = {BLOCK(web_handler_keys)};
static const struct schema_key web_handlers_keys[] = {
    {.type = SCHEMA_STRUCT, .block = &web_handler}};
static const struct schema_block web_handlers = {BLOCK(web_handlers_keys)};

static const struct schema_key top_keys[] = {
    {.name = "Domains", .type = SCHEMA_MAP, .required = true, .block = &domains},
    {.name = "Accounts", .type = SCHEMA_MAP, .required = true, .block = &accounts},
    {.name = "WebDomainRedirects", .type = SCHEMA_MAP, .block = &config_schema_passed_map},
    {.name = "WebHandlers", .type = SCHEMA_LIST, .block = &web_handlers},
    {.name = "Routes", .type = SCHEMA_LIST, .block = &routes, .arg = MOX_SCOPE_GLOBAL},
    {.name = "MonitorDNSBLs", .type = SCHEMA_LIST, .block = &config_schema_passed_list},
};
static const struct schema_block top = {BLOCK(top_keys)};

const struct schema_key config_schema_domains = {.type = SCHEMA_STRUCT, .block = &top};
