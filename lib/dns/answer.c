/*
 * answer.c - see answer.h.
 *
 * Names on the way from the question to the records are kept as on the wire: reverse zones alias to
 * names like 1.0/25.2.0.192.in-addr.arpa (RFC 2317), which are no host names. What is malformed
 * anywhere spoils the whole message, for a resolver that errs there may have erred before.
 */
#include "dns/answer.h"

#include <string.h>

#include "base/error.h"
#include "base/ip.h"
#include "base/text.h"
#include "dns/message.h"

struct reading {
    const struct domain *question;
    uint16_t type;
    uint16_t records;          /* in the answer section */
    struct dns_reader answers; /* at the first of them */
    struct dns_name owner; /* of the records we want: the question, then where its alias leads */
    struct dns_answer *out;
    struct arena *arena;
    struct mox_error *err;
};

/* One sentence about this question; code: MOX_E_DNS or MOX_E_LIMIT. */
static int fail(const struct reading *r, int code, const char *reason)
{
    char type[DNS_TYPE_TEXT];

    error_set(r->err, code, "%s lookup for %s: %s", dns_type_name(r->type, type), r->question->name,
              reason);
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

/* Runs over all records; the upper bits of the rcode and the extended error are in OPT. */
static bool read_all_records(struct dns_reader r, const struct dns_header *header,
                             struct dns_answer *out)
{
    size_t left = (size_t)header->answers + header->authorities + header->additionals;
    bool opt_seen = false;
    struct dns_record record;

    for (; left > 0 && dns_read_record(&r, &record); left--) {
        if (record.type != DNS_TYPE_OPT || left > header->additionals || opt_seen)
            continue;
        opt_seen = true;
        out->rcode |= (int)(record.ttl >> 24) << 4;
        read_options(record.rdata, out);
    }
    return !r.bad;
}

static int check_rcode(const struct reading *r)
{
    const struct dns_answer *out = r->out;
    const char *meaning = dns_ede_name(out->ede_code);
    char reason[64 + DNS_EDE_TEXT + 64];
    struct text t = text_to(reason, sizeof reason);

    if (out->rcode == DNS_RCODE_NOERROR || out->rcode == DNS_RCODE_NXDOMAIN)
        return MOX_OK;
    text_add(&t, "the name server answered %s (rcode %d)", dns_rcode_name(out->rcode), out->rcode);
    if (out->ede_code >= 0)
        text_add(&t, ", extended error %d", out->ede_code);
    if (meaning != NULL)
        text_add(&t, " (%s)", meaning);
    if (out->ede_text[0] != '\0')
        text_add(&t, ": %s", out->ede_text);
    return fail(r, MOX_E_DNS, reason);
}

/* An answer that tells of a failure may come without the question. */
static int check_question(struct reading *r, struct dns_reader *reader,
                          const struct dns_header *header)
{
    struct dns_name name = {.len = 0};
    uint16_t type, class;

    if ((header->flags & DNS_FLAG_QR) == 0 || (header->flags & DNS_MASK_OPCODE) != 0)
        return fail(r, MOX_E_DNS, "what came from the name server is no answer");
    if (header->questions == 0 && r->out->rcode != 0)
        return MOX_OK;
    dns_read_name(reader, &name);
    type = dns_read_u16(reader);
    class = dns_read_u16(reader);
    if (reader->bad || header->questions != 1)
        return malformed(r);
    if (!dns_name_equal(&name, &r->owner) || type != r->type || class != DNS_CLASS_IN)
        return fail(r, MOX_E_DNS, "the name server answered another question");
    return MOX_OK;
}

static void note_ttl(struct dns_answer *out, const struct dns_record *record)
{
    uint32_t ttl = record->ttl > INT32_MAX ? 0 : record->ttl; /* RFC 2181 section 8 */

    if ((out->count == 0 && out->aliases == 0) || ttl < out->ttl)
        out->ttl = ttl;
}

/* The next record of this type that the present owner has; false: there is none left. */
static bool next_of(const struct reading *r, struct dns_reader *at, uint16_t *left, uint16_t type,
                    struct dns_record *out)
{
    while (*left > 0 && dns_read_record(at, out)) {
        --*left;
        if (out->type == type && out->class == DNS_CLASS_IN &&
            dns_name_equal(&out->owner, &r->owner))
            return true;
    }
    return false;
}

/* Where the owner's CNAME leads; *found: it has one that leads elsewhere. false: malformed. */
static bool find_alias(const struct reading *r, struct dns_name *target, bool *found)
{
    struct dns_reader at = r->answers;
    uint16_t left = r->records;
    struct dns_record record;

    *found = false;
    while (!*found && next_of(r, &at, &left, DNS_TYPE_CNAME, &record)) {
        dns_read_name(&record.rdata, target);
        if (record.rdata.bad || record.rdata.at != record.rdata.end)
            return false;
        *found = !dns_name_equal(target, &r->owner);
        if (*found)
            note_ttl(r->out, &record);
    }
    return true;
}

static int check_alias(const struct reading *r, const struct dns_name *seen, unsigned max)
{
    char reason[64];
    struct text t = text_to(reason, sizeof reason);

    for (unsigned i = 0; i < r->out->aliases; i++) {
        if (dns_name_equal(&seen[i], &r->owner))
            return fail(r, MOX_E_DNS, "its CNAME records form a loop");
    }
    text_add(&t, "more than %u aliases (CNAME records) in a row", max);
    return r->out->aliases > max ? fail(r, MOX_E_LIMIT, reason) : MOX_OK;
}

static int follow_aliases(struct reading *r, unsigned max)
{
    struct dns_name seen[MOX_LIMIT_NEXT_HOP + 1], target;
    int status = MOX_OK;
    bool found;

    max = max > MOX_LIMIT_NEXT_HOP ? MOX_LIMIT_NEXT_HOP : max;
    while (status == MOX_OK) {
        if (!find_alias(r, &target, &found))
            return malformed(r);
        if (!found)
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
    struct domain name = {.len = 0};

    if (r->out->aliases == 0)
        return MOX_OK;
    if (dns_name_to_domain(&r->owner, &name) != MOX_OK && host)
        return fail(r, MOX_E_DNS, "its CNAME leads to a name that no host can have");
    r->out->canonical = name;
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

/* The name in a record, as a host name if it is one; text: for people if it is none. */
static enum dns_fault read_host(struct dns_reader *rdata, char text[DNS_NAME_WIRE + 1])
{
    struct domain domain;
    struct dns_name name;
    struct mox_ip ip;
    bool lax;

    dns_read_name(rdata, &name);
    lax = dns_name_to_domain(&name, &domain) == MOX_OK;
    dns_name_text(&name, text, DNS_NAME_WIRE + 1);
    if (name.len == 1)
        return DNS_FAULT_ROOT;
    if (ip_parse_plain(slice_of(text), &ip) == MOX_OK)
        return DNS_FAULT_ADDRESS;
    return lax ? DNS_FAULT_NONE : DNS_FAULT_NAME;
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

/* MOX_OK, MOX_E_DNS: malformed, MOX_E_NOMEM. */
static int read_item(const struct reading *r, struct dns_record *record, struct dns_item *item)
{
    struct dns_reader *rdata = &record->rdata;
    char host[DNS_NAME_WIRE + 1], *text;

    switch (record->type) {
    case DNS_TYPE_MX:
        item->preference = dns_read_u16(rdata);
        /* fallthrough */
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
    case DNS_TYPE_NS:
        item->fault = (uint16_t)read_host(rdata, host);
        if (rdata->bad || rdata->at != rdata->end)
            return MOX_E_DNS;
        item->data = slice_of(host);
        break;
    case DNS_TYPE_TXT:
        text = arena_bytes(r->arena, rdata->end - rdata->at + 1, 1);
        if (text == NULL)
            return MOX_E_NOMEM;
        if (!read_strings(rdata, text, &item->data.len))
            return MOX_E_DNS;
        text[item->data.len] = '\0';
        item->data.ptr = text;
        return MOX_OK;
    default:
        item->data = dns_read_rest(rdata);
    }
    item->data.ptr = arena_text(r->arena, item->data);
    return item->data.ptr == NULL ? MOX_E_NOMEM : MOX_OK;
}

/* How many records there are, so that the list is allocated once. */
static size_t count_records(const struct reading *r)
{
    struct dns_reader at = r->answers;
    uint16_t left = r->records;
    struct dns_record record;
    size_t n = 0;

    while (next_of(r, &at, &left, r->type, &record))
        n++;
    return n;
}

static int collect(const struct reading *r)
{
    bool is_address = r->type == DNS_TYPE_A || r->type == DNS_TYPE_AAAA;
    size_t n = count_records(r), max = n > MOX_LIMIT_DNS_RECORDS ? MOX_LIMIT_DNS_RECORDS : n;
    struct dns_reader at = r->answers;
    uint16_t left = r->records;
    struct dns_answer *out = r->out;
    struct dns_record record;
    void *list;
    int status = MOX_OK;

    if (n == 0)
        return MOX_OK;
    list = arena_array(r->arena, max, is_address ? sizeof *out->addresses : sizeof *out->items);
    if (list == NULL)
        return error_nomem(r->err);
    out->addresses = is_address ? list : NULL;
    out->items = is_address ? NULL : list;
    out->beyond = n - max;
    while (out->count < max && next_of(r, &at, &left, r->type, &record)) {
        if (!is_address)
            status = read_item(r, &record, &out->items[out->count]);
        else if (!read_address(&record, &out->addresses[out->count]))
            status = MOX_E_DNS;
        if (status != MOX_OK)
            return status == MOX_E_NOMEM ? error_nomem(r->err) : malformed(r);
        note_ttl(out, &record);
        out->count++;
    }
    return MOX_OK;
}

/* Drops CNAMEs that lead to their own name: they say nothing. */
static void drop_own_name(struct dns_answer *out)
{
    size_t kept = 0;

    for (size_t i = 0; i < out->count; i++) {
        if (!slice_equal(out->items[i].data, domain_slice(&out->canonical)))
            out->items[kept++] = out->items[i];
    }
    out->count = kept;
}

static int read_sections(struct reading *r, struct dns_reader reader, unsigned max_aliases)
{
    struct dns_header header;
    bool complete;
    int status;

    dns_read_header(&reader, &header);
    if (reader.bad)
        return malformed(r);
    r->out->rcode = header.flags & DNS_MASK_RCODE;
    r->out->authentic = (header.flags & DNS_FLAG_AD) != 0;
    r->out->truncated = (header.flags & DNS_FLAG_TC) != 0;
    status = check_question(r, &reader, &header);
    if (status != MOX_OK)
        return status;
    r->answers = reader;
    r->records = header.answers;
    complete = read_all_records(reader, &header, r->out);
    status = check_rcode(r); /* before the rest: a failure is worth more than its bad form */
    if (status != MOX_OK)
        return status;
    if (!complete)
        return malformed(r);
    if (r->type != DNS_TYPE_CNAME)
        status = follow_aliases(r, max_aliases);
    if (status == MOX_OK)
        status = set_canonical(r);
    if (status == MOX_OK)
        status = collect(r);
    if (status == MOX_OK && r->type == DNS_TYPE_CNAME)
        drop_own_name(r->out);
    if (status == MOX_OK && r->out->truncated && r->out->count == 0)
        return fail(r, MOX_E_DNS, "the answer was cut short before its first record");
    return status;
}

int dns_answer_read(struct slice wire, const struct domain *question, uint16_t type,
                    unsigned max_aliases, struct dns_answer *out, struct arena *arena,
                    struct mox_error *err)
{
    struct reading r = {.question = question, .type = type, .out = out, .arena = arena, .err = err};

    *out = (struct dns_answer){.ede_code = -1, .canonical = *question};
    if (wire.len > MOX_LIMIT_DNS_BUILT)
        return fail(&r, MOX_E_LIMIT, "the answer is larger than any may be");
    if (dns_name_parse(domain_slice(question), &r.owner) != MOX_OK)
        return error_set(err, MOX_E_INVAL, "no domain name to ask for");
    return read_sections(&r, dns_reader_of(wire), max_aliases);
}
