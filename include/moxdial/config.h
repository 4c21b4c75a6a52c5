/* SPDX-License-Identifier: MIT */
/**
 * @file config.h
 * Configurations: mox.conf and domains.conf of mox, or a moxdial.conf of our own.
 */
#ifndef MOXDIAL_CONFIG_H
#define MOXDIAL_CONFIG_H

#include <moxdial/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Read a configuration from text. Which of the three kinds it is, its keys tell. Pure: no file is
 * opened, so the CA files it names are looked at when a dial needs them; mox_config_load() and
 * mox_config_open() check them at once.
 * Thread rule: any thread.
 *
 * @param text borrowed until return; need not end in NUL
 * @param len bytes in text
 * @param err the first problem: #MOX_E_CONFIG with file, line, key and cure; #MOX_E_LIMIT: the
 * text, or a line of it, is longer than a named limit; #MOX_E_NOMEM
 * @return a reference, yours to end with mox_config_free(); NULL: see err
 */
MOX_API struct mox_config *mox_config_parse(const char *text, size_t len, struct mox_error *err);

/**
 * Read a configuration from one file.
 * Thread rule: any thread.
 *
 * @param path borrowed until return
 * @param err as of mox_config_parse(), and #MOX_E_OS: the file cannot be read
 * @return a reference, yours to end with mox_config_free(); NULL: see err
 */
MOX_API struct mox_config *mox_config_load(const char *path, struct mox_error *err);

/** VALUE. One of the files of a configuration. */
struct mox_config_source {
    const char *name; ///< The name of the file, as errors show it; paths in it begin at its folder.
    const char *text; ///< Its text, need not end in NUL; NULL: read the file `name`.
    size_t len;       ///< Bytes in text.
};

/** IN. What mox_config_open() reads, and whom it tells. */
struct mox_config_options {
    size_t size;                             ///< sizeof(struct mox_config_options).
    const struct mox_config_source *sources; ///< Borrowed until return: mox.conf and domains.conf,
                                             ///< or one moxdial.conf.
    size_t nsources;                         ///< Items in sources.
    /**
     * Called for every problem and every warning, in the order of the files, during the call and
     * under the rules for ops functions. user: the field below. is_error: 1 if it keeps the
     * configuration from being used, 0 for a warning. file, line: where; line 0: nowhere. key: its
     * path, like "Routes[2].ToDomain[0]". message: what is wrong and how to mend it. All borrowed
     * until it returns. May be NULL.
     */
    void (*problem)(void *user, int is_error, const char *file, int line, const char *key,
                    const char *message);
    void *user; ///< First argument of problem.
};

/**
 * Read a configuration from one file or several, and tell every problem in it.
 * Thread rule: any thread.
 *
 * @param options borrowed until return
 * @param err the first problem, as of mox_config_load(); #MOX_E_INVAL: the options name no source;
 *     #MOX_E_LIMIT: they name too many
 * @return a reference, yours to end with mox_config_free(); NULL: see err
 */
MOX_API struct mox_config *mox_config_open(const struct mox_config_options *options,
                                           struct mox_error *err);

/**
 * One more reference; the count is atomic. A running dial holds its own, so a reload is: open the
 * new configuration, swap your pointer, free the old one.
 * Thread rule: any thread.
 *
 * @param config may be NULL
 * @return config itself, to be ended once more
 */
MOX_API struct mox_config *mox_config_ref(const struct mox_config *config);

/**
 * End a reference. The last one frees the configuration and wipes the passwords it held.
 * Thread rule: any thread.
 *
 * @param config may be NULL
 */
MOX_API void mox_config_free(struct mox_config *config);

/**
 * Write the configuration as it is understood: normalised, as a moxdial.conf, passwords masked. The
 * text parses back.
 * Thread rule: any thread.
 *
 * @param config borrowed
 * @param buf where to write, as snprintf would
 * @param cap bytes in buf
 * @return the length needed, without the NUL
 */
MOX_API size_t mox_config_show(const struct mox_config *config, char *buf, size_t cap);

/**
 * Write an example of a moxdial.conf: every key with its meaning as a comment. The text parses.
 * Thread rule: any thread.
 *
 * @param buf where to write, as snprintf would
 * @param cap bytes in buf
 * @return the length needed, without the NUL
 */
MOX_API size_t mox_config_describe(char *buf, size_t cap);

/** VIEW. What a configuration holds. */
struct mox_config_info {
    uint32_t transports;         ///< How many transports.
    uint32_t account_routes;     ///< How many routes of accounts, together.
    uint32_t domain_routes;      ///< How many routes of sender domains, together.
    uint32_t global_routes;      ///< How many global routes.
    const char *hostname;        ///< Our name, as A-labels; NULL: none.
    const char *store;           ///< The key Store, for the host to open; NULL: memory.
    const char *const *ca_files; ///< CAFile, or TLS.CA.CertFiles of mox; NULL at the end; NULL:
                                 ///< the system's bundle.
    int32_t ca_system;           ///< 1: the system's bundle too.
};

/**
 * What a configuration holds.
 * Thread rule: any thread.
 *
 * @param config borrowed
 * @return borrowed, lives as long as a reference to config is held; never NULL
 */
MOX_API const struct mox_config_info *mox_config_summary(const struct mox_config *config);

/** VALUE. A transport, as far as a program that answers for another mail server must know it. The
 * strings are borrowed from the configuration, valid while a reference to it is held. */
struct mox_transport {
    const char *host;     ///< The smarthost, A-labels or an address; NULL: it has none.
    const char *message;  ///< Of a Fail transport: its words; else NULL.
    int32_t kind;         ///< Enum mox_kind.
    int32_t smtp_code;    ///< Of a Fail transport: its code, 4xx or 5xx; else 0.
    uint32_t families;    ///< MOX_ALLOW_ bits, never 0.
    uint32_t port;        ///< Of the smarthost; 0: it has none.
    uint32_t reserved[4]; ///< Zero.
};

/**
 * Find a transport by its name.
 * Thread rule: any thread.
 *
 * @param config borrowed; NULL: there are none
 * @param name borrowed until return; case counts
 * @param out the transport; all zero if there is none
 * @return 1: it is there; 0: there is none of that name
 */
MOX_API int mox_config_transport(const struct mox_config *config, const char *name,
                                 struct mox_transport *out);

/**
 * Whether a domain is one of the configuration's own: a key of Domains.
 * Thread rule: any thread.
 *
 * @param config borrowed; NULL: there are none
 * @param address borrowed until return: an address or a bare domain, in A- or U-labels
 * @return 1: it is; 0: it is not, or is no domain
 */
MOX_API int mox_config_hosts(const struct mox_config *config, const char *address);

#ifdef __cplusplus
}
#endif

#endif
