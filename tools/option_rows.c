/*
 * option_rows.c - see option_rows.h.
 */
#include "option_rows.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "policy_spf.h"
#include "rfc3339.h"

static void *field_of(struct options *options, const struct option_row *row)
{
    return (char *)options + row->field;
}

static int set_true(struct options *options, const struct option_row *row, const char *value,
                    struct mox_error *err)
{
    (void)value;
    (void)err;
    *(bool *)field_of(options, row) = true;
    return MOX_OK;
}

static int set_bit(struct options *options, const struct option_row *row, const char *value,
                   struct mox_error *err)
{
    (void)value;
    (void)err;
    *(uint32_t *)field_of(options, row) |= row->value;
    return MOX_OK;
}

static int count_up(struct options *options, const struct option_row *row, const char *value,
                    struct mox_error *err)
{
    (void)value;
    (void)err;
    ++*(uint32_t *)field_of(options, row);
    return MOX_OK;
}

static int set_text(struct options *options, const struct option_row *row, const char *value,
                    struct mox_error *err)
{
    if (*value == '\0')
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE, "--%s is empty", row->name);
    *(const char **)field_of(options, row) = value;
    return MOX_OK;
}

/* Empty is as good as absent: a mail server's macro for what this message does not have. */
static int set_optional(struct options *options, const struct option_row *row, const char *value,
                        struct mox_error *err)
{
    (void)err;
    *(const char **)field_of(options, row) = *value == '\0' ? NULL : value;
    return MOX_OK;
}

/* The null sender is "<>" on the command line, or empty, and "" in the library. */
static int set_sender(struct options *options, const struct option_row *row, const char *value,
                      struct mox_error *err)
{
    (void)row;
    (void)err;
    options->envelope.from = strcmp(value, "<>") == 0 ? "" : value;
    return MOX_OK;
}

static int set_number(struct options *options, const struct option_row *row, const char *value,
                      struct mox_error *err)
{
    uint64_t number = 0;
    const char *at = value;

    for (; *at >= '0' && *at <= '9' && number <= UINT32_MAX; at++)
        number = 10 * number + (uint64_t)(*at - '0');
    if (at == value || *at != '\0' || number > row->value)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "--%s: \"%s\" is not a number from 0 to %lu", row->name, value,
                          (unsigned long)row->value);
    *(uint32_t *)field_of(options, row) = (uint32_t)number;
    return MOX_OK;
}

static int set_seconds(struct options *options, const struct option_row *row, const char *value,
                       struct mox_error *err)
{
    int status = set_number(options, row, value, err);

    options->request.timeout_ms *= 1000; /* fits: row->value is below UINT32_MAX / 1000 */
    return status;
}

static int set_time(struct options *options, const struct option_row *row, const char *value,
                    struct mox_error *err)
{
    struct mox_envelope *envelope = &options->envelope;

    if (rfc3339_parse(value, &envelope->unix_s, &envelope->utc_offset_s))
        return MOX_OK;
    return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                      "--%s: \"%s\" is not a time like 2026-02-28T18:30:00+01:00", row->name,
                      value);
}

static int set_stop_at(struct options *options, const struct option_row *row, const char *value,
                       struct mox_error *err)
{
    static const struct {
        const char *name;
        int32_t stage;
    } stops[] = {
        {"connected", MOX_STAGE_CONNECT}, {"greeted", MOX_STAGE_GREETING}, {"ehlo", MOX_STAGE_EHLO},
        {"tls", MOX_STAGE_TLS},           {"ready", MOX_STAGE_READY},
    };

    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        if (strcmp(value, stops[i].name) == 0) {
            options->request.stop_at = stops[i].stage;
            return MOX_OK;
        }
    }
    return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                      "--%s: \"%s\" is none of connected, greeted, ehlo, tls, ready", row->name,
                      value);
}

