/*
 * cmd_preflight.c - preflight: are the addresses that mail would leave from good ones, and if not,
 * what is to be done?
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "error.h"
#include "output.h"
#include "preflight_page.h"
#include "preflight_words.h"
#include "report.h"
#include "run.h"
#include "table.h"

/* value below 0: not known. */
static json_t *yes_or_no(int32_t value)
{
    return value < 0 ? json_null() : json_boolean(value != 0);
}

static json_t *source_object(const struct mox_preflight_source *s)
{
    json_t *object = json_object();
    bool known = s->forward_confirmed >= 0;

    output_put(object, "source", output_address(&s->source));
    output_put(object, "public", output_address(&s->public_ip));
    output_put(object, "family", output_family(&s->source));
    output_put(object, "ptr", output_text(s->ptr));
    output_put(object, "forward_confirmed", yes_or_no(s->forward_confirmed));
    output_put(object, "ehlo", output_text(s->ehlo));
    output_put(object, "ehlo_matches", known ? yes_or_no(s->ehlo_matches) : json_null());
    output_put(object, "ehlo_leads", yes_or_no(s->ehlo_leads));
    output_put(object, "generated", s->ptr == NULL ? json_null() : yes_or_no(s->generated));
    output_put(object, "spf", output_text(s->spf < 0 ? NULL : mox_spf_name(s->spf)));
    output_put(object, "spf_mechanism", output_text(s->spf_mechanism));
    output_put(object, "spf_ehlo", output_text(s->spf_ehlo < 0 ? NULL : mox_spf_name(s->spf_ehlo)));
    output_put(object, "verdict", output_text(mox_verdict_name(s->verdict)));
    output_put(object, "problem", output_text(s->problem));
    output_put(object, "cure", output_text(s->cure));
    output_put(object, "hairpin", yes_or_no(s->hairpin));
    return object;
}

/* info NULL: nothing is known. */
static json_t *hairpin_object(const struct mox_preflight_info *info)
{
    static const char *const probes[] = {NULL, "reached", "unreachable"};
    json_t *object = json_object();

    output_put(object, "detected", info == NULL ? json_null() : yes_or_no(info->hairpin));
    output_put(object, "cures", output_strings(info == NULL ? NULL : info->cures));
    output_put(object, "story", output_text(info == NULL ? NULL : info->hairpin_story));
    output_put(object, "probe", output_text(info == NULL ? NULL : probes[info->probe]));
    output_put(object, "seen",
               info == NULL || info->probe_seen.family == 0 ? json_null()
                                                            : output_address(&info->probe_seen));
    return object;
}

/* report NULL: nothing is known. */
static json_t *report_to_json(const struct mox_preflight_report *report)
{
    const struct mox_preflight_info *info = report == NULL ? NULL : mox_preflight_summary(report);
    json_t *object = output_object(), *sources = json_array();

    for (uint32_t i = 0; info != NULL && i < info->nsources; i++)
        output_append(sources, source_object(mox_preflight_source_at(report, i)));
    output_put(object, "sources", sources);
    output_put(object, "hairpin", hairpin_object(info));
    output_put(object, "config", output_text(info == NULL ? NULL : info->config));
    output_put(object, "error", json_null());
    return object;
}

json_t *cmd_preflight_blank(void)
{
    return report_to_json(NULL);
}

static void add_row(struct table *table, const char *name, const char *value)
{
    if (value != NULL && *value != '\0')
        table_row(table, (const char *[]){name, value});
}

static void print_source(const struct mox_preflight_source *s)
{
    struct table table = {.columns = 2};
    char source[OUTPUT_IP], public_ip[OUTPUT_IP], text[PREFLIGHT_WORDS];
    bool mapped = strcmp(output_ip(&s->source, source), output_ip(&s->public_ip, public_ip)) != 0;

    snprintf(text, sizeof text, "%s%s%s%s", public_ip, mapped ? ", here " : "",
             mapped ? source : "", s->hairpin != 0 ? ", hairpin NAT" : "");
    add_row(&table, mox_verdict_name(s->verdict), text);
    add_row(&table, "reverse DNS", preflight_ptr_words(s, text));
    add_row(&table, "EHLO", s->ehlo != NULL ? s->ehlo : "the address as a literal");
    add_row(&table, "SPF", preflight_spf_words(s, text));
    add_row(&table, "SPF of EHLO", s->spf_ehlo < 0 ? NULL : mox_spf_name(s->spf_ehlo));
    add_row(&table, "problem", s->problem);
    table_print(&table, 0);
    if (s->cure != NULL)
        printf("cure:\n%s\n", s->cure);
    printf("\n");
}

static void print_report(const struct mox_preflight_report *report)
{
    const struct mox_preflight_info *info = mox_preflight_summary(report);

    for (uint32_t i = 0; i < info->nsources; i++)
        print_source(mox_preflight_source_at(report, i));
    if (info->hairpin_story != NULL)
        printf("hairpin NAT: %s.\n\n", info->hairpin_story);
    for (size_t i = 0; info->cures[i] != NULL; i++)
        printf("%zu. %s\n", i + 1, info->cures[i]);
    if (info->config != NULL)
        printf("To paste into the configuration:\n\n%s", info->config);
}

static int exit_of(const struct mox_preflight_report *report)
{
    const struct mox_preflight_info *info = mox_preflight_summary(report);
    int status = EXIT_DONE;

    for (uint32_t i = 0; i < info->nsources; i++) {
        int32_t verdict = mox_preflight_source_at(report, i)->verdict;

        if (verdict == MOX_VERDICT_BAD)
            return EXIT_POLICY;
        if (verdict == MOX_VERDICT_UNKNOWN)
            status = EXIT_TEMPORARY;
    }
    return status;
}

/* A page that cannot be written is told, and the rest is done. */
static int write_page(const struct options *options, const struct mox_preflight_report *report,
                      struct mox_error *err)
{
    return options->html == NULL ? MOX_OK : preflight_page_write(options->html, report, err);
}

int cmd_preflight(const struct options *options, const struct load *load)
{
    struct mox_preflight_report *report = NULL;
    struct run run;
    int status;

    if (run_open(&run, options, load) == MOX_OK) {
        struct mox_preflight_request request = {.size = sizeof request,
                                                .config = load->config,
                                                .transport = options->request.transport,
                                                .from_domain = options->domain,
                                                .ehlo = run.request.ehlo,
                                                .flags = options->preflight,
                                                .port = options->port};

        mox_preflight(run.ctx, &request, &report, &run.err);
    }
    if (report == NULL || write_page(options, report, &run.err) != MOX_OK) {
        status = report_failure(options, report_to_json(report), &run.err);
    } else {
        status = exit_of(report);
        if (!options->json && !options->quiet)
            print_report(report);
        report_object(options, report_to_json(report));
    }
    mox_preflight_report_free(report);
    run_close(&run);
    return status;
}
