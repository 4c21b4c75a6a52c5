/*
 * output.c - see output.h.
 */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

/* Bytes of the UTF-8 character at s; 0: none, or a control character. */
static size_t printable_len(const unsigned char *s)
{
    size_t len = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : 4;
    uint32_t value = len == 1 ? s[0] : s[0] & (0x7fU >> len);
    static const uint32_t least[] = {0, 0x20, 0x80, 0x800, 0x10000};

    if (s[0] >= 0xf8 || s[0] == 0x7f)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (s[i] & 0x3f);
    }
    if (value < least[len] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return 0;
    return value >= 0x80 && value < 0xa0 ? 0 : len; /* C1 controls move cursors too */
}

const char *output_clean(const char *text, char *out, size_t cap)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t at = 0;

    while (*s != '\0') {
        size_t len = printable_len(s), wanted = len == 0 ? 1 : len;

        if (at + wanted >= cap)
            break;
        if (len == 0)
            out[at] = *s == '\n' || *s == '\t' ? ' ' : '?';
        else
            memcpy(out + at, s, len);
        at += wanted;
        s += wanted;
    }
    out[at] = '\0';
    return out;
}

const char *output_ip(const struct mox_ip *ip, char *out)
{
    out[0] = '\0';
    if (ip->family != MOX_FAMILY_NONE)
        mox_ip_format(ip, out, OUTPUT_IP);
    return out;
}

const char *output_where(const char *host, const struct mox_ip *ip, char *out)
{
    char address[OUTPUT_IP], name[256 + 1] = "";

    if (host != NULL)
        output_clean(host, name, sizeof name);
    if (*output_ip(ip, address) == '\0' || strcmp(name, address) == 0)
        snprintf(out, OUTPUT_WHERE, "%s", name);
    else
        snprintf(out, OUTPUT_WHERE, "%s[%s]", name, address);
    return out;
}

void output_put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        tool_out_of_memory();
}

void output_append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        tool_out_of_memory();
}

json_t *output_text(const char *text)
{
    json_t *value;
    size_t cap;
    char *clean;

    if (text == NULL)
        return json_null();
    value = json_string(text);
    if (value != NULL)
        return value;
    cap = strlen(text) + 1; /* not UTF-8: a server's, a file's name */
    clean = tool_alloc(cap, 1);
    value = json_string(output_clean(text, clean, cap));
    free(clean);
    return value;
}

json_t *output_filled(const char *text)
{
    return output_text(text == NULL || *text == '\0' ? NULL : text);
}

json_t *output_address(const struct mox_ip *ip)
{
    char text[OUTPUT_IP];

    return output_filled(output_ip(ip, text));
}

json_t *output_family(const struct mox_ip *ip)
{
    return ip->family == MOX_FAMILY_NONE ? json_null() : json_string(mox_family_name(ip->family));
}

json_t *output_positive(int64_t value)
{
    return value > 0 ? json_integer((json_int_t)value) : json_null();
}

json_t *output_not_negative(int64_t value)
{
    return value >= 0 ? json_integer((json_int_t)value) : json_null();
}

json_t *output_strings(const char *const *items)
{
    json_t *array = json_array();

    for (; items != NULL && *items != NULL; items++)
        output_append(array, output_text(*items));
    return array;
}

/* `host` of an error holds a file's name where a configuration is at fault. */
static bool is_of_file(const struct mox_error *err)
{
    return err->code == MOX_E_CONFIG || err->stage == MOX_STAGE_CONFIG || err->line > 0;
}

json_t *output_error(const struct mox_error *err, const char *key)
{
    json_t *object;
    bool of_file;

    if (err == NULL || err->code == MOX_OK)
        return json_null();
    object = json_object();
    of_file = is_of_file(err);
    output_put(object, "code", output_text(mox_status_name(err->code)));
    output_put(object, "stage", output_text(mox_stage_name(err->stage)));
    output_put(object, "about", output_text(mox_about_name(err->about)));
    output_put(object, "host", of_file ? json_null() : output_filled(err->host));
    output_put(object, "address", output_address(&err->address));
    output_put(object, "message", output_text(err->message));
    output_put(object, "permanent", json_boolean(err->permanent));
    output_put(object, "action", output_text(mox_action_name(err->action)));
    output_put(object, "retry_after_s", output_positive(err->retry_after_s));
    output_put(object, "smtp_code", output_positive(err->smtp_code));
    output_put(object, "enhanced_code", output_filled(err->enhanced));
    output_put(object, "reply", output_filled(err->reply));
    output_put(object, "file", of_file ? output_filled(err->host) : json_null());
    output_put(object, "line", output_positive(err->line));
    output_put(object, "key", output_filled(key));
    return object;
}

json_t *output_object(void)
{
    json_t *object = json_object();

    output_put(object, "schema", json_integer(1));
    return object;
}

void output_json(json_t *object)
{
    size_t layout = isatty(STDOUT_FILENO) ? JSON_INDENT(2) : JSON_COMPACT;

    if (json_dumpf(object, stdout, layout) != 0 && !ferror(stdout))
        tool_out_of_memory();
    putchar('\n');
    json_decref(object);
}

void output_error_text(const struct mox_error *err)
{
    char where[OUTPUT_WHERE], what[OUTPUT_LINE];

    if (err->stage != MOX_STAGE_NONE)
        fprintf(stderr, "%s: ", mox_stage_name(err->stage));
    if (*output_where(err->host, &err->address, where) != '\0')
        fprintf(stderr, "%s: ", where);
    fputs(output_clean(err->message, what, sizeof what), stderr);
    if (err->smtp_code > 0)
        fprintf(stderr, " (%d%s%s)", err->smtp_code, err->enhanced[0] != '\0' ? " " : "",
                err->enhanced);
    fputc('\n', stderr);
}

void output_error_line(const struct mox_error *err)
{
    bool colours = output_colours(stderr);

    if (is_of_file(err)) {
        output_problem_line(true, err, NULL);
        return;
    }
    fprintf(stderr, "%smoxdial:%s ", colours ? "\033[31m" : "", colours ? "\033[0m" : "");
    output_error_text(err);
}

void output_problem_line(bool is_error, const struct mox_error *err, const char *key)
{
    char text[OUTPUT_LINE];
    size_t len = strlen(err->host);

    /* The library's own sentence is complete: it begins with the file already. */
    if (err->host[0] != '\0' && strncmp(err->message, err->host, len) != 0) {
        fputs(output_clean(err->host, text, sizeof text), stderr);
        if (err->line > 0)
            fprintf(stderr, ":%d", err->line);
        fputs(": ", stderr);
    }
    if (!is_error)
        fputs("warning: ", stderr);
    if (key != NULL && *key != '\0')
        fprintf(stderr, "%s: ", output_clean(key, text, sizeof text));
    fprintf(stderr, "%s\n", output_clean(err->message, text, sizeof text));
}

bool output_colours(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    if (no_color != NULL && *no_color != '\0')
        return false;
    return term != NULL && strcmp(term, "dumb") != 0 && isatty(fileno(stream));
}

bool output_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    fprintf(stderr, "moxdial: cannot write to standard output: %s\n", strerror(errno));
    return false;
}
