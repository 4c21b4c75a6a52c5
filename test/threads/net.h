/*
 * net.h - a network and a DNS in memory, for one context: every host has an address of each family,
 * and a server at it that says yes.
 */
#ifndef NET_H
#define NET_H

#include <moxdial.h>

struct net { /* of one thread, as its context is */
    struct mox_ctx *ctx;
    int streams; /* open now */
    int quits;   /* said to a server */
};

/* A context over it; NULL: no memory. */
struct mox_ctx *net_open(struct net *net);

#endif
