/*
 * sasl_plain.c - PLAIN (RFC 4616), LOGIN, EXTERNAL (RFC 4422 appendix A): name and password as
 * they are, unprepared, for it is the server that knows how it keeps them.
 *
 * What holds a password is written into room that was made for it at once: a buffer that grew
 * meanwhile would leave a copy behind.
 */
#include "base/error.h"
#include "smtp/sasl_machine.h"

int sasl_plain_first(struct sasl *sasl, struct buffer *out, struct mox_error *err)
{
    struct slice user = slice_of(sasl->facts.username), password = slice_of(sasl->facts.password);

    if (buffer_room(out, user.len + password.len + 2) == NULL ||
        buffer_append(out, "", 1) != MOX_OK || buffer_append(out, user.ptr, user.len) != MOX_OK ||
        buffer_append(out, "", 1) != MOX_OK ||
        buffer_append(out, password.ptr, password.len) != MOX_OK)
        return error_nomem(err);
    sasl->done = true;
    return 1;
}

int sasl_external_first(struct sasl *sasl, struct buffer *out, struct mox_error *err)
{
    (void)out, (void)err;
    sasl->done = true;
    return 1;
}

/* The draft that LOGIN is known by has two texts, servers have many: what counts is the order. */
int sasl_login_next(struct sasl *sasl, struct slice challenge, struct buffer *out,
                    struct mox_error *err)
{
    struct slice answer = slice_of(sasl->step == 0 ? sasl->facts.username : sasl->facts.password);

    (void)challenge;
    if (buffer_append(out, answer.ptr, answer.len) != MOX_OK)
        return error_nomem(err);
    sasl->done = sasl->step == 1;
    return MOX_OK;
}
