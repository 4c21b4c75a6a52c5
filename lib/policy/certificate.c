/*
 * certificate.c - see certificate.h. The path is built and its signatures are checked by mbedTLS;
 * dates are judged here, by the time given, and uses, which it leaves to its TLS layer.
 *
 * Trust anchors are copied before use: a verification writes into an RSA key, and mbedTLS has a
 * lock there only where it was built with threads. Only those that issued something in the chain
 * are, by the bytes of their names, as Go does it.
 *
 * Not looked at: revocation, and name constraints (a critical one fails to parse).
 */
#include "policy/certificate.h"

#include <assert.h>
#include <string.h>

#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/slice.h"
#include "base/text.h"

/* An error with all of them, and with the words that dane.c puts around it, is not cut: names may
 * be UTF-8, and half a character must not be left of one. */
enum {
    DNS_NAME = MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_X509_SAN_DNS_NAME,
    SHOWN_NAMES = 2,  /* names of a certificate that an error tells */
    SHOWN_NAME = 56,  /* bytes of each, and of an X.500 name, with the NUL */
    SHOWN_WANT = 128, /* bytes of the names that were wanted, which are ASCII */
    WHY = 256,        /* bytes of a clause: two X.500 names and the words around them */
    SECONDS_DAY = 86400
};

static_assert((int)CERTIFICATE_NAME > (int)MOX_LIMIT_DOMAIN,
              "a name that covers one is no longer than it");

/* That of mbedTLS 3.6; 2.28 would take SHA-224 and curves of less than 256 bits. */
static const mbedtls_x509_crt_profile profile = {
    MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256) | MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA384) |
        MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA512),
    0xFFFFFFF, /* any algorithm */
    MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1) |
        MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP384R1) |
        MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP521R1) |
        MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_BP256R1) |
        MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_BP384R1) | MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_BP512R1),
    2048,
};

static struct slice bytes_of(const mbedtls_x509_buf *buf)
{
    return (struct slice){(const char *)buf->p, buf->len};
}

/* The first DNS name at or behind *at, which is moved behind it; false: there is none. */
static bool next_name(const mbedtls_x509_sequence **at, struct slice *out)
{
    while (*at != NULL) {
        const mbedtls_x509_buf *buf = &(*at)->buf;

        *at = (*at)->next;
        if (buf->tag == DNS_NAME && buf->p != NULL) {
            *out = bytes_of(buf);
            return true;
        }
    }
    return false;
}

/* Foreign bytes with a NUL among them never cover a name, for it has none. */
static bool covers(struct slice pattern, const char *name)
{
    const char *dot = strchr(name, '.');

    if (!slice_starts(pattern, "*."))
        return pattern.len > 0 && slice_is_nocase(pattern, name);
    return dot != NULL && dot != name && slice_is_nocase(slice_sub(pattern, 1, pattern.len), dot);
}

static bool find_name(const mbedtls_x509_crt *leaf, const char *wanted, struct slice *out)
{
    const mbedtls_x509_sequence *at = &leaf->subject_alt_names;

    while (next_name(&at, out)) {
        if (covers(*out, wanted))
            return true;
    }
    return false;
}

bool certificate_matches(const struct mbedtls_x509_crt *leaf, const char *const *names,
                         char name[CERTIFICATE_NAME])
{
    struct slice found;

    for (; *names != NULL; names++) {
        if (find_name(leaf, *names, &found)) {
            slice_clean(found, false, name, CERTIFICATE_NAME);
            return true;
        }
    }
    return false;
}

static size_t count_names(const mbedtls_x509_crt *leaf)
{
    const mbedtls_x509_sequence *at = &leaf->subject_alt_names;
    struct slice name;
    size_t n = 0;

    while (next_name(&at, &name))
        n++;
    return n;
}

const char *const *certificate_names(const struct mbedtls_x509_crt *leaf, struct arena *arena)
{
    const mbedtls_x509_sequence *at = &leaf->subject_alt_names;
    size_t n = count_names(leaf);
    const char **names;
    struct slice name;

    n = n > MOX_LIMIT_CERTIFICATE_NAMES ? MOX_LIMIT_CERTIFICATE_NAMES : n;
    names = arena_array(arena, n + 1, sizeof *names);
    if (names == NULL)
        return NULL;
    for (size_t i = 0; i < n && next_name(&at, &name); i++) {
        struct slice shown = slice_sub(name, 0, MOX_LIMIT_DOMAIN);
        char *text = arena_text(arena, shown);

        if (text == NULL)
            return NULL;
        slice_clean_in_place(text, shown.len);
        names[i] = text;
    }
    return names;
}

