/* secure.c - see secure.h. */
#include "dial/secure.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/md.h>

#include "dial/trust.h"
#include "policy/certificate.h"
#include "stream/tls.h"

const struct plan_tls *secure_tls(const struct dial *d)
{
    return d->attempt->candidate->host->tls;
}

static const char *host_of(const struct dial *d)
{
    return d->attempt->candidate->view.host;
}

static const char *pkix_name(const struct dial *d)
{
    const struct plan_tls *tls = secure_tls(d);

    return tls->pkix_name != NULL ? tls->pkix_name : host_of(d);
}

/* The first name that is allowed (semantics.md 7.1); NULL: an address has none. */
static const char *server_name(const struct dial *d)
{
    const struct plan_tls *tls = secure_tls(d);

    if (tls->names != NULL)
        return tls->names[0];
    if (tls->pkix_name != NULL)
        return tls->pkix_name;
    return request_has_address(&d->plan->rules) ? NULL : host_of(d);
}

/* PKIX and DANE are looked at for the report too, where nothing hangs on them: in testing, and
 * where the message says TLS-Required: No (semantics.md 7.1). */
static bool asks_pkix(const struct plan_tls *tls)
{
    return tls->demand.pkix || tls->sts_mode > STS_NONE;
}

static bool asks_dane(const struct plan_tls *tls)
{
    return tls->usable > 0;
}

static void hash_text(mbedtls_md_context_t *md, const char *text)
{
    if (text != NULL)
        mbedtls_md_update(md, (const unsigned char *)text, strlen(text));
    mbedtls_md_update(md, (const unsigned char *)"", 1); /* where one ends */
}

static void hash_records(mbedtls_md_context_t *md, const struct plan_tls *tls)
{
    for (size_t i = 0; i < tls->nrecords; i++) {
        const struct dane_record *record = &tls->records[i];
        unsigned char head[] = {record->usage, record->selector, record->matching,
                                (unsigned char)(record->data.len >> 8),
                                (unsigned char)record->data.len};

        mbedtls_md_update(md, head, sizeof head);
        mbedtls_md_update(md, (const unsigned char *)record->data.ptr, record->data.len);
    }
}

/* All that the verdict and the report rest on: a kept session must not prove more than it did. */
static int session_key(const struct dial *d, const struct roots *roots, unsigned char key[TLS_KEY])
{
    const struct plan_tls *tls = secure_tls(d);
    const struct config_transport *transport = d->plan->rules.transport;
    const struct mox_candidate *candidate = &d->attempt->candidate->view;
    unsigned char head[] = {tls->demand.need, tls->demand.pkix, tls->demand.dane,
                            (unsigned char)(candidate->port >> 8), (unsigned char)candidate->port};
    mbedtls_md_context_t md;
    int status;

    mbedtls_md_init(&md);
    status = mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0);
    if (status != 0 || mbedtls_md_starts(&md) != 0) {
        mbedtls_md_free(&md);
        return MOX_E_NOMEM;
    }
    mbedtls_md_update(&md, head, sizeof head);
    hash_text(&md, host_of(d));
    hash_text(&md, server_name(d));
    hash_text(&md, asks_pkix(tls) ? pkix_name(d) : NULL);
    hash_text(&md, transport == NULL ? NULL : transport->name);
    hash_text(&md, transport == NULL ? NULL : transport->client_cert);
    for (size_t i = 0; tls->names != NULL && tls->names[i] != NULL; i++)
        hash_text(&md, tls->names[i]);
    hash_records(&md, tls);
    if (roots != NULL)
        mbedtls_md_update(&md, roots_digest(roots), TLS_KEY);
    status = mbedtls_md_finish(&md, key);
    mbedtls_md_free(&md);
    return status == 0 ? MOX_OK : MOX_E_NOMEM;
}

static int load_identity(struct dial *d, struct mox_error *err)
{
    const struct config_transport *transport = d->plan->rules.transport;

    if (transport == NULL || transport->client_cert == NULL || d->identity != NULL)
        return MOX_OK;
    return tls_identity_load(transport->client_cert, transport->client_key, &d->identity, err);
}

/* NULL: PKIX is not asked, or for the report alone and there is nothing to ask by. */
static int find_roots(struct dial *d, const struct roots **roots, struct mox_error *err)
{
    const struct plan_tls *tls = secure_tls(d);
    int status;

    *roots = NULL;
    if (!asks_pkix(tls))
        return MOX_OK;
    status = trust_roots(d, roots, err);
    return status == MOX_E_NOMEM || tls->demand.pkix ? status : MOX_OK;
}

int secure_begin(struct dial *d, struct mox_error *err)
{
    struct tls_options options = {.sni = server_name(d)};
    const struct roots *roots = NULL;
    unsigned char key[TLS_KEY];
    int status = load_identity(d, err);

    if (status == MOX_OK)
        status = find_roots(d, &roots, err);
    if (status == MOX_OK && session_key(d, roots, key) != MOX_OK)
        status = error_nomem(err);
    if ((d->plan->rules.flags & MOX_DIAL_NO_RESUME) == 0)
        options.key = key;
    options.identity = d->identity;
    options.narrow = d->attempt->narrow;
    if (status == MOX_OK)
        status = tls_open(d->ctx, d->stream, &options, &d->stream, err);
    d->handshaking = status == MOX_OK;
    if (status != MOX_OK)
        err->stage = MOX_STAGE_TLS;
    return status;
}

