/*
 * fuzz_route.c - bytes choose envelopes and the routes of a configuration, from a few names that
 * are often equal, parents of each other, or very deep. The index must find the route that
 * mox_route_each, which asks one route after the other, arrives at.
 *
 * Input: how many envelopes, three bytes each, then the rules: see take_rule.
 */
#include <stdarg.h>
#include <string.h>

#include <moxdial/config.h>
#include <moxdial/route.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/mem.h"
#include "fuzz.h"

enum { ENVELOPES = 8, RULES = 256, DEEP = 34 /* more labels than a list's masks tell apart */ };

/* The lists that there are; a rule names one by its number. */
static const struct {
    const char *block, *name; /* block NULL: the global list */
    int depth;
} lists[] = {
    {NULL, NULL, 0},        {"Domains", "b.a", 2},         {"Domains", "a", 2},
    {"Accounts", "b.a", 2}, {"Accounts", "zo\xc3\xab", 2},
};

static const char *const accounts[] = {NULL, "", "b.a", "zo\xc3\xab"};

struct bytes {
    const uint8_t *at, *end;
};

struct envelope {
    struct buffer from, to;
    struct mox_envelope envelope;
};

static uint8_t take(struct bytes *b)
{
    return b->at < b->end ? *b->at++ : 0;
}

ERROR_PRINTF(2, 3)
static void put(struct buffer *out, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fuzz_require(buffer_append_text(out, text) == MOX_OK, "there is memory for the text");
}

static void indent(struct buffer *out, int depth)
{
    while (depth-- > 0)
        put(out, "\t");
}

/*
 * Bits 0 and 1: labels, none is the empty domain; 2 to 4: which letter each has; 6: deep; 7: begins
 * with a label that is not ASCII, in whichever form is not plain here.
 */
static void put_name(struct buffer *out, uint8_t choice, const char *foreign)
{
    unsigned labels = choice & 3;
    const char *dot = "";

    if ((choice & 0x80) != 0) {
        put(out, "%s", foreign);
        dot = ".";
    }
    for (unsigned i = 0; i < labels; i++, dot = ".")
        put(out, "%s%c", dot, 'a' + (choice >> (2 + i) & 1));
    for (unsigned i = 0; i < DEEP && (choice & 0x40) != 0; i++, dot = ".")
        put(out, "%sd", dot);
}

/* Bit 5: with a dot before it. */
static void put_item(struct buffer *out, int depth, uint8_t choice)
{
    indent(out, depth);
    put(out, "- %s", (choice & 0x20) != 0 || (choice & 0xc3) == 0 ? "." : "");
    put_name(out, choice, "b\xc3\xbc");
    put(out, "\n");
}

static void put_items(struct buffer *out, int depth, const char *key, unsigned n, struct bytes *b)
{
    if (n == 0)
        return;
    indent(out, depth);
    put(out, "%s:\n", key);
    while (n-- > 0)
        put_item(out, depth + 1, take(b));
}

/* One byte: bits 0 to 3 which conditions there are, the rest what they want. */
static void put_conditions(struct buffer *out, int depth, uint8_t choice)
{
    static const char *const hosts[] = {"mx.example", ".example", "b.example", ".mx.example"};
    static const char *const hours[] = {"Tue 22:00-23:00", "23:00-06:00", "Sat-Mon 00:00-24:00",
                                        "Mon-Wed 20:00-22:14"};
    unsigned want = choice >> 4;

    if ((choice & 1) != 0)
        put(out, "%.*sPercent: %u\n", depth, "\t\t\t\t\t", 1 + 6 * want);
    if ((choice & 2) != 0)
        put(out, "%.*sToMX:\n%.*s- %s\n", depth, "\t\t\t\t\t", depth + 1, "\t\t\t\t\t\t",
            hosts[want & 3]);
    if ((choice & 4) != 0)
        put(out, "%.*sHours:\n%.*s- %s\n%.*sTimeZone: %s\n", depth, "\t\t\t\t\t", depth + 1,
            "\t\t\t\t\t\t", hours[want >> 2], depth, "\t\t\t\t\t", want & 1 ? "UTC" : "local");
    if ((choice & 8) != 0)
        put(out, "%.*sMaxPerHour: 3\n", depth, "\t\t\t\t\t");
}

/*
 * Two bytes, then the items. First: the list (modulo), and from 0xf0 on the byte behind the items
 * is of conditions. Second: bits 0 to 2 FromDomain items, 3 to 5 ToDomain items, 6 and 7 whether
 * the following byte is MinimumAttempts.
 */
static void take_rule(struct buffer *out, struct bytes *b)
{
    uint8_t head = take(b), shape = take(b);
    unsigned list = head % ARRAY_LEN(lists), depth = (unsigned)lists[list].depth + 1;
    struct buffer *to = &out[list];

    indent(to, (int)depth);
    put(to, "-\n");
    if (shape >> 6 == 3)
        put(to, "%.*sMinimumAttempts: %u\n", (int)depth + 1, "\t\t\t\t", take(b) & 15u);
    put_items(to, (int)depth + 1, "FromDomain", shape & 7u, b);
    put_items(to, (int)depth + 1, "ToDomain", shape >> 3 & 7u, b);
    if (head >= 0xf0)
        put_conditions(to, (int)depth + 1, take(b));
    put(to, "%.*sTransport: %s\n", (int)depth + 1, "\t\t\t\t", head & 1 ? "four" : "no");
}

static struct mox_config *open_text(const struct buffer *text)
{
    struct slice s = buffer_slice(text);
    struct mox_error err = {0};
    struct mox_config *config = mox_config_parse(s.ptr, s.len, &err);

