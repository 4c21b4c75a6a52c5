/*
 * cmd_spf.c - spf: whether an address may send for a domain, and by which word of whose record.
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "error.h"
#include "output.h"
#include "report.h"
#include "run.h"
#include "spf_words.h"
#include "table.h"

enum { TEXT = 512 };

/* What each result means for whoever runs the command. */
static const int statuses[] = {
    [MOX_SPF_NONE] = EXIT_DONE,      [MOX_SPF_NEUTRAL] = EXIT_DONE,
    [MOX_SPF_PASS] = EXIT_DONE,      [MOX_SPF_FAIL] = EXIT_POLICY,
    [MOX_SPF_SOFTFAIL] = EXIT_DONE,  [MOX_SPF_TEMPERROR] = EXIT_TEMPORARY,
    [MOX_SPF_PERMERROR] = EXIT_DATA,
};

/* result NULL: nothing is known. */
static json_t *spf_object(const struct mox_ip *seen, const struct mox_spf_result *result)
{
    json_t *object = output_object();
    bool known = result != NULL;

    output_put(object, "result", output_text(known ? mox_spf_name(result->result) : NULL));
    output_put(object, "address", seen != NULL ? output_address(seen) : json_null());
    output_put(object, "effective_address", known ? output_address(&result->ip) : json_null());
    output_put(object, "domain", output_filled(known ? result->domain : ""));
    output_put(object, "mechanism", output_filled(known ? result->mechanism : ""));
    output_put(object, "explanation", output_filled(known ? result->explanation : ""));
    output_put(object, "lookups", known ? json_integer(result->lookups) : json_null());
    output_put(object, "void_lookups", known ? json_integer(result->void_lookups) : json_null());
    output_put(object, "error", json_null());
    return object;
}

json_t *cmd_spf_blank(void)
{
    return spf_object(NULL, NULL);
}

static void add_row(struct table *table, const char *name, const char *value)
{
    if (*value != '\0')
        table_row(table, (const char *[]){name, value});
}

static void print_result(const struct mox_ip *seen, const struct mox_spf_result *result)
{
    struct table table = {.columns = 2};
    char ip[OUTPUT_IP], effective[OUTPUT_IP], text[TEXT];
    bool fail = result->result == MOX_SPF_FAIL;

    output_ip(seen, ip);
    output_ip(&result->ip, effective);
    snprintf(text, sizeof text, "%s %s %s", effective, spf_words(result->result),
             result->domain[0] != '\0' ? result->domain : "a domain, for the sender has none");
    add_row(&table, mox_spf_name(result->result), text);
    snprintf(text, sizeof text, "%s on the connection; the configuration says what the world sees",
             ip);
    if (strcmp(ip, effective) != 0)
        add_row(&table, "seen", text);
    add_row(&table, "by", result->mechanism);
    add_row(&table, fail ? "they say" : "why", result->explanation);
    snprintf(text, sizeof text, "%u of 10, and %u of 2 that found nothing", result->lookups,
             result->void_lookups);
    add_row(&table, "lookups", text);
    table_print(&table, 0);
}

int cmd_spf(const struct options *options, const struct load *load)
{
    struct mox_spf_request request = {.size = sizeof request,
                                      .config = load->config,
                                      .ip = options->ip,
                                      .helo = options->helo,
                                      .mail_from = options->envelope.from};
    struct mox_spf_result result;
    struct run run;
    int status;

    if (run_open(&run, options, load) != MOX_OK ||
        mox_spf_check(run.ctx, &request, &result, &run.err) != MOX_OK) {
        status = report_failure(options, spf_object(&options->ip, NULL), &run.err);
    } else {
        status = statuses[result.result];
        if (!options->json && !options->quiet)
            print_result(&options->ip, &result);
        report_object(options, spf_object(&options->ip, &result));
    }
    run_close(&run);
    return status;
}
