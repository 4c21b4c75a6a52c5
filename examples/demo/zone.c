/*
 * zone.c - see zone.h. It knows just enough DNS for one client that is no enemy.
 */
#include "zone.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { TYPE_A = 1, TYPE_MX = 15, TYPE_AAAA = 28, TYPE_TLSA = 52 };
enum { DNS_HEADER = 12, NAME = 256, HASH = 32 };
enum { NXDOMAIN = 0x03, AD = 0x20 }; /* in the fourth byte of an answer */

/* An MX host is named by data, an address written in it; a TLSA record is of that host's key. */
static const struct {
    const char *name;
    int type;
    const char *data;
    bool proved; /* as if DNSSEC had */
} zone[] = {
    {"example.org", TYPE_MX, "mx.example.org", false},
    {"mx.example.org", TYPE_A, "127.0.0.1", false},
    {"mx.example.org", TYPE_AAAA, "::1", false},
    {"example.net", TYPE_MX, "mx.example.net", false},
    {"mx.example.net", TYPE_A, "127.0.0.1", false},
    {"mx.example.net", TYPE_AAAA, "::1", false},
    {"ipv6only.example", TYPE_MX, "mx.ipv6only.example", false},
    {"mx.ipv6only.example", TYPE_AAAA, "::1", false},
    {"selfsigned.example", TYPE_MX, "mx.selfsigned.example", false},
    {"mx.selfsigned.example", TYPE_A, "127.0.0.1", false},
    {"dane.example", TYPE_MX, "mx.dane.example", true},
    {"mx.dane.example", TYPE_A, "127.0.0.1", true},
    {"mx.dane.example", TYPE_TLSA, "mx.dane.example", true},
    {"impostor.example", TYPE_MX, "mx.impostor.example", true},
    {"mx.impostor.example", TYPE_A, "127.0.0.1", true},
    {"mx.impostor.example", TYPE_TLSA, "smarthost.example", true},
    {"smarthost.example", TYPE_A, "127.0.0.1", false},
};

enum { ZONE = sizeof zone / sizeof *zone };

/* The question's name as text; returns where its type begins, 0: malformed. */
static size_t read_question(const unsigned char *packet, size_t len, char name[NAME])
{
    size_t at = DNS_HEADER, n = 0;

    while (at < len && packet[at] != 0) {
        size_t label = packet[at++];

        if (label > 63 || at + label >= len || n + label + 2 > NAME)
            return 0;
        memcpy(name + n, packet + at, label);
        n += label;
        name[n++] = '.';
        at += label;
    }
    name[n == 0 ? 0 : n - 1] = '\0';
    return at + 5 <= len ? at + 1 : 0;
}

static size_t write_name(unsigned char *out, const char *name)
{
    size_t n = 0;

    while (*name != '\0') {
        size_t label = strcspn(name, ".");

        out[n++] = (unsigned char)label;
        memcpy(out + n, name, label);
        n += label;
        name += label + (name[label] == '.');
    }
    out[n++] = 0;
    return n;
}

/* A TLSA record is 3 1 1: this key itself, no authority; the key alone; its SHA-256. */
static size_t write_data(const struct secure *secure, unsigned char *out, int type,
                         const char *data)
{
    if (type == TYPE_A)
        return inet_pton(AF_INET, data, out) == 1 ? 4 : 0;
    if (type == TYPE_AAAA)
        return inet_pton(AF_INET6, data, out) == 1 ? 16 : 0;
    if (type == TYPE_TLSA) {
        memcpy(out, (unsigned char[]){3, 1, 1}, 3);
        return secure_hash(secure, data, out + 3) ? 3 + HASH : 0;
    }
    out[0] = 0;
    out[1] = 10; /* preference */
    return 2 + write_name(out + 2, data);
}

static size_t write_record(const struct secure *secure, unsigned char *out, int type,
                           const char *data)
{
    /* The name of the question; type; class IN; a minute to live; length. */
    unsigned char head[] = {0xc0, DNS_HEADER, 0, (unsigned char)type, 0, 1, 0, 0, 0, 60, 0, 0};
    size_t len = write_data(secure, out + sizeof head, type, data);

    head[sizeof head - 1] = (unsigned char)len;
    memcpy(out, head, sizeof head);
    return sizeof head + len;
}

static void count_question(struct zone_seen *seen, int type)
{
    seen->mx += type == TYPE_MX;
    seen->a += type == TYPE_A;
    seen->aaaa += type == TYPE_AAAA;
    seen->tlsa += type == TYPE_TLSA;
}

/* The mail host in _PORT._tcp.HOST, the same at every port. */
static const char *host_in(const char *name)
{
    for (int i = 0; i < 2; i++) {
        const char *dot = strchr(name, '.');

        if (*name != '_' || dot == NULL)
            break;
        name = dot + 1;
    }
    return name;
}

size_t zone_answer(const struct secure *secure, struct zone_seen *seen, unsigned char *packet,
                   size_t len)
{
    char question[NAME];
    size_t at = len > DNS_HEADER ? read_question(packet, len, question) : 0;
    const char *name = question;
    bool exists = false, proved = false;
    int type;

    if (at == 0)
        return 0;
    type = packet[at] << 8 | packet[at + 1];
    count_question(seen, type);
    if (type == TYPE_TLSA)
        name = host_in(question);
    at += 4;
    memset(packet + 6, 0, 6);
    for (size_t i = 0; i < ZONE; i++) {
        if (strcasecmp(zone[i].name, name) != 0)
            continue;
        exists = true;
        proved = zone[i].proved;
        if (zone[i].type != type)
            continue;
        at += write_record(secure, packet + at, type, zone[i].data);
        packet[7]++;
    }
    packet[2] = 0x85; /* an authoritative answer, recursion was desired */
    packet[3] = exists ? 0 : NXDOMAIN;
    if (proved)
        packet[3] |= AD;
    return at;
}
