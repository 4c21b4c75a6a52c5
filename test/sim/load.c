/* load.c - see load.h. */
#include "test/sim/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/sim/dns.h"
#include "test/sim/net.h"

/* The next word of the line, cut out of it; NULL: the line is over. */
static char *word_of(char **line)
{
    char *word = *line + strspn(*line, " \t");
    size_t len = strcspn(word, " \t");

    if (len == 0)
        return NULL;
    *line = word + len;
    if (**line != '\0')
        *(*line)++ = '\0';
    return word;
}

/* The number behind the key, as in "+ms=20"; false: it is another word. */
static bool number_of(const char *word, const char *key, uint32_t *out)
{
    size_t len = strlen(key);

    if (strncmp(word, key, len) != 0)
        return false;
    *out = (uint32_t)strtoul(word + len, NULL, 10);
    return true;
}

static bool set_fate(struct dns_set *set, const char *word)
{
    static const struct {
        const char *word;
        int fate, rcode, code;
    } fates[] = {
        {"+lost", DNS_LOST, 0, 0},
        {"+servfail", DNS_ANSWERS, 2, 0},
        {"+refused", DNS_ANSWERS, 5, 0},
        {"+nxdomain", DNS_ANSWERS, 3, 0},
        {"+bogus", DNS_BOGUS, 0, 0},
        {"+garbage", DNS_GARBAGE, 0, 0},
        {"+truncated", DNS_TRUNCATED, 0, 0},
        {"+timeout", DNS_FAILS, 0, MOX_E_TIMEOUT},
        {"+down", DNS_FAILS, 0, MOX_ERRNO(ECONNREFUSED)},
        {"+unaskable", DNS_UNASKABLE, 0, MOX_ERRNO(ENETUNREACH)},
    };

    for (size_t i = 0; i < sizeof fates / sizeof *fates; i++) {
        if (strcmp(fates[i].word, word) != 0)
            continue;
        set->fate = fates[i].fate;
        set->rcode = fates[i].rcode;
        set->code = fates[i].code;
        return true;
    }
    return false;
}

static bool set_attribute(struct dns_set *set, const char *word)
{
    if (number_of(word, "+ms=", &set->ms))
        return set->timed = true;
    if (strcmp(word, "+ad") == 0)
        return set->authentic = true;
    if (strcmp(word, "+first") == 0)
        return set->first_only = true;
    return set_fate(set, word);
}

static bool load_record(struct world *w, const char *name, char *line)
{
    char *type = word_of(&line), *rest;
    struct dns_set *set;

    if (type == NULL || dns_type(type) == 0)
        return false;
    set = dns_set(w, name, dns_type(type));
    rest = line + strspn(line, " \t");
    while (*rest == '+') {
        if (!set_attribute(set, word_of(&line)))
            return false;
        rest = line + strspn(line, " \t");
    }
    if (*rest != '\0')
        dns_add(w, set, rest);
    return true;
}

static bool load_place(struct world *w, const struct mox_ip *ip, char *line)
{
    static const char *const fates[] = {
        [NET_UP] = "up",
        [NET_REFUSED] = "refused",
        [NET_SILENT] = "silent",
        [NET_UNREACHABLE] = "unreachable",
        [NET_LATE_UNREACHABLE] = "late-unreachable",
        [NET_NO_FILES] = "no-files",
        [NET_NO_PORTS] = "no-ports",
        [NET_BROKEN_OPS] = "broken",
    };
    struct net_place wanted = {.ms = NET_CONNECT_MS, .server = server_profile("ok"), .fate = -1};
    char *fate = word_of(&line), *word;
    struct net_place *place;
    uint32_t port = 0;

    for (size_t i = 0; fate != NULL && i < sizeof fates / sizeof *fates; i++) {
        if (strcmp(fates[i], fate) == 0)
            wanted.fate = (int)i;
    }
    if (wanted.fate < 0)
        return false;
    while ((word = word_of(&line)) != NULL) {
        if (number_of(word, "+ms=", &wanted.ms) || number_of(word, "+port=", &port))
            continue;
        wanted.server = server_profile(word);
        if (wanted.server == NULL)
            return false;
    }
    place = net_place(w, ip, (uint16_t)port);
    place->fate = wanted.fate;
    place->ms = wanted.ms;
    place->server = wanted.server;
    return true;
}

/* The rules of the mailbox there; the place stands on a line before. */
static bool load_mailbox(struct world *w, char *line)
{
    char *address = word_of(&line);
    struct mox_ip ip;

    if (address == NULL || mox_ip_parse(address, &ip) != MOX_OK)
        return false;
    net_place(w, &ip, 0)->mailbox = mailbox_rules(w, line);
    return net_place(w, &ip, 0)->mailbox != NULL;
}

static bool load_machine(struct world *w, char *line)
{
    char *word;

    w->nmachine = 0;
    while ((word = word_of(&line)) != NULL) {
        if (w->nmachine == sizeof w->machine / sizeof *w->machine ||
            mox_ip_parse(word, &w->machine[w->nmachine++]) != MOX_OK)
            return false;
    }
    return true;
}

static bool load_line(struct world *w, char *line)
{
    char *first = word_of(&line);
    struct mox_ip ip;

    if (first == NULL || *first == '#')
        return true;
    if (strcmp(first, "machine") == 0)
        return load_machine(w, line);
    if (strcmp(first, "mailbox") == 0)
        return load_mailbox(w, line);
    if (mox_ip_parse(first, &ip) == MOX_OK)
        return load_place(w, &ip, line);
    return load_record(w, first, line);
}

void world_load(struct world *w, const char *text)
{
    char *line = world_text(w, text);

    while (*line != '\0') {
        char *end = line + strcspn(line, "\n"), *next = *end == '\0' ? end : end + 1;
        const char *shown = NULL;

        *end = '\0';
        shown = world_text(w, line);
        if (!load_line(w, line))
            world_fault(w, "no line of a world: %s", shown);
        line = next;
    }
}
