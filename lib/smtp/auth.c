/* auth.c - see auth.h. */
#include "smtp/auth.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/base64.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mem.h"
#include "smtp/sasl.h"

enum { COMMAND_LINE = 512 /* bytes with the line end (RFC 5321 section 4.5.3.1.4) */ };

struct smtp_auth {
    struct sasl *sasl;     /* owned */
    struct buffer line;    /* owned; to be written */
    struct buffer delayed; /* owned: the initial response as a line of its own; empty: none */
    struct mox_error *why; /* owned: of a login that is ended by us; NULL: it is not */
    unsigned rounds;
    char masked[64];
};

/* Grows by what base64 makes of the bytes; the secret is not left behind in an older block, since
 * the room is made at once. */
static int append_base64(struct buffer *out, struct slice bytes)
{
    size_t room = (bytes.len + 2) / 3 * 4 + 1, n = 0;
    char *at = buffer_room(out, room);

    if (at == NULL)
        return MOX_E_NOMEM;
    if (mbedtls_base64_encode((unsigned char *)at, room, &n, (const unsigned char *)bytes.ptr,
                              bytes.len) != 0)
        return MOX_E_NOMEM;
    buffer_grown(out, n);
    return MOX_OK;
}

static int make_line(struct buffer *out, const char *prefix, struct slice bytes)
{
    size_t room = strlen(prefix) + (bytes.len + 2) / 3 * 4 + sizeof "\r\n";

    if (buffer_room(out, room) == NULL || buffer_append(out, prefix, strlen(prefix)) != MOX_OK ||
        append_base64(out, bytes) != MOX_OK)
        return MOX_E_NOMEM;
    return buffer_append(out, "\r\n", 2);
}

/*
 * The initial response in the command; where that would be too long for a command line, as a line
 * of its own once the server asks (RFC 4954 section 4).
 */
static int make_first(struct smtp_auth *auth, bool has, struct slice first)
{
    char prefix[64];

    snprintf(prefix, sizeof prefix, "AUTH %s%s", sasl_name(auth->sasl),
             !has             ? ""
             : first.len == 0 ? " ="
                              : " ");
    if (strlen(prefix) + (first.len + 2) / 3 * 4 + 2 <= COMMAND_LINE)
        return make_line(&auth->line, prefix, first);
    prefix[strlen(prefix) - 1] = '\0';
    if (make_line(&auth->delayed, "", first) != MOX_OK)
        return MOX_E_NOMEM;
    return make_line(&auth->line, prefix, (struct slice){0});
}

int smtp_auth_new(struct sasl *sasl, struct smtp_auth **out, struct mox_error *err)
{
    struct smtp_auth *auth = mem_new(sizeof *auth);
    struct buffer first = {0};
    int status;

    *out = NULL;
    if (auth == NULL) {
        sasl_free(sasl);
        return error_nomem(err);
    }
    auth->sasl = sasl;
    snprintf(auth->masked, sizeof auth->masked, "AUTH %s ***", sasl_name(sasl));
    status = sasl_first(sasl, &first, err);
    if (status >= 0 && make_first(auth, status == 1, buffer_slice(&first)) != MOX_OK)
        status = error_nomem(err);
    buffer_wipe(&first);
    if (status < 0) {
        smtp_auth_free(auth);
        return status;
    }
    *out = auth;
    return MOX_OK;
}

struct slice smtp_auth_line(const struct smtp_auth *auth)
{
    return buffer_slice(&auth->line);
}

void smtp_auth_sent(struct smtp_auth *auth)
{
    buffer_wipe(&auth->line);
    snprintf(auth->masked, sizeof auth->masked, "***"); /* what comes next is a response */
}

const char *smtp_auth_masked(const struct smtp_auth *auth)
{
    return auth->masked;
}

static int answer(struct smtp_auth *auth, struct slice challenge, struct mox_error *err)
{
    struct buffer response = {0};
    int status = sasl_next(auth->sasl, challenge, &response, err);

    if (status == MOX_OK && make_line(&auth->line, "", buffer_slice(&response)) != MOX_OK)
        status = error_nomem(err);
    buffer_wipe(&response);
    return status;
}

/* The server's fault: another one, or another day, may do better. */
static int broken(struct mox_error *err, const char *how)
{
    error_set(err, MOX_E_AUTH, "the server broke AUTH: %s", how);
    err->about = MOX_ABOUT_HOST;
    err->stage = MOX_STAGE_AUTH;
    return MOX_E_AUTH;
}

/* What the server gave is not the start of an exchange, but the go-ahead for our first line. */
static int say_delayed(struct smtp_auth *auth, struct slice text, struct mox_error *err)
{
    if (text.len > 0)
        return broken(err, "it sent a challenge where it had to wait for our initial response");
    auth->line = auth->delayed;
    auth->delayed = (struct buffer){0};
    return MOX_OK;
}

int smtp_auth_challenge(struct smtp_auth *auth, struct slice text, struct mox_error *err)
{
    unsigned char *bytes;
    size_t n = 0;
    int status;

    text = slice_trim(text);
    if (++auth->rounds > MOX_LIMIT_AUTH_ROUNDS)
        return error_set(err, MOX_E_AUTH, "over %d challenges to one login", MOX_LIMIT_AUTH_ROUNDS);
    if (auth->delayed.len > 0)
        return say_delayed(auth, text, err);
    bytes = mem_new(text.len + 1);
    if (bytes == NULL)
        return error_nomem(err);
    if (slice_find(text, '\n') < text.len ||
        mbedtls_base64_decode(bytes, text.len + 1, &n, (const unsigned char *)text.ptr, text.len) !=
            0)
        status = broken(err, "its challenge is not one line of base64");
    else
        status = answer(auth, (struct slice){(const char *)bytes, n}, err);
    mem_wipe(bytes, text.len + 1);
    mem_free(bytes);
    return status;
}

bool smtp_auth_done(const struct smtp_auth *auth)
{
    return auth->delayed.len == 0 && sasl_done(auth->sasl);
}

int smtp_auth_cancel(struct smtp_auth *auth, const struct mox_error *why)
{
    auth->why = mem_new(sizeof *auth->why);
    if (auth->why == NULL)
        return MOX_E_NOMEM;
    *auth->why = *why;
    return MOX_OK;
}

int smtp_auth_why(const struct smtp_auth *auth, struct mox_error *err)
{
    if (err != NULL)
        *err = *auth->why;
    return auth->why->code;
}

void smtp_auth_explain(const struct smtp_auth *auth, struct mox_error *err)
{
    const char *detail = sasl_detail(auth->sasl);
    size_t len = strlen(err->message);

    snprintf(err->message + len, sizeof err->message - len, " (%s%s%s)", sasl_name(auth->sasl),
             detail == NULL ? "" : ": ", detail == NULL ? "" : detail);
}

void smtp_auth_free(struct smtp_auth *auth)
{
    if (auth == NULL)
        return;
    sasl_free(auth->sasl);
    buffer_wipe(&auth->line);
    buffer_wipe(&auth->delayed);
    mem_free(auth->why);
    mem_free(auth);
}
