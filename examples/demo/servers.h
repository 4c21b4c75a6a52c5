/*
 * servers.h - the other side of the demo: a DNS server and two SMTP servers on loopback.
 *
 * Nothing of the library is in here, so what these servers count is the word of an independent
 * witness. They run in the caller's own wait: no thread, nothing shared.
 */
#ifndef DEMO_SERVERS_H
#define DEMO_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

enum { SERVERS_CLIENTS = 8, SERVERS_LINE = 512 };

struct servers_client {
    int fd; /* -1: free */
    bool refused;
    unsigned len; /* bytes in line */
    char line[SERVERS_LINE];
};

/* What was asked for and who came, since the caller last zeroed it. */
struct servers_seen {
    unsigned mx, a, aaaa; /* DNS questions */
    unsigned ipv6, ipv4;  /* connects */
};

struct servers {
    int dns, ipv6, ipv4;          /* listening; -1: not open */
    uint16_t dns_port, smtp_port; /* the same SMTP port for both families, as port 25 is */
    struct servers_seen seen;
    struct servers_client clients[SERVERS_CLIENTS];
};

/* Opens all of them, on free ports. Without IPv6 on loopback, ipv6 stays -1. false: see errno. */
bool servers_start(struct servers *servers);

/*
 * Serves until fd can be read (true) or the time is over (false). fd -1: until nothing has happened
 * for timeout_ms; timeout_ms -1: for ever.
 */
bool servers_serve(struct servers *servers, int fd, int timeout_ms);

void servers_stop(struct servers *servers);

#endif
