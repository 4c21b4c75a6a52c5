/*
 * report.c - see report.h.
 */
#include "report.h"

#include "error.h"
#include "output.h"
#include "parent.h"

void report_object(const struct options *options, json_t *object)
{
    if (options->json && !options->quiet)
        output_json(object);
    else
        json_decref(object);
}

int report_failure(const struct options *options, json_t *object, const struct mox_error *err)
{
    parent_prefix(options, err);
    if (!options->quiet)
        output_error_line(err);
    output_put(object, "error", output_error(err, NULL));
    report_object(options, object);
    return options->for_parent ? mox_error_exit_code(err) : tool_exit_status(err);
}
