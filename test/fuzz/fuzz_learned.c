/*
 * fuzz_learned.c - the history as a shared store has it: the first byte says what the rest is: 'k',
 * a key; all else, a value.
 */
#include <string.h>

#include "fuzz.h"
#include "policy/learned.h"

enum { NOW = 1700000000, REFUSED = 550 };

static void check_key(struct slice text)
{
    char key[LEARNED_KEY + 8], again[LEARNED_KEY], host[LEARNED_KEY], ip[LEARNED_KEY];
    struct learned_name name, other;
    struct mox_ip source;

    if (text.len >= sizeof key || memchr(text.ptr, '\0', text.len) != NULL)
        return;
    memcpy(key, text.ptr, text.len);
    key[text.len] = '\0';
    if (!learned_read_key(key, &name))
        return;
    fuzz_require(name.host.len > 0 && memchr(name.host.ptr, '/', name.host.len) == NULL,
                 "a host is one word of the key");
    snprintf(host, sizeof host, "%.*s", (int)name.host.len, name.host.ptr);
    snprintf(ip, sizeof ip, "%.*s", (int)name.source.len, name.source.ptr);
    fuzz_require(mox_ip_parse(ip, &source) == MOX_OK, "a source is an address");
    if (name.host.len > MOX_LIMIT_DOMAIN)
        return;
    learned_key(again, host, &source, name.family);
    fuzz_require(learned_read_key(again, &other) && other.family == name.family &&
                     slice_equal(other.host, name.host),
                 "what a key is made of makes a key");
}

static void check_value(struct slice text)
{
    const struct mox_error reply = {.smtp_code = REFUSED, .reply = "no"};
    struct learned_entry entry, again, news = {0};
    char value[LEARNED_VALUE];
    size_t len;

    if (!learned_read(text, NOW, &entry)) {
        fuzz_require(entry.accepted_s == 0 && entry.refused_s == 0 && entry.refusals == 0,
                     "what is not ours says nothing");
        return;
    }
    fuzz_require(slice_utf8(slice_of(entry.reply)) == strlen(entry.reply), "a reply is UTF-8");
    for (const char *p = entry.reply; *p != '\0'; p++)
        fuzz_require(!slice_is_control(*p), "and has no control characters");
    fuzz_require(!learned_avoided(&entry, NOW + LEARNED_SKEW_S + LEARNED_AVOID_S),
                 "a family is avoided for a week at most");
    len = learned_write(&entry, value);
    fuzz_require(len < sizeof value && len == strlen(value), "an entry has a value");
    fuzz_require(learned_read(slice_of(value), NOW, &again) &&
                     memcmp(&again, &entry, sizeof entry) == 0,
                 "which reads as the entry");
    learned_refused(&news, NOW, &reply);
    fuzz_require(learned_add(&entry, &news) && learned_avoided(&entry, NOW),
                 "who is refused now is avoided");
    news = (struct learned_entry){0};
    learned_accepted(&news, NOW);
    fuzz_require(learned_add(&entry, &news) && !learned_avoided(&entry, NOW),
                 "and who is accepted now is not");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text;

    if (size < 1 || size > 4096)
        return -1;
    text = (struct slice){(const char *)data + 1, size - 1};
    if (data[0] == 'k')
        check_key(text);
    else
        check_value(text);
    return 0;
}
