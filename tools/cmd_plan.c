/*
 * cmd_plan.c - plan: resolve, show the candidates, dial nothing.
 */
#include "commands.h"
#include "error.h"
#include "output.h"
#include "report.h"
#include "run.h"
#include "show_plan.h"

json_t *cmd_plan_blank(void)
{
    return show_plan_object(NULL, false, NULL);
}

static void print_plan(const struct run *run, bool named)
{
    if (!show_plan_has_route(run->plan, &run->err))
        return;
    show_plan_print_route(run->plan, named);
    show_plan_print(run->plan);
}

int cmd_plan(const struct options *options, const struct load *load)
{
    bool named = options->request.transport != NULL;
    struct run run;
    int status;

    if (run_open(&run, options, load) == MOX_OK && run_resolve(&run) == MOX_OK &&
        show_plan_kept(run.plan) == 0)
        tool_error(&run.err, MOX_E_NO_ADDRESS, MOX_STAGE_RESOLVE, "no candidate is left to dial");
    if (!options->json && !options->quiet)
        print_plan(&run, named);
    if (run.err.code == MOX_OK) {
        report_object(options, show_plan_object(run.plan, named, NULL));
        status = EXIT_DONE;
    } else {
        output_flush(); /* the plan stands before the line that ends it */
        status = report_failure(options, show_plan_object(run.plan, named, &run.err), &run.err);
    }
    run_close(&run);
    return status;
}
