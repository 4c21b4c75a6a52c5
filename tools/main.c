/*
 * main.c - the moxdial command: finds the command, reads its options and its configuration, and
 * lets it run. What is fixed about it stands in moxdial(1).
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "error.h"
#include "load.h"
#include "options.h"
#include "output.h"
#include "report.h"

#define HISTORY_SUMMARY                                                                            \
    "Prints what the store of the configuration has learned of mail hosts: when each accepted\n"   \
    "mail from an address of ours, and when it refused one."

static const struct command {
    const char *word, *second; /* second: of a command of two words, else NULL */
    const char *short_summary; /* for the list of commands; NULL: another one stands for it */
    struct usage usage;
    json_t *(*blank)(void);
    /* load is NULL where no configuration is needed. */
    int (*run)(const struct options *options, const struct load *load);
    bool needs_config;
    bool takes_broken; /* a configuration that is not valid is its business */
} commands[] = {
    {.word = "config",
     .second = "check",
     .short_summary = "parse and validate the configuration",
     .usage = {"config check", "",
               "Names every error of the configuration with file, line, key and cure.", 0},
     .blank = cmd_config_check_blank,
     .run = cmd_config_check,
     .needs_config = true,
     .takes_broken = true},
    {.word = "config",
     .second = "show",
     .short_summary = "the effective configuration, passwords masked",
     .usage = {"config show", "", "Prints the configuration normalised, passwords masked.", 0},
     .blank = cmd_config_text_blank,
     .run = cmd_config_show,
     .needs_config = true},
    {.word = "config",
     .second = "describe",
     .short_summary = "an example file with every key and its meaning",
     .usage = {"config describe", "",
               "Prints a moxdial.conf with every key, its meaning and its default.", 0},
     .blank = cmd_config_text_blank,
     .run = cmd_config_describe},
    {.word = "route",
     .short_summary = "which transport an envelope takes, and why",
     .usage = {"route", "[RECIPIENT]",
               "Prints the route of an envelope; nothing is asked or dialed.",
               OPTIONS_ROUTE | OPTIONS_ENVELOPE},
     .blank = cmd_route_blank,
     .run = cmd_route,
     .needs_config = true},
    {.word = "plan",
     .short_summary = "the hosts and addresses a dial would try, in order",
     .usage = {"plan", "[RECIPIENT]",
               "Asks DNS, prints the candidates and what was dropped; nothing is dialed.",
               OPTIONS_ENVELOPE | OPTIONS_DIALING},
     .blank = cmd_plan_blank,
     .run = cmd_plan,
     .needs_config = true},
    {.word = "dial",
     .short_summary = "open an SMTP session, show every attempt, quit",
     .usage = {"dial", "[RECIPIENT]",
               "Dials until a server is ready for mail, or to --stop-at, and says QUIT.",
               OPTIONS_DIAL | OPTIONS_ENVELOPE | OPTIONS_DIALING},
     .blank = cmd_dial_blank,
     .run = cmd_dial,
     .needs_config = true},
    {.word = "send",
     .short_summary = "deliver a message, tell what became of each recipient",
     .usage =
         {"send", "[FILE]",
          "Delivers a message, FILE or standard input, to the recipients of --to. For a mail\n"
          "server that runs it: an error begins with its enhanced code, and the exit status is\n"
          "75 for all that may yet be mended, the command line and the configuration included.",
          OPTIONS_SEND | OPTIONS_ENVELOPE | OPTIONS_DIALING},
     .blank = cmd_send_blank,
     .run = cmd_send,
     .needs_config = true,
     .takes_broken = true},
    {.word = "preflight",
     .short_summary = "whether our addresses are good to send from, and the cure",
     .usage = {"preflight", "",
               "Checks reverse DNS, EHLO and SPF of each address of this machine that mail would\n"
               "leave from, and whether mail to our own domains comes back through a NAT.",
               OPTIONS_PREFLIGHT},
     .blank = cmd_preflight_blank,
     .run = cmd_preflight,
     .needs_config = true},
    {.word = "spf",
     .short_summary = "whether an address may send for a domain (RFC 7208)",
     .usage = {"spf", "", "Checks SPF as a receiver does, behind NAT with the public address.",
               OPTIONS_SPF},
     .blank = cmd_spf_blank,
     .run = cmd_spf,
     .needs_config = true},
    {.word = "history",
     .second = "reset",
     .short_summary = "forget what was learned, of one host or of all",
     .usage = {"history reset", "[HOST]",
               "Removes what the store of the configuration has learned of a mail host, or of all.",
               OPTIONS_HOST},
     .blank = cmd_history_blank,
     .run = cmd_history_reset,
     .needs_config = true},
    {.word = "history",
     .second = "show",
     .usage = {"history show", "", HISTORY_SUMMARY, 0},
     .blank = cmd_history_blank,
     .run = cmd_history_show,
     .needs_config = true},
    {.word = "history",
     .short_summary = "which mail hosts refused our addresses, and when",
     .usage = {"history [show]", "", HISTORY_SUMMARY, 0},
     .blank = cmd_history_blank,
     .run = cmd_history_show,
     .needs_config = true},
    {.word = "policy",
     .short_summary = "answer Postfix, Exim and OpenSMTPD by the routes; SPF for Postfix",
     .usage = {"policy", "",
               "Serves Postfix's socketmap and policy delegation protocols until SIGTERM. The\n"
               "configuration is read again when it changes, and on SIGHUP.",
               OPTIONS_POLICY},
     .blank = cmd_policy_blank,
     .run = cmd_policy,
     .needs_config = true},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(void)
{
    printf("Usage: moxdial COMMAND [OPTION...]\n"
           "\n"
           "Which way should this mail leave, and who answers there? Reads mox's configuration\n"
           "files, or a moxdial.conf of its own.\n"
           "\n"
           "Commands:\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        char name[32];

        if (commands[i].short_summary == NULL)
            continue;
        snprintf(name, sizeof name, "%s%s%s", commands[i].word,
                 commands[i].second != NULL ? " " : "",
                 commands[i].second != NULL ? commands[i].second : "");
        printf("  %-16s  %s\n", name, commands[i].short_summary);
    }
    printf("\n`moxdial COMMAND --help` has the options; moxdial(1) has it all.\n");
}

static void print_version(void)
{
    uint32_t features = mox_features();

    printf("moxdial %s (library %s%s%s%s)\n", MOX_VERSION, mox_version(),
           (features & MOX_FEATURE_CARES) != 0 ? ", c-ares" : "",
           (features & MOX_FEATURE_TLS13) != 0 ? ", TLS 1.3" : "",
           (features & MOX_FEATURE_IDN) != 0 ? ", IDN" : "");
}

/* *words: how many arguments name it. */
static const struct command *find_command(int argc, char *argv[], int *words)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command *command = &commands[i];

        *words = command->second != NULL ? 2 : 1;
        if (strcmp(argv[1], command->word) != 0)
            continue;
        if (command->second == NULL || (argc > 2 && strcmp(argv[2], command->second) == 0))
            return command;
    }
    return NULL;
}

