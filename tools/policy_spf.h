/*
 * policy_spf.h - what a result of SPF is for Postfix: an action of access(5), with the header of
 * RFC 7208 section 9.1 or the code of RFC 7372.
 */
#ifndef TOOLS_POLICY_SPF_H
#define TOOLS_POLICY_SPF_H

#include <stdbool.h>
#include <stddef.h>

#include <moxdial.h>

enum policy_spf_mode {
    POLICY_SPF_REJECT = 0, /* a fail is refused, a temperror put off */
    POLICY_SPF_MARK,       /* the header alone */
    POLICY_SPF_OFF         /* not even asked */
};

/* Whom it was about: strangers' words, which are cleaned here. */
struct policy_spf_case {
    struct mox_ip client; /* as seen on the connection */
    const char *helo, *sender, *receiver;
};

/* Writes the action, one line of printable ASCII, at most POLICY_ANSWER bytes with its NUL. */
void policy_spf_action(enum policy_spf_mode mode, const struct policy_spf_case *about,
                       const struct mox_spf_result *result, char *out);

/* The action where the check could not be made at all. */
const char *policy_spf_unable(enum policy_spf_mode mode);

/* Whether no client on the Internet has this address. */
bool policy_is_private(const struct mox_ip *ip);

#endif
