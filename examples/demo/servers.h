/*
 * servers.h - the other side of the demo: a DNS server and three SMTP servers on loopback.
 *
 * Nothing of the library is in here, so what these servers count is the word of an independent
 * witness. They run in the caller's own wait: no thread, nothing shared.
 */
#ifndef DEMO_SERVERS_H
#define DEMO_SERVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "secure.h"
#include "zone.h"

enum { SERVERS_CLIENTS = 8, SERVERS_LINE = 512, SERVERS_HEARD = 128 };

/* What a server does: refuses all; takes mail in clear; offers STARTTLS, and in TLS a login. */
enum servers_kind { SERVERS_REFUSING, SERVERS_PLAIN, SERVERS_SECURE };

struct servers_client {
    int fd; /* -1: free */
    enum servers_kind kind;
    struct secure_session *session; /* NULL: in clear */
    bool heard_in_tls;
    unsigned len; /* bytes in line */
    char line[SERVERS_LINE];
};

/* What was asked for and who came, since the caller last zeroed it. */
struct servers_seen {
    struct zone_seen questions;
    unsigned ipv6, ipv4;       /* connects */
    char heard[SERVERS_HEARD]; /* by SERVERS_SECURE: its commands, [TLS] before the first in TLS */
};

struct servers {
    int dns, ipv6, ipv4, tls; /* listening; -1: not open */
    uint16_t dns_port;
    uint16_t smtp_port; /* of ipv6 (refusing) and ipv4 (plain), the same as port 25 is */
    uint16_t tls_port;
    const struct secure *secure;
    struct servers_seen seen;
    struct servers_client clients[SERVERS_CLIENTS];
};

/* The one login that is let in, as AUTH PLAIN says it: base64 of NUL, name, NUL, password. */
extern const char servers_login[];

/* Opens all of them, on free ports. Without IPv6 on loopback, ipv6 stays -1. secure: borrowed until
 * servers_stop. false: see errno. */
bool servers_start(struct servers *servers, const struct secure *secure);

/*
 * Serves until fd can be read (true) or the time is over (false). fd -1: until nothing has happened
 * for timeout_ms; timeout_ms -1: for ever.
 */
bool servers_serve(struct servers *servers, int fd, int timeout_ms);

void servers_stop(struct servers *servers);

#endif
