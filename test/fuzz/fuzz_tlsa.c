/*
 * fuzz_tlsa.c - TLSA records and the certificates that they are held against. The first byte says
 * what time it is; then parts, a kind and a length before each: a certificate of the chain, the
 * rdata of a record, or what a record for a certificate of the chain is to be made of.
 */
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/mbed.h"
#include "base/mem.h"
#include "fuzz.h"
#include "policy/certificate.h"
#include "policy/dane.h"

enum { RECORDS = 16, CHAIN = MOX_LIMIT_CHAIN + 2, TEXT = 16384 };

static const char *const names[] = {"mx.example.org", "a.example.net", NULL};

struct input {
    mbedtls_x509_crt chain;
    size_t sent; /* certificates */
    struct dane_record records[RECORDS];
    unsigned char sums[RECORDS][64]; /* data of those that are made */
    bool made_own[RECORDS];          /* of usage 3, for the server's own certificate */
    size_t n;
    int64_t now;
};

static void take_certificate(struct input *in, struct slice der)
{
    if (in->sent < CHAIN &&
        mbedtls_x509_crt_parse_der(&in->chain, (const unsigned char *)der.ptr, der.len) == 0)
        in->sent++;
}

static void take_record(struct input *in, struct slice rdata)
{
    bool read = in->n < RECORDS && dane_record_read(rdata, &in->records[in->n]);

    fuzz_require(in->n == RECORDS || read == (rdata.len >= 3), "three bytes make a record");
    in->n += read;
}

/* Usage, selector, matching type, and which certificate. */
static void make_record(struct input *in, struct slice words)
{
    const mbedtls_x509_crt *of = &in->chain;
    struct dane_record *record = &in->records[in->n];
    const mbedtls_x509_buf *part;

    if (in->n == RECORDS || in->sent == 0 || words.len < 4)
        return;
    for (size_t i = (unsigned char)words.ptr[3] % in->sent; i > 0; i--)
        of = of->next;
    record->usage = (uint8_t)words.ptr[0];
    record->selector = words.ptr[1] & 1;
    record->matching = (uint8_t)words.ptr[2] % 3;
    part = record->selector == 0 ? &of->raw : &of->pk_raw;
    record->data = (struct slice){(const char *)part->p, part->len};
    if (record->matching == 1 && mbed_sha256(part->p, part->len, in->sums[in->n]) == 0)
        record->data = (struct slice){(const char *)in->sums[in->n], 32};
    if (record->matching == 2 && mbed_sha512(part->p, part->len, in->sums[in->n]) == 0)
        record->data = (struct slice){(const char *)in->sums[in->n], 64};
    in->made_own[in->n] = record->usage == 3 && of == &in->chain;
    in->n++;
}

static void take_parts(struct input *in, struct slice rest)
{
    while (rest.len >= 3) {
        size_t len = (size_t)((unsigned char)rest.ptr[1] << 8 | (unsigned char)rest.ptr[2]);
        struct slice part = slice_sub(rest, 3, 3 + len);

        switch (rest.ptr[0]) {
        case 'c':
            take_certificate(in, part);
            break;
        case 'r':
            take_record(in, part);
            break;
        default:
            make_record(in, part);
        }
        rest = slice_sub(rest, 3 + len, rest.len);
    }
}

static bool is_clean(const char *text)
{
    if (slice_utf8(slice_of(text)) != strlen(text))
        return false;
    while (*text != '\0' && !slice_is_control(*text))
        text++;
    return *text == '\0';
}

static void check_certificate(const mbedtls_x509_crt *certificate)
{
    struct arena arena = {0};
    const char *const *shown = certificate_names(certificate, &arena);
    char name[CERTIFICATE_NAME];
    size_t n = 0;

    fuzz_require(shown != NULL, "there is memory");
    for (; shown[n] != NULL; n++)
        fuzz_require(is_clean(shown[n]) && strlen(shown[n]) <= MOX_LIMIT_DOMAIN, "names are clean");
    fuzz_require(n <= MOX_LIMIT_CERTIFICATE_NAMES, "names are bounded");
    if (certificate_matches(certificate, names, name))
        fuzz_require(is_clean(name) && strchr(name, '.') != NULL, "what covers a name is one");
    certificate_expiry(certificate);
    arena_free(&arena);
}

