/*
 * cmd_config.c - config check, config show, config describe.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "error.h"
#include "output.h"
#include "report.h"
#include "table.h"

enum { NUMBERS = 96 };

static json_t *check_object(const struct load *load)
{
    const struct mox_config_info none = {0};
    const struct mox_config_info *info = &none;
    bool valid = load != NULL && load->err.code == MOX_OK;
    json_t *object = output_object(), *routes = json_object();

    if (load != NULL && load->config != NULL)
        info = mox_config_summary(load->config);
    output_put(object, "valid", load == NULL ? json_null() : json_boolean(valid));
    output_put(object, "errors", load == NULL ? json_array() : json_incref(load->errors));
    output_put(object, "warnings", load == NULL ? json_array() : json_incref(load->warnings));
    output_put(object, "transports", valid ? json_integer(info->transports) : json_null());
    output_put(routes, "account", valid ? json_integer(info->account_routes) : json_null());
    output_put(routes, "domain", valid ? json_integer(info->domain_routes) : json_null());
    output_put(routes, "global", valid ? json_integer(info->global_routes) : json_null());
    output_put(object, "routes", routes);
    output_put(object, "error", json_null());
    return object;
}

json_t *cmd_config_check_blank(void)
{
    return check_object(NULL);
}

static void print_summary(const struct load *load)
{
    struct table table = {.columns = 2};
    const struct mox_config_info *info;
    char number[NUMBERS];

    if (load->config == NULL) {
        printf("no configuration: direct delivery, both families\n");
        return;
    }
    info = mox_config_summary(load->config);
    printf("the configuration is valid\n");
    for (size_t i = 0; i < load->files.count; i++)
        table_row(&table, (const char *[]){i == 0 ? "read" : "", load->files.items[i]});
    table_row(&table,
              (const char *[]){"hostname", info->hostname != NULL ? info->hostname : "none"});
    snprintf(number, sizeof number, "%u", info->transports);
    table_row(&table, (const char *[]){"transports", number});
    snprintf(number, sizeof number, "%u of accounts, %u of domains, %u global",
             info->account_routes, info->domain_routes, info->global_routes);
    table_row(&table, (const char *[]){"routes", number});
    table_print(&table, 2);
}

/* The problems themselves were printed as they were found. */
int cmd_config_check(const struct options *options, const struct load *load)
{
    json_t *object = check_object(load);
    bool valid = load->err.code == MOX_OK;

    if (!valid)
        output_put(object, "error", json_incref(json_array_get(load->errors, 0)));
    report_object(options, object);
    if (valid && !options->json && !options->quiet)
        print_summary(load);
    return valid ? EXIT_DONE : EXIT_CONFIG;
}

json_t *cmd_config_text_blank(void)
{
    json_t *object = output_object();

    output_put(object, "config", json_null());
    output_put(object, "error", json_null());
    return object;
}

/* text: taken. */
static int print_text(const struct options *options, char *text)
{
    json_t *object = cmd_config_text_blank();

    output_put(object, "config", output_text(text));
    report_object(options, object);
    if (!options->json && !options->quiet)
        fputs(text, stdout);
    free(text);
    return EXIT_DONE;
}

int cmd_config_show(const struct options *options, const struct load *load)
{
    size_t len = load->config == NULL ? 0 : mox_config_show(load->config, NULL, 0);
    char *text = tool_alloc(len + 1, 1);

    if (load->config != NULL)
        mox_config_show(load->config, text, len + 1);
    return print_text(options, text);
}

int cmd_config_describe(const struct options *options, const struct load *load)
{
    size_t len = mox_config_describe(NULL, 0);
    char *text = tool_alloc(len + 1, 1);

    (void)load;
    mox_config_describe(text, len + 1);
    return print_text(options, text);
}
