/*
 * wire_world.h - libmoxdial-redis with a server that is the test itself, on simulated time: it
 * reads what was asked and writes what it likes.
 */
#ifndef STORE_WIRE_WORLD_H
#define STORE_WIRE_WORLD_H

#include "store_world.h"

enum { US_PER_S = 1000000 };

enum question { ASK_GET, ASK_PUT, ASK_ADD, ASK_EACH };

struct wire_world {
    struct store_world store;
    int listener, server; /* server: our end of the connection; -1: none */
    int64_t now_us;
    struct ctx_store_op ops[4];
    int done;             /* of them */
    struct buffer listed; /* what each told: "key=value " */
};

extern struct wire_world wire;

void wire_setup(void);
void wire_teardown(void);
void wire_listen(void);
void wire_close_server(void);

/* The done of ops: counts. */
void wire_done(struct ctx_store_op *op);

/* Asks by ops[i], with a deadline that the clock of these tests does not reach. */
int wire_start(size_t i, enum question what);

/* All that can be done now is done. A socket of this kind has no delay. */
void wire_turn(void);

/* What the client has sent; valid until the next call. */
const char *wire_request(void);
void wire_reply(const char *text);
const char *wire_problem(void);

/* A good exchange, so that the connection is one that was heard. */
void wire_greet(void);

#endif
