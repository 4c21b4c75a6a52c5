/*
 * policy_delegation.h - the policy delegation protocol, as SMTPD_POLICY_README of Postfix has it:
 * lines "name=value" and an empty one.
 *
 * No I/O, no clock, no allocation. Postfix passes on what strangers say: values are any bytes but
 * line feeds and NUL, and must be cleaned before they go anywhere.
 */
#ifndef TOOLS_POLICY_DELEGATION_H
#define TOOLS_POLICY_DELEGATION_H

#include <stddef.h>

#include "error.h"

/* In the bytes they came in; "" where the request does not have it. */
struct delegation_request {
    const char *protocol_state, *client_address, *helo_name, *sender, *sasl_username, *instance;
};

/*
 * Takes one request from the front of bytes, which is changed where that was done. *used: set to
 * the bytes it had. MOX_OK; MOX_E_AGAIN: it is not all there; MOX_E_PROTOCOL: this is none;
 * MOX_E_LIMIT: it is too long.
 */
int delegation_take(char *bytes, size_t len, struct delegation_request *out, size_t *used,
                    struct mox_error *err);

/* Writes the answer, as snprintf would. Returns the bytes it has, without NUL. */
size_t delegation_write(const char *action, char *out, size_t cap);

#endif