    if (config == NULL)
        fprintf(stderr, "%.*s\n%s\n", (int)s.len, s.ptr, err.message);
    fuzz_require(config != NULL, "the configuration is sound");
    return config;
}

static struct mox_config *take_config(struct bytes *b)
{
    struct buffer rules[ARRAY_LEN(lists)] = {{0}}, text = {0};
    const char *block = NULL;
    struct mox_config *config;

    for (size_t i = 0; i < RULES && b->at < b->end; i++)
        take_rule(rules, b);
    put(&text, "Transports:\n\tfour:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n\tno: nil\n");
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct slice list = buffer_slice(&rules[i]);

        if (list.len == 0)
            continue;
        if (lists[i].block != NULL && (block == NULL || strcmp(block, lists[i].block) != 0))
            put(&text, "%s:\n", block = lists[i].block);
        if (lists[i].name != NULL)
            put(&text, "\t%s:\n", lists[i].name);
        indent(&text, lists[i].depth);
        put(&text, "Routes:\n");
        fuzz_require(buffer_append(&text, list.ptr, list.len) == MOX_OK, "there is memory");
        buffer_free(&rules[i]);
    }
    config = open_text(&text);
    buffer_free(&text);
    return config;
}

/* Three bytes: sender, recipient, and the rest. */
static void take_envelope(struct envelope *e, struct bytes *b)
{
    uint8_t from = take(b), to = take(b), rest = take(b);

    *e = (struct envelope){.envelope = {.size = sizeof e->envelope}};
    put(&e->from, "%s", (from & 0x20) != 0 ? "u@x@" : "");
    put_name(&e->from, from, "B\xc3\x9c");
    put(&e->from, "%s", (from & 0xe3) == 0x20 ? "[192.0.2.1]" : "");
    put(&e->to, "%s", (to & 0x20) != 0 ? "u@" : "");
    put_name(&e->to, to, "XN--B-EHA");
    put(&e->to, "%s", (to & 0xe3) == 0x20 ? "[IPv6:2001:db8::1]" : "");
    fuzz_require(buffer_append(&e->from, "", 1) == MOX_OK && buffer_append(&e->to, "", 1) == MOX_OK,
                 "there is memory");
    e->envelope.from = e->from.ptr;
    e->envelope.to = e->to.ptr;
    e->envelope.account = accounts[rest % ARRAY_LEN(accounts)];
    e->envelope.attempts = rest >> 4;
}

/* Bits 6 and 7 of the first byte: whether the MX hosts are known, and the time. */
static void put_facts(struct mox_envelope *envelope, uint8_t facts)
{
    static const char *const mx[] = {"a.mx.example", "MX.Example."};

    if ((facts & 0x40) != 0) {
        envelope->mx = mx;
        envelope->nmx = ARRAY_LEN(mx);
    }
    if ((facts & 0x80) != 0) {
        envelope->unix_s = 1700000000;
        envelope->utc_offset_s = 3600;
    }
}

struct walk {
    struct mox_route route; /* of the last step */
    uint32_t needs;         /* of the steps before a match */
    int steps;
    bool matched;
};

static void take_step(void *arg, const struct mox_route_step *step)
{
    struct walk *w = arg;

    fuzz_require(!w->matched, "the match comes last");
    fuzz_require((step->matched != 0) == (step->failed == NULL), "a match has no failed condition");
    fuzz_require(step->text[0] != '\0', "a step has words");
    w->needs |= step->matched ? 0 : step->route.needs;
    w->route = step->route;
    w->matched = step->matched != 0;
    w->steps++;
}

static void check_envelope(const struct mox_config *config, const struct mox_envelope *envelope)
{
    static const struct mox_route none = {.index = -1, .families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6};
    struct walk walk = {.steps = 0};
    struct mox_error each_err = {0}, err = {0};
    struct mox_route route;
    int each = mox_route_each(config, envelope, take_step, &walk, &each_err);
    int status = mox_route_lookup(config, envelope, &route, &err);
    const struct mox_route *wanted = walk.matched ? &walk.route : &none;

    if (status != (each < 0 ? each : MOX_OK) || route.line != wanted->line)
        fprintf(stderr, "from \"%s\" to \"%s\" attempts %u: %d line %d, not %d line %d\n",
                envelope->from, envelope->to, (unsigned)envelope->attempts, status, (int)route.line,
                each, (int)wanted->line);
    fuzz_require(status == (each < 0 ? each : MOX_OK), "both ways come to the same end");
    fuzz_require(strcmp(err.message, each_err.message) == 0, "both ways say the same of it");
    if (each < 0)
        return;
    fuzz_require(each == walk.steps, "each route considered is told");
    fuzz_require(route.transport == wanted->transport && route.file == wanted->file &&
                     route.kind == wanted->kind && route.scope == wanted->scope &&
                     route.index == wanted->index && route.line == wanted->line &&
                     route.families == wanted->families && route.prefer == wanted->prefer &&
                     route.needs == walk.needs && (!walk.matched || wanted->needs == walk.needs) &&
                     route.limited == wanted->limited,
                 "the index finds the route that is the first to match");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes b = {data, data + size};
    struct envelope envelopes[ENVELOPES];
    uint8_t first = take(&b);
    size_t n = 1 + first % ENVELOPES;
    struct mox_config *config;

    for (size_t i = 0; i < n; i++) {
        take_envelope(&envelopes[i], &b);
        put_facts(&envelopes[i].envelope, first);
    }
    config = take_config(&b);
    for (size_t i = 0; i < n; i++) {
        check_envelope(config, &envelopes[i].envelope);
        buffer_free(&envelopes[i].from);
        buffer_free(&envelopes[i].to);
    }
    mox_config_free(config);
    return 0;
}
