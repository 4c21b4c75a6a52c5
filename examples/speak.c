/*
 * speak.c - for hosts with an SMTP client of their own: route, dial, and speak SMTP on the open
 * session. Everything blocks; there is no event loop.
 *
 *   cc -o speak speak.c $(pkg-config --cflags --libs libmoxdial)
 *   ./speak a@example.com b@example.org                   to the MX hosts of example.org
 *   ./speak a@example.com b@example.org 127.0.0.1:2525    to this server instead
 *   ./speak a@example.com b@example.org 127.0.0.1:2525 moxdial.conf
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <moxdial.h>

enum { REPLY_MS = 300 * 1000 }; /* RFC 5321 section 4.5.3.2 wants 5 minutes for most replies */

static const char default_config[] = "Transports:\n"
                                     "\tipv4only:\n"
                                     "\t\tDirect:\n"
                                     "\t\t\tDisableIPv6: true\n"
                                     "Routes:\n"
                                     "\t-\n"
                                     "\t\tToDomain:\n"
                                     "\t\t\t- example.org\n"
                                     "\t\tTransport: ipv4only\n";

static int broken(struct mox_error *err, int status)
{
    *err = (struct mox_error){.code = status, .action = MOX_ACTION_LATER};
    snprintf(err->message, sizeof err->message, "the session broke: %s", mox_status_name(status));
    return status;
}

static int send_all(struct mox_conn *conn, const char *text)
{
    size_t len = strlen(text), n;
    int status = MOX_OK;

    for (; len > 0 && status == MOX_OK; text += n, len -= n) {
        status = mox_conn_write(conn, text, len, &n);
        if (status == MOX_E_AGAIN)
            status = mox_conn_wait(conn, MOX_WRITE, REPLY_MS);
    }
    return status;
}

/* The last line of a reply has no '-' behind its code. */
static bool is_complete(const char *reply, size_t len)
{
    const char *line = reply;

    for (const char *p = reply; p < reply + len; p++) {
        if (*p != '\n')
            continue;
        if (p - line >= 3 && line[3] != '-')
            return true;
        line = p + 1;
    }
    return false;
}

/* One command and its reply, judged. */
static int command(struct mox_conn *conn, int stage, const char *text, struct mox_error *err)
{
    char reply[4096];
    size_t len = 0, n;
    int status = send_all(conn, text);

    while (status == MOX_OK && !is_complete(reply, len)) {
        if (len == sizeof reply)
            return broken(err, MOX_E_LIMIT);
        status = mox_conn_read(conn, reply + len, sizeof reply - len, &n);
        len += n;
        if (status == MOX_E_AGAIN)
            status = mox_conn_wait(conn, MOX_READ, REPLY_MS);
    }
    if (status == MOX_OK)
        status = mox_reply_classify(stage, reply, len, err);
    if (status != MOX_OK)
        return broken(err, status);
    if (err->code == MOX_OK)
        printf("%s: %d %s\n", mox_stage_name(stage), (int)err->smtp_code, err->reply);
    return err->code;
}

static int deliver(struct mox_conn *conn, const char *from, const char *to, struct mox_error *err)
{
    const struct mox_session *session = mox_conn_session(conn);
    char mail[400], rcpt[400];
    int status;

    printf("connected to %s over %s\n", session->host, mox_family_name(session->remote.family));
    snprintf(mail, sizeof mail, "MAIL FROM:<%.320s>\r\n", from);
    snprintf(rcpt, sizeof rcpt, "RCPT TO:<%.320s>\r\n", to);
    status = command(conn, MOX_STAGE_MAIL, mail, err);
    if (status == MOX_OK)
        status = command(conn, MOX_STAGE_RCPT, rcpt, err);
    if (status == MOX_OK)
        status = command(conn, MOX_STAGE_DATA, "DATA\r\n", err);
    if (status == MOX_OK)
        status = command(conn, MOX_STAGE_FINAL, "Subject: hello\r\n\r\nHello.\r\n.\r\n", err);
    return status;
}

int main(int argc, char **argv)
{
    struct mox_error err = {0}, quit;
    struct mox_conn *conn = NULL;
    struct mox_ctx *ctx = mox_ctx_new(NULL, &err);
    struct mox_config *config = NULL;
    struct mox_envelope envelope = {.size = sizeof envelope};
    struct mox_dial_request request = {.size = sizeof request, .envelope = &envelope};

    if (argc < 3) {
        fprintf(stderr, "usage: speak FROM TO [SERVER [CONFIG]]\n");
        return 64;
    }
    if (ctx != NULL)
        config = argc > 4 ? mox_config_load(argv[4], &err)
                          : mox_config_parse(default_config, strlen(default_config), &err);
    envelope.from = argv[1];
    envelope.to = argv[2];
    request.config = config;
    request.server = argc > 3 ? argv[3] : NULL;
    if (config != NULL && mox_dial(ctx, &request, &conn, &err) == MOX_OK) {
        /* A server that refuses our address, say, may take the other family: dial on. */
        while (deliver(conn, envelope.from, envelope.to, &err) != MOX_OK &&
               err.action == MOX_ACTION_NEXT && mox_dial_next(&conn, &err, &err) == MOX_OK)
            continue;
        if (conn != NULL && command(conn, MOX_STAGE_QUIT, "QUIT\r\n", &quit) != MOX_OK)
            fprintf(stderr, "QUIT: %s\n", quit.message); /* the message is delivered even so */
    }
    if (err.code != MOX_OK)
        fprintf(stderr, "%s %s: %s\n", mox_stage_name(err.stage), err.host, err.message);
    mox_conn_close(conn);
    mox_config_free(config);
    mox_ctx_free(ctx);
    return mox_error_exit_code(&err);
}
