/* answers.h - DNS by callback: bench.example has one MX host, mx.bench.example, with one address.
 */
#ifndef BENCH_ANSWERS_H
#define BENCH_ANSWERS_H

#include <stdint.h>

#include <moxdial.h>

enum { ANSWERS_TLSA = 8 /* records at most */, ANSWER_MAX = 640 };

struct answer {
    unsigned char wire[ANSWER_MAX];
    size_t len;
};

struct answers { /* made once: the same questions come again and again */
    struct answer mx, a, aaaa, tlsa;
    uint32_t flags; /* MOX_DNS_ bits */
};

/* tlsa: "3 1 1 HEX", of the host at this port; with any, all answers are proven. 0, or -1: one of
 * them cannot be read. */
int answers_make(struct answers *answers, const struct mox_ip *ip, unsigned long port,
                 const char *const *tlsa, size_t ntlsa);

/* As mox_dns_ops::query. */
int answers_give(const struct answers *answers, struct mox_ctx *ctx, uint64_t id, const char *name,
                 uint16_t type);

#endif
