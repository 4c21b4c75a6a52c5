/*
 * sasl_scram.c - SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677), with channel binding.
 *
 * The server proves that it knows the password as much as we do: its signature is worth a check
 * only if its first message was. So that message must continue our nonce, and its salt and number
 * of iterations must be good enough for a secret that travels by them.
 */
#include <string.h>

#include <mbedtls/base64.h>
#include <mbedtls/constant_time.h>

#include "base/error.h"
#include "base/mbed.h"
#include "base/mem.h"
#include "smtp/sasl_machine.h"
#include "smtp/sasl_prep.h"

enum { MIN_NONCE = 8 /* characters */, MIN_SALT = 8 /* bytes */, MIN_ITERATIONS = 2048 };

enum { QUOTED = 100 /* bytes of the server's words in an error */ };

struct server_first {
    struct slice nonce; /* ours and its; in the challenge */
    struct buffer salt; /* owned */
    unsigned iterations;
};

struct keys { /* RFC 5802 section 3; all as long as the hash */
    unsigned char salted[MBEDTLS_MD_MAX_SIZE], client[MBEDTLS_MD_MAX_SIZE];
    unsigned char stored[MBEDTLS_MD_MAX_SIZE], server[MBEDTLS_MD_MAX_SIZE];
};

static const mbedtls_md_info_t *hash_of(const struct sasl *sasl)
{
    return mbedtls_md_info_from_type(sasl->mechanism->md);
}

static int append_base64(struct buffer *out, const void *bytes, size_t len)
{
    size_t room = (len + 2) / 3 * 4 + 1, n = 0; /* mbedTLS ends it with NUL */
    char *at = buffer_room(out, room);

    if (at == NULL || mbedtls_base64_encode((unsigned char *)at, room, &n, bytes, len) != 0)
        return MOX_E_NOMEM;
    buffer_grown(out, n);
    return MOX_OK;
}

/* mbedTLS passes over line ends and does without padding: what is no base64 is sorted out first. */
static bool is_base64(struct slice text)
{
    size_t padding = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool sign = slice_is_alpha(c) || slice_is_digit(c) || c == '+' || c == '/';

        if (c == '=')
            padding++;
        else if (!sign || padding > 0)
            return false;
    }
    return text.len % 4 == 0 && padding <= 2;
}

/* MOX_OK; MOX_E_PROTOCOL: it is not base64; MOX_E_NOMEM. */
static int decode_base64(struct slice text, struct buffer *out)
{
    size_t n = 0, cap = text.len / 4 * 3;
    char *at = buffer_room(out, cap);

    if (at == NULL)
        return MOX_E_NOMEM;
    if (!is_base64(text) || mbedtls_base64_decode((unsigned char *)at, cap, &n,
                                                  (const unsigned char *)text.ptr, text.len) != 0)
        return MOX_E_PROTOCOL;
    buffer_grown(out, n);
    return MOX_OK;
}

int sasl_scram_first(struct sasl *sasl, struct buffer *out, struct mox_error *err)
{
    struct slice user = slice_of(sasl->facts.username), bare;

    if (user.len == 0)
        return error_set(err, MOX_E_INVAL, "%s needs a username, and Auth.Username is empty",
                         sasl->mechanism->name);
    if (buffer_append_text(&sasl->bare, "n=") != MOX_OK ||
        sasl_prep_name(user, &sasl->bare) != MOX_OK ||
        buffer_append_text(&sasl->bare, ",r=") != MOX_OK ||
        buffer_append_text(&sasl->bare, sasl->nonce) != MOX_OK)
        return error_nomem(err);
    bare = buffer_slice(&sasl->bare);
    if (buffer_append_text(out, sasl->header) != MOX_OK ||
        buffer_append(out, bare.ptr, bare.len) != MOX_OK)
        return error_nomem(err);
    return 1;
}

/* Takes "n=value" and the comma behind it off the text. */
static bool take(struct slice *text, char name, struct slice *value)
{
    size_t end = slice_find(*text, ',');
    struct slice item = slice_sub(*text, 0, end);

    if (item.len < 2 || item.ptr[0] != name || item.ptr[1] != '=')
        return false;
    *value = slice_sub(item, 2, item.len);
    *text = slice_sub(*text, end + 1, text->len);
    return true;
}

/* Printable ASCII, and more than ours: else it could be an old login, played again. */
static bool continues_nonce(struct slice nonce, const char *ours)
{
    for (size_t i = 0; i < nonce.len; i++) {
        if (nonce.ptr[i] <= ' ' || nonce.ptr[i] > '~')
            return false;
    }
    return slice_starts(nonce, ours) && nonce.len >= strlen(ours) + MIN_NONCE;
}

