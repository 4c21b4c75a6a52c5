/*
 * command.c - see command.h. What was checked fits, and no byte of a host can end a line: paths are
 * made by smtp_path_of, all else is xtext.
 */
#include "smtp/command.h"

#include <assert.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/text.h"
#include "smtp/path.h"

enum {
    MAIL_FIXED = 160, /* bytes of all words of MAIL, of SIZE's number and of the line end */
    RCPT_FIXED = 64   /* the same of RCPT */
};
static_assert(MAIL_FIXED + MOX_LIMIT_PATH + MOX_LIMIT_MAIL_AUTH + MOX_LIMIT_ENVID <
                  MOX_LIMIT_COMMAND,
              "MAIL fits");
static_assert(RCPT_FIXED + MOX_LIMIT_PATH + MOX_LIMIT_ORCPT < MOX_LIMIT_COMMAND, "RCPT fits");

enum {
    FLAGS =
        MOX_MSG_8BIT | MOX_MSG_SMTPUTF8 | MOX_MSG_STRICT_8BIT | MOX_MSG_REQUIRETLS | MOX_MSG_LAST,
    NOTIFY = MOX_NOTIFY_NEVER | MOX_NOTIFY_SUCCESS | MOX_NOTIFY_FAILURE | MOX_NOTIFY_DELAY
};

/* A parameter's value as xtext, which has at most max bytes; an empty one is no value. */
static int check_xtext(const char *what, const char *value, size_t max, struct mox_error *err)
{
    char out[MOX_LIMIT_COMMAND];

    if (value == NULL)
        return MOX_OK;
    if (*value == '\0')
        return error_set(err, MOX_E_INVAL, "%s: it is empty; NULL stands for none", what);
    if (smtp_xtext(slice_of(value), out, max + 1) == 0)
        return error_set(err, MOX_E_INVAL, "%s: it has more than %zu bytes as it is sent", what,
                         max);
    return MOX_OK;
}

int smtp_command_check_mail(const struct mox_message *message, struct smtp_path *sender,
                            struct mox_error *err)
{
    int status = smtp_path_of(slice_of(message->mail_from), true, sender, err);

    if (status != MOX_OK && err != NULL)
        err->about = status == MOX_E_INVAL ? MOX_ABOUT_SENDER : err->about;
    if (status != MOX_OK)
        return status;
    if ((message->flags & ~(uint32_t)FLAGS) != 0)
        return error_set(err, MOX_E_INVAL, "flags of the message: an unknown bit is set");
    if (message->ret < MOX_RET_DEFAULT || message->ret > MOX_RET_HDRS)
        return error_set(err, MOX_E_INVAL, "ret of the message: it is no mox_ret");
    status = check_xtext("envid", message->envid, MOX_LIMIT_ENVID, err);
    if (status == MOX_OK)
        status = check_xtext("auth", message->auth, MOX_LIMIT_MAIL_AUTH, err);
    return status;
}

static int check_notify(uint32_t notify, struct mox_error *err)
{
    if ((notify & ~(uint32_t)NOTIFY) != 0)
        return error_set(err, MOX_E_INVAL, "notify: an unknown bit is set");
    if ((notify & MOX_NOTIFY_NEVER) != 0 && notify != MOX_NOTIFY_NEVER)
        return error_set(err, MOX_E_INVAL, "notify: NEVER stands alone (RFC 3461 section 4.1)");
    return MOX_OK;
}

/* An error of a recipient's parts: want of memory is not about him. */
static int about_rcpt(int status, struct mox_error *err)
{
    if (status == MOX_OK || err == NULL)
        return status;
    err->stage = MOX_STAGE_RCPT;
    err->about = status == MOX_E_INVAL ? MOX_ABOUT_RCPT : err->about;
    return status;
}

int smtp_command_path(const struct mox_rcpt *rcpt, struct smtp_path *path, struct mox_error *err)
{
    return about_rcpt(smtp_path_of(slice_of(rcpt->address), false, path, err), err);
}

int smtp_command_check_rcpt(const struct mox_rcpt *rcpt, struct smtp_path *path,
                            struct mox_error *err)
{
    char orcpt[MOX_LIMIT_ORCPT + 1];
    int status = smtp_path_of(slice_of(rcpt->address), false, path, err);