/* anchors: NULL, or the chain itself. */
static void check_path(const struct input *in, const mbedtls_x509_crt *anchors)
{
    struct certificate_request request = {&in->chain, anchors, names, in->now};
    struct certificate_finding found;
    struct mox_error err = {0};
    char name[CERTIFICATE_NAME];
    int status = certificate_check(&request, &found, &err);

    fuzz_require((status == MOX_OK) == (found.fault == CERTIFICATE_GOOD), "a fault is no success");
    fuzz_require(status == MOX_OK || (status == MOX_E_VERIFY && err.code == status &&
                                      err.message[0] != '\0' && is_clean(err.message)),
                 "a failure has clean words");
    if (status != MOX_OK)
        return;
    fuzz_require(anchors != NULL, "nothing is good without an anchor");
    fuzz_require(in->now <= certificate_expiry(&in->chain), "nothing is good after its end");
    fuzz_require(certificate_matches(&in->chain, names, name) && strcmp(name, found.name) == 0,
                 "nothing is good without a name");
}

static void check_record(const struct dane_record *record)
{
    static char text[TEXT], other[TEXT];
    size_t len = dane_record_text(record, text, sizeof text);

    fuzz_require(dane_record_text(record, NULL, 0) == len, "a text is as long as it says");
    fuzz_require(len >= sizeof text || strlen(text) == len, "a text is whole");
    fuzz_require(dane_record_text(record, other, 8) == len && strncmp(text, other, 7) == 0,
                 "a text that is cut begins the same");
    if (dane_usable(record))
        fuzz_require((record->usage == 2 || record->usage == 3) && record->selector < 2 &&
                         record->matching < 3 && record->data.len >= 8,
                     "what is usable is known");
}

static void check_verdict(const struct input *in)
{
    struct dane_request request = {in->records, in->n, in->sent > 0 ? &in->chain : NULL, names,
                                   in->now};
    struct mox_error err = {0};
    char name[CERTIFICATE_NAME];
    size_t matched = RECORDS;
    int status = dane_verify(&request, &matched, &err);

    for (size_t i = 0; i < in->n; i++)
        fuzz_require(!in->made_own[i] || (status == MOX_OK && matched <= i),
                     "the server's own record verifies, or one before it");
    if (status == MOX_OK) {
        fuzz_require(matched < in->n && dane_usable(&in->records[matched]),
                     "the record that verified is usable");
        fuzz_require(in->records[matched].usage == 3 ||
                         certificate_matches(&in->chain, names, name),
                     "usage 2 needs a name");
        return;
    }
    fuzz_require(status == MOX_E_VERIFY && err.code == status, "there is memory");
    fuzz_require(strncmp(err.message, "DANE: ", 6) == 0 && is_clean(err.message),
                 "a refusal has clean words");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t times[] = {0, 1700000000, 2208988801, 253402300800};
    struct input *in;

    if (size < 4)
        return -1;
    in = calloc(1, sizeof *in);
    if (in == NULL)
        return -1;
    mbedtls_x509_crt_init(&in->chain);
    in->now = times[data[0] % ARRAY_LEN(times)];
    take_parts(in, (struct slice){(const char *)data + 1, size - 1});
    for (size_t i = 0; i < in->n; i++)
        check_record(&in->records[i]);
    if (in->sent > 0) {
        for (const mbedtls_x509_crt *at = &in->chain; at != NULL; at = at->next)
            check_certificate(at);
        check_path(in, NULL);
        check_path(in, &in->chain);
    }
    check_verdict(in);
    mbedtls_x509_crt_free(&in->chain);
    free(in);
    return 0;
}
