/*
 * set_transport.c - see set.h. A transport is filled in b->transport and added when its block ends;
 * what contradicts an earlier key is told at the later one.
 */
#include <stddef.h>
#include <string.h>

#include "base/ip.h"
#include "base/mem.h"
#include "config/set.h"

void config_set_open_transport(struct build *b, const struct schema_key *key, struct slice name)
{
    (void)key;
    b->transport = (struct config_transport){
        .name = config_build_text(b, name),
        .file = b->file,
        .line = (int32_t)b->line,
        .kind = MOX_KIND_DIRECT,
        .families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6,
    };
}

/* Routes, of this file or another, may have named it already. */
void config_set_close_transport(struct build *b, const struct schema_key *key, bool whole)
{
    uint32_t index = (uint32_t)(b->transports.len / sizeof b->transport), entry;
    bool added;

    (void)key, (void)whole;
    if (b->transport.name == NULL ||
        !config_build_append(b, &b->transports, &b->transport, sizeof b->transport))
        return;
    entry = config_intern_take(&b->transport_names, 0, slice_of(b->transport.name), &added);
    if (entry == UINT32_MAX)
        b->nomem = true;
    else
        b->transport_names.entries[entry].value = index + 1;
}

void config_set_open_method(struct build *b, const struct schema_key *key, struct slice name)
{
    struct config_transport bare = {
        .name = b->transport.name,
        .file = b->transport.file,
        .line = b->transport.line,
        .kind = key->arg,
        .method = true,
        .families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6,
    };

    (void)name;
    if (b->transport.method)
        config_build_error(
            b, "cannot have multiple methods in a transport; give %s a transport of its own",
            key->name);
    if (key->arg == MOX_KIND_FAIL) {
        bare.smtp_code = 554;
        bare.smtp_message = "transport fail: explicit immediate delivery failure per configuration";
    }
    b->transport = bare;
    b->no_starttls_line = 0;
}

/* Told at the method: it is not known which of two halves was meant. */
static void check_pair(struct build *b, const char *first, const char *first_key,
                       const char *second, const char *second_key)
{
    const char *there = first != NULL ? first_key : second_key;
    const char *missing = first != NULL ? second_key : first_key;

    if ((first == NULL) != (second == NULL))
        config_build_error_below(b, b->frames[b->depth].line, "",
                                 "%s without %s; add %s, or remove %s", there, missing, missing,
                                 there);
}

void config_set_close_method(struct build *b, const struct schema_key *key, bool whole)
{
    struct config_transport *t = &b->transport;

    (void)key;
    if (t->port == 0 && t->kind != MOX_KIND_SOCKS)
        t->port = t->kind == MOX_KIND_SUBMISSIONS  ? 465
                  : t->kind == MOX_KIND_SUBMISSION ? 587
                  : t->kind == MOX_KIND_SMTP       ? 25
                                                   : 0;
    if (!whole)
        return;
    check_pair(b, t->client_cert, "ClientCert", t->client_key, "ClientKey");
    check_pair(b, t->socks_username, "Username", t->socks_password, "Password");
    if (t->auth != NULL && t->no_starttls)
        config_build_warning_below(
            b, b->no_starttls_line, ".NoSTARTTLS",
            "the login of Auth goes to the server in clear; remove NoSTARTTLS if "
            "it offers TLS");
}

void config_set_host(struct build *b, const struct schema_key *key,
                     const struct schema_value *value)
{
    (void)key;
    b->transport.host = config_set_take_domain(b, value->text, "host");
}

void config_set_port(struct build *b, const struct schema_key *key,
                     const struct schema_value *value)
{
    (void)key;
    if (value->number < 0 || value->number > UINT16_MAX)
        config_build_error(b,
                           "port %s is outside 0 to 65535; write the port, or 0 for the usual one",
                           config_build_quote(value->text).text);
    else
        b->transport.port = (uint16_t)value->number;
}

static void check_tls_keys(struct build *b, const char *name)
{
    if (b->transport.kind == MOX_KIND_SUBMISSIONS)
        config_build_error(b, "cannot have %s with immediate TLS; remove it, or use Submission",
                           name);
    else if (b->transport.skip_verify && b->transport.no_starttls)
        config_build_error(
            b, "NoSTARTTLS and STARTTLSInsecureSkipVerify contradict each other; keep one");
}

void config_set_skip_verify(struct build *b, const struct schema_key *key,
                            const struct schema_value *value)
{
    b->transport.skip_verify = value->flag;
    if (value->flag)
        check_tls_keys(b, key->name);
}

void config_set_no_starttls(struct build *b, const struct schema_key *key,
                            const struct schema_value *value)
{
    b->transport.no_starttls = value->flag;
    b->no_starttls_line = b->line;
    if (value->flag)
        check_tls_keys(b, key->name);
}

void config_set_open_auth(struct build *b, const struct schema_key *key, struct slice name)
{
    (void)key, (void)name;
    b->auth = (struct config_auth){0};
}

void config_set_close_auth(struct build *b, const struct schema_key *key, bool whole)
{
    struct config_auth *copy;

    (void)key;
    if (!whole || b->auth.username == NULL || b->auth.password == NULL)
        return;
    copy = config_build_check(b, arena_new(&b->config->arena, sizeof *copy));
    if (copy == NULL)
        return;
    *copy = b->auth;
    b->transport.auth = copy;
}

