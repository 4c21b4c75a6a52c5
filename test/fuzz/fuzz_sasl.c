/*
 * fuzz_sasl.c - the first byte chooses the mechanism (modulo 10) and whether there is a channel
 * binding (64), then each record is a length byte and so many bytes of a challenge. Our nonce is
 * sixteen times 'A', the name "tim", the password "pencil-pencil".
 */
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "smtp/sasl.h"

#define PASSWORD "pencil-pencil"

static const char *const names[] = {
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
    "EXTERNAL",
    "OAUTHBEARER",
    "XOAUTH2",
};

enum { MOST_DIGITS = 4 /* of the iterations: more of them are slow, and nothing else */ };

static bool is_slow(struct slice challenge)
{
    for (size_t i = 0; i + 2 < challenge.len; i++) {
        size_t n = 0;

        if (challenge.ptr[i] != 'i' || challenge.ptr[i + 1] != '=')
            continue;
        while (i + 2 + n < challenge.len && slice_is_digit(challenge.ptr[i + 2 + n]))
            n++;
        if (n > MOST_DIGITS)
            return true;
    }
    return false;
}

/* NULL: the mechanism may not be used here, which sasl_choose has to say. */
static struct sasl *begin(uint8_t choice)
{
    const char *const list[] = {names[choice % ARRAY_LEN(names)], NULL};
    struct sasl_facts facts = {
        .mechanisms = list,
        .username = "tim",
        .password = PASSWORD,
        .host = "mail.example",
        .port = 587,
        .tls = true,
        .certificate = true,
        .binding_name = (choice & 64) != 0 ? "tls-exporter" : NULL,
        .binding_len = (choice & 64) != 0 ? SASL_BINDING : 0,
    };
    struct mox_error err = {0};
    const struct sasl_mechanism *m = sasl_choose(&facts, list[0], &err);

    fuzz_require((m == NULL) == (err.code != MOX_OK), "no mechanism has words");
    return m == NULL ? NULL : sasl_new(m, &facts, list[0]);
}

/* A NUL ends the text of an error, and a detail. */
static void check_words(const char *text)
{
    struct slice s = slice_of(text);

    fuzz_require(strstr(text, PASSWORD) == NULL, "no secret is told");
    fuzz_require(slice_utf8(s) == s.len, "what is told is UTF-8");
    for (size_t i = 0; i < s.len; i++)
        fuzz_require(!slice_is_control(s.ptr[i]), "what is told has no control characters");
}

static void check_failure(struct sasl *sasl, int status, const struct mox_error *err)
{
    struct buffer out = {0};

    fuzz_require(status == MOX_E_AUTH && err->code == status, "the server is the only fault");
    fuzz_require(err->stage == MOX_STAGE_AUTH && !err->permanent, "it is temporary, and of AUTH");
    fuzz_require(err->message[0] != '\0', "a failure has words");
    check_words(err->message);
    fuzz_require(!sasl_done(sasl), "what failed is not done");
    fuzz_require(sasl_next(sasl, slice_of("x"), &out, NULL) == MOX_E_AUTH && out.len == 0,
                 "what failed says nothing more");
}

/* SCRAM gives a server's nonce back to it, whatever it is. */
static bool knows_password(struct slice challenge)
{
    struct slice password = slice_of(PASSWORD);

    for (size_t i = 0; i + password.len <= challenge.len; i++) {
        if (slice_equal(slice_sub(challenge, i, i + password.len), password))
            return true;
    }
    return false;
}

/* Only in PLAIN, LOGIN and the initial responses with a token may it be. */
static void check_response(const struct sasl *sasl, struct slice challenge, struct buffer *out)
{
    const char *name = sasl_name(sasl);
    struct slice said;

    buffer_append(out, "", 1);
    said = buffer_slice(out);
    if (strcmp(name, "LOGIN") != 0 && !knows_password(challenge))
        fuzz_require(strstr(said.ptr, PASSWORD) == NULL, "no secret is said");
    if (strncmp(name, "SCRAM", 5) == 0 && sasl_done(sasl))
        fuzz_require(slice_starts(challenge, "v=") && said.len == 1,
                     "the server has proven itself");
    if (sasl_detail(sasl) != NULL)
        check_words(sasl_detail(sasl));
    buffer_wipe(out);
}

static int answer(struct sasl *sasl, struct slice challenge)
{
    struct mox_error err = {0};
    struct buffer out = {0};
    int status = sasl_next(sasl, challenge, &out, &err);

    if (status == MOX_OK) {
        check_response(sasl, challenge, &out);
    } else {
        fuzz_require(out.len == 0, "a failure says nothing");
        check_failure(sasl, status, &err);
    }
    buffer_wipe(&out);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {(const char *)data, size};
    struct buffer out = {0};
    struct sasl *sasl;

    if (size == 0 || is_slow(input))
        return -1;
    sasl = begin(data[0]);
    if (sasl == NULL)
        return 0;
    fuzz_require(sasl_first(sasl, &out, NULL) >= 0, "there is something to begin with");
    buffer_wipe(&out);
    for (size_t at = 1; at < size; at += 1 + data[at]) {
        size_t len = slice_sub(input, at + 1, at + 1 + data[at]).len;
        char *challenge = mem_text((const char *)data + at + 1, len); /* its end is guarded */
        int status = challenge == NULL ? MOX_E_NOMEM : answer(sasl, (struct slice){challenge, len});

        mem_free(challenge);
        if (status != MOX_OK)
            break;
    }
    sasl_free(sasl);
    return 0;
}
