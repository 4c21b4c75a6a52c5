/* learned.c - see learned.h. */
#include "policy/learned.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/ip.h"
#include "base/text.h"
#include "policy/words.h"

enum { IPV6_NET = 8 /* bytes of a /64 */, DAY = 16 /* bytes of a day as text */ };

static_assert((int)LEARNED_KEY <= (int)MOX_LIMIT_STORE_KEY, "a key fits");
static_assert((int)LEARNED_VALUE <= (int)MOX_LIMIT_STORE_VALUE, "and so does its value");
static_assert(sizeof LEARNED_PREFIX + MOX_LIMIT_DOMAIN + 1 + MOX_LIMIT_IP_TEXT + 2 < LEARNED_KEY,
              "prefix, host, address and family");

void learned_key(char key[LEARNED_KEY], const char *host, const struct mox_ip *source, int family)
{
    struct mox_ip net = *source;
    char ip[MOX_LIMIT_IP_TEXT];
    struct text t = text_to(key, LEARNED_KEY);

    net.scope = 0;
    if (net.family == MOX_IPV6)
        memset(net.bytes + IPV6_NET, 0, sizeof net.bytes - IPV6_NET);
    mox_ip_format(&net, ip, sizeof ip);
    text_slice(&t, slice_of(LEARNED_PREFIX));
    text_slice(&t, slice_of(host));
    text_char(&t, '/');
    text_slice(&t, slice_of(ip));
    text_slice(&t, slice_of(family == MOX_IPV6 ? "/6" : "/4"));
}

bool learned_read_key(const char *key, struct learned_name *out)
{
    struct slice rest = slice_of(key);
    struct mox_ip ip;

    *out = (struct learned_name){0};
    if (!slice_starts(rest, LEARNED_PREFIX) || rest.len >= LEARNED_KEY)
        return false;
    rest = slice_sub(rest, sizeof LEARNED_PREFIX - 1, rest.len);
    out->host = slice_sub(rest, 0, slice_find(rest, '/'));
    rest = slice_sub(rest, out->host.len + 1, rest.len);
    out->source = slice_sub(rest, 0, slice_find(rest, '/'));
    rest = slice_sub(rest, out->source.len + 1, rest.len);
    out->family = slice_is(rest, "6") ? MOX_IPV6 : slice_is(rest, "4") ? MOX_IPV4 : 0;
    return out->family != 0 && out->host.len > 0 && ip_parse_plain(out->source, &ip) == MOX_OK;
}

/* Takes the number, and the blank behind it, off the text. */
static bool take_number(struct slice *text, uint64_t max, uint64_t *out)
{
    size_t end = slice_find(*text, ' ');

    if (!slice_number(slice_sub(*text, 0, end), max, out))
        return false;
    *text = slice_sub(*text, end + 1, text->len);
    return true;
}

static bool is_possible(uint64_t time_s, int64_t now_s)
{
    return now_s >= 0 && time_s <= (uint64_t)now_s + LEARNED_SKEW_S;
}

bool learned_read(struct slice value, int64_t now_s, struct learned_entry *out)
{
    uint64_t accepted, refused, refusals;

    *out = (struct learned_entry){0};
    if (!take_number(&value, INT64_MAX, &accepted) || !take_number(&value, INT64_MAX, &refused) ||
        !take_number(&value, UINT32_MAX, &refusals) || !is_possible(accepted, now_s) ||
        !is_possible(refused, now_s))
        return false;
    out->accepted_s = (int64_t)accepted;
    out->refused_s = (int64_t)refused;
    out->refusals = (uint32_t)refusals;
    slice_clean(value, false, out->reply, sizeof out->reply);
    return true;
}

size_t learned_write(const struct learned_entry *entry, char value[LEARNED_VALUE])
{
    struct text t = text_to(value, LEARNED_VALUE);

    text_add(&t, "%" PRId64 " %" PRId64 " %" PRIu32 " %s", entry->accepted_s, entry->refused_s,
             entry->refusals, entry->reply);
    return t.len;
}

bool learned_avoided(const struct learned_entry *entry, int64_t now_s)
{
    return entry->refused_s > entry->accepted_s && now_s - entry->refused_s < LEARNED_AVOID_S;
}

static int64_t later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void learned_accepted(struct learned_entry *entry, int64_t now_s)
{
    entry->accepted_s = later_of(now_s, later_of(entry->accepted_s, entry->refused_s));
}

static void add_refusals(struct learned_entry *entry, int64_t now_s, uint32_t count)
{
    entry->refused_s = later_of(now_s, later_of(entry->accepted_s + 1, entry->refused_s));
    entry->refusals = count > UINT32_MAX - entry->refusals ? UINT32_MAX : entry->refusals + count;
}

void learned_refused(struct learned_entry *entry, int64_t now_s, const struct mox_error *reply)
{
    struct text t = text_to(entry->reply, sizeof entry->reply);

    add_refusals(entry, now_s, 1);
    text_add(&t, "%d ", (int)reply->smtp_code);
    policy_words_line(reply->reply, t.buf + t.len, t.cap - t.len);
}

static void add_acceptance(struct learned_entry *entry, const struct learned_entry *news)
{
    if (news->accepted_s != 0)
        learned_accepted(entry, news->accepted_s);
}

static void add_refusal(struct learned_entry *entry, const struct learned_entry *news)
{
    if (news->refusals == 0)
        return;
    add_refusals(entry, news->refused_s, news->refusals);
    memcpy(entry->reply, news->reply, sizeof entry->reply);
}

bool learned_add(struct learned_entry *entry, const struct learned_entry *news)
{
    bool clears = entry->refused_s > entry->accepted_s;
    bool stale = news->accepted_s - entry->accepted_s >= LEARNED_WRITE_S;

    if (news->refused_s > news->accepted_s) {
        add_acceptance(entry, news);
        add_refusal(entry, news);
    } else {
        add_refusal(entry, news);
        add_acceptance(entry, news);
    }
    return news->refusals > 0 || (news->accepted_s != 0 && (clears || stale));
}

/* Of UTC; empty where the calendar ends. */
static const char *day_of(int64_t unix_s, char out[DAY])
{
    time_t time = (time_t)unix_s;
    struct tm utc;

    out[0] = '\0';
    if (gmtime_r(&time, &utc) != NULL)
        strftime(out, DAY, "%Y-%m-%d", &utc);
    return out;
}

void learned_why(const struct learned_entry *entry, int family, char out[LEARNED_WHY])
{
    struct text t = text_to(out, LEARNED_WHY);
    char day[DAY], probe[DAY];

    text_add(&t, "%s was refused on %s%s%s; tried again after %s",
             family == MOX_IPV6 ? "IPv6" : "IPv4", day_of(entry->refused_s, day),
             entry->reply[0] == '\0' ? "" : ": ", entry->reply,
             day_of(entry->refused_s + LEARNED_AVOID_S, probe));
}