static int set_notify(struct options *options, const struct option_row *row, const char *value,
                      struct mox_error *err)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } words[] = {{"never", MOX_NOTIFY_NEVER},
                 {"success", MOX_NOTIFY_SUCCESS},
                 {"failure", MOX_NOTIFY_FAILURE},
                 {"delay", MOX_NOTIFY_DELAY}};
    uint32_t bits = 0;

    for (const char *at = value; at != NULL;) {
        size_t len = strcspn(at, ","), i = 0;

        while (i < 4 && (strlen(words[i].name) != len || strncmp(at, words[i].name, len) != 0))
            i++;
        bits |= i < 4 ? words[i].bit : UINT32_MAX;
        at = at[len] == ',' ? at + len + 1 : NULL;
    }
    if (bits == UINT32_MAX || ((bits & MOX_NOTIFY_NEVER) != 0 && bits != MOX_NOTIFY_NEVER))
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "--%s: \"%s\" is neither never nor a list of success, failure, delay",
                          row->name, value);
    options->notify = bits;
    return MOX_OK;
}

static int set_ret(struct options *options, const struct option_row *row, const char *value,
                   struct mox_error *err)
{
    bool full = strcmp(value, "full") == 0;

    if (!full && strcmp(value, "hdrs") != 0)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE, "--%s: \"%s\" is neither full nor hdrs",
                          row->name, value);
    options->message.ret = full ? MOX_RET_FULL : MOX_RET_HDRS;
    return MOX_OK;
}

static void append(struct list *list, const char *value)
{
    list->items = tool_grow(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = value;
}

/* Of several the last is the destination where there can be one. */
static int add_recipient(struct options *options, const struct option_row *row, const char *value,
                         struct mox_error *err)
{
    if (set_text(options, row, value, err) != MOX_OK)
        return err->code;
    append(&options->to, value);
    append(&options->orcpt, NULL);
    return MOX_OK;
}

static int set_orcpt(struct options *options, const struct option_row *row, const char *value,
                     struct mox_error *err)
{
    struct list *orcpt = &options->orcpt;

    if (orcpt->count == 0 || orcpt->items[orcpt->count - 1] != NULL)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "--%s stands behind the --to it belongs to, once", row->name);
    orcpt->items[orcpt->count - 1] = *value == '\0' ? NULL : value;
    return MOX_OK;
}

static int set_ip(struct options *options, const struct option_row *row, const char *value,
                  struct mox_error *err)
{
    if (mox_ip_parse(value, field_of(options, row)) == MOX_OK)
        return MOX_OK;
    return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE, "--%s: \"%s\" is not an IP address",
                      row->name, value);
}

/* No list is longer than the command line, whose length getopt has already bounded. */
static int add_item(struct options *options, const struct option_row *row, const char *value,
                    struct mox_error *err)
{
    struct list *list = field_of(options, row);

    if (*value == '\0')
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE, "--%s is empty", row->name);
    append(list, value);
    return MOX_OK;
}

bool option_split_host_port(const char *text, char *host, size_t cap)
{
    struct mox_ip ip;
    const char *start = text, *end, *at;
    uint32_t port = 0;

    if (mox_ip_parse(text, &ip) == MOX_OK)
        return (size_t)snprintf(host, cap, "%s", text) < cap;
    if (*text == '[') {
        start = text + 1;
        end = strchr(start, ']');
        at = end == NULL ? NULL : end + 1;
    } else {
        at = end = text + strcspn(text, ":");
    }
    if (end == NULL || end == start || (size_t)(end - start) >= cap)
        return false;
    snprintf(host, cap, "%.*s", (int)(end - start), start);
    if (*at == '\0')
        return true;
    if (*at++ != ':' || *at == '\0')
        return false;
    for (; *at >= '0' && *at <= '9' && port <= UINT16_MAX; at++)
        port = 10 * port + (uint32_t)(*at - '0');
    return *at == '\0' && port > 0 && port <= UINT16_MAX;
}

static int set_server(struct options *options, const struct option_row *row, const char *value,
                      struct mox_error *err)
{
    char host[256];

    if (!option_split_host_port(value, host, sizeof host))
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "--%s: \"%s\" is not HOST, HOST:PORT or [ADDRESS]:PORT", row->name,
                          value);
    return set_text(options, row, value, err);
}

