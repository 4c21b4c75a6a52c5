/*
 * sts.c - see sts.h. Both grammars are read as mox reads them, save for blank lines in a policy,
 * which harm nobody, the first id of a record, which counts, and a long max_age, which is cut
 * (semantics.md D23). Of a key that comes twice the first counts.
 */
#include "policy/sts.h"

#include <assert.h>
#include <string.h>

#include "base/domain.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/names.h"

enum {
    KEY_LEN = 32,    /* bytes of a key */
    AGE_DIGITS = 10, /* of max_age */
    SHOWN = 64       /* bytes of foreign text in an error */
};

static const char *const mode_names[] = {
    [STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"};

static_assert(MOX_LIMIT_STS_AGE <= UINT32_MAX, "max_age_s holds it");

const char *sts_mode_name(int mode)
{
    return name_of(mode_names, ARRAY_LEN(mode_names), mode);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_alnum(char c)
{
    return slice_is_alpha(c) || slice_is_digit(c);
}

static struct slice skip_blanks(struct slice s)
{
    while (s.len > 0 && is_blank(s.ptr[0]))
        s = slice_sub(s, 1, s.len);
    return s;
}

static bool is_key(struct slice key)
{
    if (key.len == 0 || key.len > KEY_LEN || key.ptr[0] == '_')
        return false;
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];

        if (!is_alnum(c) && c != '_' && c != '-' && c != '.')
            return false;
    }
    return true;
}

bool sts_is_id(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_alnum(text.ptr[i]))
            return false;
    }
    return text.len > 0 && text.len <= STS_ID;
}

/* Takes "v=STSv1", blanks, ";", blanks off; false: it is no record of ours. */
static bool take_version(struct slice *text)
{
    static const char version[] = "v=STSv1";
    struct slice rest = slice_sub(*text, sizeof version - 1, text->len);

    if (!slice_starts(*text, version))
        return false;
    rest = skip_blanks(rest);
    if (!slice_starts(rest, ";"))
        return false;
    *text = skip_blanks(slice_sub(rest, 1, rest.len));
    return true;
}

/* Takes "key=value" off. */
static bool take_pair(struct slice *text, struct slice *key, struct slice *value)
{
    size_t equals = slice_find(*text, '='), end = equals + 1;

    if (equals == text->len)
        return false;
    while (end < text->len && text->ptr[end] > ' ' && text->ptr[end] < 0x7f &&
           text->ptr[end] != '=' && text->ptr[end] != ';')
        end++;
    *key = slice_sub(*text, 0, equals);
    *value = slice_sub(*text, equals + 1, end);
    *text = slice_sub(*text, end, text->len);
    return is_key(*key) && value->len > 0;
}

/* What follows the version; the first id in *id, empty: none. */
static bool read_fields(struct slice text, struct slice *id)
{
    struct slice key, value;

    while (text.len > 0) {
        if (!take_pair(&text, &key, &value))
            return false;
        if (slice_is(key, "id") && !sts_is_id(value))
            return false;
        if (slice_is(key, "id") && id->len == 0)
            *id = value;
        if (text.len == 0)
            break;
        text = skip_blanks(text);
        if (!slice_starts(text, ";"))
            return false;
        text = skip_blanks(slice_sub(text, 1, text.len));
    }
    return id->len > 0;
}

enum sts_record_result sts_record_read(const struct slice *texts, size_t n, char id[STS_ID + 1])
{
    struct slice found = {NULL, 0};

    for (size_t i = 0; i < n; i++) {
        struct slice text = texts[i], own = {NULL, 0};

        if (!take_version(&text))
            continue;
        if (!read_fields(text, &own))
            return STS_RECORD_SYNTAX;
        if (found.len > 0)
            return STS_RECORD_MULTIPLE;
        found = own;
    }
    if (found.len == 0)
        return STS_RECORD_ABSENT;
    memcpy(id, found.ptr, found.len);
    id[found.len] = '\0';
    return STS_RECORD_OK;
}

/* A policy as it is being read. */
struct reading {
    struct sts_policy *out;
    struct arena *arena;
    const char **mx; /* out->mx */
    size_t nmx;
    int line;
    bool version, mode, max_age; /* has been seen */
};

static int wrong(const struct reading *r, const char *what, struct slice value,
                 struct mox_error *err)
{
    char shown[SHOWN];

    slice_clean(value, false, shown, sizeof shown);
    error_set(err, MOX_E_PROTOCOL, "line %d: \"%s\" %s", r->line, shown, what);
    if (err != NULL)
        err->about = MOX_ABOUT_DOMAIN;
    return MOX_E_PROTOCOL;
}

static int read_version(struct reading *r, struct slice value, struct mox_error *err)
{
    r->version = true;
    return slice_is(value, "STSv1") ? MOX_OK : wrong(r, "is no version but STSv1 is", value, err);
}

static int read_mode(struct reading *r, struct slice value, struct mox_error *err)
{
    r->mode = true;
    for (size_t i = 0; i < ARRAY_LEN(mode_names); i++) {
        if (slice_is(value, mode_names[i])) {
            r->out->mode = (int)i;
            return MOX_OK;
        }
    }
    return wrong(r, "is no mode; enforce, testing and none are", value, err);
}

