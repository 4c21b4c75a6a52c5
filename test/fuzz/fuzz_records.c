/*
 * fuzz_records.c - the first line is a type, an rcode and a question, each further line a record of
 * the answer: owner, TTL, type, rdata. What dns_records_to_wire makes of them, dns_answer_read must
 * read as a plain reading of the text says it should.
 */
#include <arpa/inet.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/mem.h"
#include "dns/answer.h"
#include "dns/message.h"
#include "dns/records.h"
#include "fuzz.h"

enum { RECORDS = 64, MAX_ALIASES = 3 };

static const struct {
    const char *name;
    uint16_t type;
} types[] = {
    {"A", DNS_TYPE_A},         {"AAAA", DNS_TYPE_AAAA}, {"MX", DNS_TYPE_MX},
    {"CNAME", DNS_TYPE_CNAME}, {"NS", DNS_TYPE_NS},     {"PTR", DNS_TYPE_PTR},
    {"TXT", DNS_TYPE_TXT},     {"TLSA", DNS_TYPE_TLSA}, {"SOA", DNS_TYPE_SOA},
};

struct world {
    struct arena arena;
    uint16_t type;
    int rcode;
    const char *question;
    struct dns_name name; /* of the question */
    struct mox_dns_record records[RECORDS];
    struct dns_name owners[RECORDS];
    size_t n;
};

/* What the text says. */
struct expected {
    int status;
    struct dns_name owner; /* at the end of the aliases */
    unsigned aliases;
    uint32_t ttl;
};

static char *keep(struct world *w, struct slice text)
{
    char *copy = arena_text(&w->arena, text);

    fuzz_require(copy != NULL, "there is memory for a word");
    return copy;
}

static uint16_t take_type(struct slice word)
{
    uint64_t number = 0;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (slice_is(word, types[i].name))
            return types[i].type;
    }
    return slice_number(word, UINT16_MAX, &number) ? (uint16_t)number : DNS_TYPE_A;
}

static uint32_t take_number(struct slice word)
{
    uint64_t number = 0;

    return slice_number(word, UINT32_MAX, &number) ? (uint32_t)number : 0;
}

static void take_line(struct world *w, struct slice line)
{
    struct mox_dns_record *record = &w->records[w->n++];

    record->name = keep(w, slice_word(&line));
    record->ttl = take_number(slice_word(&line));
    record->rrtype = take_type(slice_word(&line));
    record->rdata = keep(w, line);
}

static struct slice next_line(struct slice *text)
{
    size_t end = slice_find(*text, '\n');
    struct slice line = slice_sub(*text, 0, end);

    *text = slice_sub(*text, end + 1, text->len);
    return line;
}

static void take_world(struct world *w, struct slice text)
{
    struct slice line = next_line(&text);

    w->type = take_type(slice_word(&line));
    w->rcode = (int)(take_number(slice_word(&line)) & 0x1fff);
    w->question = keep(w, slice_word(&line));
    while (text.len > 0 && w->n < RECORDS)
        take_line(w, next_line(&text));
}

static bool is_generic(const struct mox_dns_record *record)
{
    struct slice rdata = slice_of(record->rdata);

    return slice_is(slice_word(&rdata), "\\#");
}

/* The message as a message: so many records, and nothing behind the OPT record. */
static void check_message(const struct world *w, struct slice wire)
{
    struct dns_reader r = dns_reader_of(wire);
    struct dns_header header;
    struct dns_record record;
    struct dns_name question;

    dns_read_header(&r, &header);
    dns_read_name(&r, &question);
    fuzz_require(dns_read_u16(&r) == w->type && dns_read_u16(&r) == DNS_CLASS_IN,
                 "the question has its type");
    fuzz_require(dns_name_equal(&question, &w->name), "the question has its name");
    fuzz_require(header.questions == 1 && header.answers == w->n && header.authorities == 0 &&
                     header.additionals == 1,
                 "the header counts the records");
    for (size_t i = 0; i < w->n; i++) {
        fuzz_require(dns_read_record(&r, &record), "every record can be read");
        fuzz_require(record.type == w->records[i].rrtype && record.ttl == w->records[i].ttl,
                     "a record has its type and TTL");
    }
    fuzz_require(dns_read_record(&r, &record) && record.type == DNS_TYPE_OPT && r.at == r.end,
                 "OPT ends the message");
}

