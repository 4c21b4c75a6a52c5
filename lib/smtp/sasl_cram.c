/*
 * sasl_cram.c - CRAM-MD5 (RFC 2195). The challenge must look like a message id: whoever gets to
 * choose any text to be digested chooses one that helps him.
 */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "smtp/sasl_machine.h"

/* <x.y@z>, nothing of it empty, nothing but printable ASCII. */
static bool is_challenge(struct slice text)
{
    struct slice inner = slice_sub(text, 1, text.len < 2 ? 0 : text.len - 1);
    size_t dot = slice_find(inner, '.'), at = slice_find(inner, '@');

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    }
    return text.len > 2 && text.ptr[0] == '<' && text.ptr[text.len - 1] == '>' && dot > 0 &&
           dot + 1 < at && at + 1 < inner.len;
}

static char hex_digit(unsigned value)
{
    return "0123456789abcdef"[value];
}

int sasl_cram_next(struct sasl *sasl, struct slice challenge, struct buffer *out,
                   struct mox_error *err)
{
    struct slice user = slice_of(sasl->facts.username), password = slice_of(sasl->facts.password);
    const mbedtls_md_info_t *md = mbedtls_md_info_from_type(sasl->mechanism->md);
    unsigned char digest[MBEDTLS_MD_MAX_SIZE];
    size_t len = mbedtls_md_get_size(md);
    char *room;

    if (!is_challenge(challenge))
        return error_set(err, MOX_E_AUTH,
                         "the server's CRAM-MD5 challenge is not of the form <number.time@host>; "
                         "it is not answered");
    room = buffer_room(out, user.len + 1 + 2 * len);
    if (room == NULL ||
        mbedtls_md_hmac(md, (const unsigned char *)password.ptr, password.len,
                        (const unsigned char *)challenge.ptr, challenge.len, digest) != 0)
        return error_nomem(err);
    if (user.len > 0)
        memcpy(room, user.ptr, user.len);
    room[user.len] = ' ';
    room += user.len + 1;
    for (size_t i = 0; i < len; i++) {
        room[2 * i] = hex_digit(digest[i] >> 4);
        room[2 * i + 1] = hex_digit(digest[i] & 0xf);
    }
    buffer_grown(out, user.len + 1 + 2 * len);
    mem_wipe(digest, sizeof digest);
    sasl->done = true;
    return MOX_OK;
}
