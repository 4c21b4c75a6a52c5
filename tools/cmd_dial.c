/*
 * cmd_dial.c - dial: as far as --stop-at, show every attempt, say QUIT.
 */
#include "commands.h"
#include "output.h"
#include "report.h"
#include "run.h"
#include "show_plan.h"
#include "show_session.h"
#include "tls_story.h"
#include "waterfall.h"

/* What went wrong while planning belongs to the plan as well. */
static const struct mox_error *plan_error(const struct mox_error *err)
{
    return err->code != MOX_OK && err->stage <= MOX_STAGE_RESOLVE ? err : NULL;
}

/* run NULL: all keys, null or empty. */
static json_t *dial_object(const struct run *run, bool named, bool explain)
{
    const struct mox_session *session =
        run == NULL || run->conn == NULL ? NULL : mox_conn_session(run->conn);
    const struct mox_plan *plan = run == NULL ? NULL : run->plan;
    json_t *object = output_object();
    int stage = MOX_STAGE_NONE;

    if (run != NULL)
        stage = session != NULL ? session->stage : run->err.stage;
    output_put(object, "ok", run == NULL ? json_false() : json_boolean(run->err.code == MOX_OK));
    output_put(object, "stage", output_text(run == NULL ? NULL : mox_stage_name(stage)));
    output_put(object, "plan",
               show_plan_object(plan, named, run == NULL ? NULL : plan_error(&run->err)));
    show_session_put(object, session);
    output_put(object, "attempts", show_plan_attempts(plan));
    output_put(object, "explain_tls", explain ? tls_story(run) : json_null());
    output_put(object, "elapsed_ms",
               plan == NULL ? json_null() : json_integer(mox_plan_summary(plan)->elapsed_ms));
    output_put(object, "error", json_null());
    return object;
}

json_t *cmd_dial_blank(void)
{
    return dial_object(NULL, false, false);
}

static void print_dial(const struct run *run, const struct options *options)
{
    if (!show_plan_has_route(run->plan, &run->err))
        return;
    show_plan_print_route(run->plan, options->request.transport != NULL);
    if (show_plan_kept(run->plan) == 0 && run->conn == NULL)
        show_plan_print(run->plan);
    waterfall_print(run->plan);
    if (run->conn != NULL)
        show_session_print(mox_conn_session(run->conn));
    if (options->explain_tls)
        tls_story_print(run);
}

int cmd_dial(const struct options *options, const struct load *load)
{
    struct run run;
    json_t *object;
    int status = 0;

    if (run_open(&run, options, load) == MOX_OK)
        run_dial(&run);
    if (!options->json && !options->quiet)
        print_dial(&run, options);
    object = dial_object(&run, options->request.transport != NULL, options->explain_tls);
    if (run.err.code == MOX_OK) {
        report_object(options, object);
    } else {
        output_flush(); /* the attempts stand before the line that ends them */
        status = report_failure(options, object, &run.err);
    }
    run_close(&run);
    return status;
}
