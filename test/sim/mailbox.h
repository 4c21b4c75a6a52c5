/*
 * mailbox.h - what a server does from MAIL on, and the truth of it: which messages it took, whole,
 * for whom, and whether its client could know.
 *
 * Rules are text, a word each: "mail=", "rcpt=", "data=", "final=", "rset=": replies to the n-th
 * such command of a connection, '|' between them, the last one for all that follow, '_' for a
 * blank; "early=" comes behind the second line of a message. "close=N", "reset=N", "mute=N": that
 * happens once N bytes were heard from the first MAIL on. "offers=": words of EHLO behind those of
 * a kind server, ',' between them; "plain": without PIPELINING and LIMITS. A client that says more
 * MAIL or RCPT than LIMITS allow (RFC 9422) is a fault of the world.
 */
#ifndef SIM_MAILBOX_H
#define SIM_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;
struct net_stream;

struct mailbox { /* the rules of a place; all zero: it takes everything */
    const char *mail, *rcpt, *data, *final, *rset, *early, *offers;
    uint32_t close, reset, mute;
    bool plain;
};

struct mailbox_taken { /* a message that a server took: a final 2xx was its reply */
    struct mailbox_taken *next;
    const struct net_stream *stream;
    const char *from, *rcpts; /* as on the wire; rcpts: accepted ones, a line each */
    const char *body;         /* as it came, dots undone, without the final one */
    size_t len;               /* of it */
    size_t told_at;           /* bytes of the stream's in with the reply; 0: it was never said */
};

struct mailbox_state { /* of a connection */
    unsigned mails, rcpts, datas, finals, rsets;
    unsigned most_mails, most_rcpts; /* as LIMITS said; 0: none */
    unsigned named;                  /* RCPT since the latest MAIL */
    uint32_t heard;                  /* bytes since the first MAIL */
    unsigned lines;                  /* of the message that comes */
    bool open, in_data;              /* MAIL was accepted; a message comes */
    bool dead;                       /* it hears no more */
    bool early_said;                 /* the reply to the message that comes was given */
    char *from, *accepted, *body;
    size_t accepted_len, body_len, body_cap;
};

/* NULL: a word of the rules makes no sense. The rules live as long as the world. */
const struct mailbox *mailbox_rules(struct world *w, char *words);

/* What EHLO offers beyond its first line. */
void mailbox_offer(const struct mailbox *box, char *buf, size_t cap);

/* The reply to EHLO that the server gives: what its LIMITS are from then on. */
void mailbox_announce(struct net_stream *s, const char *reply);

/* A line from the client, its end included: whether it was the mailbox's to hear. */
bool mailbox_hear(struct net_stream *s, const char *line, size_t len);

/* Whether replies of the rules hold the words. */
bool mailbox_says(const char *rules, const char *words);

/* Whether the client has read that it was taken. */
bool mailbox_was_told(const struct mailbox_taken *taken);

/* Whether the client has written, to that server, the whole of a message of that name for the
 * recipient, dot and all: whatever the server made of it. */
bool mailbox_was_sent(const struct net_stream *s, const char *name, const char *address);

/* The recipient, as on the wire, is among those of the message. */
bool mailbox_has_rcpt(const struct mailbox_taken *taken, const char *address);

#endif
