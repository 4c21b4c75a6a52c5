/*
 * cmd_policy.c - policy: answers mail servers by the routes, and checks SPF for them, until it is
 * told to end.
 */
#include "commands.h"
#include "error.h"
#include "output.h"
#include "policy_server.h"
#include "report.h"

json_t *cmd_policy_blank(void)
{
    json_t *object = output_object();

    output_put(object, "error", json_null());
    return object;
}

int cmd_policy(const struct options *options, const struct load *load)
{
    struct mox_error err = {0};

    if (policy_serve(options, load, &err) != MOX_OK)
        return report_failure(options, cmd_policy_blank(), &err);
    return EXIT_DONE;
}
