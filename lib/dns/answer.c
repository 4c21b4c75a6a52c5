/*
 * answer.c - see answer.h.
 *
 * Names on the way from the question to the records stay where they are on the wire: reverse zones
 * alias to names like 1.0/25.2.0.192.in-addr.arpa (RFC 2317), which are no host names. What is
 * malformed anywhere spoils the whole message, for a resolver that errs there may have erred
 * before. One pass over all records finds that out, and whether there is more to look for at all.
 */
#include "dns/answer.h"

#include <string.h>

#include "base/error.h"
#include "base/ip.h"
#include "base/text.h"
#include "dns/message.h"

struct reading {
    struct slice question;
    uint16_t type;
    bool aliased;              /* there are CNAME records among the answers */
    uint16_t records;          /* in the answer section */
    uint16_t candidates;       /* those of the type that is asked for, whoever owns them */
    struct dns_reader answers; /* at the first of them, when all before has been read */
    size_t owner; /* the place of the name whose records we want: the question, then its alias */
    struct dns_answer *out;
    struct arena *arena;
    struct mox_error *err;
};

/* One sentence about this question; code: MOX_E_DNS or MOX_E_LIMIT. */
static int fail(const struct reading *r, int code, const char *reason)
{
    char type[DNS_TYPE_TEXT];

    error_set(r->err, code, "%s lookup for %.*s: %s", dns_type_name(r->type, type),
              (int)r->question.len, r->question.ptr, reason);
    if (r->err != NULL) {
        r->err->dns_rcode = r->out->rcode;
        r->err->about = MOX_ABOUT_DOMAIN;
    }
    return code;
}

static int malformed(const struct reading *r)
{
    return fail(r, MOX_E_DNS, "the name server's answer is malformed");
}

/* The extended error among the options of OPT; options that run over the end are none. */
static void read_options(struct dns_reader options, struct dns_answer *out)
{
    while (options.at < options.end && !options.bad) {
        uint16_t code = dns_read_u16(&options), len = dns_read_u16(&options);
        struct dns_reader option = options;

        dns_read_bytes(&options, len);
        if (code != DNS_OPTION_EDE || options.bad || len < 2 || out->ede_code >= 0)
            continue;
        option.end = options.at;
        out->ede_code = dns_read_u16(&option);
        slice_clean(dns_read_rest(&option), false, out->ede_text, sizeof out->ede_text);
    }
}

/* The upper bits of the rcode and the extended error. */
static void read_opt(const struct dns_record *opt, struct dns_answer *out)
{
    out->rcode |= (int)(opt->ttl >> 24) << 4;
    read_options(opt->rdata, out);
}

/* Runs over all records, counts those of use and reads the first OPT. last: of the candidates. */
static bool survey(struct reading *r, const struct dns_header *header, struct dns_record *last)
{
    size_t all = (size_t)header->answers + header->authorities + header->additionals;
    struct dns_reader at = r->answers;
    bool opt_seen = false;
    struct dns_record record;

    for (size_t i = 0; i < all && dns_read_record(&at, &record); i++) {
        if (i < header->answers) {
            r->aliased |= record.type == DNS_TYPE_CNAME;
            if (record.type != r->type)
                continue;
            r->candidates++;
            *last = record;
        } else if (record.type == DNS_TYPE_OPT && all - i <= header->additionals && !opt_seen) {
            opt_seen = true;
            read_opt(&record, r->out);
        }
    }
    return !at.bad;
}

static int check_rcode(const struct reading *r)
{
    const struct dns_answer *out = r->out;
    const char *meaning;
    char reason[64 + DNS_EDE_TEXT + 64];
    struct text t;

    if (out->rcode == DNS_RCODE_NOERROR || out->rcode == DNS_RCODE_NXDOMAIN)
        return MOX_OK;
    t = text_to(reason, sizeof reason);
    text_add(&t, "the name server answered %s (rcode %d)", dns_rcode_name(out->rcode), out->rcode);
    if (out->ede_code >= 0)
        text_add(&t, ", extended error %d", out->ede_code);
    meaning = dns_ede_name(out->ede_code);
    if (meaning != NULL)
        text_add(&t, " (%s)", meaning);
    if (out->ede_text[0] != '\0')
        text_add(&t, ": %s", out->ede_text);
    return fail(r, MOX_E_DNS, reason);
}

