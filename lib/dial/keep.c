/* keep.c - see keep.h. */
#include "dial/keep.h"

#include <string.h>

#include <moxdial/config.h>

#include "base/error.h"
#include "dial/request.h"

/* Text in place of the caller's; NULL stays NULL. */
static int keep_text(struct arena *arena, const char **text)
{
    if (*text == NULL)
        return MOX_OK;
    *text = arena_text(arena, slice_of(*text));
    return *text == NULL ? MOX_E_NOMEM : MOX_OK;
}

static int keep_names(struct arena *arena, struct mox_envelope *envelope)
{
    const char **names;

    if (envelope->mx == NULL)
        return MOX_OK;
    names = arena_array(arena, envelope->nmx + 1, sizeof *names);
    if (names == NULL)
        return MOX_E_NOMEM;
    for (size_t i = 0; i < envelope->nmx; i++) {
        names[i] = envelope->mx[i];
        if (keep_text(arena, &names[i]) != MOX_OK)
            return MOX_E_NOMEM;
    }
    envelope->mx = names;
    return MOX_OK;
}

static int keep_envelope(struct arena *arena, struct mox_envelope *envelope)
{
    if (keep_text(arena, &envelope->from) != MOX_OK || keep_text(arena, &envelope->to) != MOX_OK ||
        keep_text(arena, &envelope->account) != MOX_OK ||
        keep_text(arena, &envelope->key) != MOX_OK)
        return MOX_E_NOMEM;
    return keep_names(arena, envelope);
}

static int keep_dialed(struct arena *arena, struct mox_dial_request *request)
{
    struct mox_dialed *dialed;

    if (request->ndialed == 0)
        return MOX_OK;
    dialed = arena_array(arena, request->ndialed, sizeof *dialed);
    if (dialed == NULL)
        return MOX_E_NOMEM;
    for (size_t i = 0; i < request->ndialed; i++) {
        dialed[i] = request->dialed[i];
        if (keep_text(arena, &dialed[i].host) != MOX_OK)
            return MOX_E_NOMEM;
    }
    request->dialed = dialed;
    return MOX_OK;
}

static int keep_sources(struct arena *arena, struct mox_dial_request *request)
{
    struct mox_ip *sources;

    if (request->nsources == 0)
        return MOX_OK;
    sources = arena_array(arena, request->nsources, sizeof *sources);
    if (sources == NULL)
        return MOX_E_NOMEM;
    memcpy(sources, request->sources, request->nsources * sizeof *sources);
    request->sources = sources;
    return MOX_OK;
}

static int keep_rest(struct arena *arena, struct mox_dial_request *request)
{
    if (keep_text(arena, &request->server) != MOX_OK ||
        keep_text(arena, &request->ehlo) != MOX_OK ||
        keep_text(arena, &request->transport) != MOX_OK || keep_dialed(arena, request) != MOX_OK)
        return MOX_E_NOMEM;
    return keep_sources(arena, request);
}

int keep_request(struct keep *keep, struct arena *arena, const struct mox_dial_request *request,
                 struct mox_error *err)
{
    int status = request_read(request, &keep->request, &keep->envelope, &keep->timeouts, err);

    if (status != MOX_OK)
        return status;
    if (keep->request.config != NULL)
        keep->request.config = mox_config_ref(keep->request.config);
    keep->envelope.size = sizeof keep->envelope;
    keep->request.size = sizeof keep->request;
    keep->request.plan = NULL;
    if (keep_envelope(arena, &keep->envelope) != MOX_OK ||
        keep_rest(arena, &keep->request) != MOX_OK)
        return error_nomem(err);
    keep->request.envelope = &keep->envelope;
    if (keep->request.timeouts != NULL) {
        keep->timeouts.size = sizeof keep->timeouts;
        keep->request.timeouts = &keep->timeouts;
    }
    return MOX_OK;
}
