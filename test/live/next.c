/*
 * next.c - a host that speaks SMTP itself on a connection, and goes on with the next candidate
 * where the server refuses its address as late as at RCPT, as Postfix does.
 *
 *   next DNS-SERVER PORT RECIPIENT
 *
 * Prints a line for each session: the family, and the server's reply to RCPT.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <moxdial.h>

enum { REPLY = 4096, WAIT_MS = 10000, TIMEOUT_MS = 20000 };

static int say(struct mox_conn *conn, const char *text)
{
    size_t len = strlen(text), n;
    int status = MOX_OK;

    while (len > 0 && status == MOX_OK) {
        status = mox_conn_write(conn, text, len, &n);
        text += n;
        len -= n;
        if (status == MOX_E_AGAIN)
            status = mox_conn_wait(conn, MOX_WRITE, WAIT_MS);
    }
    return status;
}

static bool is_whole(const char *reply)
{
    const char *line = reply, *end;

    while ((end = strchr(line, '\n')) != NULL) {
        if (end - line >= 4 && line[3] == ' ')
            return true;
        line = end + 1;
    }
    return false;
}

static int hear(struct mox_conn *conn, char *reply)
{
    size_t len = 0, n;
    int status = MOX_OK;

    reply[0] = '\0';
    while (status == MOX_OK && len < REPLY - 1 && !is_whole(reply)) {
        status = mox_conn_read(conn, reply + len, REPLY - 1 - len, &n);
        len += n;
        reply[len] = '\0';
        if (status == MOX_E_AGAIN)
            status = mox_conn_wait(conn, MOX_READ, WAIT_MS);
    }
    return status;
}

/* MAIL and RCPT; the reply to RCPT. */
static int offer(struct mox_conn *conn, const char *recipient, char *reply)
{
    char rcpt[512];
    int status = say(conn, "MAIL FROM:<sender@example.com>\r\n");

    snprintf(rcpt, sizeof rcpt, "RCPT TO:<%s>\r\n", recipient);
    if (status == MOX_OK)
        status = hear(conn, reply);
    if (status == MOX_OK)
        status = say(conn, rcpt);
    if (status == MOX_OK)
        status = hear(conn, reply);
    reply[strcspn(reply, "\r\n")] = '\0';
    return status;
}

static int deliver(struct mox_conn *conn, const char *recipient)
{
    char reply[REPLY];
    struct mox_error why = {0}, err;
    int status = MOX_OK;

    while (conn != NULL && status == MOX_OK) {
        status = offer(conn, recipient, reply);
        if (status != MOX_OK)
            break;
        printf("%s: %s\n", mox_family_name(mox_conn_session(conn)->remote.family), reply);
        status = mox_reply_classify(MOX_STAGE_RCPT, reply, strlen(reply), &why);
        if (status != MOX_OK || why.action != MOX_ACTION_NEXT)
            break;
        status = mox_dial_next(&conn, &why, &err);
        if (status != MOX_OK)
            printf("%s\n", err.message);
    }
    mox_conn_close(conn);
    return status == MOX_OK && why.code == MOX_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *const servers[] = {argc > 1 ? argv[1] : ""};
    struct mox_ctx_options options = {
        .size = sizeof options, .dns_servers = servers, .ndns_servers = 1};
    struct mox_envelope envelope = {.size = sizeof envelope, .from = "sender@example.com"};
    struct mox_dial_request request = {.size = sizeof request,
                                       .envelope = &envelope,
                                       .timeout_ms = TIMEOUT_MS,
                                       .flags = MOX_DIAL_ALLOW_SPECIAL,
                                       .ehlo = "client.example.org"};
    struct mox_conn *conn = NULL;
    struct mox_error err;
    struct mox_ctx *ctx;
    int failed = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: next DNS-SERVER PORT RECIPIENT\n");
        return 64;
    }
    request.port = (uint16_t)strtoul(argv[2], NULL, 10);
    envelope.to = argv[3];
    ctx = mox_ctx_new(&options, &err);
    if (ctx != NULL && mox_dial(ctx, &request, &conn, &err) == MOX_OK)
        failed = deliver(conn, argv[3]);
    else
        printf("%s\n", err.message);
    mox_ctx_free(ctx);
    return failed;
}
