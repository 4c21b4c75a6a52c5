/* path.c - see path.h. */
#include "smtp/path.h"

#include <assert.h>
#include <string.h>

#include <unistr.h>

#include "base/domain.h"
#include "base/error.h"
#include "base/ip.h"
#include "base/text.h"

static_assert(MOX_LIMIT_LOCAL_PART + 1 + MOX_LIMIT_DOMAIN <= MOX_LIMIT_PATH, "a mailbox fits");
static_assert(sizeof "[IPv6:]" + MOX_LIMIT_IP_TEXT <= MOX_LIMIT_DOMAIN, "so does a literal");
static_assert(MOX_LIMIT_PATH <= UINT16_MAX, "smtp_path.len");

enum { QUOTED = 100 /* bytes of an address shown in an error */ };

/* at: of the address, from 0. */
static int wrong(struct slice address, size_t at, const char *what, struct mox_error *err)
{
    char shown[QUOTED];

    slice_clean(address, false, shown, sizeof shown);
    return error_set(err, MOX_E_INVAL, "the address \"%s\" is wrong at byte %zu: %s", shown, at + 1,
                     what);
}

/* RFC 5322 section 3.2.3 and, of what is not ASCII, RFC 6531 section 3.3. */
static bool is_atext(char c)
{
    return slice_is_alpha(c) || slice_is_digit(c) || ((unsigned char)c & 0x80) != 0 ||
           (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool is_dot_string(struct slice local)
{
    char last = '.';

    for (size_t i = 0; i < local.len; i++) {
        if (local.ptr[i] == '.' ? last == '.' : !is_atext(local.ptr[i]))
            return false;
        last = local.ptr[i];
    }
    return last != '.';
}

/* A quoted string (RFC 5321 section 4.1.2) that is all of the local part. *at: where it is wrong.
 */
static const char *check_quoted(struct slice local, size_t *at)
{
    size_t i;

    for (i = 1; i < local.len && local.ptr[i] != '"'; i++) {
        if (local.ptr[i] != '\\')
            continue;
        *at = ++i;
        if (i == local.len)
            break;
        if (((unsigned char)local.ptr[i] & 0x80) != 0)
            return "a backslash may stand before ASCII alone";
    }
    *at = i < local.len ? i + 1 : local.len;
    if (i >= local.len)
        return "the quoted string does not end before the '@'";
    return i + 1 == local.len ? NULL : "the quoted string ends before the '@'";
}

/* One that is not in quotes. */
static const char *check_plain(struct slice local, size_t *at)
{
    for (*at = 0; *at < local.len; ++*at) {
        if (strchr(" \"\\<>@", local.ptr[*at]) != NULL)
            return "such a byte may stand in a quoted local part alone";
    }
    return NULL;
}

static const char *check_local(struct slice local, size_t *at)
{
    *at = 0;
    if (local.len == 0)
        return "nothing stands before the '@'";
    return local.ptr[0] == '"' ? check_quoted(local, at) : check_plain(local, at);
}

/* What is wrong with it, *at that byte; NULL: it is written. */
static const char *write_local(struct text *t, struct slice local, size_t *at)
{
    bool plain = is_dot_string(local);
    const char *fault = plain ? NULL : check_local(local, at);
    bool quote = !plain && fault == NULL && local.ptr[0] != '"';

    if (fault != NULL)
        return fault;
    if (quote)
        text_char(t, '"');
    text_slice(t, local); /* to be quoted, it has neither '"' nor '\\' to be escaped */
    if (quote)
        text_char(t, '"');
    return NULL;
}

static void write_literal(struct text *t, struct mox_ip ip)
{
    char shown[MOX_LIMIT_IP_TEXT];

    ip.scope = 0; /* of this machine alone (RFC 4007 section 11.2) */
    mox_ip_format(&ip, shown, sizeof shown);
    text_add(t, "[%s%s]", ip.family == MOX_IPV6 ? "IPv6:" : "", shown);
}

/* The first byte that is in no name, whatever stands around it; 0: none is. */
static size_t find_foreign(struct slice domain)
{
    for (size_t i = 0; i < domain.len; i++) {
        char c = domain.ptr[i];

        if (((unsigned char)c & 0x80) == 0 && !slice_is_alpha(c) && !slice_is_digit(c) &&
            c != '-' && c != '.')
            return i;
    }
    return 0;
}

/* at: where in the address the domain begins. */
static int write_domain(struct text *t, struct slice address, size_t at, struct mox_error *err)
{
    struct slice text = slice_sub(address, at, address.len);
    struct mox_error why;
    struct domain domain;
    struct mox_ip ip;
    int status;

    if (text.len == 0)
        return wrong(address, at, "nothing stands behind the '@'", err);
    status = domain_parse(text, &domain, &why);
    if (status == MOX_OK) {
        text_slice(t, domain_slice(&domain));
        return MOX_OK;
    }
    if (status == MOX_E_NOMEM)
        return error_nomem(err);
    if (ip_parse_any(text, &ip) == MOX_OK) {
        write_literal(t, ip);
        return MOX_OK;
    }
    if (text.ptr[0] == '[')
        return wrong(address, at, "this is no address of IP in brackets", err);
    return wrong(address, at + find_foreign(text), why.message, err);
}

static int write_path(struct text *t, struct slice address, struct mox_error *err)
{
    size_t domain = address.len - domain_behind_at(address).len, at = 0;
    struct slice local = slice_sub(address, 0, domain - (domain > 0));
    const char *fault;

    if (domain == 0 && slice_is_nocase(address, "postmaster")) {
        text_slice(t, address);
        return MOX_OK;
    }
    if (domain == 0)
        return wrong(address, address.len, "an '@' and a domain are missing", err);
    fault = write_local(t, local, &at);
    if (fault != NULL)
        return wrong(address, at, fault, err);
    if (t->len > MOX_LIMIT_LOCAL_PART)
        return wrong(address, local.len, "the local part is longer than 64 bytes, quotes included",
                     err);
    text_char(t, '@');
    return write_domain(t, address, domain, err);
}

/* Bytes that stand in no address, wherever it puts them. */
static int check_bytes(struct slice address, struct mox_error *err)
{
    size_t valid = slice_utf8(address);

    for (size_t i = 0; i < valid; i++) {
        if (slice_is_control(address.ptr[i]))
            return wrong(address, i, "no control byte may stand in an address", err);
    }
    return valid < address.len ? wrong(address, valid, "this is not valid UTF-8", err) : MOX_OK;
}

int smtp_path_of(struct slice address, bool null_allowed, struct smtp_path *out,
                 struct mox_error *err)
{
    struct text t = text_to(out->text, sizeof out->text);
    bool plain = slice_is_plain(address);
    int status;

    out->utf8 = false;
    out->len = 0;
    if (address.len == 0)
        return null_allowed ? MOX_OK : wrong(address, 0, "it is empty", err);
    status = plain ? MOX_OK : check_bytes(address, err);
    if (status == MOX_OK)
        status = write_path(&t, address, err);
    if (status != MOX_OK) {
        out->text[0] = '\0';
        return status;
    }
    out->len = (uint16_t)t.len; /* at most MOX_LIMIT_PATH, as the parts are */
    out->utf8 = !plain && !slice_is_plain((struct slice){t.buf, t.len}); /* no domain is */
    return MOX_OK;
}

/* What xtext and its like leave as it is. */
static bool is_xchar(char c)
{
    return c > ' ' && c < 0x7f && c != '+' && c != '=';
}

static void write_xtext(struct text *t, struct slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (is_xchar(bytes.ptr[i]))
            text_char(t, bytes.ptr[i]);
        else
            text_add(t, "+%02X", (unsigned)(unsigned char)bytes.ptr[i]);
    }
}

size_t smtp_xtext(struct slice bytes, char *out, size_t cap)
{
    struct text t = text_to(out, cap);

    write_xtext(&t, bytes);
    return t.len < cap ? t.len : 0;
}

/* address: valid UTF-8. */
static void write_utf8(struct text *t, struct slice address, bool smtputf8)
{
    const uint8_t *bytes = (const uint8_t *)address.ptr;
    ucs4_t c;

    for (size_t i = 0, n; i < address.len; i += n) {
        n = (size_t)u8_mbtouc_unsafe(&c, bytes + i, address.len - i);
        if (c < 0x80 ? is_xchar((char)c) && c != '\\' : smtputf8)
            text_slice(t, slice_sub(address, i, i + n));
        else
            text_add(t, "\\x{%02X}", (unsigned)c);
    }
}

static int bad_orcpt(struct mox_error *err, const char *why)
{
    return error_set(err, MOX_E_INVAL, "orcpt: %s", why);
}

/* type: RFC 3461 section 4.2 has an atom here; those that exist are letters, digits and hyphens. */
static bool is_type(struct slice type)
{
    for (size_t i = 0; i < type.len; i++) {
        if (!slice_is_alpha(type.ptr[i]) && !slice_is_digit(type.ptr[i]) && type.ptr[i] != '-')
            return false;
    }
    return type.len > 0;
}

int smtp_orcpt(struct slice orcpt, bool smtputf8, char *out, size_t cap, struct mox_error *err)
{
    size_t at = slice_find(orcpt, ';');
    struct slice type = slice_sub(orcpt, 0, at), address = slice_sub(orcpt, at + 1, orcpt.len);
    bool utf8 = slice_is_nocase(type, "utf-8");
    struct text t = text_to(out, cap);

    if (!is_type(type) || address.len == 0)
        return bad_orcpt(err, "it is no \"type;address\", as \"rfc822;a@b.example\" is");
    if (utf8 && slice_utf8(address) != address.len)
        return bad_orcpt(err, "its address is not valid UTF-8");
    text_slice(&t, type);
    text_char(&t, ';');
    if (utf8)
        write_utf8(&t, address, smtputf8);
    else
        write_xtext(&t, address);
    if (t.len >= cap)
        return error_set(err, MOX_E_INVAL, "orcpt: it has more than %zu bytes as it is sent",
                         cap > 0 ? cap - 1 : 0);
    return MOX_OK;
}
