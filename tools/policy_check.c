/*
 * policy_check.c - see policy_check.h.
 */
#include "policy_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct policy_check {
    mox_op_id op;                   /* 0: none is under way */
    char instance[POLICY_INSTANCE]; /* of the message that was checked last; "": none */
    char again[POLICY_ANSWER];      /* what its other recipients get */
    struct policy_spf_case about;
    char *texts; /* owned: what about points to */
    struct mox_spf_result result;
};

static const char dunno[] = "DUNNO";

static bool copy_texts(struct policy_check *check, const struct delegation_request *asked)
{
    size_t helo = strlen(asked->helo_name) + 1, sender = strlen(asked->sender) + 1;

    free(check->texts);
    check->texts = malloc(helo + sender);
    if (check->texts == NULL)
        return false;
    memcpy(check->texts, asked->helo_name, helo);
    memcpy(check->texts + helo, asked->sender, sender);
    check->about.helo = check->texts;
    check->about.sender = check->texts + helo;
    return true;
}

static void wait_in_line(struct policy_client *client)
{
    struct policy_server *server = client->server;

    if (server->last_waiting != NULL)
        server->last_waiting->next_waiting = client;
    else
        server->first_waiting = client;
    server->last_waiting = client;
    client->next_waiting = NULL;
    client->waiting = true;
}

static struct policy_check *check_of(struct policy_client *client)
{
    if (client->check == NULL)
        client->check = calloc(1, sizeof *client->check);
    return client->check;
}

/* Our own users send from anywhere, and what is not yet RCPT may never become a message. */
static bool is_wanted(const struct policy_server *server, const struct delegation_request *asked,
                      struct mox_ip *client)
{
    return server->mode != POLICY_SPF_OFF && asked->sasl_username[0] == '\0' &&
           strcmp(asked->protocol_state, "RCPT") == 0 &&
           mox_ip_parse(asked->client_address, client) == MOX_OK;
}

const char *policy_check_ask(struct policy_client *client, const struct delegation_request *asked)
{
    struct policy_server *server = client->server;
    struct policy_check *check;
    struct mox_ip ip;
    bool named = asked->instance[0] != '\0' && strlen(asked->instance) < POLICY_INSTANCE;

    if (!is_wanted(server, asked, &ip))
        return dunno;
    check = check_of(client);
    if (check == NULL)
        return policy_spf_unable(server->mode);
    if (named && strcmp(check->instance, asked->instance) == 0)
        return check->again;
    check->instance[0] = '\0';
    if (!copy_texts(check, asked))
        return policy_spf_unable(server->mode);
    if (named)
        snprintf(check->instance, sizeof check->instance, "%s", asked->instance);
    check->about.client = ip;
    check->about.receiver = server->receiver;
    wait_in_line(client);
    return NULL;
}

/*
 * A client from inside that says it sends for a domain of ours, and no rule tells what the world
 * sees: most likely our own public address, which the router turned round.
 */
static void tell_hairpin(struct policy_client *client)
{
    struct policy_server *server = client->server;
    const struct policy_check *check = client->check;
    struct mox_ip mapped;
    char text[64];

    if (check->result.result == MOX_SPF_PASS || !policy_is_private(&check->about.client) ||
        mox_nat_map(server->config.config, &check->about.client, &mapped) != 0 ||
        mox_config_hosts(server->config.config, check->about.sender) == 0 ||
        !policy_seldom(&server->hairpin, server->now_s, POLICY_HAIRPIN_INTERVAL_S))
        return;
    mox_ip_format(&check->about.client, text, sizeof text);
    policy_say(
        &server->log,
        "suspected hairpin NAT: %s claims to send for %s, a domain of ours, and SPF says %s; "
        "cures: SPFIPMap with %s and its public address, or a router that keeps the client's "
        "address, or a name server that gives the inner address inside, or login; %llu more "
        "of these were not told",
        text, check->result.domain, mox_spf_name(check->result.result), text,
        (unsigned long long)server->hairpin.left_out);
    server->hairpin.left_out = 0;
}

static void on_checked(void *arg, int status, const struct mox_error *err)
{
    struct policy_client *client = arg;
    struct policy_server *server = client->server;
    struct policy_check *check = client->check;
    char action[POLICY_ANSWER];

    check->op = 0;
    server->checks--;
    client->waiting = false;
    if (status != MOX_OK) {
        policy_say(&server->log, "SPF cannot be checked: %s", err != NULL ? err->message : "");
        snprintf(action, sizeof action, "%s", policy_spf_unable(server->mode));
        check->instance[0] = '\0';
    } else {
        policy_spf_action(server->mode, &check->about, &check->result, action);
        tell_hairpin(client);
    }
    snprintf(check->again, sizeof check->again, "%s",
             strncmp(action, "PREPEND ", 8) == 0 ? dunno : action);
    policy_client_answer(client, action);
}

static void start(struct policy_client *client)
{
    struct policy_server *server = client->server;
    struct policy_check *check = client->check;
    struct mox_spf_request request = {.size = sizeof request,
                                      .config = server->config.config,
                                      .ip = check->about.client,
                                      .helo = check->about.helo,
                                      .mail_from = check->about.sender,
                                      .receiver = server->receiver};
    struct mox_error err;

    server->checks++;
    check->op = mox_spf_start(server->ctx, &request, &check->result, on_checked, client, &err);
    if (check->op == 0)
        on_checked(client, err.code, &err);
}

void policy_check_start_waiting(struct policy_server *server)
{
    while (server->first_waiting != NULL && server->checks < POLICY_CHECKS) {
        struct policy_client *client = server->first_waiting;

        server->first_waiting = client->next_waiting;
        if (server->first_waiting == NULL)
            server->last_waiting = NULL;
        start(client);
    }
}

static void leave_line(struct policy_client *client)
{
    struct policy_server *server = client->server;
    struct policy_client *before = NULL, *at = server->first_waiting;

    for (; at != NULL && at != client; at = at->next_waiting)
        before = at;
    if (at == NULL)
        return;
    if (before != NULL)
        before->next_waiting = client->next_waiting;
    else
        server->first_waiting = client->next_waiting;
    if (server->last_waiting == client)
        server->last_waiting = before;
}

void policy_check_free(struct policy_client *client)
{
    struct policy_check *check = client->check;

    if (check == NULL)
        return;
    if (client->waiting && check->op == 0)
        leave_line(client);
    if (check->op != 0) {
        mox_op_cancel(client->server->ctx, check->op);
        client->server->checks--;
    }
    free(check->texts);
    free(check);
    client->check = NULL;
}
