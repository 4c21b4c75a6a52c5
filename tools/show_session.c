/*
 * show_session.c - see show_session.h.
 */
#include "show_session.h"

#include <stdio.h>
#include <time.h>

#include "output.h"
#include "rfc3339.h"
#include "table.h"

enum { TEXT = 1024, SECONDS_A_DAY = 24 * 60 * 60 };

static bool is_verified(const struct mox_session *session)
{
    return session->tls_verified == MOX_TLS_PKIX || session->tls_verified == MOX_TLS_DANE;
}

static const char *verified_name(const struct mox_session *session)
{
    return is_verified(session) ? mox_tls_need_name(session->tls_verified) : "none";
}

int64_t show_session_days(const struct mox_session *session)
{
    int64_t left = session->tls_expires_s - (int64_t)time(NULL);

    return left >= 0 ? left / SECONDS_A_DAY : -1 - (-left / SECONDS_A_DAY);
}

static json_t *tls_object(const struct mox_session *session)
{
    json_t *object;
    char expires[RFC3339_TEXT];

    if (session == NULL || session->tls_version == NULL)
        return json_null();
    object = json_object();
    output_put(object, "version", output_text(session->tls_version));
    output_put(object, "cipher", output_text(session->tls_cipher));
    output_put(object, "verified", output_text(verified_name(session)));
    output_put(object, "verified_by", output_text(session->tls_verified_by));
    output_put(object, "names", output_strings(session->tls_names));
    output_put(object, "expires", output_text(rfc3339_format(session->tls_expires_s, expires)));
    output_put(object, "expires_in_days", json_integer(show_session_days(session)));
    return object;
}

void show_session_put(json_t *object, const struct mox_session *session)
{
    const struct mox_session none = {0};
    const struct mox_session *s = session == NULL ? &none : session;

    output_put(object, "host", output_text(s->host));
    output_put(object, "address", output_address(&s->remote));
    output_put(object, "family", output_family(&s->remote));
    output_put(object, "source", output_address(&s->local));
    output_put(object, "local_port", output_positive(s->local_port));
    output_put(object, "transport", output_text(s->transport));
    output_put(object, "tls", tls_object(session));
    output_put(object, "login", output_text(s->auth_mechanism));
    output_put(object, "ehlo", output_strings(s->ehlo));
}

const char *show_session_verdict(const struct mox_session *session, char *out, size_t cap)
{
    const char *by = session->tls_verified_by != NULL ? session->tls_verified_by : "";

    if (session->tls_verified == MOX_TLS_DANE)
        snprintf(out, cap, "verified (dane) by the TLSA record %s", by);
    else if (session->tls_verified == MOX_TLS_PKIX)
        snprintf(out, cap, "verified (pkix) by a trusted authority for %s", by);
    else
        snprintf(out, cap, "not verified, as nothing demands it");
    return out;
}

static void tls_rows(struct table *table, const struct mox_session *session)
{
    char text[TEXT], verdict[TEXT / 2], expires[RFC3339_TEXT];
    const char *const *names = session->tls_names;

    if (session->tls_version == NULL) {
        table_row(table, (const char *[]){"TLS", "none, in clear"});
        return;
    }
    snprintf(text, sizeof text, "%s, %s", session->tls_version, session->tls_cipher);
    table_row(table, (const char *[]){"TLS", text});
    show_session_verdict(session, verdict, sizeof verdict);
    table_row(table, (const char *[]){"", verdict});
    for (size_t i = 0; names != NULL && names[i] != NULL; i++)
        table_row(table, (const char *[]){i == 0 ? "certificate" : "", names[i]});
    snprintf(text, sizeof text, "ends %s, in %lld days",
             rfc3339_format(session->tls_expires_s, expires),
             (long long)show_session_days(session));
    table_row(table, (const char *[]){"", text});
}

/* Our end; behind a proxy, the address that the configuration says it has. */
static const char *source_text(const struct mox_session *session, char *out, size_t cap)
{
    char ip[OUTPUT_IP];

    if (session->local.family != 0)
        snprintf(out, cap, "%s, port %u", output_ip(&session->local, ip), session->local_port);
    else if (session->public_ip.family != 0)
        snprintf(out, cap, "%s, by RemoteIPs of the proxy", output_ip(&session->public_ip, ip));
    else
        snprintf(out, cap, "a proxy, whose RemoteIPs have no address of this family");
    return out;
}

void show_session_print(const struct mox_session *session)
{
    struct table table = {.columns = 2};
    char text[TEXT], where[OUTPUT_WHERE];

    output_where(session->host, &session->remote, where);
    snprintf(text, sizeof text, "%s, port %u", where, session->remote_port);
    table_row(&table, (const char *[]){mox_stage_name(session->stage), text});
    table_row(&table, (const char *[]){"from", source_text(session, text, sizeof text)});
    if (session->greeting != NULL)
        table_row(&table, (const char *[]){"greeting", session->greeting});
    if (session->ehlo_sent != NULL)
        table_row(&table, (const char *[]){"EHLO", session->ehlo_sent});
    for (size_t i = 0; session->ehlo != NULL && session->ehlo[i] != NULL; i++)
        table_row(&table, (const char *[]){i == 0 ? "offers" : "", session->ehlo[i]});
    if (session->stage >= MOX_STAGE_EHLO || session->tls_version != NULL)
        tls_rows(&table, session);
    if (session->auth_mechanism != NULL)
        table_row(&table, (const char *[]){"login", session->auth_mechanism});
    putchar('\n');
    table_print(&table, 0);
}