/* An answer that tells of a failure may come without the question; its records are nobody's then.
 */
static int check_question(struct reading *r, const struct dns_header *header)
{
    struct dns_reader *at = &r->answers;
    const unsigned char *type_and_class;
    bool same;

    if ((header->flags & DNS_FLAG_QR) == 0 || (header->flags & DNS_MASK_OPCODE) != 0)
        return fail(r, MOX_E_DNS, "what came from the name server is no answer");
    if (header->questions == 0 && r->out->rcode != 0)
        return MOX_OK;
    r->owner = at->at;
    same = dns_skip_domain(at, r->question) || dns_skip_text(at, r->question);
    if (!same)
        dns_skip_name(at);
    type_and_class = dns_take(at, 4);
    if (type_and_class == NULL || header->questions != 1)
        return malformed(r);
    if (!same || dns_get_u16(type_and_class) != r->type ||
        dns_get_u16(type_and_class + 2) != DNS_CLASS_IN)
        return fail(r, MOX_E_DNS, "the name server answered another question");
    return MOX_OK;
}

static void note_ttl(struct dns_answer *out, const struct dns_record *record)
{
    uint32_t ttl = record->ttl > INT32_MAX ? 0 : record->ttl; /* RFC 2181 section 8 */

    if ((out->count == 0 && out->aliases == 0) || ttl < out->ttl)
        out->ttl = ttl;
}

/* Whether it is a record of this type that the present owner has. */
static bool is_of(const struct reading *r, uint16_t type, const struct dns_record *record)
{
    return record->type == type && record->class == DNS_CLASS_IN &&
           (record->owner == r->owner ||
            dns_same_name(r->answers.message, record->owner, r->owner));
}

/* The next of them; false: there is none left. */
static bool next_of(const struct reading *r, struct dns_reader *at, uint16_t *left, uint16_t type,
                    struct dns_record *out)
{
    while (*left > 0 && dns_read_record(at, out)) {
        --*left;
        if (is_of(r, type, out))
            return true;
    }
    return false;
}

/* Where the owner's CNAME leads; *target 0: it has none that leads elsewhere. false: malformed. */
static bool find_alias(const struct reading *r, size_t *target)
{
    struct dns_reader at = r->answers;
    uint16_t left = r->records;
    struct dns_record record;

    for (*target = 0; *target == 0 && next_of(r, &at, &left, DNS_TYPE_CNAME, &record);) {
        *target = dns_skip_name(&record.rdata);
        if (record.rdata.bad || record.rdata.at != record.rdata.end)
            return false;
        if (dns_same_name(at.message, *target, r->owner))
            *target = 0;
        else
            note_ttl(r->out, &record);
    }
    return true;
}

static int check_alias(const struct reading *r, const size_t *seen, unsigned max)
{
    char reason[64];
    struct text t = text_to(reason, sizeof reason);

    for (unsigned i = 0; i < r->out->aliases; i++) {
        if (dns_same_name(r->answers.message, seen[i], r->owner))
            return fail(r, MOX_E_DNS, "its CNAME records form a loop");
    }
    if (r->out->aliases <= max)
        return MOX_OK;
    text_add(&t, "more than %u aliases (CNAME records) in a row", max);
    return fail(r, MOX_E_LIMIT, reason);
}

static int follow_aliases(struct reading *r, unsigned max)
{
    size_t seen[MOX_LIMIT_NEXT_HOP + 1], target;
    int status = MOX_OK;

    max = max > MOX_LIMIT_NEXT_HOP ? MOX_LIMIT_NEXT_HOP : max;
    while (status == MOX_OK) {
        if (!find_alias(r, &target))
            return malformed(r);
        if (target == 0)
            return MOX_OK;
        seen[r->out->aliases++] = r->owner; /* fits: aliases is at most max here */
        r->owner = target;
        status = check_alias(r, seen, max);
    }
    return status;
}

/* Only a name that is asked for as a host must look like one. */
static int set_canonical(const struct reading *r)
{
    bool host = r->type == DNS_TYPE_A || r->type == DNS_TYPE_AAAA || r->type == DNS_TYPE_MX;
    struct domain name;

    if (dns_host_name(r->answers.message, r->owner, &name) == MOX_OK)
        r->out->canonical = name;
    else if (host)
        return fail(r, MOX_E_DNS, "its CNAME leads to a name that no host can have");
    else
        r->out->canonical = (struct domain){.len = 0};
    return MOX_OK;
}

