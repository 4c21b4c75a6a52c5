/*
 * policy_client.c - see policy_client.h. The first byte tells the protocols apart: a netstring
 * begins with a digit, an attribute of a policy request never does.
 */
#include "policy_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "policy_check.h"
#include "policy_delegation.h"
#include "policy_socketmap.h"

/* Room behind what is there for so many bytes more. */
static bool make_room(struct policy_bytes *bytes, size_t more)
{
    size_t cap = bytes->cap == 0 ? POLICY_FIRST_BYTES : bytes->cap;
    char *ptr;

    if (bytes->at > 0 && bytes->cap - bytes->len < more) {
        memmove(bytes->ptr, bytes->ptr + bytes->at, bytes->len - bytes->at);
        bytes->len -= bytes->at;
        bytes->at = 0;
    }
    while (cap - bytes->len < more)
        cap *= 2;
    if (cap == bytes->cap)
        return true;
    ptr = realloc(bytes->ptr, cap);
    if (ptr == NULL)
        return false;
    bytes->ptr = ptr;
    bytes->cap = cap;
    return true;
}

/* Nothing is left in it: what is large is not kept for a client that may be silent for an hour. */
static void empty(struct policy_bytes *bytes)
{
    bytes->at = bytes->len = 0;
    if (bytes->cap <= POLICY_FIRST_BYTES)
        return;
    free(bytes->ptr);
    *bytes = (struct policy_bytes){0};
}

static void unlink_client(struct policy_client *client)
{
    struct policy_server *server = client->server;

    if (client->older != NULL)
        client->older->newer = client->newer;
    else
        server->oldest = client->newer;
    if (client->newer != NULL)
        client->newer->older = client->older;
    else
        server->newest = client->older;
}

static void link_newest(struct policy_client *client)
{
    struct policy_server *server = client->server;

    client->asked_s = server->now_s;
    client->newer = NULL;
    client->older = server->newest;
    if (server->newest != NULL)
        server->newest->newer = client;
    else
        server->oldest = client;
    server->newest = client;
}

void policy_client_close(struct policy_client *client)
{
    struct policy_server *server = client->server;

    policy_check_free(client);
    if (client->interest != 0)
        mox_ctx_watch(server->ctx, client->fd, 0, NULL, NULL);
    close(client->fd);
    unlink_client(client);
    server->nclients--;
    free(client->in.ptr);
    free(client->out.ptr);
    free(client);
}

/* MOX_OK, or MOX_E_NOMEM. Only a whole request counts as a sign of life. */
static int put_answer(struct policy_client *client, const char *answer)
{
    struct policy_bytes *out = &client->out;

    if (client->asked_s != client->server->now_s) {
        unlink_client(client);
        link_newest(client);
    }
    if (!make_room(out, POLICY_ANSWER + 16))
        return MOX_E_NOMEM;
    if (client->protocol == POLICY_SPEAKS_SOCKETMAP)
        out->len += socketmap_write(answer, out->ptr + out->len, POLICY_ANSWER + 16);
    else
        out->len += delegation_write(answer, out->ptr + out->len, POLICY_ANSWER + 16);
    if (client->server->log.verbose)
        policy_say(&client->server->log, "%d: %s", client->fd, answer);
    return MOX_OK;
}

static int ask_map(struct policy_client *client, size_t *used, struct mox_error *err)
{
    struct policy_bytes *in = &client->in;
    struct socketmap_request request;
    char answer[POLICY_ANSWER];
    int status = socketmap_take(in->ptr + in->at, in->len - in->at, &request, used, err);

    if (status != MOX_OK)
        return status;
    if (client->server->log.verbose)
        policy_say(&client->server->log, "%d: %s %s?", client->fd, request.map, request.key);
    policy_map_answer(&client->server->facts, &request, answer, sizeof answer);
    return put_answer(client, answer);
}

static int ask_policy(struct policy_client *client, size_t *used, struct mox_error *err)
{
    struct policy_bytes *in = &client->in;
    struct delegation_request request;
    const char *action;
    int status = delegation_take(in->ptr + in->at, in->len - in->at, &request, used, err);

    if (status != MOX_OK)
        return status;
    if (client->server->log.verbose)
        policy_say(&client->server->log, "%d: %s: from %s, of %s?", client->fd,
                   request.protocol_state, request.client_address, request.sender);
    action = policy_check_ask(client, &request);
    return action == NULL ? MOX_OK : put_answer(client, action);
}

