/*
 * socks_proxy.h - the stream to a SOCKS proxy that is kept in memory.
 */
#ifndef SOCKS_PROXY_H
#define SOCKS_PROXY_H

#include "base/buffer.h"
#include "stream/stream.h"

enum { SOCKS_ROUNDS = 3 };

struct socks_round {
    struct slice heard, said; /* by the proxy; all of `heard`, then all of `said` */
};

/* Whether the last one was closed, and how. */
struct socks_proxy_end {
    bool closed, quietly;
};

struct socks_proxy {
    struct stream stream; /* first */
    const struct socks_round *rounds;
    size_t piece;    /* bytes at most in one call; after each call one would block */
    int open_status; /* what opened gives, at its second call */
    int end;         /* what read gives behind the last round */
    int want_status; /* of want */
    struct buffer heard;
    size_t read_at; /* bytes of all that is said that were read */
    unsigned opens;
    bool blocked;
    int wanted, failure;
    struct socks_proxy_end *closing; /* borrowed */
};

/* rounds: SOCKS_ROUNDS of them, borrowed. It is ready to be opened, and frees itself in close. */
struct socks_proxy *socks_proxy_new(const struct socks_round *rounds, size_t piece,
                                    struct socks_proxy_end *end);

/* From now on its failures have words, of the code `failure`. */
void socks_proxy_give_words(struct socks_proxy *p);

#endif