static bool read_address(struct dns_record *record, struct mox_ip *out)
{
    int family = record->type == DNS_TYPE_A ? MOX_IPV4 : MOX_IPV6;
    struct slice bytes = dns_read_rest(&record->rdata);

    if (bytes.len != (family == MOX_IPV4 ? 4 : 16))
        return false;
    *out = ip_from_bytes(family, bytes.ptr);
    return true;
}

/* Into the arena. */
static int keep_bytes(const struct reading *r, struct dns_item *item)
{
    item->data.ptr = arena_text(r->arena, item->data);
    return item->data.ptr == NULL ? MOX_E_NOMEM : MOX_OK;
}

/* What can be shown of a name that is no host name, and why it is none. */
static enum dns_fault read_fault(struct dns_reader name, char text[DNS_NAME_WIRE + 1])
{
    struct dns_name wire;
    struct mox_ip ip;

    dns_read_name(&name, &wire);
    dns_name_text(&wire, text, DNS_NAME_WIRE + 1);
    if (wire.len == 1)
        return DNS_FAULT_ROOT;
    return ip_parse_plain(slice_of(text), &ip) == MOX_OK ? DNS_FAULT_ADDRESS : DNS_FAULT_NAME;
}

static bool is_address(struct slice host)
{
    struct mox_ip ip;

    return slice_is_digit(host.ptr[0]) && ip_parse_plain(host, &ip) == MOX_OK;
}

/* The name that ends a record. As read_item. */
static int read_host(const struct reading *r, struct dns_reader *rdata, struct dns_item *item)
{
    struct dns_reader name = *rdata;
    size_t place = dns_skip_name(rdata);
    char text[DNS_NAME_WIRE + 1];
    struct domain host;

    if (rdata->bad || rdata->at != rdata->end)
        return MOX_E_DNS;
    if (dns_host_name(rdata->message, place, &host) == MOX_OK && !is_address(domain_slice(&host))) {
        item->data = domain_slice(&host);
    } else {
        item->fault = (uint16_t)read_fault(name, text);
        item->data = slice_of(text);
    }
    return keep_bytes(r, item);
}

static bool read_strings(struct dns_reader *rdata, char *out, size_t *len)
{
    *len = 0;
    while (rdata->at < rdata->end && !rdata->bad) {
        struct slice head = dns_read_bytes(rdata, 1);
        struct slice text = dns_read_bytes(rdata, (unsigned char)head.ptr[0]);

        memcpy(out + *len, text.ptr, text.len);
        *len += text.len;
    }
    return !rdata->bad;
}

/* The strings of a record, joined. As read_item. */
static int read_texts(const struct reading *r, struct dns_reader *rdata, struct dns_item *item)
{
    char *text = arena_bytes(r->arena, rdata->end - rdata->at + 1, 1);

    if (text == NULL)
        return MOX_E_NOMEM;
    if (!read_strings(rdata, text, &item->data.len))
        return MOX_E_DNS;
    text[item->data.len] = '\0';
    item->data.ptr = text;
    return MOX_OK;
}

/* MOX_OK, MOX_E_DNS: malformed, MOX_E_NOMEM. */
static int read_item(const struct reading *r, struct dns_record *record, struct dns_item *item)
{
    *item = (struct dns_item){0};
    switch (record->type) {
    case DNS_TYPE_MX:
        item->preference = dns_read_u16(&record->rdata);
        /* fallthrough */
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_NS:
        return read_host(r, &record->rdata, item);
    case DNS_TYPE_TXT:
        return read_texts(r, &record->rdata, item);
    default:
        item->data = dns_read_rest(&record->rdata);
        return keep_bytes(r, item);
    }
}

/* The list, with room for all candidates; it is taken once, and may stay empty. */
static int make_list(const struct reading *r, size_t max)
{
    struct dns_answer *out = r->out;

    if (r->type == DNS_TYPE_A || r->type == DNS_TYPE_AAAA)
        out->addresses = arena_bytes(r->arena, max * sizeof *out->addresses, 8);
    else
        out->items = arena_bytes(r->arena, max * sizeof *out->items, 8);
    return out->addresses == NULL && out->items == NULL ? error_nomem(r->err) : MOX_OK;
}

