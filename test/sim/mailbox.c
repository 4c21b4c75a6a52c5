/* mailbox.c - see mailbox.h. */
#include "test/sim/mailbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "test/sim/net.h"

enum { RCPTS = 4096 /* bytes of the accepted recipients of a message */ };

static const struct mailbox kind;

struct mailbox_line {
    const char *ptr;
    size_t len;
};

static const struct mailbox *box_of(const struct net_stream *s)
{
    return s->place->mailbox == NULL ? &kind : s->place->mailbox;
}

/* The n-th of the alternatives, as a script; NULL: the text is. */
static const char *nth(struct world *w, const char *replies, unsigned n)
{
    const char *end;
    char *script;
    size_t len, text;

    while (n-- > 0 && strchr(replies, '|') != NULL)
        replies = strchr(replies, '|') + 1;
    end = strchr(replies, '|');
    len = end == NULL ? strlen(replies) : (size_t)(end - replies);
    script = world_alloc(w, len + 3);
    memcpy(script, replies, len);
    for (size_t i = 0; i < len; i++)
        script[i] = script[i] == '_' ? ' ' : script[i];
    text = strcspn(script, "~");
    if (text > 0) {
        memmove(script + text + 2, script + text, len - text);
        memcpy(script + text, "\r\n", 2);
    }
    return script;
}

static const char *reply_of(struct net_stream *s, const char *replies, unsigned n,
                            const char *usual)
{
    return replies == NULL ? usual : nth(s->w, replies, n);
}

/* Who says nothing hears nothing more. */
static void answer_to(struct net_stream *s, const char *script, size_t *said_at)
{
    s->mailbox.dead = s->mailbox.dead || *script == '\0';
    server_reply_to(s, script, said_at);
}

static void answer(struct net_stream *s, const char *script)
{
    answer_to(s, script, NULL);
}

static bool is_good(const char *script)
{
    return *script == '2';
}

/* What stands in the angle brackets of MAIL and RCPT. */
static char *path_of(struct world *w, const char *line)
{
    const char *from = strchr(line, '<'), *to = from == NULL ? NULL : strchr(from, '>');
    char *path = world_alloc(w, 512);

    if (to != NULL && (size_t)(to - from) < 512)
        memcpy(path, from + 1, (size_t)(to - from - 1));
    return path;
}

static unsigned limit_of(const char *reply, const char *key)
{
    const char *at = strstr(reply, key);

    return at == NULL ? 0 : (unsigned)strtoul(at + strlen(key), NULL, 10);
}

void mailbox_announce(struct net_stream *s, const char *reply)
{
    s->mailbox.most_mails = limit_of(reply, " MAILMAX=");
    s->mailbox.most_rcpts = limit_of(reply, " RCPTMAX=");
}

/* RFC 9422 sections 4.1 and 4.2: what is refused counts as well. */
static void check_limit(struct net_stream *s, const char *verb, unsigned heard, unsigned most)
{
    if (most > 0 && heard > most)
        world_fault(s->w, "%s is said %u times, and LIMITS allow %u", verb, heard, most);
}

static void hear_mail(struct net_stream *s, const char *line)
{
    struct mailbox_state *m = &s->mailbox;
    const char *script = reply_of(s, box_of(s)->mail, m->mails++, "250 ok\r\n");

    m->named = 0;
    check_limit(s, "MAIL", m->mails, m->most_mails);
    if (m->open)
        script = "503 5.5.1 one at a time\r\n";
    if (is_good(script)) {
        m->open = true;
        m->from = path_of(s->w, line);
        m->accepted = world_alloc(s->w, RCPTS);
        m->accepted_len = 0;
    }
    answer(s, script);
}

static void hear_rcpt(struct net_stream *s, const char *line)
{
    struct mailbox_state *m = &s->mailbox;
    const char *script = reply_of(s, box_of(s)->rcpt, m->rcpts++, "250 2.1.5 ok\r\n");

    check_limit(s, "RCPT", ++m->named, m->most_rcpts);
    if (!m->open)
        script = "503 5.5.1 MAIL first\r\n";
    if (is_good(script)) {
        char ip[64];

        mox_ip_format(&s->target, ip, sizeof ip);
        world_log(s->w, "mailbox %s accepts a recipient", ip);
    }
    if (is_good(script))
        m->accepted_len += (size_t)snprintf(m->accepted + m->accepted_len, RCPTS - m->accepted_len,
                                            "%s\n", path_of(s->w, line));
    answer(s, script);
}

