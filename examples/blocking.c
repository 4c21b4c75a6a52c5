/*
 * blocking.c - five minutes: route a message, dial, and deliver it. Everything blocks; there is no
 * event loop.
 *
 *   cc -o blocking blocking.c $(pkg-config --cflags --libs libmoxdial)
 *   ./blocking a@example.com b@example.org                   to the MX hosts of example.org
 *   ./blocking a@example.com b@example.org 127.0.0.1:2525    to this server instead
 *   ./blocking a@example.com b@example.org 127.0.0.1:2525 moxdial.conf
 */
#include <stdio.h>
#include <string.h>

#include <moxdial.h>

static const char default_config[] = "Transports:\n"
                                     "\tipv4only:\n"
                                     "\t\tDirect:\n"
                                     "\t\t\tDisableIPv6: true\n"
                                     "Routes:\n"
                                     "\t-\n"
                                     "\t\tToDomain:\n"
                                     "\t\t\t- example.org\n"
                                     "\t\tTransport: ipv4only\n";

static const char text[] = "Subject: hello\r\n\r\nHello.\r\n";

/* Until all recipients are settled: as long as another candidate may help, it is dialed. */
static int deliver(struct mox_conn *conn, const struct mox_message *message, struct mox_error *err)
{
    struct mox_rcpt_result result = {0}; /* the same over all attempts */

    while (mox_deliver(conn, message, &result, err) != MOX_OK && err->action == MOX_ACTION_NEXT) {
        printf("%s: %s\n", result.host, err->message);
        if (mox_dial_next(&conn, NULL, err) !=
            MOX_OK) /* IPv6 refused for want of a PTR: now IPv4 */
            return err->code;
    }
    printf("%s: %s by %s over %s: %d %s\n", message->rcpts->address,
           mox_rcpt_state_name(result.state), result.host, mox_family_name(result.remote.family),
           (int)result.smtp_code, result.reply);
    mox_conn_close(conn);
    return err->code;
}

int main(int argc, char **argv)
{
    struct mox_error err = {0};
    struct mox_conn *conn = NULL;
    struct mox_ctx *ctx = mox_ctx_new(NULL, &err);
    struct mox_config *config = NULL;
    struct mox_rcpt rcpt = {0};
    struct mox_envelope envelope = {.size = sizeof envelope};
    struct mox_dial_request request = {.size = sizeof request, .envelope = &envelope};
    struct mox_message message = {.size = sizeof message,
                                  .rcpts = &rcpt,
                                  .nrcpts = 1,
                                  .body = {.data = text, .len = sizeof text - 1}};

    if (argc < 3) {
        fprintf(stderr, "usage: blocking FROM TO [SERVER [CONFIG]]\n");
        mox_ctx_free(ctx);
        return 64;
    }
    if (ctx != NULL)
        config = argc > 4 ? mox_config_load(argv[4], &err)
                          : mox_config_parse(default_config, strlen(default_config), &err);
    envelope.from = message.mail_from = argv[1];
    envelope.to = rcpt.address = argv[2];
    request.config = config;
    request.server = argc > 3 ? argv[3] : NULL;
    if (config != NULL && mox_dial(ctx, &request, &conn, &err) == MOX_OK)
        deliver(conn, &message, &err);
    if (err.code != MOX_OK)
        fprintf(stderr, "%s %s: %s\n", mox_stage_name(err.stage), err.host, err.message);
    mox_config_free(config);
    mox_ctx_free(ctx);
    return mox_error_exit_code(&err);
}
