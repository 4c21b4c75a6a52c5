/*
 * cmd_route.c - route: which way an envelope goes, for one or for a stream of them.
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "error.h"
#include "output.h"
#include "report.h"
#include "rfc3339.h"
#include "show_route.h"
#include "table.h"

enum {
    BATCH_LINE = 4096, /* bytes; far over two addresses of RFC 5321 and an account */
    BATCH_COLUMNS = 4,
    BATCH_BUFFER = 1 << 16, /* of either stream: a million lines must not be a million writes */
    TEXT = 1024
};

json_t *cmd_route_blank(void)
{
    return show_route_object(NULL, false);
}

/* Name servers that know nothing, so that to find out about a transport asks nobody. */
static int ask_nobody(void *user, uint64_t id, const char *name, uint16_t type)
{
    (void)user;
    (void)id;
    (void)name;
    (void)type;
    return MOX_E_DNS;
}

static void cancel_nothing(void *user, uint64_t id)
{
    (void)user;
    (void)id;
}

/*
 * The transport of --transport as a route. Only a plan tells what a transport is; that it then
 * fails for want of addresses says nothing about the transport.
 */
static int route_by_name(const struct options *options, const struct load *load,
                         struct mox_route *route, struct mox_error *err)
{
    struct mox_dns_ops dns = {.size = sizeof dns, .query = ask_nobody, .cancel = cancel_nothing};
    struct mox_ctx_options ctx_options = {
        .size = sizeof ctx_options, .dns = &dns, .flags = MOX_CTX_NO_HOSTS_FILE};
    struct mox_envelope envelope = {.size = sizeof envelope, .to = "example.invalid"};
    struct mox_dial_request request = {.size = sizeof request,
                                       .config = load->config,
                                       .envelope = &envelope,
                                       .transport = options->request.transport};
    struct mox_ctx *ctx = mox_ctx_new(&ctx_options, err);

    if (ctx == NULL)
        return err->code;
    request.plan = mox_plan_new(ctx);
    if (request.plan == NULL)
        tool_out_of_memory();
    mox_plan_resolve(ctx, &request, err);
    *route = mox_plan_summary(request.plan)->route;
    if (route->transport != NULL)
        err->code = MOX_OK;
    mox_plan_free(request.plan);
    mox_ctx_free(ctx);
    return err->code;
}

/* named NULL: by the routes. The lookup comes first in either case: it finds a bad envelope. */
static int find_route(const struct load *load, const struct mox_envelope *envelope,
                      const struct mox_route *named, struct mox_route *route, struct mox_error *err)
{
    int status = mox_route_lookup(load->config, envelope, route, err);

    if (status == MOX_OK && named != NULL)
        *route = *named;
    return status;
}

struct steps { /* what --explain and -v show */
    json_t *list;
    bool explain, trace; /* as text, on standard output and on standard error */
};

static void on_step(void *arg, const struct mox_route_step *step)
{
    struct steps *steps = arg;
    const struct mox_route *route = &step->route;
    json_t *object = json_object();
    char text[OUTPUT_LINE];

    output_put(object, "scope", output_text(mox_scope_name(route->scope)));
    output_put(object, "index", output_not_negative(route->index));
    output_put(object, "file", output_filled(route->file));
    output_put(object, "line", output_positive(route->line));
    output_put(object, "transport", output_text(route->transport));
    output_put(object, "matched", json_boolean(step->matched));
    output_put(object, "failed_condition", output_text(step->failed));
    output_put(object, "text", output_text(step->text));
    output_append(steps->list, object);
    output_clean(step->text, text, sizeof text);
    if (steps->explain)
        printf("  %s\n", text);
    if (steps->trace)
        fprintf(stderr, "%s\n", text);
}

static void print_route(const struct mox_route *route, bool named)
{
    char words[TEXT], reason[TEXT];
    struct table table = {.columns = 2};

    table_row(&table, (const char *[]){"route", show_route_words(route, words, sizeof words)});
    table_row(&table,
              (const char *[]){"why", show_route_reason(route, named, reason, sizeof reason)});
    table_print(&table, 0);
}

/* Why, step by step; nothing where --transport leaves nothing to consider. */
static int walk_steps(struct steps *steps, const struct load *load,
                      const struct mox_envelope *envelope, struct mox_error *err)
{
    int considered;

    if (steps->explain)
        printf("\nRoutes considered, in order:\n");
    considered = mox_route_each(load->config, envelope, on_step, steps, err);
    if (steps->explain && considered == 0)
        printf("  none\n");
    return considered < 0 ? considered : MOX_OK;
}

static int route_one(const struct options *options, const struct load *load,
                     const struct mox_envelope *envelope, const struct mox_route *named)
{
    bool text = !options->json && !options->quiet;
    struct steps steps = {json_array(), options->explain && text,
                          options->verbose > 0 && !options->quiet};
    json_t *object = cmd_route_blank();
    struct mox_route route;
    struct mox_error err = {0};
    int status = EXIT_DONE;

    if (find_route(load, envelope, named, &route, &err) == MOX_OK) {
        json_decref(object);
        object = show_route_object(&route, named != NULL);
        if (text)
            print_route(&route, named != NULL);
        if (named == NULL && (options->explain || steps.trace))
            walk_steps(&steps, load, envelope, &err);
    }
    if (options->explain)
        output_put(object, "considered", json_incref(steps.list));
    json_decref(steps.list);
    if (err.code != MOX_OK)
        status = report_failure(options, object, &err);
    else
        report_object(options, object);
    return status;
}

struct batch {
    const struct options *options;
    const struct load *load;
    const struct mox_route *named;
    struct mox_envelope envelope; /* what holds for every line */
    bool bad;                     /* a line was */
    char line[BATCH_LINE];
};

