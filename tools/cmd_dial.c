/*
 * cmd_dial.c - dial: as far as --stop-at, show every attempt, say QUIT.
 */
#include <stdio.h>

#include "commands.h"
#include "output.h"
#include "report.h"
#include "run.h"
#include "show_plan.h"
#include "table.h"
#include "waterfall.h"

enum { TEXT = 1024 };

static const char *verified_name(int proven)
{
    return proven == MOX_TLS_PKIX || proven == MOX_TLS_DANE ? mox_tls_need_name(proven) : "none";
}

static json_t *tls_object(const struct mox_session *session)
{
    json_t *object;

    if (session == NULL || session->tls_version == NULL)
        return json_null();
    object = json_object();
    output_put(object, "version", output_text(session->tls_version));
    output_put(object, "cipher", output_text(session->tls_cipher));
    output_put(object, "verified", output_text(verified_name(session->tls_verified)));
    output_put(object, "names", output_strings(session->tls_names));
    return object;
}

/* Where the session is, or nulls. */
static void put_session(json_t *object, const struct mox_session *session)
{
    const struct mox_session none = {0};
    const struct mox_session *s = session == NULL ? &none : session;

    output_put(object, "host", output_text(s->host));
    output_put(object, "address", output_address(&s->remote));
    output_put(object, "family", output_family(&s->remote));
    output_put(object, "source", output_address(&s->local));
    output_put(object, "local_port", output_positive(s->local_port));
    output_put(object, "transport", output_text(s->transport));
    output_put(object, "tls", tls_object(session));
    output_put(object, "ehlo", output_strings(s->ehlo));
}

/* What went wrong while planning belongs to the plan as well. */
static const struct mox_error *plan_error(const struct mox_error *err)
{
    return err->code != MOX_OK && err->stage <= MOX_STAGE_RESOLVE ? err : NULL;
}

/* run NULL: all keys, null or empty. */
static json_t *dial_object(const struct run *run, bool named)
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
    put_session(object, session);
    output_put(object, "attempts", show_plan_attempts(plan));
    output_put(object, "elapsed_ms",
               plan == NULL ? json_null() : json_integer(mox_plan_summary(plan)->elapsed_ms));
    output_put(object, "error", json_null());
    return object;
}

json_t *cmd_dial_blank(void)
{
    return dial_object(NULL, false);
}

static void print_tls_row(struct table *table, const struct mox_session *session)
{
    char text[TEXT];

    if (session->tls_version == NULL) {
        table_row(table, (const char *[]){"TLS", "none, in clear"});
        return;
    }
    snprintf(text, sizeof text, "%s, %s, verified: %s%s%s", session->tls_version,
             session->tls_cipher, verified_name(session->tls_verified),
             session->tls_verified_by != NULL ? " by " : "",
             session->tls_verified_by != NULL ? session->tls_verified_by : "");
    table_row(table, (const char *[]){"TLS", text});
}

static void print_session(const struct mox_session *session)
{
    struct table table = {.columns = 2};
    char text[TEXT], where[OUTPUT_WHERE], local[OUTPUT_IP];

    output_where(session->host, &session->remote, where);
    snprintf(text, sizeof text, "%s, port %u", where, session->remote_port);
    table_row(&table, (const char *[]){mox_stage_name(session->stage), text});
    snprintf(text, sizeof text, "%s, port %u", output_ip(&session->local, local),
             session->local_port);
    table_row(&table, (const char *[]){"from", text});
    if (session->greeting != NULL)
        table_row(&table, (const char *[]){"greeting", session->greeting});
    if (session->ehlo_sent != NULL)
        table_row(&table, (const char *[]){"EHLO", session->ehlo_sent});
    for (size_t i = 0; session->ehlo != NULL && session->ehlo[i] != NULL; i++)
        table_row(&table, (const char *[]){i == 0 ? "offers" : "", session->ehlo[i]});
    if (session->stage >= MOX_STAGE_EHLO)
        print_tls_row(&table, session);
    putchar('\n');
    table_print(&table, 0);
}

static void print_dial(const struct run *run, const struct options *options)
{
    if (!show_plan_has_route(run->plan, &run->err))
        return;
    show_plan_print_route(run->plan, options->request.transport != NULL);
    if (show_plan_kept(run->plan) == 0 && run->conn == NULL)
        show_plan_print(run->plan);
    if (options->explain_tls)
        show_plan_print_tls(run->plan);
    waterfall_print(run->plan);
    if (run->conn != NULL)
        print_session(mox_conn_session(run->conn));
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
    object = dial_object(&run, options->request.transport != NULL);
    if (run.err.code == MOX_OK) {
        report_object(options, object);
    } else {
        output_flush(); /* the attempts stand before the line that ends them */
        status = report_failure(options, object, &run.err);
    }
    run_close(&run);
    return status;
}