static int wrong_number(const struct sasl *sasl, struct slice text, struct mox_error *err)
{
    char quoted[QUOTED];

    sasl_words(sasl, text, quoted, sizeof quoted);
    return error_set(err, MOX_E_AUTH,
                     "the server wants \"%s\" SCRAM iterations; from %d to %d "
                     "(MOX_LIMIT_SCRAM_ITERATIONS) are accepted",
                     quoted, MIN_ITERATIONS, MOX_LIMIT_SCRAM_ITERATIONS);
}

static int read_salt(struct slice text, struct buffer *salt, struct mox_error *err)
{
    int status = decode_base64(text, salt);

    if (status == MOX_E_NOMEM)
        return error_nomem(err);
    if (status != MOX_OK || buffer_slice(salt).len < MIN_SALT)
        return error_set(err, MOX_E_AUTH,
                         "the server's SCRAM salt is not base64 of at least %d bytes", MIN_SALT);
    return MOX_OK;
}

/* What may follow, unknown extensions, is passed over (RFC 5802 section 5.1). */
static int read_first(const struct sasl *sasl, struct slice text, struct server_first *first,
                      struct mox_error *err)
{
    struct slice value;
    uint64_t iterations;
    int status;

    if (take(&text, 'm', &value))
        return error_set(err, MOX_E_AUTH,
                         "the server demands a SCRAM extension that is not known here");
    if (!take(&text, 'r', &first->nonce) || !continues_nonce(first->nonce, sasl->nonce))
        return error_set(err, MOX_E_AUTH,
                         "the server's SCRAM nonce does not continue ours by at least %d "
                         "characters: it may be a replay",
                         MIN_NONCE);
    if (!take(&text, 's', &value))
        return error_set(err, MOX_E_AUTH, "the server's first SCRAM message has no salt");
    status = read_salt(value, &first->salt, err);
    if (status != MOX_OK)
        return status;
    if (!take(&text, 'i', &value))
        return error_set(err, MOX_E_AUTH, "the server's first SCRAM message has no iterations");
    if (!slice_number(value, MOX_LIMIT_SCRAM_ITERATIONS, &iterations) ||
        iterations < MIN_ITERATIONS)
        return wrong_number(sasl, value, err);
    first->iterations = (unsigned)iterations;
    return MOX_OK;
}

/* client-final-message-without-proof. */
static int append_final(const struct sasl *sasl, struct slice nonce, struct buffer *out)
{
    struct buffer binding = {0};
    struct slice bound;
    int status = MOX_E_NOMEM;

    if (buffer_append_text(&binding, sasl->header) != MOX_OK)
        goto cleanup;
    if ((sasl->mechanism->traits & SASL_PLUS) != 0 &&
        buffer_append(&binding, sasl->facts.binding, sasl->facts.binding_len) != MOX_OK)
        goto cleanup;
    bound = buffer_slice(&binding);
    if (buffer_append_text(out, "c=") != MOX_OK ||
        append_base64(out, bound.ptr, bound.len) != MOX_OK ||
        buffer_append_text(out, ",r=") != MOX_OK)
        goto cleanup;
    status = buffer_append(out, nonce.ptr, nonce.len);
cleanup:
    buffer_wipe(&binding);
    return status;
}

static bool hmac(const mbedtls_md_info_t *md, const unsigned char *key, struct slice text,
                 unsigned char *out)
{
    return mbedtls_md_hmac(md, key, mbedtls_md_get_size(md), (const unsigned char *)text.ptr,
                           text.len, out) == 0;
}

/* The slow part: as many rounds as the server wants. 0, or an error of mbedTLS. */
static int salt_password(const struct sasl *sasl, struct slice password,
                         const struct server_first *first, unsigned char *out)
{
    struct slice salt = buffer_slice(&first->salt);
    const struct mbed_salted salted = {
        .password = (const unsigned char *)password.ptr,
        .password_len = password.len,
        .salt = (const unsigned char *)salt.ptr,
        .salt_len = salt.len,
    };

    return mbed_pbkdf2(sasl->mechanism->md, &salted, first->iterations, out,
                       mbedtls_md_get_size(hash_of(sasl)));
}

