/*
 * tls_world.h - a TLS stream of ours over a wire in memory, at whose other end stands a server, or
 * bytes that a test wrote.
 */
#ifndef TLS_WORLD_H
#define TLS_WORLD_H

#include "ctx_world.h"
#include "stream/tls.h"
#include "test/sim/tls_server.h"

struct wire {                    /* the stream below */
    struct stream stream;        /* first */
    struct tls_session *session; /* NULL: raw bytes */
    const unsigned char *raw;    /* with a session: comes right behind its next words */
    size_t raw_len;
    size_t chunk;                /* bytes that a read or write takes at most; 0: all there are */
    bool drips;                  /* every other read and write has to wait */
    bool cut;                    /* the end of the data behind what is there */
    int read_fails, write_fails; /* what they say instead; MOX_OK: nothing */
    int wanted;                  /* the last interest */
    int told;                    /* calls of the owner's ready, and what the last one said */
    int told_events;
    bool waited, closed, quietly;
    size_t written, read; /* bytes */
    size_t writes, reads; /* calls: writes that moved some, reads in any case */
};

struct tls_world { /* all zero: closed */
    struct ctx_world world;
    struct credential *root, *credential;
    struct tls_server *server;
    uint64_t servers;
    struct wire wire;
    struct stream *stream; /* NULL: none open */
    char heard[1 << 17];   /* by the server */
    size_t nheard;
};

/* A context, and a server by these options; credential is filled in: of the key, for mx.example. */
void tls_world_open(struct tls_world *w, enum authority_key key,
                    const struct tls_server_options *options);
void tls_world_close(struct tls_world *w);

/* Another server, with the same credential. */
void tls_world_renew(struct tls_world *w, const struct tls_server_options *options);

/* Opens a stream to a new session of the server; what tls_open says. key: NULL or TLS_KEY bytes. */
int tls_world_start(struct tls_world *w, const unsigned char *key);

/* The same to bytes, behind which nothing comes. */
int tls_world_start_raw(struct tls_world *w, const void *bytes, size_t len);

/* Goes on until `opened` says something, or nothing moves any more: MOX_E_AGAIN. */
int tls_world_shake(struct tls_world *w);

/* Start and shake. */
int tls_world_connect(struct tls_world *w, const unsigned char *key);

/* The server takes in what is on the wire. */
void tls_world_serve(struct tls_world *w);

/* Reads until something else than MOX_OK; the bytes in out, their number in *n. */
int tls_world_read(struct tls_world *w, char *out, size_t cap, size_t *n);

/* Writes all of it, whatever it takes. */
void tls_world_write(struct tls_world *w, const char *bytes, size_t len);

/* Closes the stream, and the server's session. */
void tls_world_hang_up(struct tls_world *w);

/* What the stream says of its failure; lives until the next call. */
const char *tls_world_failure(const struct tls_world *w);

extern const unsigned char tls_world_key[TLS_KEY];

/* What a test keeps with a session. */
struct tls_proof tls_world_proof(void);

#endif
