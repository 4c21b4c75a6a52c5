/*
 * secure.h - the TLS of a mail server, good and bad: what it says to STARTTLS, how it shakes hands,
 * which certificate it shows, what comes after.
 */
#ifndef SIM_SECURE_H
#define SIM_SECURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/sim/login.h"
#include "test/sim/papers.h"

struct net_stream;
struct tls_session;
struct world;

enum secure_reply { /* to STARTTLS */
                    SECURE_GO_AHEAD = 0,
                    SECURE_UNKNOWN,  /* 502 */
                    SECURE_REFUSED,  /* 554 */
                    SECURE_LATER,    /* 454 */
                    SECURE_GOODBYE,  /* 421, and the end */
                    SECURE_YES_BUT,  /* 250 */
                    SECURE_NONSENSE, /* no reply at all, but words */
                    SECURE_MUTE,
                    SECURE_HANGS_UP,
                    SECURE_INJECTED, /* 220, and words slipped in behind it */
                    SECURE_REPLIES
};

enum secure_shake { /* hands */
                    SECURE_SHAKES = 0,
                    SECURE_BABBLES, /* SMTP goes on */
                    SECURE_CLOSES,
                    SECURE_STALLS,
                    SECURE_ALERTS,
                    SECURE_HANDSHAKES
};

enum secure_after { /* the handshake, when EHLO comes again */
                    SECURE_GOES_ON = 0,
                    SECURE_NO_HELLO, /* 550 */
                    SECURE_OLD,      /* 502, which after STARTTLS is none of HELO's business */
                    SECURE_CUTS,     /* the connection just ends */
                    SECURE_NOTIFIES, /* … in good order */
                    SECURE_AFTERS,   /* so many are drawn by seeds */
                    SECURE_DENIES    /* an alert, as to a certificate of ours that is missing */
};

struct secure { /* of a place; all zero: it knows neither TLS nor AUTH */
    bool there; /* it speaks TLS */
    bool offered;
    bool immediate;  /* from the first byte on */
    bool requiretls; /* it announces that, over TLS */
    bool tickets;
    bool old_secret; /* no extended master secret, so no channel binding */
    int reply, shake, after;
    enum paper paper;
    struct login login;
};

struct secure_state {            /* of a stream */
    struct tls_session *session; /* NULL: none (any more) */
    bool begun, pumping;         /* what comes from here on is TLS; a turn of it is due */
    bool opened, failed, resumed;
    int alerted;      /* the client's alert; -1: none */
    size_t plain_len; /* of the client's bytes: those before TLS */
    size_t fed;       /* of the client's bytes: those that went into TLS */
};

/* What a place needs of it is made beforehand: later, memory may fail. */
void secure_prepare(struct world *w, const struct secure *secure);
void secure_free(struct world *w);

/* The script of the reply to STARTTLS; see server.h. */
const char *secure_reply(const struct secure *secure);

/* From here on bytes are TLS. */
void secure_start(struct net_stream *s);

/* The client has written; it closes. */
void secure_take(struct net_stream *s);
void secure_end(struct net_stream *s);

/* Says words, over TLS where it is up. */
void secure_say(struct net_stream *s, const char *bytes, size_t len);

/* close_notify; certificate_required, which is no end in good order. */
void secure_notify(struct net_stream *s);
void secure_deny(struct net_stream *s);

#endif
