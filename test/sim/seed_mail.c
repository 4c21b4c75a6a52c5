/* seed_mail.c - what the hosts of a seed send, and what servers do from MAIL on; see seed.h. */
#include <stdio.h>
#include <string.h>

#include "test/sim/seed.h"

enum { KINDS = 16 };

/* A reply to a command, kind half of the time. */
static const char *draw_reply(struct seed *seed, const char *good)
{
    static const char *const replies[KINDS] = {
        "450_4.2.1_busy",
        "450_4.7.1_greylisted,_come_back_in_300_seconds",
        "550_5.1.1_no_such_user",
        "550_5.7.1_rejected",
        "550_5.7.25_cannot_find_your_reverse_hostname",
        "452_4.5.3_too_many",
        "552_5.5.3_too_many",
        "421_4.3.2_bye~close",
        "421_4.3.2_bye",
        "~close",
        "~reset",
        "",
        "250-two\r\n250_lines",
        "999_what",
        "251_forwarded",
        "554_5.7.1_spam",
    };

    return seed_one_in(seed, 2) ? good : replies[seed_below(seed, KINDS)];
}

static size_t add_word(struct seed *seed, char *text, size_t len, const char *key, const char *good)
{
    len += (size_t)snprintf(text + len, SEED_MAILBOX - len, "%s%s", len == 0 ? "" : " ", key);
    for (unsigned n = 1 + seed_below(seed, 4); n > 0; n--)
        len += (size_t)snprintf(text + len, SEED_MAILBOX - len, "%s%s", draw_reply(seed, good),
                                n > 1 ? "|" : "");
    return len;
}

static void draw_mailbox(struct seed *seed, struct seed_place *place)
{
    static const char *const ends[] = {"close", "reset", "mute"};
    static const char *const early[] = {"552_5.3.4_too_big", "451_4.3.0_full",
                                        "421_4.3.2_bye~close", "~close"};
    char *text = place->mailbox;
    size_t len = 0;

    if (seed_one_in(seed, 6))
        len = add_word(seed, text, len, "mail=", "250_ok");
    if (seed_one_in(seed, 3))
        len = add_word(seed, text, len, "rcpt=", "250_ok");
    if (seed_one_in(seed, 8))
        len = add_word(seed, text, len, "data=", "354_go");
    if (seed_one_in(seed, 5))
        len = add_word(seed, text, len, "final=", "250_taken");
    if (seed_one_in(seed, 12))
        len = add_word(seed, text, len, "rset=", "250_reset");
    if (seed_one_in(seed, 16))
        len += (size_t)snprintf(text + len, SEED_MAILBOX - len, " early=%s",
                                early[seed_below(seed, 4)]);
    if (seed_one_in(seed, 4))
        len += (size_t)snprintf(text + len, SEED_MAILBOX - len, " plain");
    if (seed_one_in(seed, 5))
        len += (size_t)snprintf(text + len, SEED_MAILBOX - len, " %s=%u", ends[seed_below(seed, 3)],
                                1 + seed_below(seed, 600));
    if (seed_one_in(seed, 4))
        snprintf(text + len, SEED_MAILBOX - len, " offers=%s",
                 seed_one_in(seed, 2) ? "DSN,SMTPUTF8,LIMITS_RCPTMAX=2_MAILMAX=3" : "SIZE_200");
}

static void draw_mail(struct seed *seed, struct seed_mail *m)
{
    m->rcpts = 1 + seed_below(seed, SEED_RCPTS);
    m->lines = seed_below(seed, seed_one_in(seed, 8) ? 400 : 12);
    m->reader = seed_one_in(seed, 3);
    m->rewinds = !seed_one_in(seed, 3);
    m->breaks = m->reader && seed_one_in(seed, 6);
    m->pauses = seed_below(seed, 4);
    if (seed_one_in(seed, 10))
        m->flags |= MOX_MSG_8BIT | (seed_one_in(seed, 2) ? MOX_MSG_STRICT_8BIT : 0);
    if (seed_one_in(seed, 12))
        m->flags |= MOX_MSG_SMTPUTF8;
    if (seed_one_in(seed, 6))
        m->flags |= MOX_MSG_LAST;
    m->utf8 = seed_one_in(seed, 12);
    m->odd = seed_one_in(seed, 12);
}

/* A plan that is looked at is not used again. */
static void keep_on(struct seed *seed, struct seed_dial *d)
{
    d->with_plan = d->resolves_first = false;
    d->flags &= ~(uint32_t)MOX_DIAL_NO_REUSE;
    d->repeats = 1 + (int)seed_below(seed, 2);
}

/* Over TLS as well, connections that are kept. Behind all that was there before. */
static void draw_kept_secure(struct seed *seed)
{
    if (!seed->secure || !seed_one_in(seed, 3))
        return;
    seed->max_idle = 1 + seed_below(seed, 2);
    for (size_t i = 0; i < seed->ndials; i++) {
        struct seed_dial *d = &seed->dials[i];

        if (d->habit != SEED_DELIVERS || seed_one_in(seed, 4))
            continue;
        keep_on(seed, d);
    }
}

/* Drawn last of all, so that what the numbers of seeds meant before they mean still. */
void seed_draw_mail(struct seed *seed)
{
    for (size_t i = 0; i < seed->nplaces; i++) {
        if (seed_one_in(seed, 2))
            draw_mailbox(seed, &seed->places[i]);
    }
    seed->max_idle = seed->secure ? 0 : 1 + seed_below(seed, 2);
    for (size_t i = 0; i < seed->ndials; i++) {
        struct seed_dial *d = &seed->dials[i];

        if (d->with_plan)
            d->flags |= MOX_DIAL_NO_REUSE; /* the network must have seen what the plan says */
        if (d->habit != SEED_CLOSES && !seed_one_in(seed, 2))
            continue;
        d->habit = SEED_DELIVERS;
        d->stop_at = MOX_STAGE_NONE;
        d->nmails = 1 + seed_below(seed, SEED_MAILS);
        for (size_t k = 0; k < d->nmails; k++)
            draw_mail(seed, &d->mails[k]);
        if (!seed->secure && seed_one_in(seed, 2))
            keep_on(seed, d);
        d->ahead = 1 + seed_below(seed, SEED_MAILS);
    }
    draw_kept_secure(seed);
}

/* To every recipient, at RCPT or before. */
static void draw_refusal(struct seed *seed, struct seed_place *place)
{
    static const char *const verbs[] = {"rcpt", "rcpt", "mail"};

    snprintf(place->mailbox, sizeof place->mailbox,
             "%s=550_5.7.25_cannot_find_your_reverse_hostname", verbs[seed_below(seed, 3)]);
}

void seed_draw_refusals(struct seed *seed)
{
    if (seed->number % 20 != 15)
        return;
    seed->random = seed->number * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du;
    for (size_t i = 0; i < seed->nplaces; i++) {
        if (!seed_one_in(seed, 4))
            draw_refusal(seed, &seed->places[i]);
    }
    for (size_t i = 0; i < seed->ndials; i++) {
        struct seed_dial *d = &seed->dials[i];
        struct seed_mail *m = &d->mails[0];

        d->habit = SEED_DELIVERS;
        d->stop_at = MOX_STAGE_NONE;
        d->nmails = d->ahead = 1;
        draw_mail(seed, m);
        m->flags = 0;
        m->breaks = m->utf8 = m->odd = false;
    }
}
