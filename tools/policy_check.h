/*
 * policy_check.h - the checks of SPF that policy questions ask for.
 */
#ifndef TOOLS_POLICY_CHECK_H
#define TOOLS_POLICY_CHECK_H

#include "policy_client.h"
#include "policy_delegation.h"

/*
 * The action for a question, or NULL: policy_client_answer has it later. The same message asked for
 * again, for another recipient, gets the same answer, but no second header.
 */
const char *policy_check_ask(struct policy_client *client, const struct delegation_request *asked);

/* Starts what waits, outside of a dispatch. */
void policy_check_start_waiting(struct policy_server *server);

/* Of a client that goes. */
void policy_check_free(struct policy_client *client);

#endif
