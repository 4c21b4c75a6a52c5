/*
 * login.h - AUTH at the server's end (RFC 4954): each mechanism that the library has, and servers
 * that lie about it. What would be a fault of the client, like a channel binding that is not this
 * connection's, is a fault of the world.
 */
#ifndef SIM_LOGIN_H
#define SIM_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

struct net_stream;

enum login_mechanism { /* bits 1 << */
                       LOGIN_SCRAM_256_PLUS = 0,
                       LOGIN_SCRAM_256,
                       LOGIN_SCRAM_1_PLUS,
                       LOGIN_SCRAM_1,
                       LOGIN_CRAM_MD5,
                       LOGIN_PLAIN,
                       LOGIN_LOGIN,
                       LOGIN_OAUTHBEARER,
                       LOGIN_XOAUTH2,
                       LOGIN_MECHANISMS
};

enum login_fault {
    LOGIN_WORKS = 0,
    LOGIN_REFUSED,  /* 535 */
    LOGIN_LATER,    /* 454 */
    LOGIN_GOODBYE,  /* 421, and the end */
    LOGIN_CUT,      /* the connection ends */
    LOGIN_MUTE,     /* silence */
    LOGIN_EARLY,    /* 235 at once, whatever is to be proven */
    LOGIN_GARBAGE,  /* a challenge that is no base64 */
    LOGIN_FORGED,   /* SCRAM: a wrong signature; CRAM-MD5: a strange challenge; else 535 */
    LOGIN_REPLAYED, /* SCRAM: a nonce that is not ours; else 535 */
    LOGIN_ENDLESS,  /* challenges without end */
    LOGIN_FAULTS
};

struct login {           /* of a place */
    uint32_t mechanisms; /* bits; 0: no AUTH */
    bool plain;          /* offered without TLS, too */
    int fault;           /* enum login_fault */
};

struct login_state { /* of a stream */
    int mechanism;   /* -1: none under way */
    int step;
    char nonce[64], gs2[64], bare[256], first[256];
    bool done; /* logged in */
};

extern const char login_username[], login_password[], login_token[];

const char *login_name(int mechanism);

/* "AUTH PLAIN LOGIN", or "": what EHLO says here. */
void login_offer(const struct net_stream *s, char *out, unsigned cap);

/* An AUTH command; a line that follows it, while one is under way. */
void login_start(struct net_stream *s, const char *line);
bool login_is_under_way(const struct net_stream *s);
void login_take(struct net_stream *s, const char *line);

/* base64; the length; -1: it is none. */
int login_decode(const char *text, unsigned len, char *out, unsigned cap);

#endif
