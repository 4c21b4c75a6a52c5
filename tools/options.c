/*
 * options.c - see options.h; the options themselves are in option_rows.c.
 */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "option_rows.h"

enum { LONG_ONLY = 256 }; /* getopt's number of the first row; letters are below */

struct parser { /* what getopt_long wants */
    struct option longs[OPTION_ROWS_MOST + 1];
    char letters[2 * OPTION_ROWS_MOST + 2];
};

static void build_parser(struct parser *parser, unsigned groups)
{
    size_t n = 0, at = 0;

    memset(parser, 0, sizeof *parser);
    parser->letters[at++] = ':'; /* a missing argument is told apart, and by us */
    for (size_t i = 0; i < option_rows_count; i++) {
        if ((option_rows[i].group & groups) == 0)
            continue;
        parser->longs[n++] = (struct option){
            option_rows[i].name, option_rows[i].arg != NULL ? required_argument : no_argument, NULL,
            LONG_ONLY + (int)i};
        if (option_rows[i].letter == 0)
            continue;
        parser->letters[at++] = option_rows[i].letter;
        if (option_rows[i].arg != NULL)
            parser->letters[at++] = ':';
    }
}

static const struct option_row *row_of(int found)
{
    if (found >= LONG_ONLY)
        return &option_rows[found - LONG_ONLY];
    for (size_t i = 0; i < option_rows_count; i++) {
        if (option_rows[i].letter == found)
            return &option_rows[i];
    }
    return NULL;
}

/* What getopt_long did not take: `word` is the argument, or the cluster of letters, it was in. */
static int explain_failure(const struct usage *usage, int found, const char *word,
                           struct mox_error *err)
{
    const struct option_row *row = optopt > 0 ? row_of(optopt) : NULL;
    const char *name = word[0] == '-' && word[1] == '-' ? word + 2 : word;
    size_t len = strcspn(name, "=");

    if (row != NULL && found == ':')
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE, "--%s wants %s behind it", row->name,
                          row->arg);
    if (row != NULL && optopt >= LONG_ONLY)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE, "--%s takes no value", row->name);
    if (optopt > 0 && optopt < LONG_ONLY)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "-%c is not an option of `moxdial %s`; see `moxdial %s --help`", optopt,
                          usage->command, usage->command);
    for (size_t i = 0; i < option_rows_count; i++) {
        if (strncmp(option_rows[i].name, name, len) == 0 && option_rows[i].name[len] == '\0')
            return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                              "--%s is not an option of `moxdial %s`", option_rows[i].name,
                              usage->command);
    }
    return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                      "%.*s is no option, or short for several; see `moxdial %s --help`",
                      (int)strcspn(word, "="), word, usage->command);
}

static int read_rows(struct options *options, const struct usage *usage, int argc, char *argv[],
                     struct mox_error *err)
{
    struct parser parser;

    build_parser(&parser, usage->options | OPTIONS_COMMON);
    opterr = 0;
    for (;;) {
        int at = optind;
        int found = getopt_long(argc, argv, parser.letters, parser.longs, NULL);
        const struct option_row *row = found == '?' || found == ':' ? NULL : row_of(found);

        if (found == -1)
            return MOX_OK;
        if (row == NULL)
            return explain_failure(usage, found, argv[optind > at ? optind - 1 : at], err);
        if (row->set(options, row, optarg, err) != MOX_OK)
            return err->code;
    }
}

static int parse_sources(struct options *options, struct mox_error *err)
{
    size_t count = options->source.count;

    options->sources = tool_alloc(count, sizeof *options->sources);
    for (size_t i = 0; i < count; i++) {
        if (mox_ip_parse(options->source.items[i], &options->sources[i]) != MOX_OK)
            return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                              "--source: \"%s\" is not an IP address", options->source.items[i]);
    }
    options->request.sources = options->sources;
    options->request.nsources = count;
    return MOX_OK;
}

static int parse_dialed(struct options *options, struct mox_error *err)
{
    size_t count = options->dialed.count;

    options->dials = tool_alloc(count, sizeof *options->dials);
    options->dialed_hosts = tool_alloc(count, sizeof *options->dialed_hosts);
    for (size_t i = 0; i < count; i++) {
        const char *item = options->dialed.items[i], *equals = strchr(item, '=');

        if (mox_ip_parse(equals == NULL ? item : equals + 1, &options->dials[i].ip) != MOX_OK ||
            equals == item)
            return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                              "--dialed: \"%s\" is not ADDRESS or HOST=ADDRESS", item);
        if (equals == NULL)
            continue;
        options->dialed_hosts[i] = strndup(item, (size_t)(equals - item));
        if (options->dialed_hosts[i] == NULL)
            tool_out_of_memory();
        options->dials[i].host = options->dialed_hosts[i];
    }
    options->request.dialed = options->dials;
    options->request.ndialed = count;
    return MOX_OK;
}

/* Only --server: the host is then also the destination. */
static void destination_from_server(struct options *options)
{
    struct mox_ip ip;
    char host[256];

    option_split_host_port(options->request.server, host,
                           sizeof host); /* set_server saw that it can */
    snprintf(options->destination, sizeof options->destination,
             mox_ip_parse(host, &ip) == MOX_OK ? "[%s]" : "%s", host);
    options->envelope.to = options->destination;
}

