/* login.c - see login.h. */
#include "test/sim/login.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/base64.h>

#include "base/mbed.h"
#include "test/sim/net.h"
#include "test/sim/tls_server.h"
#include "test/sim/world.h"

enum { SALT = 16, ITERATIONS = 2048, HASH = 32, LINE = 2048 };

const char login_username[] = "relay-user";
const char login_password[] = "pa55Word:7Qz";
const char login_token[] = "t0ken-9Kd2-xW4v";

static const char challenge_cram[] = "<1700.42@mx.example>";
static const unsigned char salt[SALT] = "0123456789abcde";
static const char server_nonce[] = "server0nonce";

static const struct {
    const char *name;
    mbedtls_md_type_t md;
    bool plus, secret;
} mechanisms[] = {
    [LOGIN_SCRAM_256_PLUS] = {"SCRAM-SHA-256-PLUS", MBEDTLS_MD_SHA256, true, false},
    [LOGIN_SCRAM_256] = {"SCRAM-SHA-256", MBEDTLS_MD_SHA256, false, false},
    [LOGIN_SCRAM_1_PLUS] = {"SCRAM-SHA-1-PLUS", MBEDTLS_MD_SHA1, true, false},
    [LOGIN_SCRAM_1] = {"SCRAM-SHA-1", MBEDTLS_MD_SHA1, false, false},
    [LOGIN_CRAM_MD5] = {"CRAM-MD5", MBEDTLS_MD_NONE, false, false},
    [LOGIN_PLAIN] = {"PLAIN", MBEDTLS_MD_NONE, false, true},
    [LOGIN_LOGIN] = {"LOGIN", MBEDTLS_MD_NONE, false, true},
    [LOGIN_OAUTHBEARER] = {"OAUTHBEARER", MBEDTLS_MD_NONE, false, true},
    [LOGIN_XOAUTH2] = {"XOAUTH2", MBEDTLS_MD_NONE, false, true},
};

const char *login_name(int mechanism)
{
    return mechanisms[mechanism].name;
}

static const struct login *facts(const struct net_stream *s)
{
    return &s->place->secure->login;
}

void login_offer(const struct net_stream *s, char *out, unsigned cap)
{
    unsigned used = 0;

    *out = '\0';
    if (s->place->secure == NULL || facts(s)->mechanisms == 0 ||
        (!s->secure.opened && !facts(s)->plain))
        return;
    used = (unsigned)snprintf(out, cap, "AUTH");
    for (int i = 0; i < LOGIN_MECHANISMS; i++) {
        if ((facts(s)->mechanisms >> i & 1) != 0)
            used += (unsigned)snprintf(out + used, cap - used, " %s", mechanisms[i].name);
    }
}

int login_decode(const char *text, unsigned len, char *out, unsigned cap)
{
    size_t n;

    if (mbedtls_base64_decode((unsigned char *)out, cap - 1, &n, (const unsigned char *)text,
                              len) != 0)
        return -1;
    out[n] = '\0';
    return (int)n;
}

static void encode(const void *bytes, size_t len, char *out, size_t cap)
{
    size_t n;

    if (mbedtls_base64_encode((unsigned char *)out, cap, &n, bytes, len) != 0)
        *out = '\0';
}

static void say(struct net_stream *s, const char *code, const char *text)
{
    char *script = world_alloc(s->w, strlen(code) + strlen(text) + 4);

    sprintf(script, "%s %s\r\n", code, text);
    server_reply(s, script);
}

static void challenge(struct net_stream *s, const void *bytes, size_t len)
{
    char text[LINE];

    encode(bytes, len, text, sizeof text);
    say(s, "334", text);
}

static void end(struct net_stream *s, bool good)
{
    s->server.login.mechanism = -1;
    s->server.login.done = good;
    server_reply(s, good ? "235 2.7.0 welcome\r\n" : "535 5.7.8 who are you?\r\n");
}

/* What a client of ours never gets wrong. */
static void fault(struct net_stream *s, const char *what)
{
    world_fault(s->w, "the login by %s: %s", mechanisms[s->server.login.mechanism].name, what);
    end(s, false);
}