static void hear_data(struct net_stream *s)
{
    struct mailbox_state *m = &s->mailbox;
    const char *script = reply_of(s, box_of(s)->data, m->datas++, "354 go on\r\n");

    if (!m->open || m->accepted_len == 0)
        script = "554 5.5.1 no valid recipients\r\n";
    m->in_data = *script == '3';
    m->lines = 0;
    m->early_said = false;
    m->body_len = 0;
    answer(s, script);
}

static void keep(struct net_stream *s, const char *line, size_t len)
{
    struct mailbox_state *m = &s->mailbox;

    if (m->body_len + len > m->body_cap) {
        char *more = world_alloc(s->w, 2 * (m->body_len + len));

        if (m->body_len > 0)
            memcpy(more, m->body, m->body_len);
        m->body = more;
        m->body_cap = 2 * (m->body_len + len);
    }
    memcpy(m->body + m->body_len, line, len);
    m->body_len += len;
}

/* A body is a thing of its own from here on. */
static struct mailbox_taken *take(struct net_stream *s)
{
    struct mailbox_state *m = &s->mailbox;
    struct mailbox_taken *taken = world_alloc(s->w, sizeof *taken);

    *taken = (struct mailbox_taken){s->w->taken, s, m->from, m->accepted, m->body, m->body_len, 0};
    s->w->taken = taken;
    m->body = NULL;
    m->body_cap = 0;
    return taken;
}

static void end_message(struct net_stream *s)
{
    struct mailbox_state *m = &s->mailbox;
    const char *script = reply_of(s, box_of(s)->final, m->finals++, "250 2.0.0 taken\r\n");
    struct mailbox_taken *taken = NULL;

    m->in_data = m->open = false;
    if (m->early_said)
        return;
    if (is_good(script))
        taken = take(s);
    answer_to(s, script, taken == NULL ? NULL : &taken->told_at);
}

static void hear_body(struct net_stream *s, const char *line, size_t len)
{
    struct mailbox_state *m = &s->mailbox;

    if (len == 3 && memcmp(line, ".\r\n", 3) == 0) {
        end_message(s);
        return;
    }
    if (*line == '.')
        keep(s, line + 1, len - 1);
    else
        keep(s, line, len);
    if (++m->lines != 2 || box_of(s)->early == NULL)
        return;
    m->early_said = true;
    answer(s, nth(s->w, box_of(s)->early, 0));
}

static void hear_rset(struct net_stream *s)
{
    s->mailbox.open = false;
    answer(s, reply_of(s, box_of(s)->rset, s->mailbox.rsets++, "250 2.0.0 reset\r\n"));
}

/* The end comes at a byte, not at a command. */
static bool is_dead(struct net_stream *s, size_t len)
{
    const struct mailbox *box = box_of(s);
    struct mailbox_state *m = &s->mailbox;
    uint32_t before = m->heard;

    m->heard += (uint32_t)len;
    if (m->dead)
        return true;
    if (box->close > before && box->close <= m->heard)
        net_hang_up(s, false);
    else if (box->reset > before && box->reset <= m->heard)
        net_hang_up(s, true);
    else if (!(box->mute > before && box->mute <= m->heard))
        return false;
    return m->dead = true;
}

static bool begins(const char *line, const char *word)
{
    return strncasecmp(line, word, strlen(word)) == 0;
}

bool mailbox_hear(struct net_stream *s, const char *line, size_t len)
{
    struct mailbox_state *m = &s->mailbox;

    if ((m->mails > 0 || begins(line, "MAIL ")) && is_dead(s, len))
        return true;
    if (m->in_data)
        hear_body(s, line, len);
    else if (begins(line, "MAIL "))
        hear_mail(s, line);
    else if (begins(line, "RCPT "))
        hear_rcpt(s, line);
    else if (begins(line, "DATA"))
        hear_data(s);
    else if (begins(line, "RSET"))
        hear_rset(s);
    else
        return false;
    return true;
}

