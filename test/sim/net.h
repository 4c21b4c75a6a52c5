/*
 * net.h - the network of a world: what happens to a connect, and streams to servers (server.h).
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "test/sim/mailbox.h"
#include "test/sim/server.h"
#include "test/sim/world.h"

enum net_fate {
    NET_UP = 0,
    NET_REFUSED,          /* after the time of a connect */
    NET_SILENT,           /* a black hole */
    NET_UNREACHABLE,      /* at once: ENETUNREACH */
    NET_LATE_UNREACHABLE, /* after the time of a connect: EHOSTUNREACH */
    NET_NO_FILES,         /* at once: EMFILE */
    NET_NO_PORTS,         /* at once */
    NET_BROKEN_OPS        /* at once: the ops say nonsense */
};

struct net_place { /* an address, and what is there */
    struct net_place *next;
    struct mox_ip ip;
    uint16_t port; /* 0: any */
    uint32_t ms;   /* of a connect */
    int fate;      /* enum net_fate */
    const struct server_profile *server;
    const struct secure *secure;   /* NULL: neither TLS nor AUTH */
    const struct mailbox *mailbox; /* NULL: it takes every message */
    const struct proxy *proxy;     /* at PROXY_PORT; NULL: no proxy */
};

enum { NET_CONNECT_MS = 10 };

struct net_stream {
    struct net_stream *next;
    struct world *w;
    uint64_t id;
    const struct net_place *place;       /* NULL: nothing is there */
    struct mox_ip remote, local, target; /* target: remote, or what is behind the proxy */
    uint16_t remote_port, local_port, target_port;
    int decided;    /* MOX_E_AGAIN: not yet; MOX_OK: connected; else why not */
    int wanted;     /* MOX_READ, MOX_WRITE: to be reported once */
    bool closed;    /* by the library */
    uint32_t dials; /* bits of those that may have made it */
    struct sim_moment begun, heard, over; /* connect; the library asked and heard how it ended (at
                                             0: never); close */
    bool eof, reset;                      /* by the server, behind what it said */
    bool reset_told;                      /* a system says it once; then it is an end of the data */
    bool full;                            /* the next write has to wait */
    struct sim_text in, out; /* what the server said and was not read; what the library sent */
    size_t read;             /* bytes of in that were read */
    struct sim_text clear;   /* what the library sent over TLS, as the server reads it */
    struct server_state server;
    struct mailbox_state mailbox;
    struct secure_state secure;
    struct proxy_way way;
};

struct mox_socket_ops net_ops(struct world *w);

/* The place of that address and port, made if it is not there. */
struct net_place *net_place(struct world *w, const struct mox_ip *ip, uint16_t port);

/* The place there; NULL: nothing is. */
const struct net_place *net_find_place(const struct world *w, const struct mox_ip *ip,
                                       uint16_t port);

/* Appends; always ends in NUL. */
void net_keep(struct net_stream *s, struct sim_text *text, const char *bytes, size_t len);

/* What the server does. */
void net_say(struct net_stream *s, const char *bytes, size_t len);
void net_hang_up(struct net_stream *s, bool reset);

/* Faults for streams that were not closed. */
void net_check(struct world *w);

/* The latest stream to that address; NULL: none. */
struct net_stream *net_find(struct world *w, const char *address);

#endif