static bool is_loopback(const struct mox_ip *ip)
{
    static const uint8_t one[16] = {[15] = 1};

    if (ip->family == MOX_IPV4)
        return ip->bytes[0] == 127;
    return memcmp(ip->bytes, one, sizeof one) == 0;
}

/* A name server on loopback is somebody's test, whose hosts are on loopback as well. */
static int add_resolver(struct options *options, const struct option_row *row, const char *value,
                        struct mox_error *err)
{
    struct mox_ip ip;
    char host[256];

    if (!option_split_host_port(value, host, sizeof host) || mox_ip_parse(host, &ip) != MOX_OK)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "--%s: \"%s\" is not ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT", row->name,
                          value);
    if (is_loopback(&ip))
        options->request.flags |= MOX_DIAL_ALLOW_SPECIAL;
    return add_item(options, row, value, err);
}

static int add_listen(struct options *options, const struct option_row *row, const char *value,
                      struct mox_error *err)
{
    bool path = strncmp(value, "unix:", 5) == 0 && value[5] != '\0';
    const char *colon = strrchr(value, ':');
    char host[256];

    /* "::1" has colons, and no port */
    if (!path && (colon == NULL || !option_split_host_port(value, host, sizeof host) ||
                  (value[0] == '[' ? colon[-1] != ']' : strchr(value, ':') != colon)))
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "--%s: \"%s\" is not unix:PATH, HOST:PORT or [ADDRESS]:PORT", row->name,
                          value);
    return add_item(options, row, value, err);
}

static int set_mode(struct options *options, const struct option_row *row, const char *value,
                    struct mox_error *err)
{
    size_t len = strspn(value, "01234567");
    uint32_t mode = 0;

    for (size_t i = 0; i < len && mode <= row->value; i++)
        mode = 8 * mode + (uint32_t)(value[i] - '0');
    if (len == 0 || value[len] != '\0' || mode > row->value)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "--%s: \"%s\" is no octal number from 0 to %lo", row->name, value,
                          (unsigned long)row->value);
    options->mode = mode;
    return MOX_OK;
}

static int set_spf_mode(struct options *options, const struct option_row *row, const char *value,
                        struct mox_error *err)
{
    static const char *const names[] = {
        [POLICY_SPF_REJECT] = "reject", [POLICY_SPF_MARK] = "mark", [POLICY_SPF_OFF] = "off"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(value, names[i]) == 0) {
            options->spf_mode = (uint32_t)i;
            return MOX_OK;
        }
    }
    return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE, "--%s: \"%s\" is none of reject, mark, off",
                      row->name, value);
}

#define FIELD(name) offsetof(struct options, name)