/* Answers what is there. MOX_OK: there is more; MOX_E_AGAIN: that is all for now; or why not. */
static int answer_all(struct policy_client *client, struct mox_error *err)
{
    struct policy_bytes *in = &client->in;
    int status = MOX_OK;
    size_t used;

    while (in->at < in->len && !client->waiting && client->out.len < POLICY_OUTPUT) {
        if (client->protocol == POLICY_UNKNOWN)
            client->protocol = in->ptr[in->at] >= '0' && in->ptr[in->at] <= '9'
                                   ? POLICY_SPEAKS_SOCKETMAP
                                   : POLICY_SPEAKS_DELEGATION;
        status = client->protocol == POLICY_SPEAKS_SOCKETMAP ? ask_map(client, &used, err)
                                                             : ask_policy(client, &used, err);
        if (status != MOX_OK)
            return status;
        in->at += used;
    }
    if (in->at == in->len)
        empty(in);
    return in->at < in->len && !client->waiting ? MOX_OK : MOX_E_AGAIN;
}

/* MOX_OK: nothing is left; MOX_E_AGAIN: it does not take more now; MOX_E_CLOSED. */
static int flush(struct policy_client *client)
{
    struct policy_bytes *out = &client->out;

    while (out->at < out->len) {
        ssize_t n = send(client->fd, out->ptr + out->at, out->len - out->at, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK ? MOX_E_AGAIN : MOX_E_CLOSED;
        out->at += (size_t)n;
    }
    empty(out);
    return MOX_OK;
}

static void on_event(void *arg, intptr_t fd, int events);

/* What is waited for next; without any it is closed. */
static void want(struct policy_client *client, int events)
{
    struct policy_server *server = client->server;

    if (events == client->interest)
        return;
    client->interest = events;
    if (mox_ctx_watch(server->ctx, client->fd, events, on_event, client) != MOX_OK) {
        client->interest = 0;
        policy_client_close(client);
    }
}

static void end(struct policy_client *client, const char *why)
{
    policy_say(&client->server->log, "%d: closed: %s", client->fd, why);
    policy_client_close(client);
}

/* Answers, as far as the client takes it. It may be gone afterwards. */
static void serve(struct policy_client *client)
{
    struct mox_error err;
    int status, flushed;

    do {
        status = answer_all(client, &err);
        flushed = flush(client);
    } while (status == MOX_OK && flushed == MOX_OK);
    if (status == MOX_E_NOMEM)
        end(client, "out of memory");
    else if (status != MOX_OK && status != MOX_E_AGAIN)
        end(client, err.message);
    else if (flushed == MOX_E_CLOSED)
        policy_client_close(client);
    else if (flushed == MOX_E_AGAIN)
        want(client, MOX_WRITE);
    else if (client->waiting)
        want(client, 0);
    else if (client->ended && client->in.len > 0)
        end(client, "it ended in the middle of a request");
    else if (client->ended)
        policy_client_close(client);
    else
        want(client, MOX_READ);
}

/* false: it is closed. */
static bool take_bytes(struct policy_client *client)
{
    struct policy_bytes *in = &client->in;
    ssize_t n;

    if (!make_room(in, in->len == in->cap ? 1 : in->cap - in->len)) {
        end(client, "out of memory");
        return false;
    }
    n = recv(client->fd, in->ptr + in->len, in->cap - in->len, 0);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        policy_client_close(client);
        return false;
    }
    client->ended = n == 0;
    in->len += n > 0 ? (size_t)n : 0;
    return true;
}

static void on_event(void *arg, intptr_t fd, int events)
{
    struct policy_client *client = arg;

    (void)fd;
    if ((events & MOX_READ) != 0 && !take_bytes(client))
        return;
    serve(client);
}

void policy_client_answer(struct policy_client *client, const char *action)
{
    if (put_answer(client, action) != MOX_OK)
        end(client, "out of memory");
    else
        serve(client);
}

void policy_client_open(struct policy_server *server, int fd)
{
    struct policy_client *client = calloc(1, sizeof *client);

    if (client == NULL) {
        close(fd);
        return;
    }
    client->server = server;
    client->fd = fd;
    link_newest(client);
    server->nclients++;
    want(client, MOX_READ);
}
