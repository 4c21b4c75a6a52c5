/*
 * fuzz_sts.c - MTA-STS: the first byte says what the rest is: 'r', TXT records, a NUL between them;
 * 'v', what a store has kept; all else, a policy.
 */
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "fuzz.h"
#include "lookup/sts_value.h"
#include "policy/sts.h"

static const struct slice empty = {"", 0};

static void check_records(struct slice text)
{
    enum { MOST = 8 };
    struct slice texts[MOST] = {empty};
    char id[STS_ID + 1] = "", again[STS_ID + 1] = "";
    size_t n = 0;
    enum sts_record_result result;

    while (n < MOST && text.len > 0) {
        size_t end = slice_find(text, '\0');

        texts[n++] = slice_sub(text, 0, end);
        text = slice_sub(text, end + 1, text.len);
    }
    result = sts_record_read(texts, n, id);
    fuzz_require((result == STS_RECORD_OK) == (id[0] != '\0'), "an id comes with a record alone");
    if (result != STS_RECORD_OK)
        return;
    fuzz_require(sts_is_id(slice_of(id)), "an id is letters and digits");
    texts[n == MOST ? 0 : n] = empty;
    fuzz_require(sts_record_read(texts, n == MOST ? MOST : n + 1, again) <= STS_RECORD_ABSENT,
                 "what is no record of ours changes nothing");
}

static void check_mx(const struct sts_policy *policy)
{
    for (const char *const *mx = policy->mx; *mx != NULL; mx++) {
        char host[MOX_LIMIT_DOMAIN + 3] = "a";
        bool wildcard = (*mx)[0] == '*';

        for (const char *p = *mx; *p != '\0'; p++)
            fuzz_require(*p > ' ' && *p < 0x7f && slice_lower(*p) == *p,
                         "a pattern is lower-case ASCII");
        strcat(host, wildcard ? *mx + 1 : "");
        fuzz_require(sts_policy_allows(policy, wildcard ? host : *mx),
                     "a pattern allows the host it names");
    }
}

static void check_policy(struct slice text)
{
    struct sts_policy policy, again;
    struct arena arena = {0};
    struct mox_error err = {0};
    int status = sts_policy_read(text, &policy, &arena, &err);

    fuzz_require(status == MOX_OK || (status == MOX_E_PROTOCOL && err.message[0] != '\0'),
                 "a policy is taken, or refused in words");
    if (status == MOX_OK) {
        fuzz_require(policy.max_age_s <= MOX_LIMIT_STS_AGE, "max_age is bounded");
        fuzz_require(policy.mode == STS_NONE || policy.mx[0] != NULL, "there is an mx");
        check_mx(&policy);
        fuzz_require(sts_policy_read(slice_of(policy.text), &again, &arena, NULL) == MOX_OK &&
                         again.mode == policy.mode && again.max_age_s == policy.max_age_s,
                     "what is kept of the text reads as the text");
        fuzz_require(strcmp(again.text, policy.text) == 0, "and is kept as it is");
    }
    arena_free(&arena);
}

static void check_value(struct slice text)
{
    struct sts_value value;

    if (!sts_value_read(text, &value))
        return;
    fuzz_require(value.id.len == 0 ? value.policy.len == 0
                                   : sts_is_id(value.id) && value.policy.len > 0,
                 "a value has an id and a policy, or neither");
    fuzz_require(value.id.len + value.policy.len < text.len, "parts of it");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text;

    if (size < 1 || size > MOX_LIMIT_STS_POLICY)
        return -1;
    text = (struct slice){(const char *)data + 1, size - 1};
    if (data[0] == 'r')
        check_records(text);
    else if (data[0] == 'v')
        check_value(text);
    else
        check_policy(text);
    return 0;
}
