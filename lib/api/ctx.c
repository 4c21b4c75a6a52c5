/*
 * ctx.c - a context put together: what the caller gave, and the defaults of os/, resolver/ and
 * store/ for what it did not.
 */
#include <moxdial/ctx.h>

#include "base/error.h"
#include "base/input.h"
#include "base/mem.h"
#include "ctx/ctx.h"
#include "os/loop.h"
#include "os/socket.h"
#include "os/sys.h"
#ifndef MOX_NO_CARES
#include "resolver/resolver.h"
#endif
#include "store/memory.h"

enum { DEFAULT_CONNS = 1000, DEFAULT_PER_ADDRESS = 20, DEFAULT_IDLE_S = 5, DEFAULT_MESSAGES = 100 };

static const char defaults_key; /* its address is the key */

struct defaults {         /* what was made here; NULL: the caller's own is in use */
    struct ctx_part part; /* first */
    struct os_loop *loop;
    struct os_sockets *sockets;
    struct resolver *resolver;
    struct memory_store *store;
};

#ifdef MOX_NO_CARES
static int make_resolver(struct defaults *made, struct mox_ctx_options *options,
                         struct mox_error *err)
{
    (void)made;
    (void)options;
    (void)err;
    return MOX_OK; /* a lookup says MOX_E_UNSUPPORTED */
}

static void attach_resolver(struct defaults *made, struct mox_ctx *ctx)
{
    (void)made;
    (void)ctx;
}

static void free_resolver(struct defaults *made)
{
    (void)made;
}
#else
static int make_resolver(struct defaults *made, struct mox_ctx_options *options,
                         struct mox_error *err)
{
    struct resolver_options resolver = {
        .servers = options->dns_servers,
        .nservers = options->ndns_servers,
        .hosts_file = (options->flags & MOX_CTX_NO_HOSTS_FILE) == 0,
        .trust_ad = RESOLVER_TRUST_DEFAULT,
    };

    if ((options->flags & MOX_CTX_DISTRUST_AD) != 0)
        resolver.trust_ad = RESOLVER_TRUST_DISTRUST;
    else if ((options->flags & MOX_CTX_TRUST_AD) != 0)
        resolver.trust_ad = RESOLVER_TRUST_AD;
    made->resolver = resolver_new(&resolver, err);
    if (made->resolver == NULL)
        return err->code;
    options->dns = resolver_ops(made->resolver);
    return MOX_OK;
}

static void attach_resolver(struct defaults *made, struct mox_ctx *ctx)
{
    if (made->resolver != NULL)
        resolver_attach(made->resolver, ctx);
}

static void free_resolver(struct defaults *made)
{
    resolver_free(made->resolver);
}
#endif

static void free_defaults(struct ctx_part *part)
{
    struct defaults *made = (struct defaults *)part; /* its first member */

    memory_store_free(made->store);
    free_resolver(made);
    os_sockets_free(made->sockets);
    os_loop_free(made->loop);
    mem_free(made);
}

/* Fills what is absent in options. On failure what was made stays in made. */
static int make_defaults(struct defaults *made, struct mox_ctx_options *options,
                         struct mox_error *err)
{
    if (options->loop == NULL) {
        made->loop = os_loop_new(OS_BACKEND_BEST, err);
        if (made->loop == NULL)
            return err->code;
        options->loop = os_loop_ops(made->loop);
    }
    if (options->socket == NULL) {
        made->sockets = os_sockets_new(made->loop != NULL && os_loop_is_edge(made->loop), err);
        if (made->sockets == NULL)
            return err->code;
        options->socket = os_sockets_ops(made->sockets);
    }
    if (options->sys == NULL)
        options->sys = os_sys_ops();
    if (options->store == NULL) {
        made->store = memory_store_new(options->sys);
        if (made->store == NULL)
            return error_nomem(err);
        options->store = memory_store_ops(made->store);
    }
    if (options->dns == NULL)
        return make_resolver(made, options, err);
    return MOX_OK;
}

static void wake_loop(void *loop)
{
    os_loop_wakeup(loop);
}

static void attach_all(struct defaults *made, struct mox_ctx *ctx)
{
    made->part.key = &defaults_key;
    made->part.end = free_defaults;
    ctx_part_add(ctx, &made->part);
    if (made->loop != NULL)
        os_loop_attach(made->loop, ctx);
    if (made->sockets != NULL)
        os_sockets_attach(made->sockets, ctx);
    attach_resolver(made, ctx);
    if (made->store != NULL)
        memory_store_attach(made->store, ctx);
}

/* The tables of the caller, each laid over zeroes. */
struct tables {
    struct mox_loop_ops loop;
    struct mox_socket_ops socket;
    struct mox_dns_ops dns;
    struct mox_store_ops store;
    struct mox_fetch_ops fetch;
    struct mox_sys_ops sys;
};

