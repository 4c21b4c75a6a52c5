/*
 * fuzz_session.c - the first byte chooses where to stop, then each record is a length byte and so
 * many bytes that the server sends; between records the client writes. Length 0: only a part of the
 * output is written.
 */
#include <stdlib.h>
#include <string.h>

#include "smtp/session.h"

/* The output is whole command lines of the three kinds, whatever the server said. */
static void check_output(const struct smtp_session *s)
{
    struct slice out = smtp_session_output(s);

    if (out.len == 0)
        return;
    if (out.ptr[out.len - 1] != '\n' || slice_find(out, '\n') != out.len - 1)
        abort();
}

/* An error names its stage; a session that failed never becomes ready. */
static void check_failure(struct smtp_session *s, int status, const struct mox_error *err)
{
    if (err->code != status || smtp_session_ready(s) || err->message[0] == '\0')
        abort();
    if (err->stage != MOX_STAGE_GREETING && err->stage != MOX_STAGE_EHLO)
        abort();
    if (s->state != SMTP_REFUSED && smtp_session_output(s).len > 0)
        abort();
}

static int feed(struct smtp_session *s, struct slice bytes)
{
    while (bytes.len > 0 && !smtp_session_ready(s)) {
        struct mox_error err = {0};
        size_t used;
        int status = smtp_session_input(s, bytes, &used, &err);

        if (status != MOX_OK) {
            check_failure(s, status, &err);
            return status;
        }
        if (used == 0 || used > bytes.len)
            abort();
        bytes = slice_sub(bytes, used, bytes.len);
        check_output(s);
    }
    return MOX_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    struct smtp_session s;
    int status;

    if (size == 0)
        return 0;
    status = smtp_session_start(&s, slice_of("me.example"), data[0] % (MOX_STAGE_READY + 1), NULL);
    for (size_t at = 1; status == MOX_OK && at < size; at += 1 + data[at]) {
        status = feed(&s, slice_sub(rest, at + 1, at + 1 + data[at]));
        smtp_session_sent(&s, data[at] == 0 ? 3 : smtp_session_output(&s).len);
    }
    smtp_session_quit(&s);
    smtp_session_sent(&s, smtp_session_output(&s).len);
    if (smtp_session_greeting(&s) == NULL && s.state != SMTP_GREETING && s.state != SMTP_BROKEN)
        abort();
    smtp_session_free(&s);
    return 0;
}
