/* findings.c - see findings.h. */
#include "dial/findings.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/units.h"

enum { ABSENCE_S = 300 }; /* what is missing may be created any moment */

/* Takes out what *link points to. */
static void drop(struct findings *findings, struct findings_entry **link)
{
    struct findings_entry *finding = *link;

    *link = finding->next;
    findings->count--;
    mem_free(finding);
}

const struct findings_entry *findings_find(struct findings *findings, const char *key,
                                           uint64_t now_us)
{
    struct findings_entry **link = &findings->first;

    while (*link != NULL) {
        if ((*link)->until_us <= now_us)
            drop(findings, link);
        else if (strcmp((*link)->key, key) == 0)
            return *link;
        else
            link = &(*link)->next;
    }
    return NULL;
}

static void drop_oldest(struct findings *findings)
{
    struct findings_entry **link = &findings->first;

    if (*link == NULL)
        return;
    while ((*link)->next != NULL)
        link = &(*link)->next;
    drop(findings, link);
}

void findings_keep(struct findings *findings, const char *key, const char *problem, uint32_t ttl,
                   uint64_t now_us)
{
    size_t key_size = strlen(key) + 1, size = problem == NULL ? 0 : strlen(problem) + 1;
    struct findings_entry *finding = mem_new(sizeof *finding + key_size + size);
    uint32_t life = ttl == UINT32_MAX ? ABSENCE_S : ttl;

    if (finding == NULL)
        return;
    if (life > MOX_LIMIT_FINDING_LIFE)
        life = MOX_LIMIT_FINDING_LIFE;
    if (findings->count >= MOX_LIMIT_FINDINGS)
        drop_oldest(findings);
    memcpy(finding->key, key, key_size);
    if (problem != NULL)
        finding->problem = memcpy(finding->key + key_size, problem, size);
    finding->until_us = now_us + us_of_s(life);
    finding->next = findings->first;
    findings->first = finding;
    findings->count++;
}

void findings_free(struct findings *findings)
{
    while (findings->first != NULL)
        drop(findings, &findings->first);
}
