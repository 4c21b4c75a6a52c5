/*
 * dane.c - see dane.h. Usage 3 is a comparison of bytes: names, dates and chain are of no account.
 * For usage 2 the certificates that a record stands for become the trust anchors, and no others,
 * of an ordinary verification.
 */
#include "policy/dane.h"

#include <string.h>

#include <mbedtls/asn1.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mbed.h"
#include "base/text.h"
#include "policy/certificate.h"

/* RFC 6698 section 2.1, names of RFC 7218. */
enum dane_usage { DANE_TA = 2, DANE_EE = 3 };
enum dane_selector { SELECTOR_CERT = 0, SELECTOR_SPKI = 1 };
enum dane_matching { MATCHING_FULL = 0, MATCHING_SHA256 = 1, MATCHING_SHA512 = 2 };

enum {
    RECORD_HEAD = 3,
    SHA256_LEN = 32,
    SHA512_LEN = 64,
    SHORT_TEXT = 32 /* bytes of a record's text in a sentence that has more to tell */
};

bool dane_record_read(struct slice rdata, struct dane_record *out)
{
    if (rdata.len < RECORD_HEAD)
        return false;
    out->usage = (uint8_t)rdata.ptr[0];
    out->selector = (uint8_t)rdata.ptr[1];
    out->matching = (uint8_t)rdata.ptr[2];
    out->data = slice_sub(rdata, RECORD_HEAD, rdata.len);
    return true;
}

size_t dane_record_text(const struct dane_record *record, char *buf, size_t cap)
{
    static const char digits[] = "0123456789abcdef";
    struct text t = text_to(buf, cap);

    text_add(&t, "%d %d %d ", record->usage, record->selector, record->matching);
    for (size_t i = 0; i < record->data.len; i++) {
        unsigned char byte = (unsigned char)record->data.ptr[i];

        text_char(&t, digits[byte >> 4]);
        text_char(&t, digits[byte & 15]);
    }
    return t.len;
}

/* Takes the next element of DER off the front; false: another one, or none, stands there. */
static bool take(struct slice *der, int tag, struct slice *content)
{
    unsigned char *at = (unsigned char *)der->ptr; /* it is not written to */
    const unsigned char *end;
    size_t len;

    if (der->len == 0)
        return false;
    end = at + der->len;
    if (mbedtls_asn1_get_tag(&at, end, &len, tag) != 0)
        return false;
    *content = (struct slice){(const char *)at, len};
    *der = (struct slice){(const char *)at + len, (size_t)(end - at) - len};
    return true;
}

static bool take_sequence(struct slice *der, struct slice *content)
{
    return take(der, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE, content);
}

/* AlgorithmIdentifier (RFC 5280 section 4.1.1.2). */
static bool take_algorithm(struct slice *der)
{
    struct slice content, oid;

    return take_sequence(der, &content) && take(&content, MBEDTLS_ASN1_OID, &oid) && oid.len > 0;
}

/* A signed certificate, or a SubjectPublicKeyInfo (RFC 5280 section 4.1), and nothing behind it. */
static bool has_form(struct slice der, bool certificate)
{
    struct slice inner, part;

    return take_sequence(&der, &inner) && der.len == 0 &&
           (!certificate || (take_sequence(&inner, &part) && part.len > 0)) &&
           take_algorithm(&inner) && take(&inner, MBEDTLS_ASN1_BIT_STRING, &part) && part.len > 1 &&
           inner.len == 0;
}

bool dane_usable(const struct dane_record *record)
{
    if (record->usage != DANE_TA && record->usage != DANE_EE)
        return false;
    if (record->selector != SELECTOR_CERT && record->selector != SELECTOR_SPKI)
        return false;
    switch (record->matching) {
    case MATCHING_FULL:
        return has_form(record->data, record->selector == SELECTOR_CERT);
    case MATCHING_SHA256:
        return record->data.len == SHA256_LEN;
    case MATCHING_SHA512:
        return record->data.len == SHA512_LEN;
    default:
        return false;
    }
}

/* record: usable. */
static bool stands_for(const struct dane_record *record, const mbedtls_x509_crt *certificate)
{
    const mbedtls_x509_buf *part =
        record->selector == SELECTOR_CERT ? &certificate->raw : &certificate->pk_raw;
    unsigned char sum[SHA512_LEN];
    int ret;

    if (record->matching == MATCHING_FULL)
        return slice_equal((struct slice){(const char *)part->p, part->len}, record->data);
    ret = record->matching == MATCHING_SHA256 ? mbed_sha256(part->p, part->len, sum)
                                              : mbed_sha512(part->p, part->len, sum);
    return ret == 0 && memcmp(sum, record->data.ptr, record->data.len) == 0;
}

struct verdict {
    size_t usable;
    unsigned anchors;                 /* records of usage 2 that were verified with */
    bool beyond;                      /* more of them were there */
    const struct dane_record *record; /* the first of usage 2 that failed for another reason than
                                         to stand for nothing; NULL: none did */
    struct mox_error err;             /* and that reason */
};

/* Certificates that the record stands for, sent or its own; their bytes stay where they are. *n:
 * how many. */
