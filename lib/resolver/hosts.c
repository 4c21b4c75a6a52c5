/*
 * hosts.c - see hosts.h. An unkeyed hash will do: who writes the hosts file may do worse.
 */
#include "resolver/hosts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/domain.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/limits.h"
#include "base/mem.h"
#include "dns/dns.h"
#include "dns/records.h"

enum { RECHECK_US = 1000000, FIRST_BUCKETS = 16 };

struct hosts {
    char *path;
    struct hosts_table table;
    struct stat seen; /* of the file when it was read; all zero: not read */
    uint64_t next_check_us;
};

/* An address without a zone: an AAAA record has no room for one. */
static bool parse_ip(struct slice word, struct mox_ip *out)
{
    return ip_parse_any(word, out) == MOX_OK && out->scope == 0;
}

/* Puts an entry before the list. MOX_OK also if the word is no host name. */
static int add_entry(struct arena *arena, struct slice word, const struct mox_ip *ip,
                     struct hosts_entry **list)
{
    struct hosts_entry *entry;
    struct domain domain;
    char *name;

    if (domain_parse_lax(word, &domain) != MOX_OK)
        return MOX_OK;
    entry = arena_new(arena, sizeof *entry);
    name = arena_text(arena, domain_slice(&domain));
    if (entry == NULL || name == NULL)
        return MOX_E_NOMEM;
    *entry = (struct hosts_entry){.next = *list, .name = {name, domain.len}, .ip = *ip};
    *list = entry;
    return MOX_OK;
}

/* One line: an address and its names; the entries end up before the list, the last one first. */
static int parse_line(struct arena *arena, struct slice line, struct hosts_entry **list)
{
    struct mox_ip ip;
    struct slice word;

    line = slice_sub(line, 0, slice_find(line, '#'));
    line = slice_sub(line, 0, slice_find(line, '\r'));
    if (!parse_ip(slice_word(&line), &ip))
        return MOX_OK;
    for (word = slice_word(&line); word.len > 0; word = slice_word(&line)) {
        if (add_entry(arena, word, &ip, list) != MOX_OK)
            return MOX_E_NOMEM;
    }
    return MOX_OK;
}

static struct hosts_entry **bucket_of(const struct hosts_table *table, struct slice name)
{
    return &table->buckets[hash_bytes(name.ptr, name.len, 0) & table->mask];
}

/* The list runs backwards; each entry goes to the front of its bucket, so there the order is that
 * of the file. */
static int fill_buckets(struct hosts_table *table, struct hosts_entry *list)
{
    size_t n = FIRST_BUCKETS, entries = 0;

    for (const struct hosts_entry *entry = list; entry != NULL; entry = entry->next)
        entries++;
    while (n < entries)
        n *= 2;
    table->buckets = arena_array(&table->arena, n, sizeof *table->buckets);
    if (table->buckets == NULL)
        return MOX_E_NOMEM;
    table->mask = n - 1;
    for (struct hosts_entry *entry = list; entry != NULL; entry = list) {
        struct hosts_entry **bucket = bucket_of(table, entry->name);

        list = entry->next;
        entry->next = *bucket;
        *bucket = entry;
    }
    return MOX_OK;
}

int hosts_parse(struct slice text, struct hosts_table *out)
{
    struct hosts_entry *list = NULL;
    int status = MOX_OK;

    while (text.len > 0 && status == MOX_OK) {
        size_t end = slice_find(text, '\n');

        status = parse_line(&out->arena, slice_sub(text, 0, end), &list);
        text = slice_sub(text, end + 1, text.len);
    }
    if (status == MOX_OK)
        status = fill_buckets(out, list);
    if (status != MOX_OK)
        hosts_table_free(out);
    return status;
}

/* The first of this name from here on. */
static const struct hosts_entry *skip_others(const struct hosts_entry *entry, struct slice name)
{
    while (entry != NULL && !slice_equal(entry->name, name))
        entry = entry->next;
    return entry;
}