/* The year begins in March, so that the leap day is its last. */
static int64_t unix_of(const mbedtls_x509_time *t)
{
    int64_t year = t->mon > 2 ? t->year : t->year - 1, month = (t->mon + 9) % 12;
    int64_t days =
        365 * year + year / 4 - year / 100 + year / 400 + (306 * month + 5) / 10 + t->day - 719469;

    return days * SECONDS_DAY + t->hour * 3600L + t->min * 60L + t->sec;
}

int64_t certificate_expiry(const struct mbedtls_x509_crt *certificate)
{
    return unix_of(&certificate->valid_to);
}

/* What a verification is told, and what it found. */
struct path {
    int64_t now;
    bool pinned; /* the server's own certificate is an anchor */
    int top;     /* depth of the last certificate of the path; -1: none was seen yet */
    enum certificate_fault fault;
    struct text why;
};

/* An X.500 name, in quotes. */
static void say_name(struct text *t, const mbedtls_x509_name *name)
{
    char long_text[1024], text[SHOWN_NAME];

    if (mbedtls_x509_dn_gets(long_text, sizeof long_text, name) <= 0)
        long_text[0] = '\0';
    slice_clean(slice_of(long_text), false, text, sizeof text);
    text_add(t, "\"%s\"", text);
}

static void say_which(struct text *t, const mbedtls_x509_crt *certificate, int depth)
{
    text_add(t, depth == 0 ? "it" : "its chain's ");
    if (depth > 0)
        say_name(t, &certificate->subject);
}

static void say_date(struct text *t, const mbedtls_x509_time *date)
{
    text_add(t, "%04d-%02d-%02d", date->year, date->mon, date->day);
}

static bool is_self_issued(const mbedtls_x509_crt *certificate)
{
    return slice_equal(bytes_of(&certificate->issuer_raw), bytes_of(&certificate->subject_raw));
}

static void say_not_trusted(struct path *path, const mbedtls_x509_crt *certificate, int depth)
{
    struct text *t = &path->why;

    if (depth == 0 && is_self_issued(certificate)) {
        text_add(t, "it is self-signed and no trust anchor");
        return;
    }
    if (depth < path->top) {
        say_which(t, certificate, depth);
        text_add(t, " is not really signed by ");
        say_name(t, &certificate->issuer);
        return;
    }
    text_add(t, "no trust anchor has signed ");
    say_which(t, certificate, depth);
    text_add(t, is_self_issued(certificate) ? ", where it ends" : " (issuer ");
    if (!is_self_issued(certificate)) {
        say_name(t, &certificate->issuer);
        text_char(t, ')');
    }
}

static void say_dates(struct path *path, const mbedtls_x509_crt *certificate, int depth)
{
    bool over = path->now > unix_of(&certificate->valid_to);

    say_which(&path->why, certificate, depth);
    text_add(&path->why, over ? " expired on " : " is not valid before ");
    say_date(&path->why, over ? &certificate->valid_to : &certificate->valid_from);
}

static void say_invalid(struct path *path, const mbedtls_x509_crt *certificate, int depth,
                        uint32_t flags)
{
    say_which(&path->why, certificate, depth);
    if ((flags & MBEDTLS_X509_BADCERT_EXT_KEY_USAGE) != 0)
        text_add(&path->why, " is not meant for TLS servers (extended key usage)");
    else if ((flags & MBEDTLS_X509_BADCERT_BAD_MD) != 0)
        text_add(&path->why, " is signed with a weak hash; SHA-256 is the least");
    else if ((flags & MBEDTLS_X509_BADCERT_BAD_KEY) != 0)
        text_add(&path->why,
                 " has, or was signed with, a weak key; RSA needs 2048 bits, a curve 256");
    else
        text_add(&path->why, " uses an algorithm that is not taken");
}