#define TAKE_TABLE(options, tables, name, least, err)                                              \
    ((options)->name == NULL ? MOX_OK                                                              \
                             : input_take(&(tables)->name, sizeof(tables)->name, (options)->name,  \
                                          least, "mox_" #name "_ops", err))

static int incomplete(const char *table, struct mox_error *err)
{
    return error_set(err, MOX_E_INVAL, "%s lacks a function that is not optional", table);
}

/* Copies each table that was given; options point to the copies then. */
static int copy_tables(struct mox_ctx_options *options, struct tables *tables,
                       struct mox_error *err)
{
    int status = TAKE_TABLE(options, tables, loop, offsetof(struct mox_loop_ops, wait), err);

    if (status == MOX_OK)
        status = TAKE_TABLE(options, tables, socket, offsetof(struct mox_socket_ops, source), err);
    if (status == MOX_OK)
        status = TAKE_TABLE(options, tables, dns, sizeof(struct mox_dns_ops), err);
    if (status == MOX_OK)
        status = TAKE_TABLE(options, tables, store, offsetof(struct mox_store_ops, each), err);
    if (status == MOX_OK)
        status = TAKE_TABLE(options, tables, fetch, sizeof(struct mox_fetch_ops), err);
    if (status == MOX_OK)
        status = TAKE_TABLE(options, tables, sys, sizeof(struct mox_sys_ops), err);
    if (status != MOX_OK)
        return status;
    options->loop = options->loop == NULL ? NULL : &tables->loop;
    options->socket = options->socket == NULL ? NULL : &tables->socket;
    options->dns = options->dns == NULL ? NULL : &tables->dns;
    options->store = options->store == NULL ? NULL : &tables->store;
    options->fetch = options->fetch == NULL ? NULL : &tables->fetch;
    options->sys = options->sys == NULL ? NULL : &tables->sys;
    return MOX_OK;
}

/* The functions that each table must have; and what is counted must be there. */
static int check_tables(const struct mox_ctx_options *options, struct mox_error *err)
{
    const struct mox_socket_ops *socket = options->socket;
    const struct mox_store_ops *store = options->store;
    const struct mox_sys_ops *sys = options->sys;

    if (options->loop != NULL && (options->loop->watch == NULL || options->loop->timer == NULL))
        return incomplete("mox_loop_ops", err);
    if (socket != NULL &&
        (socket->connect == NULL || socket->connected == NULL || socket->read == NULL ||
         socket->write == NULL || socket->want == NULL || socket->close == NULL))
        return incomplete("mox_socket_ops", err);
    if (options->dns != NULL && options->dns->query == NULL)
        return incomplete("mox_dns_ops", err);
    if (store != NULL && (store->get == NULL || store->put == NULL || store->add == NULL))
        return incomplete("mox_store_ops", err);
    if (options->fetch != NULL && options->fetch->fetch == NULL)
        return incomplete("mox_fetch_ops", err);
    if (sys != NULL && (sys->monotonic_us == NULL || sys->unix_s == NULL ||
                        sys->utc_offset_s == NULL || sys->random == NULL))
        return incomplete("mox_sys_ops", err);
    if (options->dns_servers == NULL && options->ndns_servers > 0)
        return error_set(err, MOX_E_INVAL,
                         "mox_ctx_options.dns_servers is NULL, and ndns_servers counts %zu",
                         options->ndns_servers);
    return MOX_OK;
}

static int take_options(struct mox_ctx_options *options, const struct mox_ctx_options *given,
                        struct tables *tables, struct mox_error *err)
{
    static const struct mox_ctx_options none = {.size = sizeof none};
    int status = input_take(options, sizeof *options, given == NULL ? &none : given,
                            offsetof(struct mox_ctx_options, token), "mox_ctx_options", err);

    if (status == MOX_OK)
        status = copy_tables(options, tables, err);
    if (status == MOX_OK)
        status = check_tables(options, err);
    if (options->max_conns == 0)
        options->max_conns = DEFAULT_CONNS;
    if (options->max_conns_per_address == 0)
        options->max_conns_per_address = DEFAULT_PER_ADDRESS;
    if (options->idle_s == 0)
        options->idle_s = DEFAULT_IDLE_S;
    if (options->max_messages == 0)
        options->max_messages = DEFAULT_MESSAGES;
    return status;
}

struct mox_ctx *mox_ctx_new(const struct mox_ctx_options *given, struct mox_error *err)
{
    struct mox_error own;
    struct mox_ctx_options options;
    struct tables tables;
    struct ctx_loop_extra extra = {NULL, -1, NULL};
    struct defaults *made;
    struct mox_ctx *ctx = NULL;

    if (err == NULL)
        err = &own;
    if (take_options(&options, given, &tables, err) != MOX_OK)
        return NULL;
    made = mem_new(sizeof *made);
    if (made == NULL) {
        error_nomem(err);
        return NULL;
    }
    if (make_defaults(made, &options, err) == MOX_OK) {
        if (made->loop != NULL)
            extra = (struct ctx_loop_extra){made->loop, os_loop_fd(made->loop), wake_loop};
        ctx = ctx_new(&options, &extra);
        if (ctx == NULL)
            error_nomem(err);
    }
    if (ctx == NULL) {
        free_defaults(&made->part);
        return NULL;
    }
    attach_all(made, ctx);
    error_none(err);
    return ctx;
}
