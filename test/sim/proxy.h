/*
 * proxy.h - SOCKS5 proxies (RFC 1928, RFC 1929), kind and unkind. A request by name is a fault of
 * the world: the library never sends one.
 */
#ifndef SIM_PROXY_H
#define SIM_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_stream;

enum { PROXY_PORT = 1080 };

enum proxy_fault {
    PROXY_WORKS = 0,
    PROXY_NO_METHOD,  /* none of the methods will do */
    PROXY_NO_LOGIN,   /* the login is refused */
    PROXY_FORBIDS,    /* its rules do not allow it */
    PROXY_MUTE,       /* silence from the start */
    PROXY_MUTE_LATER, /* … behind the request */
    PROXY_BABBLES,    /* it speaks HTTP */
    PROXY_CLOSES,
    PROXY_FAULTS
};

struct proxy { /* of a place */
    bool wants_login;
    int fault; /* enum proxy_fault */
};

enum proxy_step { PROXY_NONE = 0, PROXY_GREETING, PROXY_LOGIN, PROXY_REQUEST, PROXY_CONNECTS };

struct proxy_way {         /* of a stream */
    int step;              /* PROXY_NONE: it goes to a server, or its proxy has connected */
    size_t taken;          /* bytes of the stream's out */
    bool proxied, pending; /* pending: a turn of it is due */
};

extern const char proxy_username[], proxy_password[];

void proxy_start(struct net_stream *s);
void proxy_take(struct net_stream *s);

#endif
