/*
 * policy_spf.c - see policy_spf.h.
 *
 * The protocol has no way to fold a line, so the header is kept below RFC 5322's bound by leaving
 * out the pairs that do not fit; each of them stands whole or not at all.
 */
#include "policy_spf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "output.h"
#include "policy_limits.h"
#include "spf_words.h"

enum { QUOTED = 2 * 512 + 3 };

struct line {
    char *text;
    size_t len, most; /* most: bytes without NUL */
};

/* All of it or nothing. */
static void add(struct line *line, const char *format, ...) TOOL_PRINTF(2, 3);
static void add(struct line *line, const char *format, ...)
{
    size_t room = line->most - line->len;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line->text + line->len, room + 1, format, args);
    va_end(args);
    if (n >= 0 && (size_t)n <= room)
        line->len += (size_t)n;
    else
        line->text[line->len] = '\0';
}

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

/* A quoted-string (RFC 5322 section 3.2.4), without what is not ASCII. */
static const char *quote(const char *text, char *out)
{
    size_t at = 0;

    out[at++] = '"';
    for (; *text != '\0' && at + 4 <= QUOTED; text++) {
        if (*text == '"' || *text == '\\')
            out[at++] = '\\';
        out[at++] = '?';
        if (is_printable(*text))
            out[at - 1] = *text;
    }
    out[at++] = '"';
    out[at] = '\0';
    return out;
}

static void add_pair(struct line *line, const char *name, const char *value)
{
    char quoted[QUOTED];

    if (*value != '\0')
        add(line, " %s=%s;", name, quote(value, quoted));
}

static const char *domain_of(const struct mox_spf_result *result)
{
    return result->domain[0] != '\0' ? result->domain : "a sender without a domain";
}

/* The comment has none of a stranger's words but the domain, which is A-labels. */
static void write_header(const struct policy_spf_case *about, const struct mox_spf_result *result,
                         struct line *line)
{
    char seen[OUTPUT_IP], effective[OUTPUT_IP];
    bool null_sender = about->sender[0] == '\0';

    output_ip(&about->client, seen);
    output_ip(&result->ip, effective);
    add(line, "Received-SPF: %s (%s: %s %s %s)", mox_spf_name(result->result), about->receiver,
        effective, spf_words(result->result), domain_of(result));
    if (about->client.family == MOX_IPV4)
        add(line, " client-ip=%s;", seen);
    else
        add_pair(line, "client-ip", seen);
    add_pair(line, "envelope-from", about->sender);
    add_pair(line, "helo", about->helo);
    add(line, " identity=%s;", null_sender ? "helo" : "mailfrom");
    add_pair(line, "receiver", about->receiver);
    add_pair(line, "mechanism", result->mechanism);
    if (result->result == MOX_SPF_TEMPERROR || result->result == MOX_SPF_PERMERROR)
        add_pair(line, "problem", result->explanation);
}

static void write_words(const struct mox_spf_result *result, struct line *line)
{
    char effective[OUTPUT_IP];

    add(line, "SPF: %s %s %s", output_ip(&result->ip, effective), spf_words(result->result),
        domain_of(result));
    if (result->explanation[0] != '\0')
        add(line, "; %s: %s", result->result == MOX_SPF_FAIL ? "they say" : "it says",
            result->explanation);
}

/* What came through from a name that is no name: the answer is one line whatever it held. */
static void clean(struct line *line)
{
    for (size_t i = 0; i < line->len; i++) {
        if (!is_printable(line->text[i]))
            line->text[i] = '?';
    }
}

void policy_spf_action(enum policy_spf_mode mode, const struct policy_spf_case *about,
                       const struct mox_spf_result *result, char *out)
{
    struct line line = {out, 0, POLICY_REPLY_WORDS};
    bool known = result->result >= 0 && result->result <= MOX_SPF_PERMERROR;

    out[0] = '\0';
    if (mode == POLICY_SPF_OFF || !known) {
        add(&line, "DUNNO");
    } else if (mode == POLICY_SPF_REJECT && result->result == MOX_SPF_FAIL) {
        add(&line, "550 5.7.23 ");
        write_words(result, &line);
    } else if (mode == POLICY_SPF_REJECT && result->result == MOX_SPF_TEMPERROR) {
        add(&line, "DEFER_IF_PERMIT 4.7.24 ");
        write_words(result, &line);
    } else {
        line.most = POLICY_HEADER;
        add(&line, "PREPEND ");
        write_header(about, result, &line);
    }
    clean(&line);
}

const char *policy_spf_unable(enum policy_spf_mode mode)
{
    return mode == POLICY_SPF_REJECT ? "DEFER_IF_PERMIT 4.7.24 SPF cannot be checked here for now"
                                     : "DUNNO";
}

bool policy_is_private(const struct mox_ip *ip)
{
    const uint8_t *b = ip->bytes;

    if (ip->family == MOX_IPV6)
        return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
    return ip->family == MOX_IPV4 &&
           (b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
            (b[0] == 100 && (b[1] & 0xc0) == 64) || (b[0] == 169 && b[1] == 254));
}
