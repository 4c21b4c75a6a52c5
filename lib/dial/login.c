/* login.c - see login.h. */
#include "dial/login.h"

#include "base/mem.h"
#include "smtp/sasl.h"
#include "stream/tls.h"

static const struct config_auth *auth_of(const struct dial *d)
{
    const struct config_transport *transport = d->plan->rules.transport;

    return transport == NULL ? NULL : transport->auth;
}

bool login_is_wanted(const struct dial *d)
{
    return auth_of(d) != NULL;
}

/* What the connection gives to the choice. */
static int fill_facts(struct dial *d, const struct config_auth *auth, struct sasl_facts *facts)
{
    *facts = (struct sasl_facts){
        .mechanisms = auth->mechanisms,
        .username = auth->username,
        .password = auth->password,
        .host = d->attempt->candidate->view.host,
        .port = d->attempt->candidate->view.port,
        .tls = d->proof != NULL,
        .certificate = d->proof != NULL && d->identity != NULL,
    };
    if (facts->tls)
        facts->binding_name = tls_binding(d->stream, facts->binding, &facts->binding_len);
    return ctx_random(d->ctx, facts->nonce, sizeof facts->nonce);
}

/* The host's token, in place of the password. buf: wiped by the caller. */
static int take_token(struct dial *d, const char *username, char *buf, size_t cap,
                      struct mox_error *err)
{
    const struct mox_ctx_options *options = &d->ctx->options;
    const char *transport = d->plan->info.route.transport;
    int len = options->token(options->token_user, transport, username, buf, cap);

    if (len < 0)
        error_from_op(err, len, "asking the host for an OAuth token");
    else if (len == 0)
        error_set(err, MOX_E_AUTH, "the host gave no OAuth token for transport %s", transport);
    else if ((size_t)len >= cap)
        error_set(err, MOX_E_LIMIT, "the host's OAuth token is longer than %zu bytes", cap - 1);
    else
        return MOX_OK;
    err->code = MOX_E_AUTH;
    err->about = MOX_ABOUT_LOCAL;
    return err->code;
}

static int start(struct dial *d, const struct sasl_mechanism *mechanism,
                 const struct sasl_facts *facts, struct mox_error *err)
{
    struct sasl *sasl = sasl_new(mechanism, facts, d->smtp.ehlo.auth);

    if (sasl == NULL)
        return error_nomem(err);
    d->mechanism = sasl_mechanism_name(mechanism);
    dial_log(d, MOX_LOG_INFO, MOX_STAGE_AUTH, d->attempt->candidate, "login by %s", d->mechanism);
    return smtp_session_login(&d->smtp, sasl, err);
}

int login_begin(struct dial *d, struct mox_error *err)
{
    const struct sasl_mechanism *mechanism;
    struct sasl_facts facts;
    char token[MOX_LIMIT_TOKEN];
    int status = fill_facts(d, d->plan->rules.transport->auth, &facts);

    if (status != MOX_OK)
        return error_from_op(err, status, "asking for random numbers");
    mechanism = sasl_choose(&facts, d->smtp.ehlo.auth, err);
    if (mechanism == NULL) {
        err->stage = MOX_STAGE_AUTH;
        return err->code;
    }
    if (sasl_wants_token(mechanism) && d->ctx->options.token != NULL) {
        status = take_token(d, facts.username, token, sizeof token, err);
        facts.password = token;
    }
    if (status == MOX_OK)
        status = start(d, mechanism, &facts, err);
    mem_wipe(token, sizeof token);
    mem_wipe(&facts, sizeof facts);
    if (status != MOX_OK)
        err->stage = MOX_STAGE_AUTH;
    return status;
}
