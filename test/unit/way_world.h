/*
 * way_world.h - what the tests of routes that hang on more than the envelope share: a world whose
 * store counts, and small configurations.
 */
#ifndef WAY_WORLD_H
#define WAY_WORLD_H

#include "dial_world.h"
#include "test/sim/fetch.h"

/* The clock of a world begins at 1700000005, Tue 22:13:25 UTC, and 23:13:25 in local time. */
#define KEY(list, transport, window) "mox1/vol/" list "/" transport "/" window
#define MINUTE_KEY KEY("global/-", "a", "60/28333333")
#define HOUR_KEY KEY("global/-", "a", "3600/472222")

/* a goes by IPv4, b by IPv6, as does what no route matches first. */
#define TRANSPORTS                                                                                 \
    "Transports:\n\ta:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n"                                    \
    "\tb:\n\t\tDirect:\n\t\t\tDisableIPv4: true\n"                                                 \
    "\tno:\n\t\tFail:\n\t\t\tSMTPCode: 554\n"                                                      \
    "\tsmart:\n\t\tSMTP:\n\t\t\tHost: smart.example\n\t\t\tNoSTARTTLS: true\n"
#define ROUTE(lines, transport) "\t-\n" lines "\t\tTransport: " transport "\n"
#define MX(host) "\t\tToMX:\n\t\t\t- " host "\n"
#define PER_MINUTE(n) "\t\tMaxPerMinute: " n "\n"
#define PER_HOUR(n) "\t\tMaxPerHour: " n "\n"
#define HOURS(text) "\t\tHours:\n\t\t\t- " text "\n"

/* dial_simple, with a store that works; a checked fixture with dial_teardown. The same anew. */
void way_setup(void);
void way_renew(void);

/* The world's configuration. */
void way_configure(const char *text);

/* The counter under that key; -1: nobody has asked for it. */
int64_t way_counted(const char *key);

struct way_request {
    struct mox_dial_request request;
    struct mox_envelope envelope;
};

/* For b@example.org, with the world's configuration. Returns r. */
struct way_request *way_ask(struct way_request *r);

#endif
