/*
 * error.c - see error.h. What an error means for the queue is decided in one table: a status has
 * one usual culprit and one usual cure.
 */
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/names.h"

static const struct {
    int code;
    const char *name;
    int about, action;
    bool permanent;
} statuses[] = {
    {MOX_OK, "ok", MOX_ABOUT_UNKNOWN, MOX_ACTION_NONE, false},
    {MOX_E_INVAL, "invalid", MOX_ABOUT_LOCAL, MOX_ACTION_GIVE_UP, true},
    {MOX_E_NOMEM, "no-memory", MOX_ABOUT_LOCAL, MOX_ACTION_LATER, false},
    {MOX_E_UNSUPPORTED, "unsupported", MOX_ABOUT_LOCAL, MOX_ACTION_LATER, false},
    {MOX_E_BUSY, "busy", MOX_ABOUT_LOCAL, MOX_ACTION_LATER, false},
    {MOX_E_REENTRANT, "reentrant", MOX_ABOUT_LOCAL, MOX_ACTION_NONE, false},
    {MOX_E_STATE, "wrong-state", MOX_ABOUT_LOCAL, MOX_ACTION_NONE, false},
    {MOX_E_STALE, "stale", MOX_ABOUT_LOCAL, MOX_ACTION_NONE, false},
    {MOX_E_LIMIT, "limit", MOX_ABOUT_UNKNOWN, MOX_ACTION_LATER, false},
    {MOX_E_AGAIN, "again", MOX_ABOUT_UNKNOWN, MOX_ACTION_NONE, false},
    {MOX_E_EOF, "eof", MOX_ABOUT_HOST, MOX_ACTION_NONE, false},
    {MOX_E_SHUTDOWN, "shutdown", MOX_ABOUT_LOCAL, MOX_ACTION_LATER, false},
    {MOX_E_CALLBACK, "callback", MOX_ABOUT_LOCAL, MOX_ACTION_LATER, false},
    {MOX_E_CANCELLED, "cancelled", MOX_ABOUT_LOCAL, MOX_ACTION_NONE, false},
    {MOX_E_CONFIG, "config", MOX_ABOUT_LOCAL, MOX_ACTION_LATER, false},
    {MOX_E_OS, "os", MOX_ABOUT_LOCAL, MOX_ACTION_LATER, false},
    {MOX_E_NO_SOURCE, "no-source", MOX_ABOUT_SOURCE, MOX_ACTION_LATER, false},
    {MOX_E_NO_PORTS, "no-ports", MOX_ABOUT_LOCAL, MOX_ACTION_LATER, false},
    {MOX_E_STORE, "store", MOX_ABOUT_LOCAL, MOX_ACTION_LATER, false},
    {MOX_E_DNS, "dns", MOX_ABOUT_DOMAIN, MOX_ACTION_LATER, false},
    {MOX_E_NO_DOMAIN, "no-domain", MOX_ABOUT_DOMAIN, MOX_ACTION_GIVE_UP, true},
    {MOX_E_NULL_MX, "null-mx", MOX_ABOUT_DOMAIN, MOX_ACTION_GIVE_UP, true},
    {MOX_E_NO_ADDRESS, "no-address", MOX_ABOUT_DOMAIN, MOX_ACTION_GIVE_UP, true},
    {MOX_E_LOOP, "loop", MOX_ABOUT_DOMAIN, MOX_ACTION_GIVE_UP, true},
    {MOX_E_FILTERED, "filtered", MOX_ABOUT_LOCAL, MOX_ACTION_LATER, false},
    {MOX_E_FAIL_TRANSPORT, "fail-transport", MOX_ABOUT_LOCAL, MOX_ACTION_GIVE_UP, true},
    {MOX_E_TLS_REQUIRED, "tls-required", MOX_ABOUT_DOMAIN, MOX_ACTION_LATER, false},
    {MOX_E_CONNECT, "connect", MOX_ABOUT_HOST, MOX_ACTION_LATER, false},
    {MOX_E_TIMEOUT, "timeout", MOX_ABOUT_HOST, MOX_ACTION_LATER, false},
    {MOX_E_CLOSED, "closed", MOX_ABOUT_HOST, MOX_ACTION_LATER, false},
    {MOX_E_PROXY, "proxy", MOX_ABOUT_LOCAL, MOX_ACTION_LATER, false},
    {MOX_E_TLS, "tls", MOX_ABOUT_HOST, MOX_ACTION_LATER, false},
    {MOX_E_VERIFY, "verify", MOX_ABOUT_HOST, MOX_ACTION_LATER, false},
    {MOX_E_PROTOCOL, "protocol", MOX_ABOUT_HOST, MOX_ACTION_LATER, false},
    {MOX_E_REFUSED, "refused", MOX_ABOUT_HOST, MOX_ACTION_LATER, false},
    {MOX_E_AUTH, "auth", MOX_ABOUT_LOCAL, MOX_ACTION_LATER, false},
    {MOX_E_NO_EXTENSION, "no-extension", MOX_ABOUT_HOST, MOX_ACTION_LATER, false},
};