void mailbox_offer(const struct mailbox *box, char *buf, size_t cap)
{
    size_t len = 0;

    buf[0] = '\0';
    if (box == NULL || box->offers == NULL)
        return;
    for (const char *word = box->offers; *word != '\0' && len < cap;) {
        size_t n = strcspn(word, ",");

        len += (size_t)snprintf(buf + len, cap - len, "250-%.*s\r\n", (int)n, word);
        word += n + (word[n] == ',');
    }
    for (char *p = buf; *p != '\0'; p++)
        *p = *p == '_' ? ' ' : *p;
}

bool mailbox_says(const char *rules, const char *words)
{
    size_t len = strlen(words);

    for (; *rules != '\0'; rules++) {
        size_t i = 0;

        while (i < len && (rules[i] == words[i] || (rules[i] == '_' && words[i] == ' ')))
            i++;
        if (i == len)
            return true;
    }
    return false;
}

bool mailbox_was_told(const struct mailbox_taken *taken)
{
    return taken->told_at != 0 && taken->stream->read >= taken->told_at;
}

/* All that stands between prefix and suffix is the text. */
static bool is_line(struct mailbox_line line, const char *prefix, const char *text,
                    const char *suffix)
{
    size_t before = strlen(prefix), len = strlen(text), after = strlen(suffix);

    return line.len >= before + len + after && memcmp(line.ptr, prefix, before) == 0 &&
           memcmp(line.ptr + before, text, len) == 0 &&
           memcmp(line.ptr + before + len, suffix, after) == 0;
}

/* Dots of the message are doubled, and none of its lines is one of these commands. */
bool mailbox_was_sent(const struct net_stream *s, const char *name, const char *address)
{
    const struct sim_text *said = s->secure.begun ? &s->clear : &s->out;
    enum { NOTHING, NAMED, BODY } step = NOTHING;

    for (size_t at = 0; at < said->len;) {
        const char *text = said->ptr + at, *lf = memchr(text, '\n', said->len - at);
        struct mailbox_line line = {text, lf == NULL ? 0 : (size_t)(lf - text) + 1};

        if (lf == NULL)
            return false;
        if (is_line(line, "MAIL FROM:", "", ""))
            step = NOTHING;
        else if (is_line(line, "RCPT TO:<", address, ">"))
            step = NAMED;
        else if (step == NAMED && is_line(line, "Subject: ", name, "\r\n"))
            step = BODY;
        else if (step == BODY && is_line(line, ".\r\n", "", ""))
            return true;
        at += line.len;
    }
    return false;
}

bool mailbox_has_rcpt(const struct mailbox_taken *taken, const char *address)
{
    size_t len = strlen(address);

    for (const char *line = taken->rcpts; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, address, len) == 0 && line[len] == '\n')
            return true;
    }
    return false;
}

static bool text_word(struct world *w, const char *word, const char *key, const char **out)
{
    if (strncmp(word, key, strlen(key)) != 0)
        return false;
    *out = world_text(w, word + strlen(key));
    return true;
}

static bool number_word(const char *word, const char *key, uint32_t *out)
{
    if (strncmp(word, key, strlen(key)) != 0)
        return false;
    *out = (uint32_t)strtoul(word + strlen(key), NULL, 10);
    return true;
}

static bool take_word(struct world *w, struct mailbox *box, const char *word)
{
    if (strcmp(word, "plain") == 0)
        return box->plain = true;
    return text_word(w, word, "mail=", &box->mail) || text_word(w, word, "rcpt=", &box->rcpt) ||
           text_word(w, word, "data=", &box->data) || text_word(w, word, "final=", &box->final) ||
           text_word(w, word, "rset=", &box->rset) || text_word(w, word, "early=", &box->early) ||
           text_word(w, word, "offers=", &box->offers) ||
           number_word(word, "close=", &box->close) || number_word(word, "reset=", &box->reset) ||
           number_word(word, "mute=", &box->mute);
}

const struct mailbox *mailbox_rules(struct world *w, char *words)
{
    struct mailbox *box = world_alloc(w, sizeof *box);

    for (char *word = strtok_r(words, " \t", &words); word != NULL;
         word = strtok_r(NULL, " \t", &words)) {
        if (!take_word(w, box, word))
            return NULL;
    }
    return box;
}