/* MOX_OK, MOX_E_NOMEM: all that these functions can fail for. */
static int derive(const struct sasl *sasl, const struct server_first *first, struct keys *keys)
{
    const mbedtls_md_info_t *md = hash_of(sasl);
    struct buffer password = {0};
    int status = sasl_prep_password(slice_of(sasl->facts.password), &password);

    if (status == MOX_OK &&
        (salt_password(sasl, buffer_slice(&password), first, keys->salted) != 0 ||
         !hmac(md, keys->salted, slice_of("Client Key"), keys->client) ||
         mbedtls_md(md, keys->client, mbedtls_md_get_size(md), keys->stored) != 0 ||
         !hmac(md, keys->salted, slice_of("Server Key"), keys->server)))
        status = MOX_E_NOMEM;
    buffer_wipe(&password);
    return status;
}

/* auth_message: RFC 5802 section 3. proof: as long as the hash. The server's proof is kept. */
static int prove(struct sasl *sasl, const struct server_first *first, struct slice auth_message,
                 unsigned char *proof)
{
    const mbedtls_md_info_t *md = hash_of(sasl);
    struct keys keys;
    int status = derive(sasl, first, &keys);

    if (status == MOX_OK && (!hmac(md, keys.stored, auth_message, proof) ||
                             !hmac(md, keys.server, auth_message, sasl->signature)))
        status = MOX_E_NOMEM;
    for (size_t i = 0; status == MOX_OK && i < mbedtls_md_get_size(md); i++)
        proof[i] ^= keys.client[i];
    mem_wipe(&keys, sizeof keys);
    return status;
}

static int append_answer(struct sasl *sasl, struct slice challenge,
                         const struct server_first *first, struct buffer *out)
{
    struct slice bare = buffer_slice(&sasl->bare), final;
    struct buffer message = {0};
    unsigned char proof[MBEDTLS_MD_MAX_SIZE];
    size_t at;
    int status = MOX_E_NOMEM;

    if (buffer_append(&message, bare.ptr, bare.len) != MOX_OK ||
        buffer_append_text(&message, ",") != MOX_OK ||
        buffer_append(&message, challenge.ptr, challenge.len) != MOX_OK ||
        buffer_append_text(&message, ",") != MOX_OK)
        goto cleanup;
    at = buffer_slice(&message).len;
    if (append_final(sasl, first->nonce, &message) != MOX_OK ||
        prove(sasl, first, buffer_slice(&message), proof) != MOX_OK)
        goto cleanup;
    final = slice_sub(buffer_slice(&message), at, SIZE_MAX);
    if (buffer_append(out, final.ptr, final.len) == MOX_OK &&
        buffer_append_text(out, ",p=") == MOX_OK)
        status = append_base64(out, proof, mbedtls_md_get_size(hash_of(sasl)));
cleanup:
    mem_wipe(proof, sizeof proof);
    buffer_wipe(&message);
    return status;
}

static int answer_first(struct sasl *sasl, struct slice challenge, struct buffer *out,
                        struct mox_error *err)
{
    struct server_first first = {0};
    int status = read_first(sasl, challenge, &first, err);

    if (status == MOX_OK && append_answer(sasl, challenge, &first, out) != MOX_OK)
        status = error_nomem(err);
    buffer_wipe(&first.salt);
    return status;
}

static int told(struct sasl *sasl, struct slice reason, struct mox_error *err)
{
    char quoted[QUOTED];

    sasl_words(sasl, reason, quoted, sizeof quoted);
    sasl->told = true;
    return error_set(err, MOX_E_AUTH, "the server refuses the login: SCRAM error \"%s\"", quoted);
}

static int check_last(struct sasl *sasl, struct slice challenge, struct mox_error *err)
{
    size_t len = mbedtls_md_get_size(hash_of(sasl));
    struct buffer signature = {0};
    struct slice value, got;
    int status;

    if (take(&challenge, 'e', &value))
        return told(sasl, value, err);
    if (!take(&challenge, 'v', &value))
        return error_set(err, MOX_E_AUTH,
                         "the server's last SCRAM message has no signature: it did not prove that "
                         "it knows the password");
    status = decode_base64(value, &signature);
    if (status == MOX_E_NOMEM)
        return error_nomem(err);
    got = buffer_slice(&signature);
    sasl->done =
        status == MOX_OK && got.len == len && mbedtls_ct_memcmp(got.ptr, sasl->signature, len) == 0;
    buffer_wipe(&signature);
    if (sasl->done)
        return MOX_OK;
    return error_set(err, MOX_E_AUTH,
                     "the server's SCRAM signature is wrong: it does not know the password, so it "
                     "is not the server it should be");
}

int sasl_scram_next(struct sasl *sasl, struct slice challenge, struct buffer *out,
                    struct mox_error *err)
{
    return sasl->step == 0 ? answer_first(sasl, challenge, out, err)
                           : check_last(sasl, challenge, err);
}
