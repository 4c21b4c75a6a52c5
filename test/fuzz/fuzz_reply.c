/*
 * fuzz_reply.c - the first byte is the packet size, the rest what a server sends. Cut or whole, the
 * outcome is the same, and the text is one that people may see.
 */
#include "base/limits.h"
#include "fuzz.h"
#include "smtp/reply.h"

static int push_all(struct smtp_reply *reply, struct slice input, size_t packet, size_t *at)
{
    struct mox_error err;
    size_t used;

    for (*at = 0; *at < input.len && !reply->complete; *at += used) {
        int status = smtp_reply_push(reply, slice_sub(input, *at, *at + packet), &used, &err);

        if (status != MOX_OK)
            return status;
        fuzz_require(used > 0, "bytes are taken");
    }
    return MOX_OK;
}

static void check_text(struct slice text)
{
    fuzz_require(slice_utf8(text) == text.len, "the text is UTF-8");
    fuzz_require(text.len <= MOX_LIMIT_REPLY, "the text is bounded");
    fuzz_require(text.ptr[text.len] == '\0', "a NUL stands behind the text");
    for (size_t i = 0; i < text.len; i++)
        fuzz_require(!slice_is_control(text.ptr[i]) || text.ptr[i] == '\n',
                     "the text has no control characters");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_reply whole = {0}, cut = {0};
    struct slice input;
    size_t whole_at, cut_at;
    int status;

    if (size < 2)
        return 0;
    input = (struct slice){(const char *)data + 1, size - 1};
    status = push_all(&whole, input, input.len, &whole_at);
    fuzz_require(push_all(&cut, input, data[0] == 0 ? 1 : data[0], &cut_at) == status &&
                     cut.complete == whole.complete,
                 "cut or whole, it ends alike");
    if (whole.complete) {
        check_text(smtp_reply_text(&whole));
        fuzz_require(slice_equal(smtp_reply_text(&whole), smtp_reply_text(&cut)) &&
                         whole_at == cut_at && whole.code == cut.code,
                     "cut or whole, it says the same");
        fuzz_require(whole.code >= 200 && whole.code <= 599, "a code is 200 to 599");
    }
    smtp_reply_free(&whole);
    smtp_reply_free(&cut);
    return 0;
}
