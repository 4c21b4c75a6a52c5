/*
 * cmd_history.c - history show, history reset: what the store of the configuration has learned of
 * hosts, and its end.
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "error.h"
#include "output.h"
#include "report.h"
#include "rfc3339.h"
#include "run.h"
#include "table.h"

enum { NUMBER = 16 };

/* Where entries go, as they come. */
struct shown {
    json_t *list;
    struct table table;
    bool prints; /* the table */
};

json_t *cmd_history_blank(void)
{
    json_t *object = output_object();

    output_put(object, "store", json_null());
    output_put(object, "entries", json_array());
    output_put(object, "removed", json_null());
    output_put(object, "error", json_null());
    return object;
}

static const char *store_of(const struct load *load)
{
    const char *store = load->config == NULL ? NULL : mox_config_summary(load->config)->store;

    return store == NULL ? "memory" : store;
}

/* What one process keeps in memory is gone when the next one looks. */
static bool forgets(const struct load *load)
{
    return strcmp(store_of(load), "memory") == 0;
}

static json_t *time_or_null(int64_t unix_s)
{
    char text[RFC3339_TEXT];

    return unix_s == 0 ? json_null() : output_text(rfc3339_format(unix_s, text));
}

static json_t *entry_object(const struct mox_history_entry *entry)
{
    json_t *object = json_object();

    output_put(object, "host", output_text(entry->host));
    output_put(object, "source", output_text(entry->source));
    output_put(object, "family", output_text(mox_family_name(entry->family)));
    output_put(object, "accepted", time_or_null(entry->last_accepted_s));
    output_put(object, "refused", time_or_null(entry->last_refused_s));
    output_put(object, "refusals", json_integer(entry->refusals));
    output_put(object, "reply", output_filled(entry->last_reply));
    output_put(object, "avoided", json_boolean(entry->avoided));
    return object;
}

static const char *time_or_never(int64_t unix_s, char text[RFC3339_TEXT])
{
    return unix_s == 0 ? "never" : rfc3339_format(unix_s, text);
}

static void take_entry(void *arg, const struct mox_history_entry *entry)
{
    struct shown *shown = arg;
    char accepted[RFC3339_TEXT], refused[RFC3339_TEXT], refusals[NUMBER];

    output_append(shown->list, entry_object(entry));
    if (!shown->prints)
        return;
    if (shown->table.ncells == 0)
        table_row(&shown->table, (const char *[]){"host", "family", "from", "", "accepted",
                                                  "refused", "times", "last refusal"});
    snprintf(refusals, sizeof refusals, "%u", entry->refusals);
    table_row(&shown->table, (const char *[]){entry->host, mox_family_name(entry->family),
                                              entry->source, entry->avoided ? "avoided" : "",
                                              time_or_never(entry->last_accepted_s, accepted),
                                              time_or_never(entry->last_refused_s, refused),
                                              refusals, entry->last_reply});
}

static void print_shown(const struct load *load, struct shown *shown, int count)
{
    if (count == 0 && forgets(load))
        printf("nothing to show: the history is kept in memory, and ends with each run; one that "
               "lasts needs a store in the configuration, as in\n"
               "Store: sqlite:/var/lib/moxdial/moxdial.db\n");
    else if (count == 0)
        printf("nothing to show: %s has learned nothing yet\n", store_of(load));
    table_print(&shown->table, 0);
}

/* run: opened or not; its error is told. object: taken. */
static int end_failed(struct run *run, const struct options *options, json_t *object)
{
    int status = report_failure(options, object, &run->err);

    run_close(run);
    return status;
}

/* The store of the configuration, or why not: memory in its place would only say that nothing is
 * known. */
static int open_history(struct run *run, const struct options *options, const struct load *load)
{
    int status = run_open(run, options, load);

    if (status != MOX_OK || run->store_err.code == MOX_OK)
        return status;
    run->err = run->store_err;
    run->store_err.code = MOX_OK; /* told once */
    return run->err.code;
}

int cmd_history_show(const struct options *options, const struct load *load)
{
    struct shown shown = {.list = json_array(),
                          .table = {.columns = TABLE_COLUMNS},
                          .prints = !options->json && !options->quiet};
    json_t *object = cmd_history_blank();
    struct run run;
    int count = -1;

    output_put(object, "entries", shown.list);
    output_put(object, "store", output_text(store_of(load)));
    if (open_history(&run, options, load) == MOX_OK)
        count = mox_history_each(run.ctx, take_entry, &shown, &run.err);
    if (count < 0)
        return end_failed(&run, options, object);
    if (shown.prints)
        print_shown(load, &shown, count);
    report_object(options, object);
    run_close(&run);
    return EXIT_DONE;
}

int cmd_history_reset(const struct options *options, const struct load *load)
{
    json_t *object = cmd_history_blank();
    struct run run;
    int count = -1;

    output_put(object, "store", output_text(store_of(load)));
    if (open_history(&run, options, load) == MOX_OK)
        count = mox_history_reset(run.ctx, options->host, &run.err);
    if (count < 0)
        return end_failed(&run, options, object);
    output_put(object, "removed", json_integer(count));
    if (!options->json && !options->quiet)
        printf("%d %s removed\n", count, count == 1 ? "entry" : "entries");
    report_object(options, object);
    run_close(&run);
    return EXIT_DONE;
}