/* PBKDF2 with one block (RFC 5802 section 2.2), remembered. */
static void salt_password(mbedtls_md_type_t type, unsigned char out[HASH])
{
    static unsigned char known[2][HASH];
    static bool there[2];
    const mbedtls_md_info_t *md = mbedtls_md_info_from_type(type);
    size_t len = mbedtls_md_get_size(md);
    int at = type == MBEDTLS_MD_SHA256;
    unsigned char u[HASH], first[SALT + 4] = {0};
    const unsigned char *password = (const unsigned char *)login_password;

    memcpy(first, salt, SALT);
    first[SALT + 3] = 1;
    mbedtls_md_hmac(md, password, strlen(login_password), first, sizeof first, u);
    for (int i = 0; i < ITERATIONS && !there[at]; i++) {
        for (size_t k = 0; k < len; k++)
            known[at][k] ^= u[k];
        mbedtls_md_hmac(md, password, strlen(login_password), u, len, u);
    }
    there[at] = true;
    memcpy(out, known[at], len);
}

struct scram { /* what both ends can tell */
    const mbedtls_md_info_t *md;
    size_t len;
    unsigned char client[HASH], stored[HASH], server[HASH];
};

static void derive(mbedtls_md_type_t type, struct scram *scram)
{
    unsigned char salted[HASH];

    scram->md = mbedtls_md_info_from_type(type);
    scram->len = mbedtls_md_get_size(scram->md);
    salt_password(type, salted);
    mbedtls_md_hmac(scram->md, salted, scram->len, (const unsigned char *)"Client Key", 10,
                    scram->client);
    mbedtls_md(scram->md, scram->client, scram->len, scram->stored);
    mbedtls_md_hmac(scram->md, salted, scram->len, (const unsigned char *)"Server Key", 10,
                    scram->server);
}

/* "y" of a client says: I could bind, and you did not offer it. */
static const char *wrong_header(const struct net_stream *s, const char *gs2)
{
    int mechanism = s->server.login.mechanism;
    uint32_t plus = mechanisms[mechanism].md == MBEDTLS_MD_SHA256 ? 1u << LOGIN_SCRAM_256_PLUS
                                                                  : 1u << LOGIN_SCRAM_1_PLUS;

    if (mechanisms[mechanism].plus != (*gs2 == 'p'))
        return "its header has another kind of channel binding";
    if (mechanisms[mechanism].plus && !s->secure.opened)
        return "there is no channel to bind to";
    if (*gs2 == 'y' && (facts(s)->mechanisms & plus) != 0)
        return "it says that no PLUS was offered";
    return *gs2 == 'y' && !s->secure.opened ? "it says that it could bind, without TLS" : NULL;
}

static void take_first(struct net_stream *s, const char *text)
{
    struct login_state *login = &s->server.login;
    const char *bare = strstr(text, ",,"), *nonce;
    char user[64];

    if (bare == NULL || (size_t)(bare - text) + 3 > sizeof login->gs2 ||
        strlen(bare) > sizeof login->bare) {
        fault(s, "no GS2 header");
        return;
    }
    memcpy(login->gs2, text, (size_t)(bare - text) + 2);
    login->gs2[bare - text + 2] = '\0';
    snprintf(login->bare, sizeof login->bare, "%.*s", (int)sizeof login->bare - 1, bare + 2);
    snprintf(user, sizeof user, "n=%s,", login_username);
    nonce = strstr(login->bare, ",r=");
    if (wrong_header(s, text) != NULL || strncmp(login->bare, user, strlen(user)) != 0 ||
        nonce == NULL || strlen(nonce) < 3 + 16) {
        fault(s, wrong_header(s, text) != NULL ? wrong_header(s, text) : "no such user");
        return;
    }
    if (facts(s)->fault == LOGIN_REPLAYED)
        nonce = ",r=AAAAAAAAAAAAAAAA";
    snprintf(login->nonce, sizeof login->nonce, "%.40s%s", nonce + 3, server_nonce);
    encode(salt, SALT, user, sizeof user);
    snprintf(login->first, sizeof login->first, "r=%s,s=%.40s,i=%d", login->nonce, user,
             ITERATIONS);
    challenge(s, login->first, strlen(login->first));
}

