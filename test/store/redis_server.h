/*
 * redis_server.h - a Redis of the tests' own, in a folder of its own: on a socket and on a port of
 * loopback. MOX_REDIS_SERVER names the program; without it there is none.
 */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct redis_server { /* all zero: none runs */
    pid_t pid;
    int log;          /* its standard output */
    char path[128];   /* of its socket */
    char address[32]; /* "127.0.0.1:PORT" */
    char port[8];
};

/* Returns when it is ready; false: there is no program, or it does not start. name: its socket. */
bool redis_server_start(struct redis_server *server, const char *name);

/* Again, where it was. */
bool redis_server_restart(struct redis_server *server);

void redis_server_kill(struct redis_server *server);

/* The one of all tests, which main starts and kills. */
struct redis_server *redis_server_shared(void);

#endif
