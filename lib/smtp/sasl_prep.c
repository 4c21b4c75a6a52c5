/*
 * sasl_prep.c - see sasl_prep.h. ASCII, which nearly all of it is, needs none of this and never
 * gets to the library.
 */
#include "smtp/sasl_prep.h"

#include <stdbool.h>
#include <stdint.h>

#include <uninorm.h>

#include "base/error.h"
#include "base/mem.h"
#include "smtp/sasl_precis.h"

enum { NFC_GROWTH = 3 /* times, at most, in UTF-8 (Unicode Standard Annex 15, section 9.3) */ };

static bool is_ascii(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] > 0x7f)
            return false;
    }
    return true;
}

/* s: UTF-8. */
static int normalize(struct slice s, struct buffer *out)
{
    size_t cap = NFC_GROWTH * s.len, len = cap;
    uint8_t *room = (uint8_t *)buffer_room(out, cap), *text;
    int status = MOX_OK;

    if (room == NULL)
        return MOX_E_NOMEM;
    text = u8_normalize(UNINORM_NFC, (const uint8_t *)s.ptr, s.len, room, &len);
    if (text == NULL)
        return MOX_E_NOMEM;
    if (text == room) {
        buffer_grown(out, len);
        return MOX_OK;
    }
    status = buffer_append(out, text, len);
    mem_wipe(text, len);
    mem_free(text);
    return status;
}

int sasl_prep_escape(struct slice name, struct buffer *out)
{
    char *at = buffer_room(out, 3 * name.len);
    size_t n = 0;

    if (at == NULL)
        return MOX_E_NOMEM;
    for (size_t i = 0; i < name.len; i++) {
        bool comma = name.ptr[i] == ',';

        if (!comma && name.ptr[i] != '=') {
            at[n++] = name.ptr[i];
            continue;
        }
        at[n++] = '=';
        at[n++] = comma ? '2' : '3';
        at[n++] = comma ? 'C' : 'D';
    }
    buffer_grown(out, n);
    return MOX_OK;
}

int sasl_prep_name(struct slice name, struct buffer *out)
{
    struct buffer normal = {0};
    int status;

    if (is_ascii(name) || slice_utf8(name) < name.len)
        return sasl_prep_escape(name, out);
    status = normalize(name, &normal);
    if (status == MOX_OK)
        status = sasl_prep_escape(buffer_slice(&normal), out);
    buffer_wipe(&normal);
    return status;
}

int sasl_prep_password(struct slice password, struct buffer *out)
{
    struct buffer spaced = {0}, prepared = {0};
    int status;

    if (is_ascii(password) || slice_utf8(password) < password.len)
        return buffer_append(out, password.ptr, password.len);
    status = sasl_precis_map_spaces(password, &spaced);
    if (status == MOX_OK)
        status = normalize(buffer_slice(&spaced), &prepared);
    if (status == MOX_OK) {
        struct slice best = buffer_slice(&prepared);

        if (!sasl_precis_allows(best))
            best = password;
        status = buffer_append(out, best.ptr, best.len);
    }
    buffer_wipe(&spaced);
    buffer_wipe(&prepared);
    return status;
}