/* Whether c= is the header and the binding of this very connection. */
static bool is_bound(struct net_stream *s, const char *c, size_t len)
{
    const char *gs2 = s->server.login.gs2;
    char bytes[LINE];
    unsigned char own[32];
    int n = login_decode(c, (unsigned)len, bytes, sizeof bytes);
    size_t head = strlen(gs2), bound;

    if (n < (int)head || memcmp(bytes, gs2, head) != 0)
        return false;
    if (*gs2 != 'p')
        return n == (int)head;
    bound = tls_session_binding(s->secure.session, own);
    return bound > 0 && (size_t)n == head + bound && memcmp(bytes + head, own, bound) == 0 &&
           strncmp(gs2,
                   strcmp(tls_session_version(s->secure.session), "TLSv1.2") == 0
                       ? "p=tls-unique,"
                       : "p=tls-exporter,",
                   13) == 0;
}

static void take_final(struct net_stream *s, const char *text)
{
    struct login_state *login = &s->server.login;
    const char *nonce = strstr(text, ",r="), *proof = strstr(text, ",p=");
    char message[LINE], bytes[LINE];
    unsigned char signature[HASH];
    struct scram scram;

    if (strncmp(text, "c=", 2) != 0 || nonce == NULL || proof == NULL ||
        !is_bound(s, text + 2, (size_t)(nonce - text - 2))) {
        fault(s, "the channel binding is not that of this connection");
        return;
    }
    snprintf(message, sizeof message, "%s,%s,%.*s", login->bare, login->first, (int)(proof - text),
             text);
    derive(mechanisms[login->mechanism].md, &scram);
    mbedtls_md_hmac(scram.md, scram.stored, scram.len, (unsigned char *)message, strlen(message),
                    signature);
    for (size_t i = 0; i < scram.len; i++)
        signature[i] ^= scram.client[i];
    if (login_decode(proof + 3, (unsigned)strlen(proof + 3), bytes, sizeof bytes) !=
            (int)scram.len ||
        memcmp(bytes, signature, scram.len) != 0 ||
        strncmp(nonce + 3, login->nonce, strlen(login->nonce)) != 0) {
        fault(s, "the proof is wrong");
        return;
    }
    mbedtls_md_hmac(scram.md, scram.server, scram.len, (unsigned char *)message, strlen(message),
                    signature);
    signature[0] ^= facts(s)->fault == LOGIN_FORGED;
    memcpy(message, "v=", 2);
    encode(signature, scram.len, message + 2, sizeof message - 2);
    challenge(s, message, strlen(message));
}

static void take_scram(struct net_stream *s, const char *text)
{
    switch (s->server.login.step++) {
    case 0:
        take_first(s, text);
        break;
    case 1:
        take_final(s, text);
        break;
    default:
        if (facts(s)->fault == LOGIN_FORGED)
            world_fault(s->w, "a server that does not know the password was believed");
        end(s, true);
        break;
    }
}

static void take_cram(struct net_stream *s, const char *text)
{
    unsigned char mac[16];
    char want[128];
    int used;

    mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_MD5),
                    (const unsigned char *)login_password, strlen(login_password),
                    (const unsigned char *)challenge_cram, strlen(challenge_cram), mac);
    used = snprintf(want, sizeof want, "%s ", login_username);
    for (size_t i = 0; i < sizeof mac; i++)
        used += snprintf(want + used, sizeof want - (size_t)used, "%02x", (unsigned)mac[i]);
    if (strcmp(text, want) == 0)
        end(s, true);
    else
        fault(s, "the digest is wrong");
}

static void take_login(struct net_stream *s, const char *text)
{
    bool second = s->server.login.step++ > 0;

    if (strcmp(text, second ? login_password : login_username) != 0)
        fault(s, "name or password is wrong");
    else if (second)
        end(s, true);
    else
        challenge(s, "Password:", 9);
}

static void take_plain(struct net_stream *s, const char *text, int len)
{
    char want[128] = "";
    size_t user = strlen(login_username), password = strlen(login_password);

    memcpy(want + 1, login_username, user);
    memcpy(want + 2 + user, login_password, password);
    if ((size_t)len == 2 + user + password && memcmp(text, want, (size_t)len) == 0)
        end(s, true);
    else
        fault(s, "name or password is wrong");
}