static int find_anchors(const struct dane_request *request, const struct dane_record *record,
                        mbedtls_x509_crt *list, size_t *n)
{
    const mbedtls_x509_crt *sent = request->chain;
    int ret;

    *n = 0;
    for (size_t i = 0; i < MOX_LIMIT_CHAIN && sent != NULL; i++, sent = sent->next) {
        if (!stands_for(record, sent))
            continue;
        ret = mbedtls_x509_crt_parse_der_nocopy(list, sent->raw.p, sent->raw.len);
        if (ret != 0)
            return MOX_E_NOMEM; /* it was parsed before, so nothing else is wrong */
        ++*n;
    }
    if (*n > 0 || record->matching != MATCHING_FULL || record->selector != SELECTOR_CERT)
        return MOX_OK;
    ret = mbedtls_x509_crt_parse_der_nocopy(list, (const unsigned char *)record->data.ptr,
                                            record->data.len);
    *n = ret == 0;
    return ret != 0 && mbed_is_nomem(ret) ? MOX_E_NOMEM : MOX_OK;
}

static int verify_to(const struct dane_request *request, const struct dane_record *record,
                     const mbedtls_x509_crt *anchors, struct verdict *verdict)
{
    struct certificate_request wanted = {request->chain, anchors, request->names, request->now};
    struct certificate_finding found;
    struct mox_error err;
    int status;

    if (verdict->anchors == MOX_LIMIT_DANE_ANCHORS) {
        verdict->beyond = true;
        return MOX_E_VERIFY;
    }
    verdict->anchors++;
    status = certificate_check(&wanted, &found, &err);
    if (status == MOX_E_VERIFY && verdict->record == NULL) {
        verdict->record = record;
        verdict->err = err;
    }
    return status;
}

static int verify_anchor(const struct dane_request *request, const struct dane_record *record,
                         struct verdict *verdict)
{
    mbedtls_x509_crt anchors;
    size_t n;
    int status;

    mbedtls_x509_crt_init(&anchors);
    status = find_anchors(request, record, &anchors, &n);
    if (status == MOX_OK)
        status = n > 0 ? verify_to(request, record, &anchors, verdict) : MOX_E_VERIFY;
    mbedtls_x509_crt_free(&anchors);
    return status;
}

static int verify_record(const struct dane_request *request, const struct dane_record *record,
                         struct verdict *verdict)
{
    if (record->usage == DANE_TA)
        return verify_anchor(request, record, verdict);
    return stands_for(record, request->chain) ? MOX_OK : MOX_E_VERIFY;
}

/* What a record for this server could say. */
static int refuse_own(const mbedtls_x509_crt *own, const char *count, const char *what,
                      struct mox_error *err)
{
    struct dane_record record = {DANE_EE, SELECTOR_SPKI, MATCHING_SHA256, {"", 0}};
    char text[2 * SHA256_LEN + 8];
    unsigned char sum[SHA256_LEN];

    if (mbed_sha256(own->pk_raw.p, own->pk_raw.len, sum) == 0)
        record.data = (struct slice){(const char *)sum, sizeof sum};
    dane_record_text(&record, text, sizeof text);
    return error_set(err, MOX_E_VERIFY, "DANE: %s, %s; this certificate's 3 1 1 would be %s", count,
                     what, text + strlen("3 1 1 "));
}

static int refuse(const struct dane_request *request, const struct verdict *verdict,
                  struct mox_error *err)
{
    bool one = verdict->usable == 1;
    char count[48], record[SHORT_TEXT];
    struct text t = text_to(count, sizeof count);

    if (verdict->usable == 0)
        return error_set(err, MOX_E_VERIFY, "DANE: none of the %zu TLSA records is usable",
                         request->n);
    text_add(&t, "%zu usable TLSA record%s", verdict->usable, one ? "" : "s");
    if (verdict->record == NULL)
        return refuse_own(request->chain, count, one ? "which does not match" : "none matches",
                          err);
    dane_record_text(verdict->record, record, sizeof record);
    return error_set(err, MOX_E_VERIFY, "DANE: %s, %s: %s… names a trust anchor, but %s%s", count,
                     one ? "which does not verify" : "none verifies", record, verdict->err.message,
                     verdict->beyond ? "; more anchors were named than are tried" : "");
}

int dane_verify(const struct dane_request *request, size_t *matched, struct mox_error *err)
{
    struct verdict verdict = {0};

    *matched = request->n;
    if (request->chain == NULL)
        return error_set(err, MOX_E_VERIFY, "DANE: the server showed no certificate");
    for (size_t i = 0; i < request->n; i++) {
        int status;

        if (!dane_usable(&request->records[i]))
            continue;
        verdict.usable++;
        status = verify_record(request, &request->records[i], &verdict);
        if (status == MOX_E_NOMEM)
            return error_nomem(err);
        if (status == MOX_OK) {
            *matched = i;
            return MOX_OK;
        }
    }
    if (verdict.record != NULL)
        *matched = (size_t)(verdict.record - request->records);
    return refuse(request, &verdict, err);
}
