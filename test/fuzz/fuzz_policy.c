/*
 * fuzz_policy.c - what a mail server, and through it a stranger, says to `moxdial policy`. The
 * first byte tells the protocols apart as the server does. Cut or whole, the same is taken; the
 * strings lie in the bytes that were taken; what Postfix is told is one line of printable ASCII.
 */
#include <string.h>

#include "fuzz.h"
#include "tools/policy_delegation.h"
#include "tools/policy_limits.h"
#include "tools/policy_socketmap.h"
#include "tools/policy_spf.h"

enum { MOST = POLICY_DELEGATION + 64, CUTS = 64 };

struct taken {
    struct socketmap_request map;
    struct delegation_request policy;
};

static int take(bool netstring, char *bytes, size_t len, struct taken *out, size_t *used)
{
    struct mox_error err = {0};
    int status = netstring ? socketmap_take(bytes, len, &out->map, used, &err)
                           : delegation_take(bytes, len, &out->policy, used, &err);

    fuzz_require(status == MOX_OK || status == MOX_E_AGAIN || err.message[0] != '\0',
                 "a failure has words");
    fuzz_require(status != MOX_OK || *used > 0, "a request has bytes");
    return status;
}

static void check_string(const char *text, const char *bytes, size_t used)
{
    fuzz_require(*text == '\0' || (text > bytes && text + strlen(text) < bytes + used),
                 "a string lies in its request");
}

static void check_action(const struct delegation_request *asked)
{
    struct policy_spf_case about = {.client = {.family = MOX_IPV4},
                                    .helo = asked->helo_name,
                                    .sender = asked->sender,
                                    .receiver = "us.example"};
    struct mox_spf_result result = {0};
    char out[POLICY_ANSWER];

    snprintf(result.mechanism, sizeof result.mechanism, "%s", asked->helo_name);
    for (result.result = MOX_SPF_NONE; result.result <= MOX_SPF_PERMERROR; result.result++) {
        policy_spf_action(POLICY_SPF_MARK, &about, &result, out);
        fuzz_require(strlen(out) <= POLICY_HEADER, "a header is bounded");
        for (const char *at = out; *at != '\0'; at++)
            fuzz_require(*at >= ' ' && *at <= '~', "an action is one line of printable ASCII");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char bytes[MOST + 1];
    bool netstring = size > 0 && data[0] >= '0' && data[0] <= '9';
    struct taken whole, cut;
    size_t used, cut_used;
    int status;

    if (size == 0 || size > MOST)
        return -1;
    for (size_t len = size > CUTS ? size - CUTS : 0; len < size; len++) {
        memcpy(bytes, data, size);
        if (take(netstring, bytes, len, &cut, &cut_used) == MOX_E_AGAIN)
            fuzz_require(memcmp(bytes, data, size) == 0, "what waits is not changed");
    }
    memcpy(bytes, data, size);
    status = take(netstring, bytes, size, &whole, &used);
    fuzz_require(used <= size, "no more is taken than is there");
    if (status != MOX_OK)
        return 0;
    if (netstring) {
        check_string(whole.map.map, bytes, used);
        check_string(whole.map.key, bytes, used);
    } else {
        check_string(whole.policy.sender, bytes, used);
        check_string(whole.policy.helo_name, bytes, used);
        check_action(&whole.policy);
    }
    memcpy(bytes, data, size); /* cut right behind it, it is the same */
    fuzz_require(take(netstring, bytes, used, &cut, &cut_used) == MOX_OK && cut_used == used,
                 "what follows does not matter");
    memcpy(bytes, data, size);
    fuzz_require(take(netstring, bytes, used - 1, &cut, &cut_used) == MOX_E_AGAIN,
                 "a byte less is not all of it");
    return 0;
}