/* What only all options together tell. */
static int check_together(struct options *options, const struct usage *usage, struct mox_error *err)
{
    const struct mox_envelope *envelope = &options->envelope;
    uint32_t both_tls = MOX_DIAL_REQUIRETLS | MOX_DIAL_TLS_OPTIONAL;
    uint32_t both_ad = MOX_CTX_TRUST_AD | MOX_CTX_DISTRUST_AD;

    if ((options->ctx.flags & both_ad) == both_ad)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "--trust-ad and --no-trust-ad exclude each other");
    if ((options->request.flags & both_tls) == both_tls)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "--requiretls and --tls-optional exclude each other");
    if (options->batch && options->explain)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "--batch and --explain exclude each other");
    if (options->batch && (envelope->from != NULL || envelope->to != NULL ||
                           envelope->account != NULL || envelope->attempts != 0))
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "--batch reads sender, recipient, account and attempts from its input");
    if ((usage->options & OPTIONS_ENVELOPE) != 0 && !options->batch && envelope->to == NULL &&
        (options->request.server == NULL || options->for_parent))
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          options->for_parent
                              ? "no recipient; say --to ADDRESS"
                              : "no recipient; say --to ADDRESS, or only its domain");
    if ((usage->options & OPTIONS_SPF) != 0 && (options->ip.family == 0 || envelope->from == NULL))
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "whom to check? Say --ip ADDRESS and --from SENDER, an address or its "
                          "domain");
    if ((usage->options & OPTIONS_POLICY) != 0 && options->listen.count == 0)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE,
                          "where to listen? Say --listen unix:PATH or --listen HOST:PORT");
    return MOX_OK;
}

/* One operand is the message of send, or a host; or a recipient, where there is an envelope. */
static int take_operands(struct options *options, const struct usage *usage, int argc, char *argv[],
                         struct mox_error *err)
{
    if (optind < argc && options->for_parent)
        options->file = argv[optind++];
    else if (optind < argc && (usage->options & OPTIONS_ENVELOPE) != 0 &&
             options->envelope.to == NULL)
        options->envelope.to = argv[optind++];
    if (optind < argc && (usage->options & OPTIONS_HOST) != 0)
        options->host = argv[optind++];
    if (optind < argc)
        return tool_error(err, MOX_E_INVAL, MOX_STAGE_NONE, "\"%s\" is one argument too many",
                          argv[optind]);
    return MOX_OK;
}

int options_parse(struct options *options, const struct usage *usage, int argc, char *argv[],
                  struct mox_error *err)
{
    memset(options, 0, sizeof *options);
    options->ctx.size = sizeof options->ctx;
    options->envelope.size = sizeof options->envelope;
    options->request.size = sizeof options->request;
    options->message.size = sizeof options->message;
    options->mode = OPTIONS_SOCKET_MODE;
    options->for_parent = (usage->options & OPTIONS_SEND) != 0;
    if (read_rows(options, usage, argc, argv, err) != MOX_OK)
        return err->code;
    if (options->help)
        return MOX_OK;
    if (take_operands(options, usage, argc, argv, err) != MOX_OK ||
        check_together(options, usage, err) != MOX_OK || parse_sources(options, err) != MOX_OK ||
        parse_dialed(options, err) != MOX_OK)
        return err->code;
    if (options->envelope.to == NULL && options->request.server != NULL)
        destination_from_server(options);
    options->request.port = (uint16_t)options->port; /* fits: the row's greatest number */
    options->request.envelope = &options->envelope;
    options->envelope.mx = options->mx.items;
    options->envelope.nmx = options->mx.count;
    options->ctx.dns_servers = options->resolver.items;
    options->ctx.ndns_servers = options->resolver.count;
    return MOX_OK;
}

void options_free(struct options *options)
{
    struct list *lists[] = {&options->config, &options->resolver, &options->mx,
                            &options->source, &options->dialed,   &options->to,
                            &options->orcpt,  &options->listen};

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        free(lists[i]->items);
    for (size_t i = 0; options->dialed_hosts != NULL && i < options->dialed.count; i++)
        free(options->dialed_hosts[i]);
    free(options->dialed_hosts);
    free(options->dials);
    free(options->sources);
}

static void help_row(const struct option_row *row)
{
    char left[64], letter[5] = "    ";

    if (row->letter != 0)
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->arg != NULL ? " " : "",
             row->arg != NULL ? row->arg : "");
    printf("  %-29s %s\n", left, row->help);
}

void options_help(const struct usage *usage)
{
    static const struct {
        unsigned group;
        const char *heading;
    } groups[] = {
        {OPTIONS_ROUTE, "Of this command"},
        {OPTIONS_DIAL, "Of this command"},
        {OPTIONS_SEND, "Of this command"},
        {OPTIONS_SPF, "Of this command"},
        {OPTIONS_PREFLIGHT, "Of this command"},
        {OPTIONS_POLICY, "Of this command"},
        {OPTIONS_ENVELOPE, "Envelope"},
        {OPTIONS_DIALING, "Dial"},
        {OPTIONS_COMMON, "Common"},
    };

    printf("Usage: moxdial %s [OPTION...]%s%s\n\n%s\n", usage->command,
           *usage->operands != '\0' ? " " : "", usage->operands, usage->summary);
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        if (((usage->options | OPTIONS_COMMON) & groups[g].group) == 0)
            continue;
        printf("\n%s:\n", groups[g].heading);
        for (size_t i = 0; i < option_rows_count; i++) {
            if (option_rows[i].group == groups[g].group)
                help_row(&option_rows[i]);
        }
    }
}
