/*
 * build.h - what is at work while a configuration is read: the open blocks, the objects being
 * filled, the arrays that grow, the problems so far. One per config_build.
 */
#ifndef CONFIG_BUILD_H
#define CONFIG_BUILD_H

#include "base/buffer.h"
#include "base/domain.h"
#include "base/limits.h"
#include "config/config.h"
#include "config/intern.h"
#include "config/problems.h"
#include "config/schema.h"

enum { BUILD_KEYS = 64 }; /* keys of one struct that can be told apart */

/* An open block. frames[0] is the top level; frame n has its entries at n TABs. */
struct build_frame {
    const struct schema_key *key;
    struct slice name; /* the key, or the name of a map's entry; of a list's item: NULL */
    uint32_t index;    /* of the item */
    uint32_t line;     /* that opened it */
    uint32_t entries;  /* so far */
    bool spoiled;      /* something in it was refused */
    uint64_t serial;   /* the space of its names in map_names */
    uint64_t seen;     /* a bit for each key of the struct */
    uint32_t seen_line[BUILD_KEYS];
};

/* A route that named a transport not known yet. */
struct build_pending {
    uint32_t source, list, route, line;
    uint32_t index; /* in its list as the file has it, refused ones counted */
};

struct build_domain {
    const char *ascii, *shown;
};

/* An address of a listener, as written: whether it must be one is known at the listener's end. */
struct config_build_text {
    struct slice text;
    uint32_t line;
};

struct build {
    struct mox_config *config;
    struct problems problems;
    bool nomem; /* nothing more is done */

    /* The file being read. */
    const char *file;
    uint32_t source;
    enum config_kind kind;
    bool from_disk; /* the files it names are looked at */
    bool stop;      /* the rest of the file cannot be understood */
    bool lost;      /* of any file: transports may be defined in lines that were refused */

    /* Where in it. */
    struct build_frame frames[MOX_LIMIT_CONFIG_DEPTH];
    size_t depth;      /* of the innermost */
    bool leaf;         /* an entry of the innermost block is at work: */
    struct slice name; /* its key or name; NULL: an item */
    uint32_t line;
    uint32_t quiet_line; /* has told its fault already */
    uint64_t serial;
    struct intern map_names; /* value: the line */

    /* What grows: config_transport, config_list, config_conditions, config_listener,
     * config_spf_map, config_route, uint32_t, char, build_domain, build_pending, const char *. */
    struct buffer transports, lists, conditions, listeners, spf_map;
    struct buffer routes, items, names, domains, pending, ca_files;
    struct buffer scratch;         /* the items of the list that is open */
    struct intern transport_names; /* value: index + 1 */
    uint32_t last_ref;             /* of the route before, for most name the same; index + 1 */

    /* What is being filled. */
    struct config_transport transport;
    struct config_auth auth;
    uint32_t no_starttls_line;
    struct config_route route;
    uint32_t transport_ref, transport_line, zone_line;
    bool transport_set;
    struct config_listener listener;
    struct buffer listener_ips; /* struct config_build_text */
    uint32_t nated_line, nat_line;
    struct build_domain domain;
    const char *account;
};

/* What was allocated, as it came; NULL ends all further work. */
void *config_build_check(struct build *b, void *block);

/* false: out of memory, which ends all further work. */
bool config_build_append(struct build *b, struct buffer *array, const void *bytes, size_t len);

/* A copy in the config's arena; NULL: out of memory. */
const char *config_build_text(struct build *b, struct slice text);

/* "Domains.x.Routes[2].Transport": the innermost block, or the entry in it that is at work. */
void config_build_path(const struct build *b, bool leaf, struct text *out);

/* An error, or warning, of the entry at work. "what is wrong; how to mend it" */
void config_build_error(struct build *b, const char *format, ...) ERROR_PRINTF(2, 3);
void config_build_warning(struct build *b, const char *format, ...) ERROR_PRINTF(2, 3);

/* An error, or warning, of another line of the innermost block; below: ".IPs[2]", or "". */
void config_build_error_below(struct build *b, uint32_t line, const char *below, const char *format,
                              ...) ERROR_PRINTF(4, 5);
void config_build_warning_below(struct build *b, uint32_t line, const char *below,
                                const char *format, ...) ERROR_PRINTF(4, 5);

/* So many errors that more are only counted: their words would be written in vain. */
bool config_build_is_full(const struct build *b);

/* An error with all said. */
void config_build_problem(struct build *b, const struct problem *problem);

/* Text of a file, in quotes and fit to be shown; long text is cut. */
struct config_build_quote {
    char text[100];
};
struct config_build_quote config_build_quote(struct slice text);

#endif
