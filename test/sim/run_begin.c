/* run_begin.c - the world of a run, and the context in it. */
#include <stdio.h>
#include <string.h>

#include "test/sim/run.h"

static int give_token(void *user, const char *transport, const char *username, char *buf,
                      size_t cap)
{
    if (strcmp(username, login_username) != 0 || transport == NULL)
        world_fault(((struct run *)user)->w, "a token for %s is asked for", username);
    return snprintf(buf, cap, "%s", login_token);
}

/* Those that run now. */
static uint32_t who_connects(void *arg)
{
    const struct run *run = arg;
    uint32_t bits = 0;

    for (uint32_t i = 0; i < run->seed->ndials; i++)
        bits |= (run->dials[i].phase == RUN_DIALS ? 1u : 0u) << i;
    return bits;
}

void run_begin(struct run *run)
{
    struct mox_ctx_options options = {.size = sizeof options, .log_level = MOX_LOG_DIALOGUE};
    struct mox_error err;

    options.max_conns_per_address = run->seed->max_per_address;
    options.ca_file = papers_file();
    options.max_idle = run->seed->max_idle;
    options.token = give_token;
    options.token_user = run;
    run->w->whose = who_connects;
    run->w->whose_arg = run;
    seed_build(run->seed, run->w);
    run->facts = &run->seed->configs[0];
    if (run->facts->there)
        run->config = run_parse(run, run->facts);
    if (world_open(run->w, &options, &err) != MOX_OK)
        run_broken(run, "start", "no context: %s", err.message);
    for (size_t i = 0; i < run->seed->ndials; i++) {
        run->dials[i].run = run;
        run->dials[i].facts = &run->seed->dials[i];
    }
}
