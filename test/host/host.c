/*
 * host.c - a mail server that has functions of our names, which do other things. Linked with
 * libmoxdial.a it must keep its own, and the library must not call them.
 */
#include <stdio.h>
#include <string.h>

#include <moxdial.h>

int smtp_session_start(void);
int dns_query_build(void);
int route_index_build(void);
int buffer_append(void);
int error_set(void);
void *arena_new(void);

static int called; /* how often anyone called the host's functions */

int smtp_session_start(void)
{
    return called += 1;
}

int dns_query_build(void)
{
    return called += 2;
}

int route_index_build(void)
{
    return called += 4;
}

int buffer_append(void)
{
    return called += 8;
}

int error_set(void)
{
    return called += 16;
}

void *arena_new(void)
{
    called += 32;
    return NULL;
}

static const char config_text[] = "Transports:\n"
                                  "\tipv4only:\n"
                                  "\t\tDirect:\n"
                                  "\t\t\tDisableIPv6: true\n"
                                  "Routes:\n"
                                  "\t-\n"
                                  "\t\tToDomain:\n"
                                  "\t\t\t- example.org\n"
                                  "\t\tTransport: ipv4only\n";

/* A configuration, a route, an error: they need arenas, buffers, the index and error_set. */
static int library_works(void)
{
    struct mox_error err = {0};
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "info@example.org"};
    struct mox_route route = {0};
    struct mox_config *config = mox_config_parse(config_text, strlen(config_text), &err);
    int works = config != NULL && mox_route_lookup(config, &envelope, &route, &err) == MOX_OK &&
                route.transport != NULL && strcmp(route.transport, "ipv4only") == 0 &&
                route.families == MOX_ALLOW_IPV4;

    mox_config_free(config);
    return works && mox_config_parse("Nonsense", 8, &err) == NULL && err.code == MOX_E_CONFIG;
}

int main(void)
{
    if (!library_works()) {
        fputs("host: the library does not work beside the host's functions\n", stderr);
        return 1;
    }
    if (called != 0) {
        fprintf(stderr, "host: the library called the host's functions (%d)\n", called);
        return 1;
    }
    if (smtp_session_start() + dns_query_build() + route_index_build() + buffer_append() +
            error_set() !=
        1 + 3 + 7 + 15 + 31)
        return 1;
    return arena_new() == NULL && called == 63 ? 0 : 1;
}
