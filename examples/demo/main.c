/*
 * main.c - the demo: runs the moxdial command against servers of its own on loopback and holds what
 * it says, and what the servers saw, against the story.
 *
 *   moxdial-demo MOXDIAL FOLDER          the story; its configuration files go to FOLDER
 *   moxdial-demo --serve MOXDIAL FOLDER  the servers alone, to type the commands by hand
 *
 * It is single-threaded: while the command runs, the wait for its output serves it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "servers.h"
#include "story.h"

enum {
    OUTPUT = 64 * 1024, /* of a command, bytes */
    PATH = 1024,
    ARGS = 16,
    COMMAND_MS = 5000, /* without a sign of life; then it is killed */
    QUIET_MS = 20      /* what a command has left behind has arrived by then */
};

struct demo {
    const char *moxdial, *folder;
    struct secure *secure;
    struct servers servers;
    char dns[32], smtp[16], tls[16]; /* as the command wants them */
    size_t len;                      /* of output */
    char output[OUTPUT];             /* of the last command, ends in NUL */
};

struct command {
    const char *argv[ARGS];
    char config[PATH], authority[PATH];
};

static bool path_of(const struct demo *demo, const char *name, char out[PATH])
{
    int len = snprintf(out, PATH, "%s/%s", demo->folder, name);

    return len > 0 && len < PATH;
}

static bool write_file(const struct demo *demo, const char *name, const char *text)
{
    char path[PATH];
    FILE *f = path_of(demo, name, path) ? fopen(path, "w") : NULL;
    bool written = f != NULL && fputs(text, f) >= 0;

    if (f != NULL && fclose(f) != 0)
        written = false;
    if (!written)
        fprintf(stderr, "moxdial-demo: cannot write %s/%s: %s\n", demo->folder, name,
                strerror(errno));
    return written;
}

static void show_file(const char *name)
{
    size_t i = 0;

    while (i < story_nfiles && strcmp(story_files[i].name, name) != 0)
        i++;
    if (i == story_nfiles)
        return;
    printf("\n  %s:\n", name);
    for (const char *line = story_files[i].text; *line != '\0';) {
        size_t len = strcspn(line, "\n");

        printf("  | %.*s\n", (int)len, line);
        line += len + 1;
    }
}

/* What a person would type. */
static void make_command(const struct demo *demo, const struct story_step *step,
                         struct command *command)
{
    const char **next = command->argv;

    *next++ = demo->moxdial;
    *next++ = step->args[0];
    if (strcmp(step->args[0], "dial") == 0) {
        *next++ = "--resolver";
        *next++ = demo->dns;
        *next++ = "--port";
        *next++ = step->heard != NULL ? demo->tls : demo->smtp;
    }
    for (int i = 1; i < STORY_ARGS && step->args[i] != NULL; i++)
        *next++ = step->args[i];
    if (step->authority != NULL) {
        path_of(demo, step->authority, command->authority);
        *next++ = "--ca-file";
        *next++ = command->authority;
    }
    path_of(demo, step->file, command->config);
    *next++ = "-c";
    *next++ = command->config;
    *next = NULL;
}

static void print_command(const struct command *command)
{
    printf("\n  $");
    for (int i = 0; command->argv[i] != NULL; i++)
        printf(" %s", command->argv[i]);
    printf("\n\n");
    fflush(stdout);
}

/* In the child: both outputs to the pipe. */
static void become(const struct command *command, int output)
{
    if (dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0)
        execv(command->argv[0], (char *const *)(uintptr_t)command->argv);
    fprintf(stderr, "cannot run %s: %s\n", command->argv[0], strerror(errno));
    _exit(127);
}

/* Serves the command until its output ends; false: it hangs. What exceeds output is thrown away. */
static bool serve_command(struct demo *demo, int pipe_end)
{
    char rest[512] = {0};

    demo->len = 0;
    while (servers_serve(&demo->servers, pipe_end, COMMAND_MS)) {
        bool fits = demo->len < OUTPUT - 1;
        ssize_t n = read(pipe_end, fits ? demo->output + demo->len : rest,
                         fits ? OUTPUT - 1 - demo->len : sizeof rest);

        if (n == 0) {
            demo->output[demo->len] = '\0';
            servers_serve(&demo->servers, -1, QUIET_MS);
            return true;
        }
        if (n > 0 && fits)
            demo->len += (size_t)n;
    }
    demo->output[demo->len] = '\0';
    return false;
}