const struct hosts_entry *hosts_lookup(const struct hosts_table *table, struct slice name)
{
    struct domain domain;

    if (table->buckets == NULL || domain_parse_lax(name, &domain) != MOX_OK)
        return NULL;
    return skip_others(*bucket_of(table, domain_slice(&domain)), domain_slice(&domain));
}

const struct hosts_entry *hosts_next(const struct hosts_entry *entry)
{
    return skip_others(entry->next, entry->name);
}

/* One record of text for each address of the family; n: set to their number. NULL: no memory. */
static struct mox_dns_record *host_records(const struct hosts_entry *entry, int family,
                                           struct arena *arena, size_t *n)
{
    struct mox_dns_record *records;
    size_t entries = 0;

    for (const struct hosts_entry *e = entry; e != NULL; e = hosts_next(e))
        entries++;
    records = arena_array(arena, entries, sizeof *records);
    *n = 0;
    for (; entry != NULL && records != NULL; entry = hosts_next(entry)) {
        char *text = arena_bytes(arena, MOX_LIMIT_IP_TEXT, 1);

        if (text == NULL)
            return NULL;
        mox_ip_format(&entry->ip, text, MOX_LIMIT_IP_TEXT);
        if (entry->ip.family == family)
            records[(*n)++] =
                (struct mox_dns_record){.name = entry->name.ptr,
                                        .rrtype = family == MOX_IPV4 ? DNS_TYPE_A : DNS_TYPE_AAAA,
                                        .rdata = text};
    }
    return records;
}

int hosts_answer(const struct hosts_entry *entry, uint16_t type, struct buffer *wire)
{
    struct arena arena = {0};
    size_t n;
    struct mox_dns_record *records =
        host_records(entry, type == DNS_TYPE_A ? MOX_IPV4 : MOX_IPV6, &arena, &n);
    int status = MOX_E_NOMEM;

    if (records != NULL)
        status = dns_records_to_wire(
            &(struct dns_reply){entry->name.ptr, type, DNS_RCODE_NOERROR, false, records, n}, wire,
            NULL);
    arena_free(&arena);
    return status;
}

void hosts_table_free(struct hosts_table *table)
{
    arena_free(&table->arena);
    *table = (struct hosts_table){0};
}

struct hosts *hosts_new(const char *path)
{
    struct hosts *hosts = mem_new(sizeof *hosts);

    if (hosts == NULL)
        return NULL;
    hosts->path = mem_text(path, strlen(path));
    if (hosts->path == NULL) {
        mem_free(hosts);
        return NULL;
    }
    return hosts;
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* On failure what was read before stays, and the next look tries again. */
static void reload(struct hosts *hosts, const struct stat *now)
{
    struct hosts_table table = {0};
    struct buffer text = {0};

    if (buffer_read_file(&text, hosts->path, MOX_LIMIT_HOSTS_FILE, NULL) == MOX_OK &&
        hosts_parse(buffer_slice(&text), &table) == MOX_OK) {
        hosts_table_free(&hosts->table);
        hosts->table = table;
        hosts->seen = *now;
    }
    buffer_free(&text);
}

static void check_file(struct hosts *hosts)
{
    struct stat now;

    if (stat(hosts->path, &now) == 0) {
        if (!is_same_file(&now, &hosts->seen))
            reload(hosts, &now);
    } else if (errno == ENOENT) {
        hosts_table_free(&hosts->table);
        hosts->seen = (struct stat){0};
    }
}

const struct hosts_entry *hosts_find(struct hosts *hosts, struct slice name, uint64_t now_us)
{
    if (now_us >= hosts->next_check_us) {
        hosts->next_check_us = now_us + RECHECK_US;
        check_file(hosts);
    }
    return hosts_lookup(&hosts->table, name);
}

void hosts_free(struct hosts *hosts)
{
    if (hosts == NULL)
        return;
    hosts_table_free(&hosts->table);
    mem_free(hosts->path);
    mem_free(hosts);
}
