/* way_world.c - see way_world.h. */
#include "way_world.h"

void way_setup(void)
{
    struct mox_error err;

    sim = world_bare(1);
    sim->store = STORE_WORKS;
    ck_assert_int_eq(world_open(sim, NULL, &err), MOX_OK);
    world_load(sim, dial_simple);
}

void way_renew(void)
{
    dial_teardown();
    way_setup();
}

void way_configure(const char *text)
{
    struct mox_error err;

    sim->config = mox_config_parse(text, strlen(text), &err);
    ck_assert_msg(sim->config != NULL, "%d: %s", (int)err.line, err.message);
}

int64_t way_counted(const char *key)
{
    const struct store_item *item = store_item(sim, key);

    return item == NULL ? -1 : item->number;
}

struct way_request *way_ask(struct way_request *r)
{
    r->envelope = (struct mox_envelope){
        .size = sizeof r->envelope, .from = "a@example.com", .to = "b@example.org"};
    r->request = (struct mox_dial_request){
        .size = sizeof r->request, .config = sim->config, .envelope = &r->envelope};
    return r;
}
