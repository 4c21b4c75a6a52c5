/*
 * policy_limits.h - every bound of `moxdial policy`, with unit and reason.
 */
#ifndef TOOLS_POLICY_LIMITS_H
#define TOOLS_POLICY_LIMITS_H

enum {
    POLICY_CLIENTS = 4096,          /* at once; far over the processes a mail server has */
    POLICY_LISTENERS = 64,          /* sockets listened at */
    POLICY_BACKLOG = 512,           /* connections that wait to be accepted */
    POLICY_ACCEPTS = 64,            /* taken in a row, before who is here gets its turn */
    POLICY_SOCKETMAP = 10 << 10,    /* bytes of a netstring; an address and a name of a map */
    POLICY_DELEGATION = 64 << 10,   /* bytes of a request; certificates' subjects are in it */
    POLICY_FIRST_BYTES = 2 << 10,   /* of a client's buffers; a larger one is given back */
    POLICY_OUTPUT = 16 << 10,       /* bytes not taken by a client; then it is asked no more */
    POLICY_ANSWER = 1024,           /* bytes of one answer, and NUL */
    POLICY_REPLY_WORDS = 400,       /* bytes of a refusal; RFC 5321 4.5.3.1.5 has 512 a line */
    POLICY_HEADER = 900,            /* bytes of Received-SPF; RFC 5322 2.1.1 has 998 a line */
    POLICY_INSTANCE = 64,           /* bytes of a message's name, and NUL; a longer one is none */
    POLICY_IDLE_S = 3600,           /* Postfix keeps connections, for 1000 s at most as it is */
    POLICY_CHECKS = 256,            /* SPF checks at once; more wait in order */
    POLICY_TICK_US = 1000000,       /* between looks at the files and at idle clients */
    POLICY_LOG_INTERVAL_S = 60,     /* between two lines of what may be said at any moment */
    POLICY_HAIRPIN_INTERVAL_S = 600 /* between two lines about the same misconfigured network */
};

#endif
