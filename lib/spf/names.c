/* names.c - see names.h. */
#include "spf/names.h"

#include "spf/target.h"

bool spf_name_of(const struct dns_item *item, struct domain *out)
{
    if (item->fault != DNS_FAULT_NONE && slice_find(item->data, '?') < item->data.len)
        return false;                       /* what can be shown of it, and no more */
    return spf_target_set(out, item->data); /* the root, ".", is none */
}

void spf_names_take(struct spf_names *names, const struct dns_item *items, size_t n)
{
    names->known = true;
    for (size_t i = 0; i < n && i < MOX_LIMIT_PTR; i++)
        names->count += spf_name_of(&items[i], &names->list[names->count].name);
}

struct spf_name *spf_names_best(struct spf_names *names, const struct domain *domain, bool any)
{
    int worst = any ? 2 : 1;

    for (int rank = 0; rank <= worst; rank++) {
        for (size_t i = 0; i < names->count; i++) {
            struct spf_name *name = &names->list[i];

            if ((name->valid || !name->asked) && spf_target_rank(&name->name, domain) == rank)
                return name;
        }
    }
    return NULL;
}
