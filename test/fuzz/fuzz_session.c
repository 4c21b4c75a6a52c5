/*
 * fuzz_session.c - the first byte chooses where to stop, then each record is a length byte and so
 * many bytes that the server sends; between records the client writes. Length 0: only a part of the
 * output is written.
 */
#include "base/mem.h"
#include "fuzz.h"
#include "smtp/session.h"

static struct arena arena; /* of the session at hand */

static void end_session(struct smtp_session *s)
{
    smtp_session_free(s);
    arena_free(&arena);
}

/* The output is one command of the three, or what is left of it, whatever the server said. */
static void check_output(const struct smtp_session *s)
{
    static const char *const commands[] = {"EHLO me.example\r\n", "HELO me.example\r\n",
                                           "QUIT\r\n"};
    struct slice out = smtp_session_output(s);
    bool known = out.len == 0;

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct slice command = slice_of(commands[i]);

        known = known || (out.len <= command.len &&
                          slice_equal(slice_sub(command, command.len - out.len, command.len), out));
    }
    fuzz_require(known, "the output is a command, or its end");
}

/* An error names its stage; a session that failed never becomes ready. */
static void check_failure(struct smtp_session *s, int status, const struct mox_error *err)
{
    fuzz_require(err->code == status && err->message[0] != '\0', "a failure has words");
    fuzz_require(!smtp_session_ready(s), "a session that failed is not ready");
    fuzz_require(err->stage == MOX_STAGE_GREETING || err->stage == MOX_STAGE_EHLO,
                 "a failure has its stage");
    fuzz_require(s->state == SMTP_REFUSED || smtp_session_output(s).len == 0,
                 "nothing is said to a server that broke SMTP");
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
        fuzz_require(used > 0 && used <= bytes.len, "bytes are taken, and no more than there are");
        bytes = slice_sub(bytes, used, bytes.len);
        check_output(s);
    }
    return MOX_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    struct smtp_session s;
    int status;

    if (size == 0)
        return 0;
    status = smtp_session_start(&s, &arena, slice_of("me.example"), data[0] % (MOX_STAGE_READY + 1),
                                NULL);
    for (size_t at = 1; status == MOX_OK && at < size; at += 1 + data[at]) {
        status = feed(&s, slice_sub(rest, at + 1, at + 1 + data[at]));
        smtp_session_sent(&s, data[at] == 0 ? 3 : smtp_session_output(&s).len);
    }
    smtp_session_quit(&s);
    check_output(&s);
    smtp_session_sent(&s, smtp_session_output(&s).len);
    fuzz_require(smtp_session_greeting(&s) != NULL || s.state == SMTP_GREETING ||
                     s.state == SMTP_BROKEN,
                 "the greeting's words are kept");
    end_session(&s);
    return 0;
}
