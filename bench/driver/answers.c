/* answers.c - see answers.h; RFC 1035 section 4, RFC 6698 section 2.1. */
#include "bench/driver/answers.h"

#include <stdio.h>
#include <string.h>

enum { TYPE_A = 1, TYPE_MX = 15, TYPE_AAAA = 28, TYPE_TLSA = 52 };
enum { HEADER = 12, RECORD = 12, AUTHENTIC = 0x20 };
enum { TLSA_HEAD = 3, TLSA_DATA = 64 };

struct rdata {
    const void *bytes;
    size_t len;
};

/* A name as labels; returns its length. */
static size_t put_name(const char *name, unsigned char *out)
{
    size_t at = 0;

    while (*name != '\0') {
        size_t label = strcspn(name, ".");

        out[at++] = (unsigned char)label;
        memcpy(out + at, name, label);
        at += label;
        name += label + (name[label] == '.');
    }
    out[at++] = 0;
    return at;
}

static void put_u16(unsigned char *out, size_t value)
{
    out[0] = (unsigned char)(value >> 8);
    out[1] = (unsigned char)value;
}

/* The question and no answer. */
static void begin(struct answer *answer, const char *name, uint16_t type, int authentic)
{
    static const unsigned char header[HEADER] = {0, 0, 0x81, 0x80, 0, 1};
    unsigned char *wire = answer->wire;
    size_t at = HEADER;

    memcpy(wire, header, sizeof header);
    wire[3] |= authentic ? AUTHENTIC : 0;
    at += put_name(name, wire + at);
    put_u16(wire + at, type);
    put_u16(wire + at + 2, 1);
    answer->len = at + 4;
}

static void add(struct answer *answer, uint16_t type, const void *rdata, size_t len)
{
    unsigned char *wire = answer->wire + answer->len;

    answer->wire[7]++;
    put_u16(wire, 0xc000 | HEADER);
    put_u16(wire + 2, type);
    put_u16(wire + 4, 1);
    put_u16(wire + 6, 0);
    put_u16(wire + 8, 300);
    put_u16(wire + 10, len);
    memcpy(wire + RECORD, rdata, len);
    answer->len += RECORD + len;
}

static void make(struct answer *answer, const char *name, uint16_t type, const struct rdata *rdata,
                 int authentic)
{
    begin(answer, name, type, authentic);
    if (rdata->len > 0)
        add(answer, type, rdata->bytes, rdata->len);
}

/* "3 1 1 HEX"; its length, 0: it is none. */
static size_t read_tlsa(const char *text, unsigned char out[TLSA_HEAD + TLSA_DATA])
{
    unsigned head[TLSA_HEAD], byte;
    size_t len = TLSA_HEAD;
    int used = 0;

    if (sscanf(text, "%1u %1u %1u %n", &head[0], &head[1], &head[2], &used) != TLSA_HEAD)
        return 0;
    for (size_t i = 0; i < TLSA_HEAD; i++)
        out[i] = (unsigned char)head[i];
    for (text += used; len < TLSA_HEAD + TLSA_DATA && sscanf(text, "%2x", &byte) == 1; text += 2)
        out[len++] = (unsigned char)byte;
    return *text == '\0' && len > TLSA_HEAD ? len : 0;
}

int answers_make(struct answers *answers, const struct mox_ip *ip, unsigned long port,
                 const char *const *tlsa, size_t ntlsa)
{
    static const char exchange[] = "\0\12\2mx\5bench\7example";
    const struct rdata mx = {exchange, sizeof exchange};
    const struct rdata a = {ip->bytes, ip->family == MOX_IPV4 ? 4 : 0};
    const struct rdata aaaa = {ip->bytes, ip->family == MOX_IPV4 ? 0 : 16};
    int authentic = ntlsa > 0;
    char name[64];

    make(&answers->mx, "bench.example", TYPE_MX, &mx, authentic);
    make(&answers->a, "mx.bench.example", TYPE_A, &a, authentic);
    make(&answers->aaaa, "mx.bench.example", TYPE_AAAA, &aaaa, authentic);
    answers->flags = authentic ? MOX_DNS_TRUST_AD : 0;
    snprintf(name, sizeof name, "_%lu._tcp.mx.bench.example", port);
    begin(&answers->tlsa, name, TYPE_TLSA, authentic);
    for (size_t i = 0; i < ntlsa; i++) {
        unsigned char rdata[TLSA_HEAD + TLSA_DATA];
        size_t len = read_tlsa(tlsa[i], rdata);

        if (len == 0)
            return -1;
        add(&answers->tlsa, TYPE_TLSA, rdata, len);
    }
    return 0;
}

int answers_give(const struct answers *answers, struct mox_ctx *ctx, uint64_t id, const char *name,
                 uint16_t type)
{
    const struct answer *answer;
    struct answer none;

    switch (type) {
    case TYPE_MX:
        answer = &answers->mx;
        break;
    case TYPE_A:
        answer = &answers->a;
        break;
    case TYPE_AAAA:
        answer = &answers->aaaa;
        break;
    case TYPE_TLSA:
        answer = &answers->tlsa;
        break;
    default:
        begin(&none, name, type, 0);
        answer = &none;
        break;
    }
    return mox_dns_answer(ctx, id, answer->wire, answer->len, answers->flags);
}
