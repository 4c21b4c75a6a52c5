/*
 * fuzz_spf.c - an SPF record, and checks by it. The record ends at the first NUL; the bytes behind
 * it say what DNS answers, one a question, and 0 when they are used up.
 */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "dns/dns.h"
#include "dns/message.h"
#include "fuzz.h"
#include "spf/eval.h"

enum {
    /* The record and one a term; names and hosts of each; the explanation and its name. */
    QUESTIONS_MOST = 1 + MOX_LIMIT_SPF_LOOKUPS * (1 + MOX_LIMIT_SPF_MX) + 1 + MOX_LIMIT_PTR + 1,
    ITEMS = MOX_LIMIT_SPF_MX + 2,
    AGAIN = 1 << 17
};

static const char explanation[] = "%{s} at %{i} is %{p}, says %{R} at %{t}";

/* What has been read once reads the same from its terms. */
static void check_record(struct slice text)
{
    static char again[AGAIN];
    struct text t = text_to(again, sizeof again);
    struct spf_record record, same;
    struct slice fault, rest;
    struct spf_term term, other;
    const char *wrong = spf_record_read(text, &record, &fault);

    if (wrong != NULL) {
        fuzz_require(*wrong != '\0' && fault.len > 0, "a fault has words and a term");
        fuzz_require(fault.ptr >= text.ptr && fault.ptr + fault.len <= text.ptr + text.len,
                     "a part of the record");
        return;
    }
    text_add(&t, "v=spf1");
    rest = record.terms;
    while (spf_term_next(&rest, &term)) {
        fuzz_require(term.bits4 >= 0 && term.bits4 <= 32 && term.bits6 >= 0 && term.bits6 <= 128 &&
                         term.prefix.bits >= 0 && term.prefix.bits <= 128,
                     "prefix lengths are bounded");
        fuzz_require(term.spec.len == 0 || spf_is_domain_spec(term.spec), "a spec names a domain");
        text_add(&t, " ");
        text_slice(&t, term.text);
    }
    fuzz_require(rest.len == 0, "all terms are read");
    if (t.len >= sizeof again)
        return;
    fuzz_require(spf_record_read((struct slice){again, t.len}, &same, &fault) == NULL,
                 "its terms are a record");
    while (spf_term_next(&record.terms, &term)) {
        fuzz_require(spf_term_next(&same.terms, &other) && slice_equal(term.text, other.text) &&
                         term.kind == other.kind && term.qualifier == other.qualifier,
                     "of the same terms");
    }
    text_add(&t, " moo");
    fuzz_require(t.len >= sizeof again ||
                     spf_record_read((struct slice){again, t.len}, &same, &fault) != NULL,
                 "one bad term spoils it");
}

static void check_question(const struct spf_eval *e)
{
    struct dns_name name;

    fuzz_require(dns_name_parse(slice_of(e->question.name), &name) == MOX_OK,
                 "a question can be asked");
    fuzz_require(e->question.type == DNS_TYPE_TXT || e->question.type == DNS_TYPE_A ||
                     e->question.type == DNS_TYPE_AAAA || e->question.type == DNS_TYPE_MX ||
                     e->question.type == DNS_TYPE_PTR,
                 "of a type that SPF has");
}

static void check_result(const struct mox_spf_result *r)
{
    fuzz_require(r->result >= MOX_SPF_NONE && r->result <= MOX_SPF_PERMERROR, "there is a result");
    fuzz_require(r->lookups <= MOX_LIMIT_SPF_LOOKUPS, "lookups are bounded");
    fuzz_require(r->void_lookups <= MOX_LIMIT_SPF_VOIDS + (r->result == MOX_SPF_PERMERROR),
                 "void ones too, and the one too many ends it");
    for (const char *p = r->explanation; *p != '\0'; p++)
        fuzz_require(*p >= ' ' && *p <= '~', "explanations are printable ASCII");
    for (const char *p = r->mechanism; *p != '\0'; p++)
        fuzz_require(*p >= ' ' && *p <= '~', "mechanisms are printable ASCII");
    fuzz_require((r->result != MOX_SPF_TEMPERROR && r->result != MOX_SPF_PERMERROR) ||
                     r->explanation[0] != '\0',
                 "an error says why");
}

/* byte: how many records, of which kind, or a failure. */
static void answer(struct spf_eval *e, struct slice record, unsigned byte)
{
    static const char *const names[] = {"mx.example.org", "example.org", "a;b c", "x.example.net"};
    struct mox_ip addresses[ITEMS];
    struct dns_item items[ITEMS];
    struct spf_answer a = {.count = byte % ITEMS, .addresses = addresses, .items = items};

    if (e->question.type == DNS_TYPE_TXT)
        a.count = byte % 8 == 0 ? 1 : byte % 3;
    for (size_t i = 0; i < a.count; i++) {
        addresses[i] = e->result.ip;
        addresses[i].bytes[3] ^= (uint8_t)(byte >> 4 & 1);
        items[i] = (struct dns_item){.fault = (uint16_t)(byte >> 5 & 3),
                                     .data = slice_of(names[(byte + i) % ARRAY_LEN(names)])};
        if (e->question.type == DNS_TYPE_TXT)
            items[i].data = byte >= 128 ? slice_of(explanation) : record;
    }
    if (byte == 255)
        a = (struct spf_answer){.failure = "no answer"};
    spf_eval_answer(e, &a);
}

static void check_eval(struct slice record, const uint8_t *bytes, size_t n)
{
    static const char *const addresses[] = {"192.0.2.1", "2001:db8::1"};
    struct spf_request request = {
        .helo = "mx.example.org", .mail_from = "a.b-c@example.org", .unix_s = 1};
    struct spf_eval *e = mem_new(sizeof *e);
    unsigned questions = 0;

    fuzz_require(e != NULL, "there is memory");
    mox_ip_parse(addresses[n > 0 ? bytes[0] & 1 : 0], &request.ip);
    spf_eval_begin(e, &request);
    while (!spf_eval_done(e)) {
        check_question(e);
        fuzz_require(questions++ < QUESTIONS_MOST, "questions are bounded");
        answer(e, record, questions < n ? bytes[questions] : 0);
    }
    check_result(&e->result);
    spf_eval_free(e);
    mem_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size}, record;
    size_t end = slice_find(text, '\0');

    if (size > UINT16_MAX)
        return -1;
    record = slice_sub(text, 0, end);
    if (spf_is_record(record))
        check_record(record);
    check_eval(record, data + end, size - end);
    return 0;
}