/* --json and -q hold even for a command line that cannot be read. */
static void scan_flags(struct options *options, int argc, char *argv[])
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        options->json |= strcmp(argv[i], "--json") == 0;
        options->quiet |= strcmp(argv[i], "-q") == 0 || strcmp(argv[i], "--quiet") == 0;
    }
}

static int fail_usage(const struct options *options, json_t *object, const struct mox_error *err)
{
    int status = report_failure(options, object, err);

    return options->for_parent ? status : EXIT_USAGE;
}

static int no_command(int argc, char *argv[])
{
    struct options options = {0};
    struct mox_error err;

    scan_flags(&options, argc, argv);
    if (argc < 2)
        tool_error(&err, MOX_E_INVAL, MOX_STAGE_NONE, "no command; see `moxdial --help`");
    else if (argv[1][0] == '-')
        tool_error(&err, MOX_E_INVAL, MOX_STAGE_NONE,
                   "%s stands before a command; write `moxdial COMMAND [OPTION...]`", argv[1]);
    else if (strcmp(argv[1], "config") == 0)
        tool_error(&err, MOX_E_INVAL, MOX_STAGE_NONE,
                   "config what? One of `config check`, `config show`, `config describe`");
    else
        tool_error(&err, MOX_E_INVAL, MOX_STAGE_NONE, "\"%s\" is no command; see `moxdial --help`",
                   argv[1]);
    return fail_usage(&options, output_object(), &err);
}

static int run_loaded(const struct command *command, const struct options *options)
{
    struct load load = {0};
    int status = EXIT_CONFIG;
    bool warnings = (command->takes_broken && !options->for_parent) || options->verbose > 0;

    load_config(&load, options, warnings);
    if (load.err.code == MOX_OK || command->takes_broken) {
        status = command->run(options, &load);
    } else {
        json_t *object = command->blank(); /* the lines are printed already */

        output_put(object, "error", json_incref(json_array_get(load.errors, 0)));
        report_object(options, object);
    }
    load_free(&load);
    return status;
}

static int run_command(const struct command *command, int argc, char *argv[])
{
    struct options options;
    struct mox_error err;
    int status;

    if (options_parse(&options, &command->usage, argc, argv, &err) != MOX_OK) {
        scan_flags(&options, argc, argv);
        status = fail_usage(&options, command->blank(), &err);
    } else if (options.help) {
        options_help(&command->usage);
        status = EXIT_DONE;
    } else if (!command->needs_config) {
        status = command->run(&options, NULL);
    } else {
        status = run_loaded(command, &options);
    }
    options_free(&options);
    return status;
}

int main(int argc, char *argv[])
{
    const struct command *command = NULL;
    int words = 0, status;
    bool for_parent;

    setlocale(LC_CTYPE, ""); /* numbers stay as they are */
    if (argc > 1)
        command = find_command(argc, argv, &words);
    for_parent = command != NULL && (command->usage.options & OPTIONS_SEND) != 0;
    if (command != NULL) {
        status = run_command(command, argc - words, argv + words);
    } else if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        print_help();
        status = EXIT_DONE;
    } else if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        print_version();
        status = EXIT_DONE;
    } else {
        status = no_command(argc, argv);
    }
    if (output_flush() || status != EXIT_DONE || for_parent)
        return status; /* what was sent is sent, whether or not anybody can be told */
    return EXIT_TEMPORARY;
}
