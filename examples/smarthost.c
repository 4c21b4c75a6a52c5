/*
 * smarthost.c - does our smarthost still let us in? For a monitor: opens a session as a message
 * would have it, TLS verified and logged in, says what was proved, and how long the certificate
 * lasts. No mail is sent.
 *
 *   cc -o smarthost smarthost.c $(pkg-config --cflags --libs libmoxdial)
 *   SMARTHOST_PASSWORD=secret ./smarthost submission.example.net 587 me@example.com
 *   SMARTHOST_TOKEN=ya29.x    ./smarthost submission.example.net 587 me@example.com    OAuth 2
 *   SMARTHOST_PASSWORD=secret ./smarthost relay.example.net 587 me our-ca.pem
 *
 * Exits with 0, or as sysexits.h has it: 77 for a wrong password, 75 for what may pass.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <moxdial.h>

enum { DAY = 24 * 60 * 60, WARN_DAYS = 14 };

/* What shows the secret must be listed; it is used over TLS alone. */
static const char by_password[] = "\t\t\t\t\t- SCRAM-SHA-256-PLUS\n"
                                  "\t\t\t\t\t- SCRAM-SHA-256\n"
                                  "\t\t\t\t\t- PLAIN\n";
static const char by_token[] = "\t\t\t\t\t- OAUTHBEARER\n"
                               "\t\t\t\t\t- XOAUTH2\n";

/* A value is a line: one with a line feed in it would be read as more of the file. */
static const char *value(const char *text)
{
    return text == NULL || *text == '\0' || strpbrk(text, "\r\n") != NULL ? NULL : text;
}

static struct mox_config *make_config(char **argv, struct mox_error *err)
{
    const char *password = value(getenv("SMARTHOST_PASSWORD")), *token = getenv("SMARTHOST_TOKEN");
    const char *secret = token != NULL ? "comes from give_token" : password;
    char text[4096];
    int len;

    if (secret == NULL || value(argv[1]) == NULL || value(argv[2]) == NULL ||
        value(argv[3]) == NULL) {
        *err = (struct mox_error){.code = MOX_E_INVAL, .permanent = 1};
        snprintf(err->message, sizeof err->message,
                 "set SMARTHOST_PASSWORD or SMARTHOST_TOKEN; a value is one line");
        return NULL;
    }
    len = snprintf(text, sizeof text,
                   "Transports:\n\tsmarthost:\n\t\tSubmission:\n\t\t\tHost: %s\n\t\t\tPort: %s\n"
                   "\t\t\tAuth:\n\t\t\t\tUsername: %s\n\t\t\t\tPassword: %s\n"
                   "\t\t\t\tMechanisms:\n%sRoutes:\n\t-\n\t\tTransport: smarthost\n",
                   argv[1], argv[2], argv[3], secret, token != NULL ? by_token : by_password);
    return mox_config_parse(text, len < (int)sizeof text ? (size_t)len : sizeof text - 1, err);
}

/* Asked at each login by a token, so it may come fresh from wherever tokens are renewed. */
static int give_token(void *user, const char *transport, const char *username, char *buf,
                      size_t cap)
{
    const char *token = getenv("SMARTHOST_TOKEN");

    (void)user, (void)transport, (void)username;
    return token == NULL ? MOX_E_AUTH : snprintf(buf, cap, "%s", token);
}

static void show(const struct mox_session *session)
{
    long days = (long)((session->tls_expires_s - (int64_t)time(NULL)) / DAY);

    printf("%s: %s, %s\n", session->host, session->tls_version, session->tls_cipher);
    printf("verified (%s) by %s, and logged in\n", mox_tls_need_name(session->tls_verified),
           session->tls_verified_by);
    printf("the certificate lasts %ld days%s\n", days, days < WARN_DAYS ? ": renew it" : "");
}

int main(int argc, char **argv)
{
    struct mox_error err = {0};
    struct mox_config *config = NULL;
    struct mox_ctx *ctx = NULL;
    struct mox_conn *conn = NULL;
    struct mox_ctx_options options = {.size = sizeof options};
    struct mox_envelope envelope = {.size = sizeof envelope};
    struct mox_dial_request request = {.size = sizeof request, .envelope = &envelope};

    if (argc < 4) {
        fprintf(stderr, "usage: smarthost HOST PORT USER [CAFILE]\n");
        return 64;
    }
    options.token = getenv("SMARTHOST_TOKEN") != NULL ? give_token : NULL;
    options.ca_file = argc > 4 ? argv[4] : NULL; /* NULL: the authorities of the system */
    envelope.from = "monitor@example.com";       /* nobody is told: it only chooses the route */
    envelope.to = "nobody@example.org";
    config = make_config(argv, &err);
    request.config = config;
    if (config != NULL)
        ctx = mox_ctx_new(&options, &err);
    if (ctx != NULL && mox_dial(ctx, &request, &conn, &err) == MOX_OK)
        show(mox_conn_session(conn));
    if (err.code != MOX_OK)
        fprintf(stderr, "%s %s: %s\n", mox_stage_name(err.stage), err.host, err.message);
    mox_conn_close(conn); /* says QUIT */
    mox_ctx_free(ctx);
    mox_config_free(config);
    return mox_error_exit_code(&err);
}
