/*
 * policy_socketmap.c - see policy_socketmap.h.
 */
#include "policy_socketmap.h"

#include <string.h>

#include "policy_limits.h"

/* The length that stands before the colon. MOX_OK: *at is behind it. */
static int take_length(const char *bytes, size_t len, size_t *at, size_t *length,
                       struct mox_error *err)
{
    size_t i = 0, value = 0;

    for (; i < len && bytes[i] >= '0' && bytes[i] <= '9'; i++) {
        if (i > 0 && bytes[0] == '0')
            return tool_error(err, MOX_E_PROTOCOL, MOX_STAGE_NONE, "a netstring begins with 0");
        value = 10 * value + (size_t)(bytes[i] - '0');
        if (value > POLICY_SOCKETMAP)
            return tool_error(err, MOX_E_LIMIT, MOX_STAGE_NONE, "a netstring of over %d bytes",
                              POLICY_SOCKETMAP);
    }
    if (i == len)
        return MOX_E_AGAIN;
    if (i == 0 || bytes[i] != ':')
        return tool_error(err, MOX_E_PROTOCOL, MOX_STAGE_NONE, "no netstring");
    *at = i + 1;
    *length = value;
    return MOX_OK;
}

int socketmap_take(char *bytes, size_t len, struct socketmap_request *out, size_t *used,
                   struct mox_error *err)
{
    size_t at = 0, length = 0;
    int status = take_length(bytes, len, &at, &length, err);
    char *text, *blank;

    *used = 0;
    if (status != MOX_OK)
        return status;
    if (len - at <= length)
        return MOX_E_AGAIN;
    text = bytes + at;
    if (text[length] != ',')
        return tool_error(err, MOX_E_PROTOCOL, MOX_STAGE_NONE, "no comma ends the netstring");
    if (memchr(text, '\0', length) != NULL)
        return tool_error(err, MOX_E_PROTOCOL, MOX_STAGE_NONE, "a NUL byte in a request");
    blank = memchr(text, ' ', length);
    if (blank == NULL)
        return tool_error(err, MOX_E_PROTOCOL, MOX_STAGE_NONE,
                          "a request without a blank between map and key");
    *blank = text[length] = '\0';
    *out = (struct socketmap_request){text, blank + 1};
    *used = at + length + 1;
    return MOX_OK;
}

/* By hand: the formatted way costs more than the route's lookup, and this is done for each answer.
 */
size_t socketmap_write(const char *answer, char *out, size_t cap)
{
    char digits[24];
    size_t len = strlen(answer), first = sizeof digits, rest = len, all;

    do {
        digits[--first] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    all = sizeof digits - first + len + 2;
    if (all >= cap)
        return all;
    memcpy(out, digits + first, sizeof digits - first);
    out += sizeof digits - first;
    *out++ = ':';
    memcpy(out, answer, len);
    out[len] = ',';
    out[len + 1] = '\0';
    return all;
}
