/*
 * options.h - the command line, read straight into the structs the library takes.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <moxdial.h>

/* Which options a command takes; bits, and the headings of its help. */
enum {
    OPTIONS_ROUTE = 1,    /* route alone */
    OPTIONS_DIAL = 2,     /* dial alone */
    OPTIONS_ENVELOPE = 4, /* route, plan, dial, send */
    OPTIONS_DIALING = 8,  /* plan, dial, send */
    OPTIONS_COMMON = 16,
    OPTIONS_HOST = 32,       /* none: a host may stand as operand */
    OPTIONS_SEND = 64,       /* send alone */
    OPTIONS_SPF = 128,       /* spf alone */
    OPTIONS_PREFLIGHT = 256, /* preflight alone */
    OPTIONS_POLICY = 512     /* policy alone */
};

enum { OPTIONS_SOCKET_MODE = 0660 }; /* owner and group of the socket may ask */

/* What a command is, as far as its command line goes. */
struct usage {
    const char *command;  /* "config check" */
    const char *operands; /* behind the options; "": takes none */
    const char *summary;  /* sentences for --help */
    unsigned options;     /* OPTIONS_ bits */
};

struct list {
    const char **items; /* texts borrowed from the command line */
    size_t count;
};

struct options {
    bool help, json, quiet;
    bool explain, batch, explain_tls, crlf;
    bool for_parent; /* of send: errors are for a mail server that runs it, like pipe(8) */
    uint32_t verbose;
    struct list config, resolver, mx, source, dialed;
    struct list to, orcpt; /* each --to with its --orcpt, or NULL */
    struct list listen;    /* of policy */
    uint32_t mode;         /* the same: of a socket in the file system */
    uint32_t spf_mode;     /* the same: enum policy_spf_mode */
    struct mox_ctx_options ctx;
    struct mox_envelope envelope;
    struct mox_dial_request request; /* config and plan are the caller's to set */
    struct mox_message message;      /* flags, ret, envid */
    const char *file;                /* the message; NULL: standard input */
    const char *host;                /* NULL: none was given */
    const char *helo;                /* the same */
    const char *domain, *html;       /* the same */
    uint32_t preflight;              /* MOX_PREFLIGHT_ bits */
    struct mox_ip ip;                /* family 0: none was given */
    uint32_t port, notify;
    char destination[256 + 3]; /* `to` where only --server was given */

    struct mox_ip *sources; /* owned */
    struct mox_dialed *dials;
    char **dialed_hosts;
};

/*
 * Reads the options behind argv[0], which is the command's name. The result points into itself, so
 * it must not be moved; argv must outlive it. MOX_E_INVAL: err says what is wrong. To be ended by
 * options_free in any case.
 */
int options_parse(struct options *options, const struct usage *usage, int argc, char *argv[],
                  struct mox_error *err);
void options_free(struct options *options);

/* The help text of a command. */
void options_help(const struct usage *usage);

#endif