/* MOX_E_EOF: none is left. Another error: this line is not for use, but the next one may be. */
static int read_line(struct batch *batch, struct mox_error *err)
{
    bool too_long = false, has_nul = false;
    size_t len = 0;
    int c = getc_unlocked(stdin);

    if (c == EOF)
        return MOX_E_EOF;
    for (; c != EOF && c != '\n'; c = getc_unlocked(stdin)) {
        has_nul |= c == '\0';
        if (len + 1 < sizeof batch->line)
            batch->line[len++] = (char)c;
        else
            too_long = true;
    }
    if (len > 0 && batch->line[len - 1] == '\r')
        len--;
    batch->line[len] = '\0';
    if (too_long)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_ROUTE, "the line is over %d bytes long",
                          BATCH_LINE - 1);
    if (has_nul)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_ROUTE, "the line holds a NUL byte");
    return MOX_OK;
}

static int read_attempts(const char *text, uint32_t *attempts, struct mox_error *err)
{
    uint64_t value = 0;
    const char *at = text;

    for (; *at >= '0' && *at <= '9' && value <= UINT32_MAX; at++)
        value = 10 * value + (uint64_t)(*at - '0');
    if (*at != '\0' || value > UINT32_MAX)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_ROUTE, "\"%s\" is not a number of attempts",
                          text);
    *attempts = (uint32_t)value;
    return MOX_OK;
}

/* Cuts the line into columns; the envelope points into it. */
static int read_envelope(struct batch *batch, struct mox_envelope *envelope, struct mox_error *err)
{
    char *columns[BATCH_COLUMNS] = {batch->line};
    size_t n = 1;

    for (char *at = batch->line; (at = strchr(at, '\t')) != NULL; n++) {
        *at++ = '\0';
        if (n < BATCH_COLUMNS)
            columns[n] = at;
    }
    if (n != BATCH_COLUMNS)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_ROUTE,
                          "the line has %zu columns, not the %d of account, from, to, attempts", n,
                          BATCH_COLUMNS);
    if (*columns[2] == '\0')
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_ROUTE, "the line names no recipient");
    *envelope = batch->envelope;
    envelope->account = *columns[0] != '\0' ? columns[0] : NULL;
    envelope->from = strcmp(columns[1], "<>") == 0 ? "" : columns[1];
    envelope->to = columns[2];
    return read_attempts(columns[3], &envelope->attempts, err);
}

/* transport, kind, scope, index, file:line, families; "-" for what is not there. */
static void print_answer(const struct mox_route *route)
{
    bool matched = route->scope != MOX_SCOPE_NONE;
    uint32_t families = route->kind == MOX_KIND_FAIL ? 0 : route->families;

    printf("%s\t%s\t%s\t", route->transport != NULL ? route->transport : "-",
           mox_kind_name(route->kind), matched ? mox_scope_name(route->scope) : "-");
    if (matched)
        printf("%d\t%s:%d\t", route->index, route->file, route->line);
    else
        fputs("-\t-\t", stdout);
    fputs((families & MOX_ALLOW_IPV4) != 0 ? "ipv4" : "", stdout);
    fputs(families == (MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6) ? "," : "", stdout);
    fputs((families & MOX_ALLOW_IPV6) != 0 ? "ipv6" : "", stdout);
    fputs(families == 0 ? "-\n" : "\n", stdout);
}

static void answer(const struct batch *batch, const struct mox_route *route,
                   const struct mox_error *err)
{
    bool bad = err->code != MOX_OK;
    char text[OUTPUT_LINE];

    if (batch->options->quiet)
        return;
    if (batch->options->json) {
        json_t *object = show_route_object(bad ? NULL : route, batch->named != NULL);

        output_put(object, "error", output_error(err, NULL));
        json_dumpf(object, stdout, JSON_COMPACT); /* what could not be written shows in ferror */
        putchar('\n');
        json_decref(object);
    } else if (bad) {
        printf("ERROR\t%s\n", output_clean(err->message, text, sizeof text));
    } else {
        print_answer(route);
    }
}

static int route_batch(struct batch *batch)
{
    struct mox_envelope envelope;
    struct mox_route route = {0};
    struct mox_error err;
    int status;

    setvbuf(stdin, NULL, _IOFBF, BATCH_BUFFER);
    setvbuf(stdout, NULL, _IOFBF, BATCH_BUFFER);
    while (!ferror(stdout)) {
        err.code = MOX_OK;
        status = read_line(batch, &err);
        if (status == MOX_E_EOF)
            break;
        if (status == MOX_OK)
            status = read_envelope(batch, &envelope, &err);
        if (status == MOX_OK)
            status = find_route(batch->load, &envelope, batch->named, &route, &err);
        batch->bad |= status != MOX_OK;
        answer(batch, &route, &err);
    }
    return batch->bad ? EXIT_DATA : EXIT_DONE;
}

int cmd_route(const struct options *options, const struct load *load)
{
    struct batch batch = {.options = options, .load = load, .envelope = options->envelope};
    const struct mox_route *by_name = NULL;
    struct mox_route named;
    struct mox_error err;

    if (options->request.transport != NULL) {
        if (route_by_name(options, load, &named, &err) != MOX_OK)
            return report_failure(options, cmd_route_blank(), &err);
        by_name = &named;
    }
    if (batch.envelope.unix_s == 0)
        rfc3339_now(&batch.envelope.unix_s, &batch.envelope.utc_offset_s);
    if (!options->batch)
        return route_one(options, load, &batch.envelope, by_name);
    batch.named = by_name;
    return route_batch(&batch);
}