const struct option_row option_rows[] = {
    {"batch", 0, OPTIONS_ROUTE, NULL,
     "answer lines \"account TAB from TAB to TAB attempts\" from standard input", set_true,
     FIELD(batch), 0},
    {"explain", 0, OPTIONS_ROUTE, NULL, "show every route considered and what did not hold",
     set_true, FIELD(explain), 0},
    {"stop-at", 0, OPTIONS_DIAL, "STAGE", "connected, greeted, ehlo, tls or ready (the default)",
     set_stop_at, 0, 0},
    {"explain-tls", 0, OPTIONS_DIAL, NULL,
     "the story of TLS in sentences: what is demanded, by whom, what was found", set_true,
     FIELD(explain_tls), 0},

    {"crlf", 0, OPTIONS_SEND, NULL, "strict: every line of the message must end in CR LF", set_true,
     FIELD(crlf), 0},
    {"8bit", 0, OPTIONS_SEND, NULL, "BODY=8BITMIME, also where no 8-bit byte is found", set_bit,
     FIELD(message.flags), MOX_MSG_8BIT},
    {"strict-8bit", 0, OPTIONS_SEND, NULL, "no 8-bit message to a server without 8BITMIME", set_bit,
     FIELD(message.flags), MOX_MSG_STRICT_8BIT},
    {"smtputf8", 0, OPTIONS_SEND, NULL, "the message needs SMTPUTF8 (RFC 6531)", set_bit,
     FIELD(message.flags), MOX_MSG_SMTPUTF8},
    {"notify", 0, OPTIONS_SEND, "WHEN", "never, or a list of success,failure,delay (RFC 3461)",
     set_notify, 0, 0},
    {"orcpt", 0, OPTIONS_SEND, "TYPE;ADDRESS", "the original recipient of the --to before it",
     set_orcpt, 0, 0},
    {"ret", 0, OPTIONS_SEND, "WHAT", "full or hdrs: what a report of failure returns", set_ret, 0,
     0},
    {"envid", 0, OPTIONS_SEND, "TEXT", "the envelope's id in reports", set_optional,
     FIELD(message.envid), 0},

    {"ip", 0, OPTIONS_SPF, "ADDRESS", "the client's, as seen on the connection", set_ip, FIELD(ip),
     0},
    {"from", 0, OPTIONS_SPF, "SENDER", "of MAIL FROM: address, domain or '<>'", set_sender, 0, 0},
    {"helo", 0, OPTIONS_SPF, "NAME", "what the client said in EHLO; checked for '<>'", set_text,
     FIELD(helo), 0},

    {"domain", 0, OPTIONS_PREFLIGHT, "DOMAIN", "the sender's, for SPF", set_text, FIELD(domain), 0},
    {"ehlo", 0, OPTIONS_PREFLIGHT, "NAME", "our name, instead of the configured one", set_text,
     FIELD(request.ehlo), 0},
    {"transport", 0, OPTIONS_PREFLIGHT, "NAME",
     "the addresses of this transport, instead of direct delivery's", set_text,
     FIELD(request.transport), 0},
    {"probe", 0, OPTIONS_PREFLIGHT, NULL,
     "connect to our own public address: is the NAT a hairpin?", set_bit, FIELD(preflight),
     MOX_PREFLIGHT_PROBE},
    {"port", 0, OPTIONS_PREFLIGHT, "N", "of the probe, instead of 25", set_number, FIELD(port),
     UINT16_MAX},
    {"html", 0, OPTIONS_PREFLIGHT, "FILE", "write a page for a browser too", set_text, FIELD(html),
     0},

    {"listen", 0, OPTIONS_POLICY, "WHERE", "unix:PATH or HOST:PORT; repeatable", add_listen,
     FIELD(listen), 0},
    {"mode", 0, OPTIONS_POLICY, "OCTAL", "of the sockets at paths (default: 660)", set_mode, 0,
     0777},
    {"spf", 0, OPTIONS_POLICY, "WHAT",
     "reject (the default), mark (the header alone) or off (no check)", set_spf_mode, 0, 0},

    {"from", 0, OPTIONS_ENVELOPE, "SENDER", "address, domain or '<>' (the default)", set_sender, 0,
     0},
    {"to", 0, OPTIONS_ENVELOPE, "RECIPIENT",
     "address, domain or [LITERAL]; of send an address, repeatable", add_recipient,
     FIELD(envelope.to), 0},
    {"account", 0, OPTIONS_ENVELOPE, "NAME", "the submitting account, for its routes", set_optional,
     FIELD(envelope.account), 0},
    {"attempts", 0, OPTIONS_ENVELOPE, "N", "deliveries already tried; the first try is 0",
     set_number, FIELD(envelope.attempts), UINT32_MAX},
    {"at", 0, OPTIONS_ENVELOPE, "TIME", "RFC 3339 time for routes with Hours (default: now)",
     set_time, 0, 0},
    {"mx", 0, OPTIONS_ENVELOPE, "HOST", "an MX host of the destination, for ToMX; repeatable",
     add_item, FIELD(mx), 0},
    {"key", 0, OPTIONS_ENVELOPE, "TEXT", "what Percent hashes, such as the queue id", set_optional,
     FIELD(envelope.key), 0},
    {"transport", 0, OPTIONS_ENVELOPE, "NAME", "this transport, whatever the routes say", set_text,
     FIELD(request.transport), 0},

    {"ipv4", '4', OPTIONS_DIALING, NULL, "IPv4 only, as far as the transport allows it", set_bit,
     FIELD(request.families), MOX_ALLOW_IPV4},
    {"ipv6", '6', OPTIONS_DIALING, NULL, "IPv6 only, as far as the transport allows it", set_bit,
     FIELD(request.families), MOX_ALLOW_IPV6},
    {"source", 0, OPTIONS_DIALING, "IP", "our address, one of each family; repeatable", add_item,
     FIELD(source), 0},
    {"server", 0, OPTIONS_DIALING, "HOST[:PORT]", "dial this host and ask for no MX", set_server,
     FIELD(request.server), 0},
    {"port", 0, OPTIONS_DIALING, "N", "instead of 25, or of the transport's", set_number,
     FIELD(port), UINT16_MAX},
    {"ehlo", 0, OPTIONS_DIALING, "NAME", "our name for EHLO", set_text, FIELD(request.ehlo), 0},
    {"dialed", 0, OPTIONS_DIALING, "[HOST=]ADDRESS",
     "where this message went before, oldest first; repeatable", add_item, FIELD(dialed), 0},
    {"ca-file", 0, OPTIONS_DIALING, "FILE", "trusted certificates, PEM, in place of all others",
     set_text, FIELD(ctx.ca_file), 0},
    {"timeout", 0, OPTIONS_DIALING, "SECONDS", "for the whole dial (default: 300)", set_seconds,
     FIELD(request.timeout_ms), UINT32_MAX / 1000},
    {"race-delay", 0, OPTIONS_DIALING, "MS", "before the next connect starts (default: 1000)",
     set_number, FIELD(request.race_delay_ms), UINT32_MAX},
    {"no-history", 0, OPTIONS_DIALING, NULL, "neither read nor write what was learned", set_bit,
     FIELD(request.flags), MOX_DIAL_NO_HISTORY},
    {"allow-special", 0, OPTIONS_DIALING, NULL, "dial loopback and the like too", set_bit,
     FIELD(request.flags), MOX_DIAL_ALLOW_SPECIAL},
    {"requiretls", 0, OPTIONS_DIALING, NULL, "verified TLS and REQUIRETLS, or fail (RFC 8689)",
     set_bit, FIELD(request.flags), MOX_DIAL_REQUIRETLS},
    {"tls-optional", 0, OPTIONS_DIALING, NULL, "TLS-Required: No (RFC 8689)", set_bit,
     FIELD(request.flags), MOX_DIAL_TLS_OPTIONAL},

    {"config", 'c', OPTIONS_COMMON, "FILE",
     "moxdial.conf, or mox's mox.conf and domains.conf; repeatable", add_item, FIELD(config), 0},
    {"json", 0, OPTIONS_COMMON, NULL, "one JSON object on standard output", set_true, FIELD(json),
     0},
    {"resolver", 0, OPTIONS_COMMON, "ADDR[:PORT]",
     "ask this DNS server; repeatable; loopback implies --allow-special", add_resolver,
     FIELD(resolver), 0},
    {"trust-ad", 0, OPTIONS_COMMON, NULL, "believe the AD bit of DNS answers", set_bit,
     FIELD(ctx.flags), MOX_CTX_TRUST_AD},
    {"no-trust-ad", 0, OPTIONS_COMMON, NULL, "do not believe it", set_bit, FIELD(ctx.flags),
     MOX_CTX_DISTRUST_AD},
    {"verbose", 'v', OPTIONS_COMMON, NULL,
     "the trace on standard error; twice: the SMTP dialogue too", count_up, FIELD(verbose), 0},
    {"quiet", 'q', OPTIONS_COMMON, NULL, "print nothing; the exit status tells", set_true,
     FIELD(quiet), 0},
    {"help", 0, OPTIONS_COMMON, NULL, "print this text", set_true, FIELD(help), 0},
};
const size_t option_rows_count = sizeof option_rows / sizeof *option_rows;
static_assert(sizeof option_rows / sizeof *option_rows <= OPTION_ROWS_MOST, "the parser has room");
