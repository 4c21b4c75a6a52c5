/*
 * place.h - where the server is: the path of a socket, or a host's addresses, looked up once.
 */
#ifndef REDIS_PLACE_H
#define REDIS_PLACE_H

#include <sys/socket.h>

#include <moxdial/base.h>

enum { PLACE_ADDRESSES = 8, PLACE_NAME = 300 };

struct place {
    char name[PLACE_NAME]; /* as given, for errors */
    size_t n;
    struct sockaddr_storage address[PLACE_ADDRESSES];
    socklen_t len[PLACE_ADDRESSES];
};

/*
 * From "host:port", "[2001:db8::6]:6379" or a path. It blocks while a host name is looked up.
 * MOX_OK; MOX_E_INVAL: no such form; MOX_E_STORE: no address; MOX_E_NOMEM.
 */
int place_find(struct place *place, const char *server, struct mox_error *err);

#endif