static void blame(struct path *path, const mbedtls_x509_crt *certificate, int depth, uint32_t flags)
{
    const uint32_t dates = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;

    if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
        path->fault = CERTIFICATE_NOT_TRUSTED;
        say_not_trusted(path, certificate, depth);
    } else if ((flags & ~dates) != 0) {
        path->fault = CERTIFICATE_INVALID;
        say_invalid(path, certificate, depth, flags);
    } else {
        path->fault = CERTIFICATE_EXPIRED;
        say_dates(path, certificate, depth);
    }
}

/* Called for each certificate of the path, the anchor first. The first fault is told: what stands
 * below an anchor that is none proves nothing. */
static int judge(void *arg, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    struct path *path = arg;

    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    if (path->now > unix_of(&certificate->valid_to))
        *flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    if (path->now < unix_of(&certificate->valid_from))
        *flags |= MBEDTLS_X509_BADCERT_FUTURE;
    if (mbedtls_x509_crt_check_extended_key_usage(certificate, MBEDTLS_OID_SERVER_AUTH,
                                                  MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) != 0)
        *flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
    if (path->pinned) /* what its issuer did is of no account */
        *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_BAD_MD |
                              MBEDTLS_X509_BADCERT_BAD_PK);
    if (path->top < 0)
        path->top = depth;
    if (*flags != 0 && path->fault == CERTIFICATE_GOOD)
        blame(path, certificate, depth, *flags);
    return 0;
}

static bool issued_some_of(const mbedtls_x509_crt *anchor, const mbedtls_x509_crt *chain)
{
    for (; chain != NULL; chain = chain->next) {
        if (slice_equal(bytes_of(&anchor->subject_raw), bytes_of(&chain->issuer_raw)))
            return true;
    }
    return false;
}

/* Of what was parsed before: it only fails without memory. The bytes stay where they are. */
static int add_copy(mbedtls_x509_crt *list, const mbedtls_x509_crt *certificate)
{
    return mbedtls_x509_crt_parse_der_nocopy(list, certificate->raw.p, certificate->raw.len) == 0
               ? MOX_OK
               : MOX_E_NOMEM;
}

/* *n: how many. */
static int copy_anchors(const struct certificate_request *request, mbedtls_x509_crt *list,
                        size_t *n)
{
    const mbedtls_x509_crt *anchor;

    *n = 0;
    for (anchor = request->anchors; anchor != NULL; anchor = anchor->next) {
        if (!issued_some_of(anchor, request->chain))
            continue;
        if (add_copy(list, anchor) != MOX_OK)
            return MOX_E_NOMEM;
        ++*n;
    }
    return MOX_OK;
}

static bool is_anchor(const struct certificate_request *request)
{
    const mbedtls_x509_crt *anchor;

    for (anchor = request->anchors; anchor != NULL; anchor = anchor->next) {
        if (slice_equal(bytes_of(&anchor->raw), bytes_of(&request->chain->raw)))
            return true;
    }
    return false;
}

/* Whoever issued a certificate behind it, for there alone mbedTLS looks; servers send what they
 * have in any order (RFC 8446 section 4.4.2). Strangers come last. */
static void put_in_order(mbedtls_x509_crt *chain)
{
    mbedtls_x509_crt *last = chain; /* of those that have their place */

    for (mbedtls_x509_crt *placed = chain; placed != last->next; placed = placed->next) {
        mbedtls_x509_crt **at = &last->next;

        while (*at != NULL) {
            mbedtls_x509_crt *issuer = *at;

            if (!slice_equal(bytes_of(&issuer->subject_raw), bytes_of(&placed->issuer_raw))) {
                at = &issuer->next;
                continue;
            }
            *at = issuer->next;
            issuer->next = last->next;
            last->next = issuer;
            if (at == &last->next)
                at = &issuer->next;
            last = issuer;
        }
    }
}

static void run(mbedtls_x509_crt *chain, mbedtls_x509_crt *anchors, struct path *path)
{
    uint32_t flags;
    int ret = mbedtls_x509_crt_verify_with_profile(chain, anchors, NULL, &profile, NULL, &flags,
                                                   judge, path);

    if (ret == 0 || path->fault != CERTIFICATE_GOOD)
        return;
    path->fault = CERTIFICATE_INVALID;
    text_add(&path->why, "no path through its chain is short enough");
}