/* Its exit status; -1: it could not be run, hung, or was killed. */
static int run(struct demo *demo, const struct command *command)
{
    int ends[2], status = 0;
    bool ended;
    pid_t pid;

    demo->output[0] = '\0';
    if (pipe(ends) != 0)
        return -1;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    pid = fork();
    if (pid == 0)
        become(command, ends[1]);
    close(ends[1]);
    ended = pid > 0 && serve_command(demo, ends[0]);
    close(ends[0]);
    if (pid < 0)
        return -1;
    if (!ended)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return ended && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void print_output(const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        printf(len > 0 ? "    %.*s\n" : "\n", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static bool failed(const char *what, long got, const char *wanted)
{
    printf("  FAILED: %s: %ld, not %s\n", what, got, wanted);
    return false;
}

static bool check_count(const char *what, unsigned got, enum story_times wanted)
{
    static const char *const words[] = {
        [STORY_NEVER] = "0", [STORY_ONCE] = "1", [STORY_ASKED] = "at least 1"};

    if (wanted == STORY_ASKED ? got > 0 : got == (unsigned)wanted)
        return true;
    return failed(what, (long)got, words[wanted]);
}

static bool check_text(const struct demo *demo, const char *text)
{
    if (text == NULL || strstr(demo->output, text) != NULL)
        return true;
    printf("  FAILED: the output lacks \"%s\"\n", text);
    return false;
}

static bool check_hidden(const struct demo *demo, const char *text)
{
    if (text == NULL || strstr(demo->output, text) == NULL)
        return true;
    printf("  FAILED: the output has \"%s\" in it\n", text);
    return false;
}

static bool check_heard(const char *heard, const char *wanted)
{
    if (strcmp(heard, wanted != NULL ? wanted : "") == 0)
        return true;
    printf("  FAILED: the server heard \"%s\", not \"%s\"\n", heard, wanted != NULL ? wanted : "");
    return false;
}

/* Every failed check is told. */
static bool check(const struct demo *demo, const struct story_step *step, int status)
{
    const struct servers_seen *seen = &demo->servers.seen;
    bool ipv6 = demo->servers.ipv6 >= 0, good = true;
    char wanted[16];

    if (status != step->status) {
        snprintf(wanted, sizeof wanted, "%d", step->status);
        good = failed("exit status", status, wanted);
    }
    good &= check_count("MX questions", seen->questions.mx, step->mx);
    good &= check_count("A questions", seen->questions.a, step->a);
    good &= check_count("AAAA questions", seen->questions.aaaa, step->aaaa);
    good &= check_count("TLSA questions", seen->questions.tlsa, step->tlsa);
    good &= check_count("connects over IPv6", seen->ipv6, ipv6 ? step->ipv6 : STORY_NEVER);
    good &= check_count("connects over IPv4", seen->ipv4, step->ipv4);
    good &= check_heard(seen->heard, step->heard);
    for (int i = 0; i < STORY_WORDS; i++) {
        good &= check_text(demo, step->says[i]);
        good &= check_hidden(demo, step->hides[i]);
    }
    if (ipv6)
        good &= check_text(demo, step->says_with_ipv6);
    return good;
}

static void print_seen(const struct servers_seen *seen, int status)
{
    const struct zone_seen *asked = &seen->questions;

    printf("\n  Exit status %d. The servers saw: questions for MX %u, A %u, AAAA %u, TLSA %u; "
           "connects over IPv6 %u, IPv4 %u.\n",
           status, asked->mx, asked->a, asked->aaaa, asked->tlsa, seen->ipv6, seen->ipv4);
    if (seen->heard[0] != '\0')
        printf("  They heard: %s\n", seen->heard);
}

static bool show_step(struct demo *demo, const struct story_step *step, int number)
{
    bool needs_ipv6 = step->ipv6 != STORY_NEVER && demo->servers.ipv6 < 0;
    struct command command = {0};
    int status;
    bool good;

    printf("\n%d. %s\n\n", number, step->title);
    print_output(step->text);
    if (step->show != NULL)
        show_file(step->show);
    make_command(demo, step, &command);
    print_command(&command);
    demo->servers.seen = (struct servers_seen){0};
    status = run(demo, &command);
    print_output(demo->output);
    print_seen(&demo->servers.seen, status);
    good = check(demo, step, status);
    if (good)
        printf("  ok: %s\n",
               needs_ipv6 ? "open over IPv4; there is no IPv6 here to refuse" : step->proven);
    return good;
}

static bool start(struct demo *demo)
{
    bool open;

    demo->secure = secure_new();
    open = servers_start(&demo->servers, demo->secure);
    if (!open)
        fprintf(stderr, "moxdial-demo: cannot listen on 127.0.0.1: %s\n", strerror(errno));
    else if (demo->secure == NULL)
        fprintf(stderr, "moxdial-demo: mbedTLS cannot make the certificates\n");
    return open && demo->secure != NULL;
}

static bool write_files(const struct demo *demo)
{
    if (mkdir(demo->folder, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "moxdial-demo: cannot make %s: %s\n", demo->folder, strerror(errno));
        return false;
    }
    for (size_t i = 0; i < story_nfiles; i++)
        if (!write_file(demo, story_files[i].name, story_files[i].text))
            return false;
    return write_file(demo, STORY_AUTHORITY, secure_authority(demo->secure));
}

static void introduce(struct demo *demo)
{
    snprintf(demo->dns, sizeof demo->dns, "127.0.0.1:%u", demo->servers.dns_port);
    snprintf(demo->smtp, sizeof demo->smtp, "%u", demo->servers.smtp_port);
    snprintf(demo->tls, sizeof demo->tls, "%u", demo->servers.tls_port);
    printf("On loopback: DNS at %s; SMTP at port %s, where [::1] refuses with\n"
           "  550 5.7.1 Client host rejected: cannot find your reverse hostname\n"
           "and 127.0.0.1 accepts; SMTP with STARTTLS at port %s.\n",
           demo->dns, demo->smtp, demo->tls);
    if (demo->servers.ipv6 < 0)
        printf(
            "\nThis machine has no IPv6 on loopback: the refusal cannot be shown, the rest is.\n");
}

static int tell(struct demo *demo)
{
    int nfailed = 0;

    for (size_t i = 0; i < story_nsteps; i++)
        nfailed += !show_step(demo, &story_steps[i], (int)i + 1);
    printf("\n%zu steps, %d failed. The configuration files are in %s.\n", story_nsteps, nfailed,
           demo->folder);
    printf("To type the commands yourself, start the servers: %s-demo --serve %s %s\n",
           demo->moxdial, demo->moxdial, demo->folder);
    return nfailed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int serve(struct demo *demo)
{
    struct command command = {0};

    printf("\nIn another terminal:\n");
    for (size_t i = 0; i < story_nsteps; i++) {
        make_command(demo, &story_steps[i], &command);
        print_command(&command);
    }
    printf("Ctrl-C ends the servers.\n");
    fflush(stdout);
    while (servers_serve(&demo->servers, -1, -1))
        continue;
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct demo demo;
    bool alone = argc == 4 && strcmp(argv[1], "--serve") == 0;
    int status = EXIT_FAILURE;

    if (argc != 3 && !alone) {
        fprintf(stderr, "usage: moxdial-demo [--serve] MOXDIAL FOLDER\n");
        return 64;
    }
    demo.moxdial = argv[argc - 2];
    demo.folder = argv[argc - 1];
    setenv("COLUMNS", "96", 0);
    if (start(&demo) && write_files(&demo)) {
        introduce(&demo);
        status = alone ? serve(&demo) : tell(&demo);
    }
    servers_stop(&demo.servers);
    secure_free(demo.secure);
    return status;
}
