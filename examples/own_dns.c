/*
 * own_dns.c - a resolver of your own: the MX records of a table. Some answers come at once, some
 * later, by the id of their question.
 *
 *   cc -o own_dns own_dns.c $(pkg-config --cflags --libs libmoxdial)
 *   ./own_dns b@example.org 2525         dials 127.0.0.1:2525, as the table below says
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <moxdial.h>

enum { TYPE_A = 1, TYPE_MX = 15, NXDOMAIN = 3, LATER_US = 20 * 1000 };

static const struct mox_dns_record table[] = {
    {"example.org", TYPE_MX, 0, 300, "10 mx.example.org."},
    {"mx.example.org", TYPE_A, 0, 300, "127.0.0.1"},
};

/* A question that is answered later. A real resolver has sent it away by then. */
struct question {
    struct question *next;
    struct resolver *resolver;
    uint64_t id;
    const struct mox_dns_record *record; /* NULL: the name has none of this type */
};

struct resolver {
    struct mox_ctx *ctx;
    struct question *list;
};

static struct question *take_out(struct resolver *resolver, uint64_t id)
{
    struct question **at = &resolver->list, *found;

    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next;
    found = *at;
    if (found != NULL)
        *at = found->next;
    return found;
}

/* The loop of the context has served our timer. */
static void on_timer(void *arg, intptr_t fd, int events)
{
    struct question *question = arg;
    struct mox_ctx *ctx = question->resolver->ctx;

    (void)fd;
    (void)events;
    take_out(question->resolver, question->id);
    mox_dns_answer_records(ctx, question->id, 0, question->record, question->record != NULL, 0);
    free(question);
}

static int query(void *user, uint64_t id, const char *name, uint16_t type)
{
    struct resolver *resolver = user;
    const struct mox_dns_record *found = NULL;
    struct question *question;
    int known = 0;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcasecmp(table[i].name, name) != 0)
            continue;
        known = 1;
        if (table[i].rrtype == type)
            found = &table[i];
    }
    printf("asked: %s %d\n", name, (int)type);
    if (!known) /* at once; nothing is called back before this has returned */
        return mox_dns_answer_records(resolver->ctx, id, NXDOMAIN, NULL, 0, 0);
    question = malloc(sizeof *question);
    if (question == NULL)
        return MOX_E_NOMEM; /* no answer will come */
    *question = (struct question){resolver->list, resolver, id, found};
    if (mox_ctx_timer(resolver->ctx, LATER_US, on_timer, question) != MOX_OK) {
        free(question);
        return MOX_E_NOMEM;
    }
    resolver->list = question;
    return MOX_OK;
}

/* Nobody waits any more: the dial has ended, or the deadline for DNS has passed. */
static void cancel(void *user, uint64_t id)
{
    struct resolver *resolver = user;
    struct question *question = take_out(resolver, id);

    if (question == NULL)
        return;
    mox_ctx_timer(resolver->ctx, -1, on_timer, question);
    free(question);
}

int main(int argc, char **argv)
{
    struct resolver resolver = {NULL, NULL};
    struct mox_dns_ops ops = {
        .size = sizeof ops, .user = &resolver, .query = query, .cancel = cancel};
    struct mox_ctx_options options = {.size = sizeof options, .dns = &ops};
    struct mox_envelope envelope = {.size = sizeof envelope, .from = "a@example.com"};
    /* Without the flag an MX host on loopback is dropped: nobody's DNS may send us there. */
    struct mox_dial_request request = {
        .size = sizeof request, .envelope = &envelope, .flags = MOX_DIAL_ALLOW_SPECIAL};
    struct mox_conn *conn = NULL;
    struct mox_error err;

    if (argc != 3) {
        fprintf(stderr, "usage: own_dns TO PORT\n");
        return 64;
    }
    envelope.to = argv[1];
    request.port = (uint16_t)strtoul(argv[2], NULL, 10);
    resolver.ctx = mox_ctx_new(&options, &err);
    if (resolver.ctx != NULL && mox_dial(resolver.ctx, &request, &conn, &err) == MOX_OK)
        printf("open: %s\n", mox_conn_session(conn)->host);
    else
        fprintf(stderr, "%s: %s\n", mox_status_name(err.code), err.message);
    mox_conn_close(conn);
    mox_ctx_free(resolver.ctx);
    return mox_error_exit_code(&err);
}