/* MOX_OK: path has the fault, if there is one; MOX_E_NOMEM. */
static int follow(const struct certificate_request *request, struct path *path)
{
    mbedtls_x509_crt copies;
    size_t n;
    int status;

    mbedtls_x509_crt_init(&copies);
    path->pinned = is_anchor(request);
    if (path->pinned) {
        status = add_copy(&copies, request->chain);
        if (status == MOX_OK)
            run(&copies, NULL, path);
    } else {
        status = copy_anchors(request, &copies, &n);
        if (status == MOX_OK) {
            mbedtls_x509_crt *chain = (mbedtls_x509_crt *)request->chain; /* its owner's alone */

            put_in_order(chain);
            run(chain, n > 0 ? &copies : NULL, path); /* which writes into its keys */
        }
    }
    mbedtls_x509_crt_free(&copies);
    return status;
}

static bool is_too_long(const mbedtls_x509_crt *chain)
{
    size_t n = 0;

    for (; chain != NULL && n <= MOX_LIMIT_CHAIN; chain = chain->next)
        n++;
    return n > MOX_LIMIT_CHAIN;
}

static int refuse_name(const struct certificate_request *request, struct mox_error *err)
{
    const mbedtls_x509_sequence *at = &request->chain->subject_alt_names;
    size_t total = count_names(request->chain), n = 0;
    char wanted[SHOWN_WANT], names[SHOWN_NAMES * (SHOWN_NAME + 2) + 32], shown[SHOWN_NAME];
    struct text w = text_to(wanted, sizeof wanted), t = text_to(names, sizeof names);
    struct slice name;

    for (size_t i = 0; request->names[i] != NULL; i++)
        text_add(&w, "%s%s", i > 0 ? " or " : "", request->names[i]);
    if (total == 0)
        return error_set(err, MOX_E_VERIFY,
                         "the server's certificate is not for %s: it has no DNS name at all (in "
                         "subjectAltName)",
                         wanted);
    for (; n < SHOWN_NAMES && next_name(&at, &name); n++) {
        slice_clean(name, false, shown, sizeof shown);
        text_add(&t, "%s%s", n > 0 ? ", " : "", shown);
    }
    if (n < total)
        text_add(&t, " and %zu more", total - n);
    return error_set(err, MOX_E_VERIFY, "the server's certificate is not for %s, but for %s",
                     wanted, names);
}

int certificate_check(const struct certificate_request *request, struct certificate_finding *found,
                      struct mox_error *err)
{
    char why[WHY];
    struct path path = {.now = request->now, .top = -1, .why = text_to(why, sizeof why)};

    found->fault = CERTIFICATE_INVALID;
    found->name[0] = '\0';
    if (request->chain == NULL)
        return error_set(err, MOX_E_VERIFY, "the server showed no certificate");
    if (is_too_long(request->chain))
        return error_set(err, MOX_E_VERIFY,
                         "the server's certificate does not verify: it came with more than %d "
                         "others, which is the limit",
                         MOX_LIMIT_CHAIN - 1);
    if (follow(request, &path) != MOX_OK)
        return error_nomem(err);
    found->fault = path.fault;
    if (path.fault != CERTIFICATE_GOOD)
        return error_set(err, MOX_E_VERIFY, "the server's certificate does not verify: %s", why);
    if (request->names == NULL || certificate_matches(request->chain, request->names, found->name))
        return MOX_OK;
    found->fault = CERTIFICATE_OTHER_NAME;
    return refuse_name(request, err);
}

const char *certificate_fault_name(int fault)
{
    static const char *const names[] = {
        [CERTIFICATE_GOOD] = "success",
        [CERTIFICATE_EXPIRED] = "certificate-expired",
        [CERTIFICATE_NOT_TRUSTED] = "certificate-not-trusted",
        [CERTIFICATE_OTHER_NAME] = "certificate-host-mismatch",
        [CERTIFICATE_INVALID] = "validation-failure",
    };

    static_assert(ARRAY_LEN(names) == CERTIFICATE_INVALID + 1, "a name for each fault");
    return name_of(names, ARRAY_LEN(names), fault);
}