static int read_max_age(struct reading *r, struct slice value, struct mox_error *err)
{
    uint64_t age;

    r->max_age = true;
    if (value.len > AGE_DIGITS || !slice_number(value, UINT64_MAX, &age))
        return wrong(r, "is no max_age; seconds in at most 10 digits are", value, err);
    r->out->max_age_s = age > MOX_LIMIT_STS_AGE ? MOX_LIMIT_STS_AGE : (uint32_t)age;
    return MOX_OK;
}

/* "mx.example.org", "*.example.org"; A-labels, so what the name becomes is the name. */
static int read_mx(struct reading *r, struct slice value, struct mox_error *err)
{
    size_t at = slice_starts(value, "*.") ? 2 : 0;
    struct slice name = slice_sub(value, at, value.len);
    char pattern[2 + MOX_LIMIT_DOMAIN] = "*.";
    struct domain domain;
    int status = domain_parse(name, &domain, NULL);

    if (status == MOX_E_NOMEM)
        return error_nomem(err);
    if (status != MOX_OK || !slice_is_nocase(name, domain.name))
        return wrong(r, "is no host name", value, err);
    memcpy(pattern + at, domain.name, domain.len);
    r->mx[r->nmx] = arena_text(r->arena, (struct slice){pattern, at + domain.len});
    return r->mx[r->nmx++] == NULL ? error_nomem(err) : MOX_OK;
}

/* Of a key that we do not know. */
static int read_other(struct reading *r, struct slice value, struct mox_error *err)
{
    if (value.len == 0)
        return wrong(r, "is no value", value, err);
    for (size_t i = 0; i < value.len; i++) {
        if (slice_is_control(value.ptr[i]))
            return wrong(r, "has a control character", value, err);
    }
    return MOX_OK;
}

static int read_line(struct reading *r, struct slice line, struct mox_error *err)
{
    size_t colon = slice_find(line, ':');
    struct slice key = slice_sub(line, 0, colon);
    struct slice value = slice_trim(slice_sub(line, colon + 1, line.len));

    if (colon == line.len || !is_key(key))
        return wrong(r, "is no \"key: value\"", line, err);
    if (slice_is(key, "mx"))
        return read_mx(r, value, err);
    if (slice_is(key, "version"))
        return r->version ? MOX_OK : read_version(r, value, err);
    if (slice_is(key, "mode"))
        return r->mode ? MOX_OK : read_mode(r, value, err);
    if (slice_is(key, "max_age"))
        return r->max_age ? MOX_OK : read_max_age(r, value, err);
    return read_other(r, value, err);
}

/* The next line without its end. */
static struct slice take_line(struct slice *text)
{
    size_t end = slice_find(*text, '\n');
    struct slice line = slice_sub(*text, 0, end);

    *text = slice_sub(*text, end + 1, text->len);
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

static size_t count_lines(struct slice text)
{
    size_t n = 0;

    for (; text.len > 0; n++)
        take_line(&text);
    return n;
}

/* The text with LF behind each line and blanks for tabs, cleaned; it reads as before. */
static char *keep_text(struct slice text, struct arena *arena)
{
    char *kept = arena_bytes(arena, text.len + 2, 1);
    size_t len = 0;

    if (kept == NULL)
        return NULL;
    while (text.len > 0) {
        struct slice line = slice_trim(take_line(&text));

        for (size_t i = 0; i < line.len; i++)
            kept[len++] = line.ptr[i] == '\t' ? ' ' : line.ptr[i];
        kept[len++] = '\n';
        slice_clean_in_place(kept + len - 1 - line.len, line.len);
    }
    kept[len] = '\0';
    return kept;
}

static int check_complete(const struct reading *r, struct mox_error *err)
{
    const char *missing = !r->version   ? "version"
                          : !r->mode    ? "mode"
                          : !r->max_age ? "max_age"
                                        : NULL;

    if (missing == NULL && r->nmx == 0 && r->out->mode != STS_NONE)
        missing = "mx";
    if (missing == NULL)
        return MOX_OK;
    error_set(err, MOX_E_PROTOCOL, "it has no %s", missing);
    if (err != NULL)
        err->about = MOX_ABOUT_DOMAIN;
    return MOX_E_PROTOCOL;
}

int sts_policy_read(struct slice text, struct sts_policy *out, struct arena *arena,
                    struct mox_error *err)
{
    struct reading r = {.out = out, .arena = arena};
    struct slice rest = text;

    *out = (struct sts_policy){.text = keep_text(text, arena)};
    r.mx = arena_array(arena, count_lines(text) + 1, sizeof *r.mx);
    out->mx = r.mx;
    if (out->text == NULL || r.mx == NULL)
        return error_nomem(err);
    while (rest.len > 0) {
        struct slice line = take_line(&rest);
        int status = MOX_OK;

        r.line++;
        if (skip_blanks(line).len > 0)
            status = read_line(&r, line, err);
        if (status != MOX_OK)
            return status;
    }
    return check_complete(&r, err);
}

bool sts_policy_allows(const struct sts_policy *policy, const char *host)
{
    const char *dot = strchr(host, '.');

    for (const char *const *mx = policy->mx; *mx != NULL; mx++) {
        bool wildcard = (*mx)[0] == '*';

        if (wildcard && dot != NULL && dot > host && strcmp(*mx + 1, dot) == 0)
            return true;
        if (!wildcard && strcmp(*mx, host) == 0)
            return true;
    }
    return false;
}