static size_t find_status(int code)
{
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        if (statuses[i].code == code)
            return i;
    }
    return 0;
}

const char *mox_status_name(int code)
{
    size_t i = find_status(code);

    return statuses[i].code == code ? statuses[i].name : "unknown";
}

static int set_valist(struct mox_error *err, int code, const char *format, va_list args)
{
    size_t i = find_status(code);

    if (err == NULL)
        return code;
    memset(err, 0, sizeof *err);
    err->code = code;
    err->dns_rcode = -1;
    err->about = statuses[i].about;
    err->action = statuses[i].action;
    err->permanent = statuses[i].permanent;
    vsnprintf(err->message, sizeof err->message, format, args);
    return code;
}

int error_set(struct mox_error *err, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_valist(err, code, format, args);
    va_end(args);
    return code;
}

int error_nomem(struct mox_error *err)
{
    return error_set(err, MOX_E_NOMEM, "out of memory; nothing was sent, try again later");
}

/* What next, where the fault is this machine's; NULL: nothing to add. */
static const char *cure_of(int e)
{
    switch (e) {
    case EMFILE:
        return "this process has no descriptor left; raise its limit (ulimit -n) or dial less at "
               "once";
    case ENFILE:
        return "this machine has no descriptor left; dial less at once";
    case ENOBUFS:
    case ENOMEM:
        return "this machine is out of memory; try again later";
    case ENETUNREACH:
        return "there is no route to it";
    default:
        return NULL;
    }
}

