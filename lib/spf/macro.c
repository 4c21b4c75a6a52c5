/* macro.c - see macro.h. One scanner cuts a text into pieces; all else is made of them. */
#include "spf/macro.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/ip.h"
#include "base/limits.h"

static const char letters_of_names[] = "slodiphv", letters_of_texts[] = "slodiphvcrt";
static const char delimiters[] = ".-+,/_=", unreserved[] = "-._~";

enum {
    NIBBLES = 2 * 32, /* bytes of an IPv6 address as nibbles with dots, and NUL */
    SENDER = MOX_LIMIT_ADDRESS + 1 + MOX_LIMIT_DOMAIN + 1, /* of the longest value, and NUL */
    PARTS_MOST = SENDER                                    /* more than any value has */
};

static_assert((int)SENDER >= (int)NIBBLES && (int)SENDER >= (int)MOX_LIMIT_IP_TEXT,
              "one buffer for all values that must be made");

struct piece {
    struct slice literal; /* what stands for itself; ptr NULL: a macro */
    bool expands;         /* it is a macro-expand: a macro, or one of "%%", "%_", "%-" */
    char letter;          /* of a macro, in lower case */
    bool escape;          /* it was a capital */
    bool reverse;
    unsigned parts;          /* the right-hand parts to use; 0: all */
    struct slice delimiters; /* "." where none are given */
};

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Takes the digits in front; false: they say 0. */
static bool take_parts(struct slice *text, unsigned *parts)
{
    size_t n = 0;

    *parts = 0;
    for (; n < text->len && slice_is_digit(text->ptr[n]); n++) {
        *parts = 10 * *parts + (unsigned)(text->ptr[n] - '0');
        if (*parts > PARTS_MOST)
            *parts = PARTS_MOST;
    }
    *text = slice_sub(*text, n, text->len);
    return n == 0 || *parts > 0;
}

/* What stands between the braces. */
static bool read_macro(struct slice body, const char *letters, struct piece *out)
{
    if (body.len == 0 || !is_one_of(slice_lower(body.ptr[0]), letters))
        return false;
    out->letter = slice_lower(body.ptr[0]);
    out->escape = out->letter != body.ptr[0];
    body = slice_sub(body, 1, body.len);
    if (!take_parts(&body, &out->parts))
        return false;
    out->reverse = body.len > 0 && slice_lower(body.ptr[0]) == 'r';
    body = slice_sub(body, out->reverse, body.len);
    for (size_t i = 0; i < body.len; i++) {
        if (!is_one_of(body.ptr[i], delimiters))
            return false;
    }
    out->delimiters = body.len > 0 ? body : slice_of(".");
    return true;
}

/* What begins with '%'. */
static bool take_expand(struct slice *rest, const char *letters, struct piece *out)
{
    char c = rest->len < 2 ? '\0' : rest->ptr[1];
    size_t end = 2;
    bool valid = true;

    out->expands = true;
    if (c == '{') {
        end = slice_find(*rest, '}');
        valid = end < rest->len && read_macro(slice_sub(*rest, 2, end), letters, out);
        end++;
    } else if (c == '%') {
        out->literal = slice_of("%");
    } else if (c == '_') {
        out->literal = slice_of(" ");
    } else if (c == '-') {
        out->literal = slice_of("%20");
    } else {
        valid = false;
    }
    *rest = slice_sub(*rest, end, rest->len);
    return valid;
}

/* The next piece of a text that is not at its end; false: no such text. */
static bool take_piece(struct slice *rest, const char *letters, struct piece *out)
{
    size_t n = slice_find(*rest, '%');

    *out = (struct piece){0};
    if (n == 0)
        return take_expand(rest, letters, out);
    out->literal = slice_sub(*rest, 0, n);
    *rest = slice_sub(*rest, n, rest->len);
    return true;
}

static bool is_visible(struct slice text, char lowest)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < lowest || text.ptr[i] > '~') /* bytes of 0x80 and above too */
            return false;
    }
    return true;
}

/* tail: set to what stands behind the last macro-expand. */
static bool is_valid(struct slice text, const char *letters, char lowest, struct slice *tail)
{
    struct piece piece;

    for (*tail = text; text.len > 0;) {
        if (!take_piece(&text, letters, &piece))
            return false;
        if (piece.expands)
            *tail = text;
        else if (!is_visible(piece.literal, lowest))
            return false;
    }
    return true;
}

/* toplabel: letters, digits and inner hyphens, not all of them digits. */
static bool is_top_label(struct slice label)
{
    bool digits = true;

    for (size_t i = 0; i < label.len; i++) {
        char c = label.ptr[i];

        if (!slice_is_digit(c))
            digits = false;
        if (!slice_is_alpha(c) && !slice_is_digit(c) && c != '-')
            return false;
    }
    return !digits && label.ptr[0] != '-' && label.ptr[label.len - 1] != '-';
}

bool spf_is_domain_spec(struct slice text)
{
    struct slice tail, label;

    if (text.len == 0 || !is_valid(text, letters_of_names, '!', &tail))
        return false;
    if (tail.len == 0)
        return true;
    if (tail.ptr[tail.len - 1] == '.')
        tail.len--;
    if (slice_find(tail, '.') == tail.len)
        return false;
    for (label = tail; slice_find(label, '.') < label.len;)
        label = slice_sub(label, slice_find(label, '.') + 1, label.len);
    return label.len > 0 && is_top_label(label);
}

