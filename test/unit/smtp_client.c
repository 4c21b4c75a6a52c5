/* smtp_client.c - see smtp_client.h. */
#include "smtp_client.h"

#include <stdint.h>

#include "test.h"

int smtp_client_feed(struct smtp_session *s, struct slice bytes, size_t packet, size_t *at,
                     struct mox_error *err)
{
    size_t used;

    for (*at = 0; *at < bytes.len && !smtp_session_ready(s); *at += used) {
        int status = smtp_session_input(s, slice_sub(bytes, *at, *at + packet), &used, err);

        if (status != MOX_OK) {
            *at += used;
            return status;
        }
        if (used == 0)
            ck_abort_msg("it takes nothing"); /* ck_assert allocates, see below */
    }
    return MOX_OK;
}

void smtp_client_drain(struct smtp_session *s, struct buffer *said)
{
    while (smtp_session_output(s).len > 0) {
        ck_assert_int_eq(buffer_append(said, smtp_session_output(s).ptr, 1), MOX_OK);
        smtp_session_sent(s, 1);
    }
    ck_assert_ptr_null(s->out.ptr); /* while it waits, it holds no buffer */
}
