/*
 * set_route.c - see set.h. There may be a million routes, so items go straight into the config's
 * arrays, and a plain name does not pass through IDNA.
 */
#include <string.h>

#include "base/domain.h"
#include "base/error.h"
#include "config/set.h"

void config_set_open_domain(struct build *b, const struct schema_key *key, struct slice name)
{
    (void)key;
    b->domain = (struct build_domain){0};
    b->domain.shown = config_set_take_unicode(b, name, "domain", &b->domain.ascii);
    if (b->domain.shown != NULL)
        config_build_append(b, &b->domains, &b->domain, sizeof b->domain);
}

void config_set_open_account(struct build *b, const struct schema_key *key, struct slice name)
{
    (void)key;
    b->account = config_build_text(b, name);
}

void config_set_open_routes(struct build *b, const struct schema_key *key, struct slice name)
{
    struct config_list list = {
        .file = b->file,
        .first = (uint32_t)(b->routes.len / sizeof b->route),
        .scope = key->arg,
        .line = (int32_t)b->line,
    };

    (void)name;
    if (key->arg == MOX_SCOPE_ACCOUNT)
        list.name = list.shown = b->account;
    if (key->arg == MOX_SCOPE_DOMAIN) {
        list.name = b->domain.ascii == NULL ? "" : b->domain.ascii; /* refused: told already */
        list.shown = b->domain.shown == NULL ? "" : b->domain.shown;
    }
    config_build_append(b, &b->lists, &list, sizeof list);
}

void config_set_open_route(struct build *b, const struct schema_key *key, struct slice name)
{
    (void)key, (void)name;
    b->route = (struct config_route){.line = b->line};
    b->transport_set = false;
    b->zone_line = 0;
}

/* The transport may stand further down, or in the other file. */
static void note_pending(struct build *b, uint32_t route)
{
    struct build_pending pending = {
        .source = b->source,
        .list = (uint32_t)(b->lists.len / sizeof(struct config_list) - 1),
        .route = route,
        .line = b->transport_line,
        .index = b->frames[b->depth].index,
    };

    config_build_append(b, &b->pending, &pending, sizeof pending);
}

void config_set_close_route(struct build *b, const struct schema_key *key, bool whole)
{
    uint32_t index = (uint32_t)(b->routes.len / sizeof b->route);
    struct config_list *lists = (struct config_list *)(void *)b->lists.ptr;

    (void)key;
    if (whole)
        config_set_check_conditions(b);
    if (b->nomem)
        return;
    b->route.transport = b->transport_ref;
    if (b->transport_set && b->transport_names.entries[b->transport_ref].value == 0)
        note_pending(b, index);
    if (config_build_append(b, &b->routes, &b->route, sizeof b->route))
        lists[b->lists.len / sizeof *lists - 1].count++;
}

/* Whether it is the name that the route before had: most often it is. */
static bool is_last_ref(const struct build *b, struct slice name)
{
    const struct intern_entry *last;

    if (b->transport_names.len == 0)
        return false;
    last = &b->transport_names.entries[b->last_ref];
    return slice_equal((struct slice){last->ptr, last->len}, name);
}

/* Until all transports are known, a route holds the place of the name in transport_names. */
void config_set_route_transport(struct build *b, const struct schema_key *key,
                                const struct schema_value *value)
{
    uint32_t entry = b->last_ref;
    const char *copy;
    bool added = false;

    (void)key;
    if (!is_last_ref(b, value->text))
        entry = config_intern_take(&b->transport_names, 0, value->text, &added);
    if (entry == UINT32_MAX) {
        b->nomem = true;
        return;
    }
    if (added) { /* the text of the file does not live as long */
        copy = config_build_text(b, value->text);
        b->transport_names.entries[entry].ptr = copy == NULL ? "" : copy;
    }
    b->last_ref = b->transport_ref = entry;
    b->transport_line = b->line;
    b->transport_set = true;
}

void config_set_minimum_attempts(struct build *b, const struct schema_key *key,
                                 const struct schema_value *value)
{
    (void)key;
    if (value->number < 0)
        config_build_error(b, "negative number of attempts %s; write 0 or more",
                           config_build_quote(value->text).text);
    else
        b->route.minimum_attempts =
            value->number > UINT32_MAX ? UINT32_MAX : (uint32_t)value->number;
}

enum { ITEMS_FROM = 1 };

void config_set_open_items(struct build *b, const struct schema_key *key, struct slice name)
{
    uint32_t first = (uint32_t)(b->items.len / sizeof(uint32_t));

    (void)name;
    if (key->arg == ITEMS_FROM)
        b->route.from = first;
    else
        b->route.to = first;
}

/* A name that needs no mapping and is surely no address: lower-case letters, digits, single
 * hyphens within labels, and a letter at the start of the last label. */
static bool is_plain(struct slice name)
{
    char before = '.';
    size_t label = 0;

    if (name.len == 0 || name.len > MOX_LIMIT_DOMAIN)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (c == '.' || c == '-') {
            if (before == '.' || before == '-')
                return false;
            label = c == '.' ? i + 1 : label;
        } else if (!(c >= 'a' && c <= 'z') && !slice_is_digit(c)) {
            return false;
        }
        if (c != '.' && i - label >= MOX_LIMIT_LABEL)
            return false;
        before = c;
    }
    return before != '.' && before != '-' && slice_is_alpha(name.ptr[label]);
}

static bool parse_name(struct build *b, struct slice name, struct domain *out)
{
    struct mox_error reason;
    int status = domain_parse(name, out, &reason);

    if (status == MOX_E_NOMEM)
        b->nomem = true;
    else if (status != MOX_OK)
        config_build_error(
            b,
            "invalid domain %s: %s; write a domain name, with a dot before it for all "
            "names below it too",
            config_build_quote(name).text, reason.message);
    return status == MOX_OK;
}

/* Length, text, NUL; see config.h. */
static bool append_name(struct build *b, bool dot, struct slice name)
{
    char bytes[MOX_LIMIT_DOMAIN + 4];
    size_t n = 0, at = b->names.len;
    uint32_t offset = (uint32_t)at;

    if (at > UINT32_MAX - sizeof bytes) {
        config_build_error(b, "the names of all routes take over 4 GiB; write fewer routes");
        return false;
    }
    bytes[n++] = (char)(unsigned char)(name.len + (dot ? 1 : 0));
    if (dot)
        bytes[n++] = '.';
    if (name.len > 0)
        memcpy(bytes + n, name.ptr, name.len);
    n += name.len;
    bytes[n++] = '\0';
    return config_build_append(b, &b->names, bytes, n) &&
           config_build_append(b, &b->items, &offset, sizeof offset);
}

void config_set_item(struct build *b, const struct schema_key *key,
                     const struct schema_value *value)
{
    bool dot = slice_starts(value->text, ".");
    struct slice name = slice_sub(value->text, dot ? 1 : 0, value->text.len);
    struct domain domain;

    if (value->text.len == 0) {
        config_build_error(
            b, "empty domain; write \".\" for mail without a domain, such as bounces, or "
               "remove the item");
        return;
    }
    if (name.len > 0 && !is_plain(name)) {
        if (!parse_name(b, name, &domain))
            return;
        name = domain_slice(&domain);
    }
    if (!append_name(b, dot, name))
        return;
    if (key->arg == ITEMS_FROM)
        b->route.nfrom++;
    else
        b->route.nto++;
}
