/*
 * load.h - a world from text, a line for each thing, so that a test is a table of small worlds.
 *
 *   example.org MX 10 mx.example.org      a record; so with A, AAAA, CNAME, ...
 *   mx.example.org AAAA +ms=500 2001:db8::1
 *   mx.example.org A +lost                a set without a record, and its fate
 *   192.0.2.1 up ptr +ms=20               an address: its fate, the profile of its server
 *   mailbox 192.0.2.1 rcpt=550_5.1.1_no   what that server does from MAIL on (mailbox.h)
 *   machine 198.51.100.9                  the addresses of this machine, instead of the default
 *
 * Words of records: +ms=N, +ad, +lost, +servfail, +refused, +nxdomain, +garbage, +truncated,
 * +bogus, +timeout, +unaskable, +first (an alias whose answer stops there). Fates of addresses: up,
 * refused, silent, unreachable, late-unreachable, no-files, no-ports, broken; words: +ms=N,
 * +port=N. A line that begins with '#' says nothing. A line that makes no sense is a fault of the
 * world.
 */
#ifndef SIM_LOAD_H
#define SIM_LOAD_H

#include "test/sim/world.h"

void world_load(struct world *w, const char *text);

#endif