/* Whether it is one that a host can have: as text it is a lax name, and that is the same name. */
static bool is_host(const struct dns_name *name, struct domain *domain)
{
    char text[DNS_NAME_WIRE + 1];
    struct dns_name again;

    dns_name_text(name, text, sizeof text);
    return domain_parse_lax(slice_of(text), domain) == MOX_OK &&
           dns_name_parse(domain_slice(domain), &again) == MOX_OK && dns_name_equal(name, &again);
}

/* The first word of a record's rdata behind `skip` words, as a name. */
static struct dns_name rdata_name(const struct mox_dns_record *record, unsigned skip)
{
    struct slice rdata = slice_of(record->rdata);
    struct dns_name name;

    while (skip-- > 0)
        slice_word(&rdata);
    fuzz_require(dns_name_parse(slice_word(&rdata), &name) == MOX_OK, "a written name is a name");
    return name;
}

static void expect_ttl(struct expected *e, uint32_t ttl)
{
    ttl = ttl > INT32_MAX ? 0 : ttl;
    e->ttl = ttl < e->ttl ? ttl : e->ttl;
}

/* The first CNAME of the present owner that leads elsewhere; w->n: there is none. */
static size_t find_alias(const struct world *w, const struct dns_name *owner)
{
    size_t i = 0;

    for (; i < w->n; i++) {
        struct dns_name target;

        if (w->records[i].rrtype != DNS_TYPE_CNAME || !dns_name_equal(&w->owners[i], owner))
            continue;
        target = rdata_name(&w->records[i], 0);
        if (!dns_name_equal(&target, owner))
            break;
    }
    return i;
}

static void expect_aliases(const struct world *w, struct expected *e)
{
    struct dns_name seen[MAX_ALIASES + 1];
    size_t at;

    while (e->status == MOX_OK && (at = find_alias(w, &e->owner)) < w->n) {
        expect_ttl(e, w->records[at].ttl);
        seen[e->aliases++] = e->owner;
        e->owner = rdata_name(&w->records[at], 0);
        for (unsigned i = 0; i < e->aliases && e->status == MOX_OK; i++)
            e->status = dns_name_equal(&seen[i], &e->owner) ? MOX_E_DNS : MOX_OK;
        if (e->status == MOX_OK && e->aliases > MAX_ALIASES)
            e->status = MOX_E_LIMIT;
    }
}

static struct expected expect(const struct world *w)
{
    bool host = w->type == DNS_TYPE_A || w->type == DNS_TYPE_AAAA || w->type == DNS_TYPE_MX;
    struct expected e = {MOX_OK, w->name, 0, UINT32_MAX};
    struct domain domain;

    if (w->rcode != DNS_RCODE_NOERROR && w->rcode != DNS_RCODE_NXDOMAIN)
        e.status = MOX_E_DNS;
    else if (w->type != DNS_TYPE_CNAME)
        expect_aliases(w, &e);
    if (e.status == MOX_OK && host && e.aliases > 0 && !is_host(&e.owner, &domain))
        e.status = MOX_E_DNS;
    return e;
}

static void check_address(const struct mox_dns_record *record, const struct mox_ip *ip)
{
    bool v6 = record->rrtype == DNS_TYPE_AAAA;
    struct slice rdata = slice_of(record->rdata), word = slice_word(&rdata);
    unsigned char bytes[16];
    char text[MOX_LIMIT_IP_TEXT];

    snprintf(text, sizeof text, "%.*s", (int)word.len, word.ptr);
    fuzz_require(inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes) == 1, "an address is one");
    fuzz_require(ip->family == (v6 ? MOX_IPV6 : MOX_IPV4) &&
                     memcmp(ip->bytes, bytes, v6 ? 16 : 4) == 0,
                 "an address is the one written");
}

static void check_name(const struct mox_dns_record *record, const struct dns_item *item)
{
    bool mx = record->rrtype == DNS_TYPE_MX;
    struct dns_name name = rdata_name(record, mx);
    struct slice rdata = slice_of(record->rdata);
    char text[DNS_NAME_WIRE + 1];

    dns_name_text(&name, text, sizeof text);
    fuzz_require(slice_is(item->data, text), "a name is the one written");
    fuzz_require(!mx || item->preference == take_number(slice_word(&rdata)),
                 "a preference is the one written");
    fuzz_require((item->fault == DNS_FAULT_ROOT) == (name.len == 1), "the root is told as a fault");
}

/* Of strings without quotes and escapes alone. */
static void check_strings(const struct mox_dns_record *record, const struct dns_item *item)
{
    struct slice rdata = slice_of(record->rdata), word;
    size_t at = 0;

    if (strpbrk(record->rdata, "\"\\") != NULL)
        return;
    while ((word = slice_word(&rdata)).len > 0) {
        fuzz_require(slice_equal(slice_sub(item->data, at, at + word.len), word),
                     "strings are those written");
        at += word.len;
    }
    fuzz_require(at == item->data.len, "there are no more strings than those written");
}

