/*
 * sasl.c - see sasl.h. The table of mechanisms, the choice among them, and what holds for all.
 */
#include "smtp/sasl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <mbedtls/base64.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/text.h"
#include "smtp/sasl_machine.h"

/* mox's five, which are its default list, come first and in its order. */
static const struct sasl_mechanism mechanisms[] = {
    {"SCRAM-SHA-256-PLUS", MBEDTLS_MD_SHA256, SASL_SCRAM | SASL_PLUS, sasl_scram_first,
     sasl_scram_next},
    {"SCRAM-SHA-256", MBEDTLS_MD_SHA256, SASL_SCRAM, sasl_scram_first, sasl_scram_next},
    {"SCRAM-SHA-1-PLUS", MBEDTLS_MD_SHA1, SASL_SCRAM | SASL_PLUS, sasl_scram_first,
     sasl_scram_next},
    {"SCRAM-SHA-1", MBEDTLS_MD_SHA1, SASL_SCRAM, sasl_scram_first, sasl_scram_next},
    {"CRAM-MD5", MBEDTLS_MD_MD5, 0, NULL, sasl_cram_next},
    {"PLAIN", MBEDTLS_MD_NONE, SASL_SECRET, sasl_plain_first, NULL},
    {"LOGIN", MBEDTLS_MD_NONE, SASL_SECRET, NULL, sasl_login_next},
    {"EXTERNAL", MBEDTLS_MD_NONE, SASL_CERTIFICATE, sasl_external_first, NULL},
    {"OAUTHBEARER", MBEDTLS_MD_NONE, SASL_TOKEN, sasl_bearer_first, sasl_bearer_next},
    {"XOAUTH2", MBEDTLS_MD_NONE, SASL_TOKEN, sasl_xoauth2_first, sasl_xoauth2_next},
};

static_assert((SASL_NONCE + 2) / 3 * 4 < SASL_NONCE_TEXT, "the nonce fits, with its NUL");

enum { DEFAULTS = 5, OFFER_SHOWN = 100 /* bytes of the server's list in an error */ };

/* Why a mechanism cannot be used here, in the order in which it is looked for. */
enum unfit {
    UNFIT_NOT = 0,
    UNFIT_SECRET,
    UNFIT_TOKEN,
    UNFIT_PLUS,
    UNFIT_BINDING,
    UNFIT_CERTIFICATE,
    UNFIT_HASH,
    UNFIT_COUNT
};

static const char *const unfit_texts[] = {
    [UNFIT_NOT] = "can be used",
    [UNFIT_SECRET] = "would show the password without TLS",
    [UNFIT_TOKEN] = "would show the token without TLS",
    [UNFIT_PLUS] = "would have to be bound to TLS, and there is none",
    [UNFIT_BINDING] = "would have to be bound to this TLS session, which gives no channel binding",
    [UNFIT_CERTIFICATE] = "needs TLS with a client certificate",
    [UNFIT_HASH] = "needs a hash that this build of mbedTLS does not have",
};
static_assert(ARRAY_LEN(unfit_texts) == UNFIT_COUNT, "a text for each");

static enum unfit unfit_of(const struct sasl_mechanism *m, const struct sasl_facts *facts)
{
    if ((m->traits & SASL_SECRET) != 0 && !facts->tls)
        return UNFIT_SECRET;
    if ((m->traits & SASL_TOKEN) != 0 && !facts->tls)
        return UNFIT_TOKEN;
    if ((m->traits & SASL_PLUS) != 0 && !facts->tls)
        return UNFIT_PLUS;
    if ((m->traits & SASL_PLUS) != 0 && facts->binding_name == NULL)
        return UNFIT_BINDING;
    if ((m->traits & SASL_CERTIFICATE) != 0 && !(facts->tls && facts->certificate))
        return UNFIT_CERTIFICATE;
    if (m->md != MBEDTLS_MD_NONE && mbedtls_md_info_from_type(m->md) == NULL)
        return UNFIT_HASH;
    return UNFIT_NOT;
}

static bool is_offered(const char *offered, const char *name)
{
    struct slice rest = slice_of(offered), word;

    while ((word = slice_word(&rest)).len > 0) {
        if (slice_is(word, name))
            return true;
    }
    return false;
}