/* Text, names and dates of the proof outlive the stream: they are shown with the connection. */
static int keep_proof(struct dial *d, const struct tls_proof *proof)
{
    struct arena *arena = &d->plan->arena;
    struct tls_proof *kept = arena_new(arena, sizeof *kept);
    const char **names;
    size_t n = 0;

    while (proof->names[n] != NULL)
        n++;
    names = arena_array(arena, n + 1, sizeof *names);
    if (kept == NULL || names == NULL)
        return MOX_E_NOMEM;
    *kept = *proof;
    kept->names = names;
    for (size_t i = 0; i < n; i++) {
        names[i] = arena_text(arena, slice_of(proof->names[i]));
        if (names[i] == NULL)
            return MOX_E_NOMEM;
    }
    if (proof->by != NULL) {
        kept->by = arena_text(arena, slice_of(proof->by));
        if (kept->by == NULL)
            return MOX_E_NOMEM;
    }
    d->proof = kept;
    return MOX_OK;
}

/* *proof: what the report says of it, and the name in by. As certificate_check, or trust_roots. */
static int check_pkix(struct dial *d, const struct mbedtls_x509_crt *chain, struct tls_proof *proof,
                      struct mox_error *err)
{
    const char *const names[] = {pkix_name(d), NULL};
    struct certificate_request request = {
        .chain = chain, .names = names, .now = ctx_unix_s(d->ctx)};
    struct certificate_finding found;
    const struct roots *roots;
    int status = trust_roots(d, &roots, err);

    if (status != MOX_OK)
        return status;
    request.anchors = roots_chain(roots);
    status = certificate_check(&request, &found, err);
    proof->pkix = (uint8_t)found.fault;
    if (status != MOX_OK || !secure_tls(d)->demand.pkix)
        return status;
    proof->verified = MOX_TLS_PKIX;
    proof->by = arena_text(&d->plan->arena, slice_of(found.name));
    return proof->by == NULL ? error_nomem(err) : MOX_OK;
}

/* The same by dane_verify. */
static int check_dane(struct dial *d, const struct mbedtls_x509_crt *chain, struct tls_proof *proof,
                      struct mox_error *err)
{
    const struct plan_tls *tls = secure_tls(d);
    struct dane_request request = {tls->records, tls->nrecords, chain, tls->names,
                                   ctx_unix_s(d->ctx)};
    size_t matched;
    char text[320];
    int status = dane_verify(&request, &matched, err);

    if (status == MOX_E_VERIFY)
        proof->dane = matched < tls->nrecords ? DANE_ERRORS : DANE_NO_MATCH;
    if (status != MOX_OK || !tls->demand.dane)
        return status;
    dane_record_text(&tls->records[matched], text, sizeof text);
    proof->verified = MOX_TLS_DANE;
    proof->by = arena_text(&d->plan->arena, slice_of(text));
    return proof->by == NULL ? error_nomem(err) : MOX_OK;
}

/* Whether what was found depends on the certificate's dates: not of DANE-EE (RFC 7671 section
 * 5.1), nor where nothing was found. */
static bool rests_on_dates(const struct plan_tls *tls, const struct tls_proof *proof)
{
    bool anchored = false;

    for (size_t i = 0; i < tls->nrecords; i++)
        anchored = anchored || tls->records[i].usage != 3;
    return (asks_pkix(tls) && proof->pkix == CERTIFICATE_GOOD) ||
           (asks_dane(tls) && proof->dane == DANE_GOOD && anchored);
}

/* What policies demand of the chain, and what the report alone wants to know; both are looked at
 * where one of them has failed already. err: of the first that is demanded. */
static int verify(struct dial *d, const struct mbedtls_x509_crt *chain, struct tls_proof *proof,
                  struct mox_error *err)
{
    const struct plan_tls *tls = secure_tls(d);
    int pkix = MOX_OK, dane = MOX_OK;

    if (asks_pkix(tls))
        pkix = check_pkix(d, chain, proof, err);
    if (pkix != MOX_OK && pkix != MOX_E_VERIFY && (tls->demand.pkix || pkix == MOX_E_NOMEM))
        return pkix;
    if (!tls->demand.pkix)
        pkix = MOX_OK;
    if (asks_dane(tls))
        dane = check_dane(d, chain, proof, pkix == MOX_OK ? err : NULL);
    if (!tls->demand.dane && dane == MOX_E_VERIFY)
        dane = MOX_OK;
    return pkix != MOX_OK ? pkix : dane;
}

/* The verdict on a chain that was just received, before a word is said over it. */
static int judge(struct dial *d, const struct mbedtls_x509_crt *chain, struct tls_proof *proof,
                 struct mox_error *err)
{
    int status = verify(d, chain, proof, err);

