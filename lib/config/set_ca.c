/*
 * set_ca.c - see set.h. A file of roots is opened only where the configuration came from a file:
 * parsing text is pure. Its certificates are read at a dial; here it is enough that there are some.
 */
#include <string.h>

#include "base/error.h"
#include "config/set.h"

void config_set_open_ca(struct build *b, const struct schema_key *key, struct slice name)
{
    static const char *const none[] = {NULL};

    (void)key, (void)name;
    b->config->info.ca_files = none; /* of its own: the system's are out, unless it says so */
}

void config_set_ca_system(struct build *b, const struct schema_key *key,
                          const struct schema_value *value)
{
    (void)key;
    b->config->info.ca_system = value->flag ? 1 : 0;
}

static bool has_certificate(struct slice text)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";

    while (text.len >= sizeof begin - 1) {
        if (slice_starts(text, begin))
            return true;
        text = slice_sub(text, 1, text.len);
        text = slice_sub(text, slice_find(text, '-'), text.len);
    }
    return false;
}

static void check_file(struct build *b, const char *path)
{
    struct mox_error reason;
    struct buffer text = {0};
    int status = buffer_read_file(&text, path, MOX_LIMIT_CA_FILE, &reason);

    if (status == MOX_E_NOMEM)
        b->nomem = true;
    else if (status != MOX_OK)
        config_build_error(b, "reading TLS CA cert file: %s; name a readable PEM file",
                           reason.message);
    else if (!has_certificate(buffer_slice(&text)))
        config_build_error(b, "no CA certs added from %s; name a file of certificates in PEM form",
                           config_build_quote(slice_of(path)).text);
    buffer_free(&text);
}

void config_set_ca_file(struct build *b, const struct schema_key *key,
                        const struct schema_value *value)
{
    const char *path = config_set_take_path(b, value->text);

    (void)key;
    if (path == NULL || !config_build_append(b, &b->ca_files, &path, sizeof path))
        return;
    if (b->from_disk)
        check_file(b, path);
}

bool config_set_finish_ca(struct build *b)
{
    const char **files;

    if (b->ca_files.len == 0)
        return true;
    files = config_build_check(b, arena_new(&b->config->arena, b->ca_files.len + sizeof *files));
    if (files == NULL)
        return false;
    memcpy(files, b->ca_files.ptr, b->ca_files.len);
    b->config->info.ca_files = files;
    return true;
}