bool spf_is_macro_string(struct slice text)
{
    struct slice tail;

    return is_valid(text, letters_of_texts, '!', &tail);
}

bool spf_is_explain_string(struct slice text)
{
    struct slice tail;

    return is_valid(text, letters_of_texts, ' ', &tail);
}

bool spf_uses_macro(struct slice text, char letter)
{
    struct piece piece;

    while (text.len > 0 && take_piece(&text, letters_of_texts, &piece)) {
        if (piece.letter == letter)
            return true;
    }
    return false;
}

static void add_byte(struct text *out, char c, bool escape)
{
    if (escape && !slice_is_alpha(c) && !slice_is_digit(c) && !is_one_of(c, unreserved))
        text_add(out, "%%%02X", (unsigned)(unsigned char)c);
    else
        text_char(out, c);
}

static bool is_delimiter(const struct piece *macro, char c)
{
    return slice_find(macro->delimiters, c) < macro->delimiters.len;
}

static size_t count_parts(const struct piece *macro, struct slice value)
{
    size_t n = 1;

    for (size_t i = 0; i < value.len; i++)
        n += is_delimiter(macro, value.ptr[i]);
    return n;
}

/* Behind the n-th delimiter; 0: the start. */
static size_t skip_parts(const struct piece *macro, struct slice value, size_t n)
{
    size_t at = 0;

    while (n > 0)
        n -= is_delimiter(macro, value.ptr[at++]);
    return at;
}

/* The parts of the value from its last to its first. */
static void add_reversed(const struct piece *macro, struct slice value, struct text *out)
{
    size_t end = value.len;

    for (size_t at = value.len; at > 0; at--) {
        if (!is_delimiter(macro, value.ptr[at - 1]))
            continue;
        for (size_t i = at; i < end; i++)
            add_byte(out, value.ptr[i], macro->escape);
        text_char(out, '.');
        end = at - 1;
    }
    for (size_t i = 0; i < end; i++)
        add_byte(out, value.ptr[i], macro->escape);
}

/* The last parts of what is left when the value has been cut, and turned round where wanted. */
static void add_value(const struct piece *macro, struct slice value, struct text *out)
{
    size_t n = count_parts(macro, value);
    size_t kept = macro->parts == 0 || macro->parts > n ? n : macro->parts;

    if (macro->reverse) { /* the last parts of the reverse are the first of the value */
        if (kept < n)
            value = slice_sub(value, 0, skip_parts(macro, value, kept) - 1);
        add_reversed(macro, value, out);
        return;
    }
    for (size_t i = skip_parts(macro, value, n - kept); i < value.len; i++)
        add_byte(out, is_delimiter(macro, value.ptr[i]) ? '.' : value.ptr[i], macro->escape);
}

/* An IPv6 address as nibbles with dots between, as a reverse zone has it but for the order. */
static struct slice nibbles(const struct mox_ip *ip, char buf[NIBBLES])
{
    static const char digits[] = "0123456789ABCDEF"; /* capitals, as the RFC's test suite has it */
    struct text t = text_to(buf, NIBBLES);

    for (size_t i = 0; i < ip_size(ip); i++) {
        text_char(&t, digits[ip->bytes[i] >> 4]);
        text_char(&t, '.');
        text_char(&t, digits[ip->bytes[i] & 15]);
        if (i + 1 < ip_size(ip))
            text_char(&t, '.');
    }
    return (struct slice){buf, t.len};
}

static struct slice address_text(const struct mox_ip *ip, char *buf, size_t cap)
{
    struct mox_ip plain = *ip;

    plain.scope = 0; /* a zone means something on this machine alone */
    return (struct slice){buf, mox_ip_format(&plain, buf, cap)};
}

/* Borrowed, or in buf. */
static struct slice value_of(char letter, const struct spf_values *v, char buf[SENDER])
{
    struct text t = text_to(buf, SENDER);

    switch (letter) {
    case 's':
        text_slice(&t, v->local);
        text_char(&t, '@');
        text_slice(&t, v->sender_domain);
        return (struct slice){buf, t.len < SENDER ? t.len : SENDER - 1};
    case 'l':
        return v->local;
    case 'o':
        return v->sender_domain;
    case 'd':
        return v->domain;
    case 'i':
        return v->ip.family == MOX_IPV6 ? nibbles(&v->ip, buf) : address_text(&v->ip, buf, SENDER);
    case 'p':
        return v->validated;
    case 'v':
        return slice_of(v->ip.family == MOX_IPV6 ? "ip6" : "in-addr");
    case 'h':
        return v->helo;
    case 'c':
        return address_text(&v->ip, buf, SENDER);
    case 'r':
        return v->receiver;
    default: /* t */
        text_add(&t, "%" PRId64, v->unix_s);
        return (struct slice){buf, t.len};
    }
}

static bool is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    }
    return true;
}

static bool is_full(const struct text *out)
{
    return out->len >= out->cap;
}

int spf_expand(struct slice text, const struct spf_values *values, struct text *out)
{
    char buf[SENDER];
    struct piece piece;

    while (text.len > 0 && !is_full(out) && take_piece(&text, letters_of_texts, &piece)) {
        if (piece.literal.ptr != NULL) {
            text_slice(out, piece.literal);
            continue;
        }
        if ((piece.letter == 's' || piece.letter == 'l') && !is_ascii(values->local))
            return MOX_E_INVAL;
        add_value(&piece, value_of(piece.letter, values, buf), out);
    }
    return is_full(out) ? MOX_E_LIMIT : MOX_OK;
}
