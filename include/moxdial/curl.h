/* SPDX-License-Identifier: MIT */
/**
 * @file curl.h
 * MTA-STS policies over HTTPS by libcurl, in a library of its own: libmoxdial-curl.
 *
 * One object serves one context: mox_curl_open(), its table to mox_ctx_new() as
 * mox_ctx_options::fetch, mox_curl_attach(); at the end mox_ctx_free(), then mox_curl_close(). A
 * server's certificate must verify for its name, no redirect is followed, no proxy of the
 * environment is used, each connection serves one request. Names are looked up by libcurl, in the
 * way it was built for. libcurl is initialised once in a process by the first mox_curl_open(),
 * which is safe in any thread from libcurl 7.84 on where its build says so (`curl --version`:
 * threadsafe); elsewhere call curl_global_init() before threads begin. Some versions of libcurl
 * ignore SIGPIPE while mox_curl_close() runs; nothing else here touches a signal.
 */
#ifndef MOXDIAL_CURL_H
#define MOXDIAL_CURL_H

#include <moxdial/config.h>
#include <moxdial/ops.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A fetcher. Opaque. */
struct mox_curl;

/**
 * Make a fetcher.
 * Thread rule: any thread; it belongs to the thread of its context from then on.
 *
 * @param config borrowed until return: whose certificates (`CAFile`, mox's `TLS.CA`) are trusted;
 *     NULL: the system's are
 * @param err #MOX_E_CONFIG: a file of certificates cannot be read; #MOX_E_UNSUPPORTED: what libcurl
 * was built with cannot do; #MOX_E_NOMEM
 * @return the fetcher, yours to end with mox_curl_close(); NULL: see err
 */
MOX_API struct mox_curl *mox_curl_open(const struct mox_config *config, struct mox_error *err);

/**
 * Trust the certificates of one file and no others, as mox_ctx_options::ca_file does.
 * Thread rule: one thread at a time per context (see Threads); before the first fetch.
 *
 * @param curl the fetcher
 * @param path the file, PEM
 * @param err #MOX_E_CONFIG: it cannot be read; #MOX_E_NOMEM
 * @return #MOX_OK or the code in err
 */
MOX_API int mox_curl_ca_file(struct mox_curl *curl, const char *path, struct mox_error *err);

/**
 * Connect to an address of your own in place of those that a name has, for tests and for networks
 * that have no such name. The certificate must still be the name's.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param curl the fetcher
 * @param host the name, like `mta-sts.example.org`
 * @param server the address and its port, like `192.0.2.80:443` or `[2001:db8::80]:443`
 * @return #MOX_OK; #MOX_E_INVAL: no name, or no address with a port; #MOX_E_NOMEM
 */
MOX_API int mox_curl_resolve(struct mox_curl *curl, const char *host, const char *server);

/**
 * The table for mox_ctx_options::fetch.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param curl the fetcher
 * @return borrowed until mox_curl_close(), never NULL
 */
MOX_API const struct mox_fetch_ops *mox_curl_ops(struct mox_curl *curl);

/**
 * Name the context that is served, once it was made. A fetch before that fails with #MOX_E_STATE.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param curl the fetcher
 * @param ctx borrowed until mox_ctx_free()
 */
MOX_API void mox_curl_attach(struct mox_curl *curl, struct mox_ctx *ctx);

/**
 * End a fetcher, after its context. In a child after fork() it does nothing: what it would close is
 * the parent's.
 * Thread rule: one thread at a time per context (see Threads).
 *
 * @param curl may be NULL
 */
MOX_API void mox_curl_close(struct mox_curl *curl);

#ifdef __cplusplus
}
#endif

#endif
