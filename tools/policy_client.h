/*
 * policy_client.h - one connection to `moxdial policy`: requests in, answers out in their order.
 *
 * A client that does not take its answers is not read from; one whose question needs DNS is not
 * either, until it is answered.
 */
#ifndef TOOLS_POLICY_CLIENT_H
#define TOOLS_POLICY_CLIENT_H

#include "policy_server.h"

enum policy_protocol { POLICY_UNKNOWN = 0, POLICY_SPEAKS_SOCKETMAP, POLICY_SPEAKS_DELEGATION };

struct policy_check; /* see policy_check.h */

struct policy_bytes {
    char *ptr;           /* owned; NULL: cap is 0 */
    size_t at, len, cap; /* what is to be done lies from at to len */
};

struct policy_client {
    struct policy_server *server;
    struct policy_client *older, *newer;
    struct policy_client *next_waiting;
    int fd, interest; /* MOX_READ, MOX_WRITE */
    enum policy_protocol protocol;
    bool ended;   /* it will say no more */
    bool waiting; /* for a check of SPF */
    uint64_t asked_s;
    struct policy_bytes in, out;
    struct policy_check *check; /* owned; NULL: it has never asked for one */
};

/* Takes fd. Without memory it is closed. */
void policy_client_open(struct policy_server *server, int fd);
void policy_client_close(struct policy_client *client);

/* Its check is done: the action is the answer to what it asked, and it may ask on. */
void policy_client_answer(struct policy_client *client, const char *action);

#endif