int error_from_op(struct mox_error *err, int code, const char *what)
{
    const char *cure;
    char reason[128] = "";

    if (code > MOX_ERRNO(0))
        return error_set(err, code, "%s: %s", what, mox_status_name(code));
    if (strerror_r(MOX_ERRNO(0) - code, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "errno %d", MOX_ERRNO(0) - code);
    cure = cure_of(MOX_ERRNO(0) - code);
    error_set(err, MOX_E_OS, "%s: %s%s%s", what, reason, cure == NULL ? "" : "; ",
              cure == NULL ? "" : cure);
    if (err != NULL)
        err->os_errno = MOX_ERRNO(0) - code;
    return MOX_E_OS;
}

int error_in_config(struct mox_error *err)
{
    if (err == NULL || err->code == MOX_E_NOMEM)
        return err == NULL ? MOX_E_CONFIG : err->code;
    err->code = MOX_E_CONFIG;
    err->about = MOX_ABOUT_LOCAL;
    return MOX_E_CONFIG;
}

int error_at_host(struct mox_error *err, const char *host)
{
    if (err == NULL)
        return MOX_OK;
    slice_clean(slice_of(host), false, err->host, sizeof err->host);
    return err->code;
}

int error_none(struct mox_error *err)
{
    if (err != NULL)
        err->code = MOX_OK;
    return MOX_OK;
}

static const char *const stage_names[] = {
    [MOX_STAGE_NONE] = "none",         [MOX_STAGE_CONFIG] = "config",   [MOX_STAGE_ROUTE] = "route",
    [MOX_STAGE_RESOLVE] = "resolve",   [MOX_STAGE_CONNECT] = "connect", [MOX_STAGE_PROXY] = "proxy",
    [MOX_STAGE_GREETING] = "greeting", [MOX_STAGE_EHLO] = "ehlo",       [MOX_STAGE_TLS] = "tls",
    [MOX_STAGE_AUTH] = "auth",         [MOX_STAGE_READY] = "ready",     [MOX_STAGE_MAIL] = "mail",
    [MOX_STAGE_RCPT] = "rcpt",         [MOX_STAGE_DATA] = "data",       [MOX_STAGE_BODY] = "body",
    [MOX_STAGE_FINAL] = "final",       [MOX_STAGE_QUIT] = "quit",
};
static_assert(ARRAY_LEN(stage_names) == MOX_STAGE_QUIT + 1, "a name for each stage");

static const char *const about_names[] = {
    [MOX_ABOUT_UNKNOWN] = "unknown", [MOX_ABOUT_LOCAL] = "local",     [MOX_ABOUT_SOURCE] = "source",
    [MOX_ABOUT_HOST] = "host",       [MOX_ABOUT_DOMAIN] = "domain",   [MOX_ABOUT_SENDER] = "sender",
    [MOX_ABOUT_RCPT] = "rcpt",       [MOX_ABOUT_MESSAGE] = "message",
};
static_assert(ARRAY_LEN(about_names) == MOX_ABOUT_MESSAGE + 1, "a name for each");

static const char *const action_names[] = {
    [MOX_ACTION_NONE] = "none",       [MOX_ACTION_NEXT] = "next",
    [MOX_ACTION_LATER] = "later",     [MOX_ACTION_LATER_SAME] = "later-same",
    [MOX_ACTION_GIVE_UP] = "give-up",
};
static_assert(ARRAY_LEN(action_names) == MOX_ACTION_GIVE_UP + 1, "a name for each action");

const char *mox_stage_name(int stage)
{
    return name_of(stage_names, ARRAY_LEN(stage_names), stage);
}

const char *mox_about_name(int about)
{
    return name_of(about_names, ARRAY_LEN(about_names), about);
}

const char *mox_action_name(int action)
{
    return name_of(action_names, ARRAY_LEN(action_names), action);
}

/* The sysexits.h number of a permanent error by its code; 0: by what it is about. */
static int exit_of_code(const struct mox_error *err)
{
    switch (err->code) {
    case MOX_E_INVAL: /* of an address or a message that nobody could deliver */
        return 65;
    case MOX_E_NO_DOMAIN:
    case MOX_E_NULL_MX:
    case MOX_E_NO_ADDRESS:
        return 68;
    case MOX_E_TLS_REQUIRED:
    case MOX_E_VERIFY:
    case MOX_E_AUTH:
        return 77;
    case MOX_E_FILTERED:
        return err->about == MOX_ABOUT_SOURCE ? 77 : 69;
    default:
        return err->about == MOX_ABOUT_RCPT ? 67 : err->about == MOX_ABOUT_MESSAGE ? 65 : 69;
    }
}

/* Whether a bad argument came with the mail; else the caller or the configuration is at fault. */
static bool is_about_mail(const struct mox_error *err)
{
    return err->about == MOX_ABOUT_SENDER || err->about == MOX_ABOUT_RCPT ||
           err->about == MOX_ABOUT_MESSAGE;
}

int mox_error_exit_code(const struct mox_error *err)
{
    if (err->code == MOX_OK)
        return 0;
    switch (err->code) {
    case MOX_E_INVAL:
        return err->permanent && is_about_mail(err) ? exit_of_code(err) : 75;
    case MOX_E_UNSUPPORTED: /* faults of the caller, the build, the configuration: the mail stays */
    case MOX_E_REENTRANT:
    case MOX_E_STATE:
    case MOX_E_STALE:
    case MOX_E_BUSY:
    case MOX_E_CONFIG:
        return 75;
    default:
        return err->permanent ? exit_of_code(err) : 75;
    }
}