    d->pkix = proof->pkix;
    d->dane = proof->dane;
    if (status != MOX_OK)
        return status;
    proof->names = certificate_names(chain, &d->plan->arena);
    proof->expires_s = certificate_expiry(chain);
    proof->until_s = rests_on_dates(secure_tls(d), proof) ? proof->expires_s : 0;
    return proof->names == NULL ? error_nomem(err) : MOX_OK;
}

/* It proved before what it proves now, and its faults are the same. */
static int take_resumed(struct dial *d, const struct tls_proof *resumed, struct mox_error *err)
{
    d->pkix = resumed->pkix;
    d->dane = resumed->dane;
    return keep_proof(d, resumed) == MOX_OK ? MOX_OK : error_nomem(err);
}

static int take_server(struct dial *d, struct mox_error *err)
{
    const struct tls_proof *resumed = tls_proof(d->stream);
    struct tls_proof proof = {0};
    int status;

    if (resumed != NULL)
        return take_resumed(d, resumed, err);
    status = judge(d, tls_chain(d->stream), &proof, err);
    if (status == MOX_OK && keep_proof(d, &proof) != MOX_OK)
        status = error_nomem(err);
    if (status == MOX_OK)
        tls_keep(d->stream, &proof);
    else if (status == MOX_E_VERIFY)
        tls_reject(d->stream);
    tls_settle(d->stream);
    return status;
}

static int failed(struct dial *d, int status, struct mox_error *err)
{
    err->stage = MOX_STAGE_TLS;
    if (status == MOX_E_NOMEM || status == MOX_E_CONFIG)
        return status;
    if (err->code == MOX_E_OS && err->os_errno != 0) { /* the peer's or the network's doing */
        err->code = MOX_E_CLOSED;
        err->about = MOX_ABOUT_HOST;
    }
    d->ctx->stats.tls_failed++;
    return err->code;
}

int secure_step(struct dial *d, struct mox_error *err)
{
    struct mox_attempt *attempt = &d->attempt->view;
    int status = d->stream->ops->opened(d->stream);

    if (status == MOX_E_AGAIN)
        return status;
    if (status != MOX_OK) {
        status = d->stream->ops->failure(d->stream, err);
        return failed(d, status, err);
    }
    status = take_server(d, err);
    if (status != MOX_OK)
        return failed(d, status, err);
    d->handshaking = false;
    d->ctx->stats.tls_ok++;
    attempt->tls_ms = plan_ms(d->plan, ctx_now_us(d->ctx));
    dial_log(d, MOX_LOG_INFO, MOX_STAGE_TLS, d->attempt->candidate, "%s, %s, %s%s%s",
             tls_version(d->stream), tls_cipher(d->stream),
             d->proof->verified == MOX_TLS_NONE ? "not verified" : "verified by ",
             d->proof->by == NULL ? "" : d->proof->by,
             tls_proof(d->stream) == NULL ? "" : ", resumed");
    return MOX_OK;
}

int secure_check_goal(const struct dial *d, struct mox_error *err)
{
    bool wanted = (d->plan->rules.flags & MOX_DIAL_REQUIRETLS) != 0;

    if (!wanted || smtp_session_stage(&d->smtp) != MOX_STAGE_READY ||
        (d->smtp.ehlo.extensions & MOX_EXT_REQUIRETLS) != 0)
        return MOX_OK;
    error_set(err, MOX_E_NO_EXTENSION,
              "the message requires TLS all the way (REQUIRETLS), which the server does not offer");
    err->stage = MOX_STAGE_EHLO;
    err->action = MOX_ACTION_NEXT;
    return MOX_E_NO_EXTENSION;
}

void secure_explain(const struct dial *d, struct mox_error *err)
{
    const struct plan_tls *tls = secure_tls(d);
    size_t len = strlen(err->message);

    if (err->stage != MOX_STAGE_TLS || tls->why == NULL || tls->demand.or_plaintext)
        return;
    snprintf(err->message + len, sizeof err->message - len, "; %s", tls->why);
}

/* The only failures that plaintext may follow (semantics.md 7.1): of a handshake, and a whole reply
 * to STARTTLS that is no 220. Silence, an end or bytes out of turn tell nothing of the server. */
static bool failed_in_tls(const struct dial *d, const struct mox_error *err)
{
    return err->stage == MOX_STAGE_TLS && (d->handshaking || err->smtp_code != 0);
}

void secure_try_again(struct dial *d, const struct mox_error *err)
{
    const struct plan_attempt *attempt = d->attempt;
    bool broken = d->handshaking && err->code == MOX_E_TLS;

    /* What this machine lacks, memory or randomness, is no reason to go without TLS. */
    if (!failed_in_tls(d, err) || d->proof != NULL || err->about == MOX_ABOUT_LOCAL)
        return;
    d->again_narrow = broken && !attempt->narrow && tls_wants_narrow(d->stream);
    d->again_plain = false;
    if (!d->again_narrow && (!broken || !tls_offered(d->stream) || attempt->again)) {
        if (!secure_tls(d)->demand.or_plaintext || attempt->plain)
            return;
        d->again_plain = true;
    }
    d->again = attempt->candidate;
}
