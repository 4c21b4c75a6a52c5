/* set_common.c - see set.h. */
#include <string.h>

#include "base/domain.h"
#include "base/error.h"
#include "base/ip.h"
#include "config/set.h"

enum { LONGEST_UNICODE = 1024 };

void config_set_open_list(struct build *b, const struct schema_key *key, struct slice name)
{
    (void)key, (void)name;
    b->scratch.len = b->scratch.at = 0;
}

void config_set_ip(struct build *b, const struct schema_key *key, const struct schema_value *value)
{
    struct mox_ip ip;
    enum ip_special special;

    if (ip_parse_plain(value->text, &ip) != MOX_OK) {
        config_build_error(b,
                           "bad ip %s; write one address, without prefix, zone, or leading zeros",
                           config_build_quote(value->text).text);
        return;
    }
    special = ip_special(&ip);
    if (key->arg == SET_IP_PUBLIC && (special == IP_UNSPECIFIED || special == IP_LOOPBACK))
        config_build_error(
            b,
            "NAT ip that is the unspecified or loopback address %s; write the public "
            "address",
            config_build_quote(value->text).text);
    else if (key->arg == SET_IP_SPECIFIED && special == IP_UNSPECIFIED)
        config_build_error(
            b,
            "unspecified address %s; name the address to connect from, or leave the list "
            "out",
            config_build_quote(value->text).text);
    else
        config_build_append(b, &b->scratch, &ip, sizeof ip);
}

static void *take_scratch(struct build *b, size_t size, size_t *n)
{
    char *copy =
        config_build_check(b, arena_array(&b->config->arena, b->scratch.len / size + 1, size));

    *n = 0;
    if (copy == NULL)
        return NULL;
    if (b->scratch.len > 0)
        memcpy(copy, b->scratch.ptr, b->scratch.len);
    *n = b->scratch.len / size;
    return copy;
}

const struct mox_ip *config_set_take_ips(struct build *b, size_t *n)
{
    return take_scratch(b, sizeof(struct mox_ip), n);
}

const char *const *config_set_take_texts(struct build *b)
{
    size_t n;

    return take_scratch(b, sizeof(const char *), &n);
}

const char *config_set_take_domain(struct build *b, struct slice text, const char *what)
{
    struct domain domain;
    struct mox_error reason;

    switch (domain_parse(text, &domain, &reason)) {
    case MOX_OK:
        return config_build_text(b, domain_slice(&domain));
    case MOX_E_NOMEM:
        b->nomem = true;
        return NULL;
    default:
        config_build_error(b, "bad %s %s: %s; write a domain name", what,
                           config_build_quote(text).text, reason.message);
        return NULL;
    }
}

const char *config_set_take_unicode(struct build *b, struct slice text, const char *what,
                                    const char **ascii)
{
    char form[LONGEST_UNICODE];
    struct domain domain;
    struct mox_error reason;
    int status = domain_parse(text, &domain, &reason);

    if (status == MOX_OK)
        status = domain_to_unicode(&domain, form, sizeof form);
    else if (status != MOX_E_NOMEM)
        config_build_error(b, "parsing %s %s: %s; write a domain name", what,
                           config_build_quote(text).text, reason.message);
    if (status == MOX_E_NOMEM)
        b->nomem = true;
    if (status != MOX_OK)
        return NULL;
    if (!slice_is(text, form)) {
        config_build_error(b, "%s must be in unicode form, %s instead of %s; write it so", what,
                           config_build_quote(slice_of(form)).text, config_build_quote(text).text);
        return NULL;
    }
    *ascii = config_build_text(b, domain_slice(&domain));
    return *ascii == NULL ? NULL : config_build_text(b, text);
}

const char *config_set_take_path(struct build *b, struct slice text)
{
    struct slice folder = slice_of(b->file);
    char *path;

    if (text.len == 0) {
        config_build_error(b, "empty file name; name the file, or remove the key");
        return NULL;
    }
    while (folder.len > 0 && folder.ptr[folder.len - 1] != '/')
        folder.len--;
    if (text.ptr[0] == '/')
        folder.len = 0;
    path = config_build_check(b, arena_bytes(&b->config->arena, folder.len + text.len + 1, 1));
    if (path == NULL)
        return NULL;
    if (folder.len > 0)
        memcpy(path, folder.ptr, folder.len);
    memcpy(path + folder.len, text.ptr, text.len);
    path[folder.len + text.len] = '\0';
    return path;
}
