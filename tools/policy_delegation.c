/*
 * policy_delegation.c - see policy_delegation.h.
 */
#include "policy_delegation.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "policy_limits.h"

enum { SHOWN = 40 }; /* bytes of a line that is none, in the error */

static const struct {
    const char *name;
    size_t field;
} attributes[] = {
    {"protocol_state", offsetof(struct delegation_request, protocol_state)},
    {"client_address", offsetof(struct delegation_request, client_address)},
    {"helo_name", offsetof(struct delegation_request, helo_name)},
    {"sender", offsetof(struct delegation_request, sender)},
    {"sasl_username", offsetof(struct delegation_request, sasl_username)},
    {"instance", offsetof(struct delegation_request, instance)},
};
enum { ATTRIBUTES = sizeof attributes / sizeof *attributes };

/* How long it is with the empty line at its end; 0: that is not there yet. */
static size_t request_length(const char *bytes, size_t len)
{
    const char *at = bytes, *end = bytes + len;

    if (len > 0 && bytes[0] == '\n')
        return 1;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        if (at < end && *at == '\n')
            return (size_t)(at + 1 - bytes);
    }
    return 0;
}

/* What is not known is for others. */
static void set_attribute(struct delegation_request *out, const char *name, const char *value)
{
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        if (strcmp(name, attributes[i].name) == 0) {
            *(const char **)(void *)((char *)out + attributes[i].field) = value;
            return;
        }
    }
}

static int take_line(char *line, struct delegation_request *out, bool *is_request,
                     struct mox_error *err)
{
    char *equals = strchr(line, '=');

    if (equals == NULL)
        return tool_error(err, MOX_E_PROTOCOL, MOX_STAGE_NONE, "\"%.*s\" is no line \"name=value\"",
                          SHOWN, line);
    *equals = '\0';
    *is_request |= strcmp(line, "request") == 0 && strcmp(equals + 1, "smtpd_access_policy") == 0;
    set_attribute(out, line, equals + 1);
    return MOX_OK;
}

int delegation_take(char *bytes, size_t len, struct delegation_request *out, size_t *used,
                    struct mox_error *err)
{
    size_t most = len < POLICY_DELEGATION ? len : POLICY_DELEGATION;
    size_t length = request_length(bytes, most);
    bool is_request = false;
    char *line = bytes, *end;

    *used = 0;
    if (length == 0 && len > POLICY_DELEGATION)
        return tool_error(err, MOX_E_LIMIT, MOX_STAGE_NONE, "a request of over %d bytes",
                          POLICY_DELEGATION);
    if (memchr(bytes, '\0', length == 0 ? most : length) != NULL)
        return tool_error(err, MOX_E_PROTOCOL, MOX_STAGE_NONE, "a NUL byte in a request");
    if (length == 0)
        return MOX_E_AGAIN;
    for (size_t i = 0; i < ATTRIBUTES; i++)
        *(const char **)(void *)((char *)out + attributes[i].field) = "";
    for (; *line != '\n'; line = end + 1) {
        end = strchr(line, '\n'); /* is there: the request ends in two */
        *end = '\0';
        if (take_line(line, out, &is_request, err) != MOX_OK)
            return err->code;
    }
    *used = length;
    if (!is_request)
        return tool_error(err, MOX_E_PROTOCOL, MOX_STAGE_NONE,
                          "a request without \"request=smtpd_access_policy\"");
    return MOX_OK;
}

size_t delegation_write(const char *action, char *out, size_t cap)
{
    return (size_t)snprintf(out, cap, "action=%s\n\n", action);
}
