/*
 * policy_maps.h - what the maps of `moxdial policy` say: the routes of mox in the words of Postfix,
 * Exim and OpenSMTPD.
 */
#ifndef TOOLS_POLICY_MAPS_H
#define TOOLS_POLICY_MAPS_H

#include "policy_socketmap.h"

/* What a route may be asked of that the question does not say. */
struct policy_facts {
    const struct mox_config *config; /* NULL: there are no routes */
    int64_t unix_s;
    int32_t utc_offset_s;
};

/* Writes the answer, such as "OK ipv4" or "NOTFOUND ", as snprintf would. */
void policy_map_answer(const struct policy_facts *facts, const struct socketmap_request *request,
                       char *out, size_t cap);

#endif
