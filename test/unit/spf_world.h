/*
 * spf_world.h - a context whose name servers are the test's, for SPF checks; time is simulated.
 */
#ifndef SPF_WORLD_H
#define SPF_WORLD_H

#include <moxdial/check.h>
#include <moxdial/config.h>

#include "ctx_world.h"
#include "dns/dns.h"

struct spf_zone {     /* a record of the name servers */
    const char *name; /* without escapes; NULL: the table ends */
    uint16_t type;    /* 0: what the name has no record for is not answered in time */
    const char *data; /* as in a zone file; a TXT record may do without quotes */
};

struct spf_world {
    struct ctx_world net; /* first */
    const struct spf_zone *zone;
    const char *silent; /* questions for this name are kept for the test; NULL: none are */
    struct mox_config *config;
    const char *ip, *helo,
        *mail_from; /* to check; set to 192.0.2.1, mx.example.org, me@example.org */
    struct mox_spf_result result;
    mox_op_id id;
    int done, status;
    struct mox_error err;
    bool wrong;       /* the zone cannot be served; libcheck allocates: no assertion in a table */
    char asked[4096]; /* all questions: "TXT example.org\n" */
};

void spf_world_open(struct spf_world *w);
void spf_world_close(struct spf_world *w);

/* Starts a check; its id, 0 with the reason in err. */
mox_op_id spf_world_start(struct spf_world *w);

/* Starts one and runs it to its end. Returns its status. */
int spf_world_check(struct spf_world *w);

void spf_world_wait(struct spf_world *w, unsigned seconds);

#endif
