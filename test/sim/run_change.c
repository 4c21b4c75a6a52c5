/* run_change.c - what changes while a run goes on: its configuration, the TLSA records of a zone.
 */
#include <string.h>

#include "test/sim/run.h"

struct mox_config *run_parse(struct run *run, const struct seed_config *facts)
{
    const char *domains, *text = seed_config_text(facts, run->w, &domains);
    struct mox_config_source files[] = {{"mox.conf", text, strlen(text)},
                                        {"domains.conf", domains, 0}};
    struct mox_config_options options = {.size = sizeof options, .sources = files, .nsources = 2};
    struct mox_config *config;
    struct mox_error err;

    if (facts->mox)
        files[1].len = strlen(domains);
    config =
        facts->mox ? mox_config_open(&options, &err) : mox_config_parse(text, strlen(text), &err);
    if (config == NULL && run_is_sound(run))
        run_broken(run, "start", "the configuration: %s\n%s%s", err.message, text,
                   facts->mox ? domains : "");
    return config;
}

/* Its dials keep the old one by references of their own. */
void run_reload(struct run *run)
{
    const struct seed_config *facts = &run->seed->configs[run->facts == &run->seed->configs[0]];
    struct mox_config *fresh = facts->there ? run_parse(run, facts) : NULL;

    world_log(run->w, "host reloads");
    if (facts->there && fresh == NULL)
        return;
    mox_config_free(run->config);
    run->config = fresh;
    run->facts = facts;
    for (size_t i = 0; i < run->seed->ndials; i++) {
        if (run->dials[i].phase == RUN_RESOLVES) /* it will be dialed with the same */
            continue;
        mox_config_free(run->dials[i].parsed);
        run->dials[i].parsed = NULL;
    }
}

void run_roll(struct run *run, int zone)
{
    for (size_t i = 0; i < run->seed->ndials; i++) {
        const struct run_dial *d = &run->dials[i];

        if ((d->phase == RUN_RESOLVES || d->phase == RUN_DIALS) && d->reference.zone == zone)
            return;
    }
    world_log(run->w, "the TLSA records of zone %d are others", zone);
    run->rolled[zone]++;
    seed_roll(run->seed, zone, run->w);
}