void config_set_username(struct build *b, const struct schema_key *key,
                         const struct schema_value *value)
{
    (void)key;
    b->auth.username = config_build_text(b, value->text);
    if (value->text.len == 0)
        config_build_warning(b, "empty user name; few servers accept it");
}

void config_set_password(struct build *b, const struct schema_key *key,
                         const struct schema_value *value)
{
    (void)key;
    b->auth.password = config_build_text(b, value->text);
    if (value->text.len == 0)
        config_build_error(b, "empty password; write it, or remove Auth");
}

/* mox's six, then those that a stand-alone file knows besides. */
static const char *const mechanisms[] = {
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
    "EXTERNAL",
    "OAUTHBEARER",
    "XOAUTH2",
};

enum { MECHANISMS_OF_MOX = 6 };

static void unknown_mechanism(struct build *b, struct slice text, size_t known)
{
    char names[200];
    struct text t = text_to(names, sizeof names);

    for (size_t i = 0; i < known; i++)
        text_add(&t, "%s%s", i == 0 ? "" : ", ", mechanisms[i]);
    config_build_error(b, "unknown authentication mechanism %s; use one of %s",
                       config_build_quote(text).text, names);
}

static bool is_listed(const struct buffer *list, const char *name)
{
    const char *const *names = (const char *const *)(const void *)list->ptr;

    for (size_t i = 0; i < list->len / sizeof *names; i++) {
        if (names[i] == name)
            return true;
    }
    return false;
}

void config_set_mechanism(struct build *b, const struct schema_key *key,
                          const struct schema_value *value)
{
    size_t known = b->kind == CONFIG_MOXDIAL ? ARRAY_LEN(mechanisms) : MECHANISMS_OF_MOX;
    size_t i = 0;

    (void)key;
    while (i < known && !slice_is(value->text, mechanisms[i]))
        i++;
    if (i == known)
        unknown_mechanism(b, value->text, known);
    else if (is_listed(&b->scratch, mechanisms[i]))
        config_build_error(b, "duplicate authentication mechanism %s; remove one", mechanisms[i]);
    else
        config_build_append(b, &b->scratch, &mechanisms[i], sizeof mechanisms[i]);
}

void config_set_close_mechanisms(struct build *b, const struct schema_key *key, bool whole)
{
    (void)key, (void)whole;
    b->auth.mechanisms = config_set_take_texts(b);
}

void config_set_disable(struct build *b, const struct schema_key *key,
                        const struct schema_value *value)
{
    uint32_t left = b->transport.families & ~ip_family_bit(key->arg);

    if (!value->flag)
        return;
    if (b->transport.family_line == 0)
        b->transport.family_line = (int32_t)b->line;
    if (left == 0)
        config_build_error(
            b, "both IPv4 and IPv6 are disabled, enable at least one; remove DisableIPv4 "
               "or DisableIPv6");
    else
        b->transport.families = left;
}

void config_set_prefer(struct build *b, const struct schema_key *key,
                       const struct schema_value *value)
{
    (void)key;
    for (int prefer = MOX_PREFER_IPV4; prefer <= MOX_PREFER_LEARNED; prefer++) {
        if (slice_is(value->text, mox_prefer_name(prefer))) {
            b->transport.prefer = prefer;
            return;
        }
    }
    config_build_error(b, "unknown preference %s; write ipv4, ipv6 or learned, or remove the key",
                       config_build_quote(value->text).text);
}

void config_set_client_file(struct build *b, const struct schema_key *key,
                            const struct schema_value *value)
{
    const char *path = config_set_take_path(b, value->text);

    memcpy((char *)&b->transport + key->arg, &path, sizeof path);
}

void config_set_ehlo_hostname(struct build *b, const struct schema_key *key,
                              const struct schema_value *value)
{
    (void)key;
    b->transport.ehlo_hostname = config_set_take_domain(b, value->text, "hostname");
}

void config_set_require(struct build *b, const struct schema_key *key,
                        const struct schema_value *value)
{
    memcpy((char *)&b->transport + key->arg, &value->flag, sizeof value->flag);
}

void config_set_close_direct_ips(struct build *b, const struct schema_key *key, bool whole)
{
    (void)key, (void)whole;
    b->transport.local_ips = config_set_take_ips(b, &b->transport.nlocal_ips);
}

void config_set_smtp_code(struct build *b, const struct schema_key *key,
                          const struct schema_value *value)
{
    (void)key;
    if (value->number != 0 && (value->number < 400 || value->number > 599))
        config_build_error(b,
                           "smtp code %s must be 4xx or 5xx; choose one, or remove the key for 554",
                           config_build_quote(value->text).text);
    else if (value->number != 0)
        b->transport.smtp_code = (int32_t)value->number;
}

void config_set_smtp_message(struct build *b, const struct schema_key *key,
                             const struct schema_value *value)
{
    (void)key;
    for (size_t i = 0; i < value->text.len; i++) {
        unsigned char c = (unsigned char)value->text.ptr[i];

        if (c >= 0x20 && c < 0x7f)
            continue;
        config_build_error(
            b, "message cannot contain control characters including newlines, and must be "
               "ascii-only; write it in plain ASCII");
        return;
    }
    if (value->text.len > MOX_LIMIT_FAIL_MESSAGE)
        config_build_error(b, "message must be <= %d characters; shorten it",
                           MOX_LIMIT_FAIL_MESSAGE);
    else if (value->text.len > 0)
        b->transport.smtp_message = config_build_text(b, value->text);
}