static void check_record(const struct dns_answer *answer, size_t i,
                         const struct mox_dns_record *record)
{
    fuzz_require(i < answer->count, "every record is found");
    switch (record->rrtype) {
    case DNS_TYPE_A:
    case DNS_TYPE_AAAA:
        check_address(record, &answer->addresses[i]);
        break;
    case DNS_TYPE_TXT:
        check_strings(record, &answer->items[i]);
        break;
    case DNS_TYPE_TLSA:
        fuzz_require(answer->items[i].data.len >= 3, "TLSA has three numbers");
        break;
    case DNS_TYPE_MX:
    case DNS_TYPE_CNAME:
    case DNS_TYPE_NS:
    case DNS_TYPE_PTR:
        check_name(record, &answer->items[i]);
        break;
    default:
        break;
    }
}

static void check_answer(const struct world *w, struct expected e, const struct dns_answer *answer)
{
    size_t found = 0;

    fuzz_require(answer->aliases == e.aliases, "as many aliases as the text has");
    for (size_t i = 0; i < w->n; i++) {
        struct dns_name target;

        if (w->records[i].rrtype != w->type || !dns_name_equal(&w->owners[i], &e.owner))
            continue;
        expect_ttl(&e, w->records[i].ttl);
        if (w->type == DNS_TYPE_CNAME) {
            target = rdata_name(&w->records[i], 0);
            if (dns_name_equal(&target, &e.owner))
                continue; /* an alias of itself says nothing */
        }
        check_record(answer, found++, &w->records[i]);
    }
    fuzz_require(answer->count == found, "no record is found that the text has not");
    fuzz_require(answer->ttl == (e.ttl == UINT32_MAX ? 0 : e.ttl), "the least TTL of those used");
}

static void check_read(struct world *w, struct slice wire, bool generic)
{
    struct expected e;
    struct domain question;
    struct dns_answer answer;
    struct mox_error err = {0};
    int status;

    if (!is_host(&w->name, &question))
        return;
    status = dns_answer_read(wire,
                             &(struct dns_question){.name = domain_slice(&question),
                                                    .type = w->type,
                                                    .max_aliases = MAX_ALIASES},
                             &answer, &w->arena, &err);
    fuzz_require(status == MOX_OK || err.message[0] != '\0', "a failure has words");
    fuzz_require(answer.rcode == w->rcode, "the rcode is the one given");
    fuzz_require(answer.authentic, "the AD bit is the one given");
    if (generic) /* may be of a length that its type does not have */
        return;
    e = expect(w);
    if (status != e.status)
        fprintf(stderr, "%d, not %d: %s\n", status, e.status, err.message);
    fuzz_require(status == e.status, "what was written is read as it was meant");
    if (status == MOX_OK)
        check_answer(w, e, &answer);
}

/* Behind what the buffer had, which stays. */
static void check_world(struct world *w)
{
    static const char before[] = "before";
    struct buffer out = {0};
    struct mox_error err = {0};
    bool generic = false;
    int status;

    fuzz_require(buffer_append_text(&out, before) == MOX_OK, "there is memory");
    status = dns_records_to_wire(
        &(struct dns_reply){w->question, w->type, w->rcode, true, w->records, w->n}, &out, &err);
    fuzz_require(slice_starts(buffer_slice(&out), before), "what the buffer had stays");
    if (status != MOX_OK) {
        fuzz_require((status == MOX_E_INVAL || status == MOX_E_LIMIT) && err.message[0] != '\0' &&
                         buffer_slice(&out).len == strlen(before),
                     "what cannot be written is refused with words, and leaves nothing");
        buffer_free(&out);
        return;
    }
    buffer_take(&out, strlen(before));
    fuzz_require(dns_name_parse(slice_of(w->question), &w->name) == MOX_OK, "a question is a name");
    for (size_t i = 0; i < w->n; i++) {
        generic = generic || is_generic(&w->records[i]);
        fuzz_require(dns_name_parse(slice_of(w->records[i].name), &w->owners[i]) == MOX_OK,
                     "an owner is a name");
    }
    check_message(w, buffer_slice(&out));
    check_read(w, buffer_slice(&out), generic);
    buffer_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w; /* large; zeroed for each input */

    memset(&w, 0, sizeof w);
    take_world(&w, (struct slice){(const char *)data, size});
    check_world(&w);
    arena_free(&w.arena);
    return 0;
}