/* The i-th of the list; NULL: its end. */
static const char *listed_at(const struct sasl_facts *facts, size_t i)
{
    if (facts->mechanisms != NULL && facts->mechanisms[0] != NULL)
        return facts->mechanisms[i];
    return i < DEFAULTS ? mechanisms[i].name : NULL;
}

static bool is_listed(const struct sasl_facts *facts, const char *name)
{
    const char *listed;

    for (size_t i = 0; (listed = listed_at(facts, i)) != NULL; i++) {
        if (slice_is(slice_of(listed), name))
            return true;
    }
    return false;
}

static const struct sasl_mechanism *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
        if (slice_is(slice_of(name), mechanisms[i].name))
            return &mechanisms[i];
    }
    return NULL;
}

/* Those of the list that the server offers and that cannot be used for this reason. */
static void add_unfit(struct text *t, const struct sasl_facts *facts, const char *offered,
                      enum unfit why)
{
    const char *name;
    size_t n = 0;

    for (size_t i = 0; (name = listed_at(facts, i)) != NULL; i++) {
        const struct sasl_mechanism *m = find(name);

        if (m != NULL && is_offered(offered, name) && unfit_of(m, facts) == why)
            text_add(t, "%s%s", n++ == 0 ? "; " : ", ", name);
    }
    if (n > 0)
        text_add(t, " %s", unfit_texts[why]);
}

/* What the administrator may do about it. */
static void add_cure(struct text *t, const struct sasl_facts *facts, const char *offered)
{
    for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
        const struct sasl_mechanism *m = &mechanisms[i];

        if (is_offered(offered, m->name) && !is_listed(facts, m->name) &&
            unfit_of(m, facts) == UNFIT_NOT) {
            text_add(t, "; add %s to Mechanisms", m->name);
            return;
        }
    }
}

static void add_listed(struct text *t, const struct sasl_facts *facts)
{
    const char *name;

    text_add(t, "; configured%s", listed_at(facts, 0) == mechanisms[0].name ? " by default" : "");
    for (size_t i = 0; (name = listed_at(facts, i)) != NULL; i++)
        text_add(t, "%s%s", i == 0 ? ": " : ", ", name);
}

static void no_match(const struct sasl_facts *facts, const char *offered, struct mox_error *err)
{
    char words[sizeof err->message], shown[OFFER_SHOWN];
    struct text t = text_to(words, sizeof words);
    struct slice offer = slice_of(offered);

    slice_clean(offer, false, shown, sizeof shown);
    if (offer.len == 0)
        text_add(&t, "the server offers no login (AUTH)%s", facts->tls ? "" : " without TLS");
    else
        text_add(&t, "no matching authentication mechanism: the server offers %s%s", shown,
                 offer.len >= sizeof shown ? "…" : "");
    add_listed(&t, facts);
    for (enum unfit why = UNFIT_NOT + 1; why < UNFIT_COUNT; why++)
        add_unfit(&t, facts, offered, why);
    add_cure(&t, facts, offered);
    error_set(err, MOX_E_AUTH, "%s", words);
    if (err == NULL)
        return;
    err->stage = MOX_STAGE_AUTH;
    err->action = MOX_ACTION_GIVE_UP;
    err->permanent = 1;
}

const struct sasl_mechanism *sasl_choose(const struct sasl_facts *facts, const char *offered,
                                         struct mox_error *err)
{
    const char *name;

    for (size_t i = 0; (name = listed_at(facts, i)) != NULL; i++) {
        const struct sasl_mechanism *m = find(name);

        if (m != NULL && is_offered(offered, name) && unfit_of(m, facts) == UNFIT_NOT)
            return m;
    }
    no_match(facts, offered, err);
    return NULL;
}

const char *sasl_mechanism_name(const struct sasl_mechanism *mechanism)
{
    return mechanism->name;
}

bool sasl_wants_token(const struct sasl_mechanism *mechanism)
{
    return (mechanism->traits & SASL_TOKEN) != 0;
}

/* The PLUS form would have come first, and only the server's silence about it is why it did not:
 * "y" tells it so, and it notices if somebody else made it silent (RFC 5802 section 6). */