/* Appends it to the list, where there is room. */
static int take_record(const struct reading *r, struct dns_record *record, size_t max)
{
    struct dns_answer *out = r->out;
    int status = MOX_OK;

    if (out->count == max) {
        out->beyond++;
        return MOX_OK;
    }
    if (out->items != NULL)
        status = read_item(r, record, &out->items[out->count]);
    else if (!read_address(record, &out->addresses[out->count]))
        status = MOX_E_DNS;
    if (status != MOX_OK)
        return status == MOX_E_NOMEM ? error_nomem(r->err) : malformed(r);
    note_ttl(out, record);
    out->count++;
    return MOX_OK;
}

/* As a rule there is one candidate, and the survey has read it. */
static int collect(struct reading *r, struct dns_record *last)
{
    size_t max = r->candidates > MOX_LIMIT_DNS_RECORDS ? MOX_LIMIT_DNS_RECORDS : r->candidates;
    struct dns_reader at = r->answers;
    uint16_t left = r->records;
    struct dns_record record;
    int status = make_list(r, max);

    if (status == MOX_OK && r->candidates == 1)
        return is_of(r, r->type, last) ? take_record(r, last, max) : MOX_OK;
    while (status == MOX_OK && next_of(r, &at, &left, r->type, &record))
        status = take_record(r, &record, max);
    return status;
}

/* Drops CNAMEs that lead to their own name: they say nothing. */
static void drop_own_name(struct dns_answer *out, struct slice name)
{
    size_t kept = 0;

    for (size_t i = 0; i < out->count; i++) {
        if (!slice_equal(out->items[i].data, name))
            out->items[kept++] = out->items[i];
    }
    out->count = kept;
}

/* The records behind the question. */
static int read_records(struct reading *r, const struct dns_header *header, unsigned max_aliases)
{
    struct dns_record last = {0};
    bool complete = survey(r, header, &last);
    int status = check_rcode(r); /* before the rest: a failure is worth more than its bad form */

    if (status != MOX_OK)
        return status;
    if (!complete)
        return malformed(r);
    if (r->owner == 0)
        return MOX_OK;
    if (r->aliased && r->type != DNS_TYPE_CNAME)
        status = follow_aliases(r, max_aliases);
    if (status == MOX_OK && r->out->aliases > 0)
        status = set_canonical(r);
    if (status == MOX_OK && r->candidates > 0)
        status = collect(r, &last);
    if (status == MOX_OK && r->type == DNS_TYPE_CNAME)
        drop_own_name(r->out, r->question);
    return status;
}

static int read_message(struct reading *r, unsigned max_aliases)
{
    struct dns_header header;
    int status;

    dns_read_header(&r->answers, &header);
    if (r->answers.bad)
        return malformed(r);
    r->out->rcode = header.flags & DNS_MASK_RCODE;
    r->out->authentic = (header.flags & DNS_FLAG_AD) != 0;
    r->out->truncated = (header.flags & DNS_FLAG_TC) != 0;
    status = check_question(r, &header);
    if (status != MOX_OK)
        return status;
    r->records = header.answers;
    status = read_records(r, &header, max_aliases);
    if (status == MOX_OK && r->out->truncated && r->out->count == 0)
        return fail(r, MOX_E_DNS, "the answer was cut short before its first record");
    return status;
}

/* Texts are begun, not zeroed: their 400 bytes would cost more than the reading. */
static void clear(struct dns_answer *out)
{
    memset(out, 0, offsetof(struct dns_answer, ede_text));
    out->ede_code = -1;
    out->ede_text[0] = '\0';
    out->canonical.len = 0;
    out->canonical.name[0] = '\0';
}

int dns_answer_read(struct slice wire, const struct dns_question *question, struct dns_answer *out,
                    struct arena *arena, struct mox_error *err)
{
    struct reading r = {.question = question->name,
                        .type = question->type,
                        .answers = dns_reader_of(wire),
                        .out = out,
                        .arena = arena,
                        .err = err};

    clear(out);
    if (wire.len > MOX_LIMIT_DNS_BUILT)
        return fail(&r, MOX_E_LIMIT, "the answer is larger than any may be");
    if (question->name.len == 0)
        return error_set(err, MOX_E_INVAL, "no domain name to ask for");
    return read_message(&r, question->max_aliases);
}
