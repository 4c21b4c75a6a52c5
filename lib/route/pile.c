/* pile.c - see pile.h. */
#include "route/pile.h"

#include "base/mem.h"
#include "route/conditions.h"

void *pile_room(void *array, uint32_t *cap, uint64_t wanted, size_t size)
{
    void *bigger;

    if (wanted <= *cap)
        return array;
    wanted += wanted / 2 + 8;
    if (wanted >> ROUTE_VALUE_SHIFT != 0)
        return NULL;
    bigger = mem_resize(array, (size_t)wanted, size);
    if (bigger != NULL)
        *cap = (uint32_t)wanted;
    return bigger;
}

/* Whether attempts alone decide on the rule. */
static bool is_step(const struct mox_config *config, uint32_t rule, bool from_known)
{
    const struct config_route *route = &config->routes[rule];

    return (from_known || route->nfrom == 0) && !route_is_conditional(config, route);
}

static int append(struct piles *all, const struct mox_config *config, struct pile *pile,
                  uint32_t rule, bool from_known)
{
    struct pile_node *nodes =
        pile_room(all->nodes, &all->cap_nodes, (uint64_t)all->nnodes + 1, sizeof *nodes);
    uint32_t attempts = config->routes[rule].minimum_attempts;

    if (nodes == NULL)
        return MOX_E_NOMEM;
    all->nodes = nodes;
    nodes[all->nnodes] = (struct pile_node){rule, ROUTE_NONE};
    if (pile->count == 0)
        pile->first = all->nnodes;
    else
        nodes[pile->last].next = all->nnodes;
    pile->last = all->nnodes++;
    pile->count++;
    if (is_step(config, rule, from_known) && attempts < pile->least)
        pile->least = attempts;
    return MOX_OK;
}

/* A pile in place of a value that is a rule or none. */
static int begin(struct piles *all, const struct mox_config *config, uint32_t *value,
                 bool from_known)
{
    struct pile *piles =
        pile_room(all->piles, &all->cap_piles, (uint64_t)all->npiles + 1, sizeof *piles);
    uint32_t rule = *value;

    if (piles == NULL)
        return MOX_E_NOMEM;
    all->piles = piles;
    piles[all->npiles] = (struct pile){ROUTE_NONE, ROUTE_NONE, 0, UINT32_MAX, ROUTE_NONE};
    *value = (uint32_t)ROUTE_VALUE_PILE << ROUTE_VALUE_SHIFT | all->npiles++;
    if (rule == ROUTE_NONE)
        return MOX_OK;
    return append(all, config, &piles[all->npiles - 1], rule, from_known);
}

int pile_add(struct piles *all, const struct mox_config *config, uint32_t *value, uint32_t rule,
             bool from_known)
{
    const struct config_route *route = &config->routes[rule];
    struct pile *pile;

    if (*value == ROUTE_NONE && (from_known || route->nfrom <= ROUTE_DIRECT_ITEMS)) {
        *value = rule; /* ROUTE_VALUE_RULE is 0; most stay alone */
        return MOX_OK;
    }
    if (*value == rule)
        return MOX_OK; /* the item stands twice in the list */
    if ((*value == ROUTE_NONE || route_value_kind(*value) == ROUTE_VALUE_RULE) &&
        begin(all, config, value, from_known) != MOX_OK)
        return MOX_E_NOMEM;
    pile = &all->piles[route_value_at(*value)];
    if (pile->count > 0 &&
        (all->nodes[pile->last].rule == rule || pile->least <= route->minimum_attempts))
        return MOX_OK;
    return append(all, config, pile, rule, from_known);
}

bool pile_is_steps(const struct piles *all, const struct mox_config *config,
                   const struct pile *pile, bool from_known)
{
    for (uint32_t n = pile->first; n != ROUTE_NONE; n = all->nodes[n].next) {
        if (!is_step(config, all->nodes[n].rule, from_known))
            return false;
    }
    return true;
}

void piles_free(struct piles *all)
{
    mem_free(all->piles);
    mem_free(all->nodes);
    *all = (struct piles){0};
}