static bool misses_plus(const struct sasl *sasl, const char *offered)
{
    const struct sasl_facts *facts = &sasl->facts;
    const char *name;

    if (!facts->tls || facts->binding_name == NULL)
        return false;
    for (size_t i = 0; (name = listed_at(facts, i)) != NULL; i++) {
        const struct sasl_mechanism *m = find(name);

        if (m == sasl->mechanism)
            return false;
        if (m != NULL && (m->traits & SASL_PLUS) != 0 && m->md == sasl->mechanism->md)
            return !is_offered(offered, name);
    }
    return false;
}

static void prepare_scram(struct sasl *sasl, const char *offered)
{
    size_t n;

    if ((sasl->mechanism->traits & SASL_PLUS) != 0)
        snprintf(sasl->header, sizeof sasl->header, "p=%s,,", sasl->facts.binding_name);
    else
        snprintf(sasl->header, sizeof sasl->header, "%c,,", misses_plus(sasl, offered) ? 'y' : 'n');
    mbedtls_base64_encode((unsigned char *)sasl->nonce, sizeof sasl->nonce, &n, sasl->facts.nonce,
                          sizeof sasl->facts.nonce); /* its size is right, so it does not fail */
}

void sasl_free(struct sasl *sasl)
{
    if (sasl == NULL)
        return;
    if (sasl->password != NULL)
        mem_wipe(sasl->password, strlen(sasl->password));
    mem_free(sasl->password);
    buffer_wipe(&sasl->bare);
    mem_wipe(sasl, sizeof *sasl);
    mem_free(sasl);
}

struct sasl *sasl_new(const struct sasl_mechanism *mechanism, const struct sasl_facts *facts,
                      const char *offered)
{
    struct slice password = slice_of(facts->password);
    struct sasl *sasl = mem_new(sizeof *sasl);

    if (sasl == NULL)
        return NULL;
    sasl->mechanism = mechanism;
    sasl->facts = *facts;
    sasl->facts.username = facts->username == NULL ? "" : facts->username;
    sasl->facts.password = sasl->password = mem_text(password.ptr, password.len);
    if (sasl->password == NULL) {
        sasl_free(sasl);
        return NULL;
    }
    if ((mechanism->traits & SASL_SCRAM) != 0)
        prepare_scram(sasl, offered);
    return sasl;
}

const char *sasl_name(const struct sasl *sasl)
{
    return sasl->mechanism->name;
}

/* What cannot be said is the configuration's fault, or the token's: no reason to return mail. */
int sasl_first(struct sasl *sasl, struct buffer *out, struct mox_error *err)
{
    int status = sasl->mechanism->first == NULL ? 0 : sasl->mechanism->first(sasl, out, err);

    if (status >= 0)
        return status;
    sasl->failed = true;
    if (err != NULL) {
        err->stage = MOX_STAGE_AUTH;
        err->action = MOX_ACTION_LATER;
        err->permanent = 0;
    }
    return status;
}

static int run_next(struct sasl *sasl, struct slice challenge, struct buffer *out,
                    struct mox_error *err)
{
    bool more = (sasl->mechanism->traits & SASL_TOKEN) != 0 || !sasl->done;

    if (sasl->failed)
        return error_set(err, MOX_E_AUTH, "the login with %s has failed", sasl->mechanism->name);
    if (sasl->mechanism->next == NULL || !more)
        return error_set(err, MOX_E_AUTH, "the server asks for more than %s has to say",
                         sasl->mechanism->name);
    return sasl->mechanism->next(sasl, challenge, out, err);
}

int sasl_next(struct sasl *sasl, struct slice challenge, struct buffer *out, struct mox_error *err)
{
    int status = run_next(sasl, challenge, out, err);

    if (status == MOX_OK) {
        sasl->step++;
        return MOX_OK;
    }
    sasl->failed = true;
    sasl->done = false;
    if (err != NULL) {
        err->stage = MOX_STAGE_AUTH;
        if (status == MOX_E_AUTH && !sasl->told)
            err->about = MOX_ABOUT_HOST;
    }
    return status;
}

bool sasl_done(const struct sasl *sasl)
{
    return sasl->done;
}

const char *sasl_detail(const struct sasl *sasl)
{
    return sasl->detail[0] == '\0' ? NULL : sasl->detail;
}