    if (status == MOX_OK)
        status = check_notify(rcpt->notify, err);
    if (status == MOX_OK && rcpt->orcpt != NULL)
        status = smtp_orcpt(slice_of(rcpt->orcpt), false, orcpt, sizeof orcpt, err);
    return about_rcpt(status, err);
}

static void add_word(struct text *t, const char *word)
{
    text_slice(t, slice_of(word));
}

static void add_size(struct text *t, uint64_t size)
{
    add_word(t, " SIZE=");
    text_number(t, size);
}

static void add_xtext(struct text *t, const char *name, const char *value)
{
    char out[MOX_LIMIT_MAIL_AUTH + 1];

    text_add(t, " %s=", name);
    text_slice(t, (struct slice){out, smtp_xtext(slice_of(value), out, sizeof out)});
}

/* RFC 4954 section 5: "<>" stands as it is. */
static void add_auth(struct text *t, const char *auth)
{
    if (slice_is(slice_of(auth), "<>"))
        add_word(t, " AUTH=<>");
    else
        add_xtext(t, "AUTH", auth);
}

static void add_dsn(struct text *t, const struct mox_message *message)
{
    if (message->ret != MOX_RET_DEFAULT)
        text_add(t, " RET=%s", message->ret == MOX_RET_FULL ? "FULL" : "HDRS");
    if (message->envid != NULL)
        add_xtext(t, "ENVID", message->envid);
}

static void add_path(struct text *t, const char *verb, const struct smtp_path *path)
{
    add_word(t, verb);
    text_slice(t, (struct slice){path->text, path->len});
    text_char(t, '>');
}

size_t smtp_command_mail(const struct smtp_mail_terms *terms, char *out)
{
    const struct mox_message *message = terms->message;
    uint32_t offered = terms->ehlo->extensions;
    struct text t = text_to(out, MOX_LIMIT_COMMAND);

    add_path(&t, "MAIL FROM:<", terms->sender);
    if ((offered & MOX_EXT_SIZE) != 0 && terms->size > 0)
        add_size(&t, terms->size);
    if ((offered & MOX_EXT_8BITMIME) != 0)
        add_word(&t, (message->flags & MOX_MSG_8BIT) != 0 ? " BODY=8BITMIME" : " BODY=7BIT");
    if (terms->utf8)
        add_word(&t, " SMTPUTF8");
    if ((message->flags & MOX_MSG_REQUIRETLS) != 0)
        add_word(&t, " REQUIRETLS");
    if ((offered & MOX_EXT_AUTH) != 0 && message->auth != NULL)
        add_auth(&t, message->auth);
    if ((offered & MOX_EXT_DSN) != 0)
        add_dsn(&t, message);
    add_word(&t, "\r\n");
    return t.len;
}

static void add_notify(struct text *t, uint32_t notify)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {{MOX_NOTIFY_NEVER, "NEVER"},
                 {MOX_NOTIFY_SUCCESS, "SUCCESS"},
                 {MOX_NOTIFY_FAILURE, "FAILURE"},
                 {MOX_NOTIFY_DELAY, "DELAY"}};
    const char *between = " NOTIFY=";

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if ((notify & names[i].bit) == 0)
            continue;
        text_add(t, "%s%s", between, names[i].name);
        between = ",";
    }
}

static void add_orcpt(struct text *t, const char *orcpt, bool utf8)
{
    char out[MOX_LIMIT_ORCPT + 1];

    if (smtp_orcpt(slice_of(orcpt), utf8, out, sizeof out, NULL) == MOX_OK)
        text_add(t, " ORCPT=%s", out);
}

size_t smtp_command_rcpt(const struct mox_rcpt *rcpt, const struct smtp_path *path,
                         const struct smtp_ehlo *ehlo, char *out)
{
    struct text t = text_to(out, MOX_LIMIT_COMMAND);

    add_path(&t, "RCPT TO:<", path);
    if ((ehlo->extensions & MOX_EXT_DSN) != 0) {
        add_notify(&t, rcpt->notify);
        if (rcpt->orcpt != NULL)
            add_orcpt(&t, rcpt->orcpt, (ehlo->extensions & MOX_EXT_SMTPUTF8) != 0);
    }
    add_word(&t, "\r\n");
    return t.len;
}