static void take_token(struct net_stream *s, const char *text)
{
    char want[64];

    snprintf(want, sizeof want, "auth=Bearer %s\001\001", login_token);
    if (strstr(text, want) != NULL && strstr(text, login_username) != NULL)
        end(s, true);
    else
        fault(s, "name or token is wrong");
}

static void take(struct net_stream *s, const char *text, int len)
{
    switch (s->server.login.mechanism) {
    case LOGIN_CRAM_MD5:
        take_cram(s, text);
        break;
    case LOGIN_PLAIN:
        take_plain(s, text, len);
        break;
    case LOGIN_LOGIN:
        take_login(s, text);
        break;
    case LOGIN_OAUTHBEARER:
    case LOGIN_XOAUTH2:
        take_token(s, text);
        break;
    default:
        take_scram(s, text);
        break;
    }
}

/* Lies that need no look at what was said; whether it was one. */
static bool lies(struct net_stream *s)
{
    static const char *const scripts[LOGIN_FAULTS] = {
        [LOGIN_REFUSED] = "535 5.7.8 wrong\r\n",
        [LOGIN_LATER] = "454 4.7.0 not now\r\n",
        [LOGIN_GOODBYE] = "421 4.3.2 closing\r\n~close",
        [LOGIN_CUT] = "~close",
        [LOGIN_MUTE] = "",
        [LOGIN_EARLY] = "235 2.7.0 whoever you are\r\n",
        [LOGIN_GARBAGE] = "334 *&^%$ no base64\r\n",
        [LOGIN_ENDLESS] = "334 bW9yZQ==\r\n",
    };
    struct login_state *login = &s->server.login;
    int is = facts(s)->fault;
    bool is_scram = mechanisms[login->mechanism].md != MBEDTLS_MD_NONE;

    if (is == LOGIN_FORGED && login->mechanism == LOGIN_CRAM_MD5)
        server_reply(s, "334 bm8gY2hhbGxlbmdl\r\n");
    else if ((is == LOGIN_FORGED || is == LOGIN_REPLAYED) && !is_scram)
        server_reply(s, scripts[LOGIN_REFUSED]);
    else if (scripts[is] != NULL)
        server_reply(s, scripts[is]);
    else
        return false;
    if (is != LOGIN_ENDLESS && is != LOGIN_GARBAGE && is != LOGIN_FORGED)
        login->mechanism = -1;
    return true;
}

static int find(const char *name, size_t len)
{
    for (int i = 0; i < LOGIN_MECHANISMS; i++) {
        if (strlen(mechanisms[i].name) == len && memcmp(mechanisms[i].name, name, len) == 0)
            return i;
    }
    return -1;
}

bool login_is_under_way(const struct net_stream *s)
{
    return s->server.login.mechanism >= 0;
}

void login_take(struct net_stream *s, const char *line)
{
    unsigned len = (unsigned)strcspn(line, "\r\n");
    char text[LINE];
    int n = 0;

    if (len == 1 && *line == '*') {
        s->server.login.mechanism = -1;
        server_reply(s, "501 5.7.0 as you like\r\n");
        return;
    }
    if (len != 1 || *line != '=')
        n = login_decode(line, len, text, sizeof text);
    text[n < 0 ? 0 : n] = '\0';
    if (n < 0)
        fault(s, "no base64");
    else if (!lies(s))
        take(s, text, n);
}

void login_start(struct net_stream *s, const char *line)
{
    size_t len = strcspn(line + 5, " \r\n");
    struct login_state *login = &s->server.login;

    *login = (struct login_state){.mechanism = find(line + 5, len)};
    if (login->mechanism < 0 || (facts(s)->mechanisms >> login->mechanism & 1) == 0) {
        world_fault(s->w, "AUTH %.*s, which was not offered", (int)len, line + 5);
        login->mechanism = -1;
        return;
    }
    if (mechanisms[login->mechanism].secret && !s->secure.opened)
        world_fault(s->w, "the secret goes over plain text, by %.*s", (int)len, line + 5);
    if (line[5 + len] == ' ')
        login_take(s, line + 6 + len);
    else if (lies(s))
        return;
    else if (login->mechanism == LOGIN_CRAM_MD5)
        challenge(s, challenge_cram, strlen(challenge_cram));
    else if (login->mechanism == LOGIN_LOGIN)
        challenge(s, "Username:", 9);
    else
        server_reply(s, "334 \r\n");
}
