/* target.c - see target.h. */
#include "spf/target.h"

#include <string.h>

#include "base/error.h"
#include "base/ip.h"

/* Labels of 1 to 63 bytes, visible ones and blanks. */
static bool is_name(struct slice text)
{
    size_t label = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < ' ' || text.ptr[i] > '~')
            return false;
        label = text.ptr[i] == '.' ? 0 : label + 1;
        if (label > MOX_LIMIT_LABEL || (label == 0 && (i == 0 || text.ptr[i - 1] == '.')))
            return false;
    }
    return label > 0;
}

bool spf_target_set(struct domain *out, struct slice text)
{
    out->len = 0;
    out->name[0] = '\0';
    if (text.len > 0 && text.ptr[text.len - 1] == '.')
        text.len--;
    while (text.len > MOX_LIMIT_DOMAIN)
        text = domain_parent(text);
    if (!is_name(text))
        return false;
    for (; out->len < text.len; out->len++)
        out->name[out->len] = slice_lower(text.ptr[out->len]);
    out->name[out->len] = '\0';
    return true;
}

int spf_target_expand(struct domain *out, struct slice spec, const struct spf_values *values)
{
    char buf[MOX_LIMIT_SPF_EXPANSION + 1];
    struct text t = text_to(buf, sizeof buf);
    int status = spf_expand(spec, values, &t);

    if (status != MOX_OK)
        return status;
    return spf_target_set(out, (struct slice){buf, t.len}) ? MOX_OK : MOX_E_INVAL;
}

void spf_target_escape(const struct domain *name, char *out, size_t cap)
{
    static const char special[] = "\"();@$\\";
    struct text t = text_to(out, cap);

    for (size_t i = 0; i < name->len; i++) {
        char c = name->name[i];

        if (c == ' ')
            text_add(&t, "\\%03d", c);
        else if (strchr(special, c) != NULL)
            text_add(&t, "\\%c", c);
        else
            text_char(&t, c);
    }
}

void spf_target_reverse(struct domain *out, const struct mox_ip *ip)
{
    char name[MOX_LIMIT_REVERSE_NAME];

    ip_reverse_name(ip, name);
    spf_target_set(out, slice_of(name));
}

int spf_target_rank(const struct domain *name, const struct domain *domain)
{
    size_t at = name->len - domain->len;

    if (name->len < domain->len || memcmp(name->name + at, domain->name, domain->len) != 0)
        return 2;
    return at == 0 ? 0 : name->name[at - 1] == '.' ? 1 : 2;
}
