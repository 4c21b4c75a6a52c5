/*
 * sasl_oauth.c - OAUTHBEARER (RFC 7628) and XOAUTH2, its forerunner, which Google and Microsoft
 * have. Both say all in the initial response; a server that refuses the token sends a challenge
 * with its reasons, and gives the reply that ends the login once that has been answered.
 */
#include <stdio.h>

#include "base/error.h"
#include "base/mem.h"
#include "smtp/sasl_machine.h"
#include "smtp/sasl_prep.h"

#define SEPARATOR "\001"

/* Fields are separated by a control character: with one inside, a name could bring its own. */
static bool has_control(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (slice_is_control(s.ptr[i]))
            return true;
    }
    return false;
}

static int unusable(const struct sasl *sasl, const char *what, struct mox_error *err)
{
    return error_set(err, MOX_E_INVAL, "%s cannot be used: %s", sasl->mechanism->name, what);
}

static int check(const struct sasl *sasl, struct mox_error *err)
{
    struct slice token = slice_of(sasl->facts.password);

    if (token.len == 0)
        return unusable(sasl, "the token is empty", err);
    if (has_control(token))
        return unusable(sasl, "the token has a control character or a line end in it", err);
    if (has_control(slice_of(sasl->facts.username)) || has_control(slice_of(sasl->facts.host)))
        return unusable(sasl, "the username or the host has a control character in it", err);
    return MOX_OK;
}

/* parts: joined in room that is made at once, for one of them is the token. */
static int join(struct buffer *out, const struct slice *parts, size_t n)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    if (buffer_room(out, len) == NULL)
        return MOX_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        if (buffer_append(out, parts[i].ptr, parts[i].len) != MOX_OK)
            return MOX_E_NOMEM;
    }
    return MOX_OK;
}

int sasl_bearer_first(struct sasl *sasl, struct buffer *out, struct mox_error *err)
{
    struct buffer user = {0};
    char port[sizeof "65535"];
    int status = check(sasl, err);

    if (status != MOX_OK)
        return status;
    snprintf(port, sizeof port, "%u", (unsigned)sasl->facts.port);
    status = sasl_prep_escape(slice_of(sasl->facts.username), &user);
    if (status == MOX_OK) {
        const struct slice parts[] = {
            slice_of(buffer_slice(&user).len > 0 ? "n,a=" : "n,"),
            buffer_slice(&user),
            slice_of("," SEPARATOR "host="),
            slice_of(sasl->facts.host),
            slice_of(SEPARATOR "port="),
            slice_of(port),
            slice_of(SEPARATOR "auth=Bearer "),
            slice_of(sasl->facts.password),
            slice_of(SEPARATOR SEPARATOR),
        };

        status = join(out, parts, ARRAY_LEN(parts));
    }
    buffer_wipe(&user);
    if (status != MOX_OK)
        return error_nomem(err);
    sasl->done = true;
    return 1;
}

int sasl_xoauth2_first(struct sasl *sasl, struct buffer *out, struct mox_error *err)
{
    const struct slice parts[] = {
        slice_of("user="),
        slice_of(sasl->facts.username),
        slice_of(SEPARATOR "auth=Bearer "),
        slice_of(sasl->facts.password),
        slice_of(SEPARATOR SEPARATOR),
    };
    int status = check(sasl, err);

    if (status != MOX_OK)
        return status;
    if (join(out, parts, ARRAY_LEN(parts)) != MOX_OK)
        return error_nomem(err);
    sasl->done = true;
    return 1;
}

/* JSON comes with a line end, or with none. */
static struct slice without_line_end(struct slice s)
{
    while (s.len > 0 && (s.ptr[s.len - 1] == '\r' || s.ptr[s.len - 1] == '\n'))
        s.len--;
    return s;
}

/* The reasons are kept; what follows is the reply that ends the login. */
static int take_refusal(struct sasl *sasl, struct slice reasons, struct mox_error *err)
{
    if (sasl->step > 0)
        return error_set(err, MOX_E_AUTH, "the server has refused the token, and goes on asking");
    sasl->done = false;
    sasl_words(sasl, without_line_end(reasons), sasl->detail, sizeof sasl->detail);
    return MOX_OK;
}

int sasl_bearer_next(struct sasl *sasl, struct slice challenge, struct buffer *out,
                     struct mox_error *err)
{
    int status = take_refusal(sasl, challenge, err);

    if (status == MOX_OK && buffer_append_text(out, SEPARATOR) != MOX_OK)
        return error_nomem(err);
    return status;
}

int sasl_xoauth2_next(struct sasl *sasl, struct slice challenge, struct buffer *out,
                      struct mox_error *err)
{
    (void)out;
    return take_refusal(sasl, challenge, err);
}
