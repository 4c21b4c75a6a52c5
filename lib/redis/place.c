/* place.c - see place.h. */
#include "redis/place.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "apart/apart.h"

enum { HOST = 256, PORT_DIGITS = 5, PORT_MAX = 65535 };

static int set_path(struct place *place, const char *path, struct mox_error *err)
{
    struct sockaddr_un *address = (struct sockaddr_un *)&place->address[0];
    size_t len = strlen(path) + 1;

    if (len > sizeof address->sun_path || len < 3)
        return apart_fail(err, MOX_E_INVAL,
                          "store redis:%.200s: the path of a socket has 2 to %zu bytes", path,
                          sizeof address->sun_path - 1);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, len);
    place->len[0] = (socklen_t)sizeof *address;
    place->n = 1;
    return MOX_OK;
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    unsigned port = 0;

    if (digits == 0 || digits > PORT_DIGITS || text[digits] != '\0')
        return false;
    for (const char *c = text; *c != '\0'; c++)
        port = 10 * port + (unsigned)(*c - '0');
    return port > 0 && port <= PORT_MAX;
}

/* "host:6379" and "[::1]:6379", not "::1:6379", which may be an address too. */
static bool split(const char *server, char *host, const char **port)
{
    const char *colon = strrchr(server, ':');
    bool bracket = server[0] == '[';
    size_t len = colon == NULL ? 0 : (size_t)(colon - server);

    if (len == 0 || (bracket && (len < 3 || server[len - 1] != ']')) || !is_port(colon + 1))
        return false;
    if (bracket) {
        server++;
        len -= 2;
    }
    if (len >= HOST || (memchr(server, ':', len) != NULL) != bracket)
        return false;
    memcpy(host, server, len);
    host[len] = '\0';
    *port = colon + 1;
    return true;
}

static int look_up(struct place *place, const char *host, const char *port, struct mox_error *err)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *found;
    int result = getaddrinfo(host, port, &hints, &found);

    if (result == EAI_MEMORY)
        return apart_nomem(err);
    if (result != 0)
        return apart_fail(
            err, MOX_E_STORE,
            "store redis:%s: its address cannot be found: %s; name an address, or see "
            "the system's DNS and hosts file",
            place->name, result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result));
    for (const struct addrinfo *a = found; a != NULL && place->n < PLACE_ADDRESSES;
         a = a->ai_next) {
        if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
            continue;
        memcpy(&place->address[place->n], a->ai_addr, a->ai_addrlen);
        place->len[place->n++] = a->ai_addrlen;
    }
    freeaddrinfo(found);
    if (place->n > 0)
        return MOX_OK;
    return apart_fail(err, MOX_E_STORE, "store redis:%s: it has no address", place->name);
}

int place_find(struct place *place, const char *server, struct mox_error *err)
{
    char host[HOST];
    const char *port;

    *place = (struct place){.n = 0};
    snprintf(place->name, sizeof place->name, "%s", server);
    if (server[0] == '/')
        return set_path(place, server, err);
    if (!split(server, host, &port))
        return apart_fail(
            err, MOX_E_INVAL,
            "store redis:%.200s: write redis:HOST:PORT, redis:[IPV6]:PORT or the path "
            "of a socket, which begins with a slash",
            server);
    return look_up(place, host, port, err);
}
