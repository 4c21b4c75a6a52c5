/* tls_resume.c - see tls_resume.h. */
#include "stream/tls_resume.h"

#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/units.h"

static uint64_t hash_ticket(const mbedtls_ssl_session *session)
{
    uint32_t lifetime_s;
    size_t len;
    const unsigned char *ticket = mbed_session_ticket(session, &len, &lifetime_s);

    return ticket == NULL ? 0 : hash_bytes(ticket, len, 0);
}

int tls_resume_offer(struct tls_resume *r, struct tls_part *part, mbedtls_ssl_context *ssl)
{
    const struct tls_entry *entry = NULL;
    mbedtls_ssl_session session;
    int ret;

    if (r->keyed)
        entry = tls_cache_find(&part->cache, r->key, tls_part_clock(part));
    if (entry == NULL)
        return MOX_OK;
    mbedtls_ssl_session_init(&session);
    ret = mbedtls_ssl_session_load(&session, entry->bytes, entry->len);
    if (ret == 0)
        ret = mbedtls_ssl_set_session(ssl, &session);
    if (ret == 0) {
        r->offered = true;
        r->bound = entry->bound;
        r->ticket = hash_ticket(&session);
        r->of = tls_kept_use(entry->kept);
    }
    mbedtls_ssl_session_free(&session);
    return mbed_is_nomem(ret) ? MOX_E_NOMEM : MOX_OK;
}

/* A ticket's life ends with that of what was found out about the server. */
static uint64_t end_of(const struct tls_kept *kept, uint64_t now_us, uint32_t lifetime_s)
{
    uint64_t end_us = now_us + us_of_s(lifetime_s);

    return lifetime_s != 0 && end_us < kept->until_us ? end_us : kept->until_us;
}

/* In place of what is kept, or, if there is no memory or it is too large, not at all. */
static void store(struct tls_resume *r, struct tls_part *part, const mbedtls_ssl_session *session,
                  bool with_ticket)
{
    struct tls_clock now = tls_part_clock(part);
    struct tls_entry *entry = NULL;
    uint32_t lifetime_s;
    size_t len = 0;

    (void)mbed_session_save(session, with_ticket, NULL, 0, &len); /* how long it is */
    if (len != 0)
        entry = tls_entry_new(len, r->keep);
    if (entry == NULL)
        return;
    (void)mbed_session_ticket(session, &len, &lifetime_s);
    memcpy(entry->key, r->key, sizeof entry->key);
    entry->until_us = end_of(r->keep, now.now_us, with_ticket ? lifetime_s : 0);
    entry->until_s = r->keep->proof.until_s;
    entry->bound = r->bound;
    entry->kept = tls_kept_use(r->keep);
    if (mbed_session_save(session, with_ticket, entry->bytes, entry->len, &len) == 0)
        tls_cache_put(&part->cache, entry);
    else
        tls_entry_free(entry);
}

/* A server that did not take the ticket and gave no other one has still the old one in the session,
 * though it is of another secret. */
static void store_12(struct tls_resume *r, struct tls_part *part,
                     const mbedtls_ssl_session *session)
{
    uint64_t ticket = hash_ticket(session);
    bool old = r->offered && ticket == r->ticket;

    if (r->resumed && old)
        return; /* kept already */
    if (ticket == 0 || old) {
        if (mbed_session_id_len(session) > 0)
            store(r, part, session, false);
        return;
    }
    store(r, part, session, true);
}

static void store_13(struct tls_resume *r, struct tls_part *part,
                     const mbedtls_ssl_session *session)
{
    uint32_t lifetime_s;
    size_t len;

    if (mbed_session_ticket(session, &len, &lifetime_s) != NULL && lifetime_s > 0)
        store(r, part, session, true);
}

static void keep_with(struct tls_resume *r, struct tls_part *part, const mbedtls_ssl_context *ssl,
                      struct tls_kept *kept)
{
    r->keep = kept;
    if (kept == NULL)
        return;
    if (!mbed_is_13(ssl))
        store_12(r, part, mbed_session(ssl));
    else if (r->ticketed)
        store_13(r, part, mbed_session(ssl));
}

void tls_resume_keep(struct tls_resume *r, struct tls_part *part, const mbedtls_ssl_context *ssl,
                     const struct tls_proof *proof)
{
    struct tls_kept *kept;

    if (!r->keyed || r->keep != NULL)
        return;
    kept = tls_kept_new(proof);
    if (kept != NULL)
        kept->until_us = tls_part_clock(part).now_us + us_of_s(MOX_LIMIT_TLS_SESSION_LIFE);
    keep_with(r, part, ssl, kept);
}

/* A kept session has no chain, and a full handshake always brings one. */
void tls_resume_opened(struct tls_resume *r, struct tls_part *part, const mbedtls_ssl_context *ssl,
                       bool bound)
{
    r->resumed = r->offered && mbedtls_ssl_get_peer_cert(ssl) == NULL;
    r->bound = bound && (!r->resumed || r->bound);
    if (r->resumed)
        keep_with(r, part, ssl, tls_kept_use(r->of));
}

void tls_resume_ticket(struct tls_resume *r, struct tls_part *part, const mbedtls_ssl_context *ssl)
{
    r->ticketed = true;
    if (r->keep != NULL)
        store_13(r, part, mbed_session(ssl));
}

void tls_resume_forget(struct tls_resume *r, struct tls_part *part)
{
    if (r->keyed)
        tls_cache_drop(&part->cache, r->key);
    r->keyed = false;
}

void tls_resume_end(struct tls_resume *r)
{
    tls_kept_release(r->of);
    tls_kept_release(r->keep);
    r->of = r->keep = NULL;
}
