/* identity.c - see identity.h. */
#include "spf/identity.h"

/* A domain that can have a record: of several labels; '_' is for DNS a letter like another. */
static int take_domain(struct slice name, struct domain *out)
{
    int status = domain_parse(name, out, NULL);

    if (status == MOX_E_INVAL && slice_find(name, '_') < name.len)
        status = domain_parse_lax(name, out);
    if (status == MOX_E_INVAL || slice_find(domain_slice(out), '.') == out->len)
        *out = (struct domain){.len = 0};
    return status == MOX_E_NOMEM ? status : MOX_OK;
}

/* At most max bytes of it, or what stands in its place. */
static int keep(struct arena *arena, struct slice text, size_t max, const char *otherwise,
                struct slice *out)
{
    text = text.len > 0 ? slice_sub(text, 0, max) : slice_of(otherwise);
    *out = (struct slice){arena_text(arena, text), text.len};
    return out->ptr == NULL ? MOX_E_NOMEM : MOX_OK;
}

int spf_identity_of(const struct spf_request *request, struct arena *arena, struct domain *domain,
                    struct spf_values *values)
{
    struct slice from = slice_of(request->mail_from), name = domain_behind_at(from);
    struct slice local = slice_sub(from, 0, from.len - name.len);
    struct slice helo = slice_of(request->helo), receiver = slice_of(request->receiver);

    if (local.len > 0)
        local.len--; /* the '@' */
    values->ip = request->ip;
    values->unix_s = request->unix_s;
    if (take_domain(from.len > 0 ? name : helo, domain) != MOX_OK ||
        keep(arena, local, MOX_LIMIT_ADDRESS, "postmaster", &values->local) != MOX_OK ||
        keep(arena, helo, MOX_LIMIT_SPF_HELO, "unknown", &values->helo) != MOX_OK ||
        keep(arena, receiver, MOX_LIMIT_SPF_HELO, "unknown", &values->receiver) != MOX_OK ||
        keep(arena, domain_slice(domain), MOX_LIMIT_DOMAIN, "", &values->sender_domain) != MOX_OK)
        return MOX_E_NOMEM;
    return MOX_OK;
}
