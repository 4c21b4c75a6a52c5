/*
 * curl.c - libcurl as fetch ops: see moxdial/curl.h. It uses the public headers alone, so memory
 * and errors are made here by hand.
 *
 * libcurl says which descriptors and which timer it wants (its multi_socket interface), and the
 * context's loop serves them. A transfer ends in check_done or by a cancel, and then its connection
 * is closed. The server is not trusted: libcurl bounds what stands before the body, take_body it.
 */
#include <moxdial/curl.h>

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "apart/apart.h"
#include "fetch/certificates.h"

enum {
    FIRST_BODY = 4096, /* bytes; most policies have under 500 */
    HTTP_OK = 200,
    US_PER_MS = 1000
};

struct transfer {
    struct transfer *next, *prev;
    struct mox_curl *curl;
    CURL *easy;
    uint64_t id;
    char *body; /* owned */
    size_t len, cap, max;
    int status; /* why the body was not taken; MOX_OK: it was */
};

struct mox_curl {
    struct mox_fetch_ops ops;
    struct mox_ctx *ctx; /* NULL: not attached */
    pid_t pid;
    CURLM *multi;
    struct curl_slist *connect_to; /* owned */
    struct certificates trusted;
    struct transfer *transfers;
    int lost; /* why the context would not watch; MOX_OK: it does */
};

/* A transfer. */

/* libcurl's write function: 0 ends the transfer. What comes with another status is not looked at.
 */
static size_t take_body(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    size_t len = size * n, cap = t->cap == 0 ? FIRST_BODY : t->cap;
    long http = 0;
    char *grown;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &http);
    if (http != HTTP_OK)
        return 0;
    if (len > t->max - t->len) {
        t->status = MOX_E_LIMIT;
        return 0;
    }
    while (cap - t->len < len)
        cap *= 2;
    if (cap > t->cap) {
        grown = realloc(t->body, cap);
        if (grown == NULL) {
            t->status = MOX_E_NOMEM;
            return 0;
        }
        t->body = grown;
        t->cap = cap;
    }
    memcpy(t->body + t->len, bytes, len);
    t->len += len;
    return len;
}

/* libcurl's own socket would pass to programs that the host starts. */
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    int fd = socket(address->family, address->socktype, address->protocol);

    (void)user;
    (void)purpose;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
        close(fd);
        return CURL_SOCKET_BAD;
    }
    return fd;
}

static const struct {
    CURLoption option;
    long value;
} numbers[] = {
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_HTTPGET, 1},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2}, /* the certificate is the host's */
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_FRESH_CONNECT, 1},
    {CURLOPT_FORBID_REUSE, 1},
    {CURLOPT_QUICK_EXIT, 1}, /* a cancel does not wait for the thread that looks a name up */
};

static const struct {
    CURLoption option;
    const char *value;
} texts[] = {
    {CURLOPT_PROTOCOLS_STR, "https"},
    {CURLOPT_PROXY, ""}, /* whatever the environment says */
    {CURLOPT_USERAGENT, "libmoxdial/" MOX_VERSION},
};

static bool set_options(const struct mox_curl *curl, CURL *easy)
{
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (curl_easy_setopt(easy, numbers[i].option, numbers[i].value) != CURLE_OK)
            return false;
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (curl_easy_setopt(easy, texts[i].option, texts[i].value) != CURLE_OK)
            return false;
    }
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECT_TO, curl->connect_to) == CURLE_OK &&
           certificates_set(&curl->trusted, easy);
}

static bool set_request(struct transfer *t, const char *url, uint32_t timeout_ms)
{
    long ms = timeout_ms > INT32_MAX ? INT32_MAX : (long)timeout_ms;

    return curl_easy_setopt(t->easy, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, ms == 0 ? 1 : ms) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t) == CURLE_OK;
}

static void link_transfer(struct mox_curl *curl, struct transfer *t)
{
    t->next = curl->transfers;
    if (t->next != NULL)
        t->next->prev = t;
    curl->transfers = t;
}

static void free_transfer(struct transfer *t)
{
    *(t->prev == NULL ? &t->curl->transfers : &t->prev->next) = t->next;
    if (t->next != NULL)
        t->next->prev = t->prev;
    curl_multi_remove_handle(t->curl->multi, t->easy);
    curl_easy_cleanup(t->easy);
    free(t->body);
    free(t);
}

/* Of a connect that the system refused, its own reason. */
static int status_of_connect(CURL *easy)
{
    long error = 0;

    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
    return error > 0 && error < INT_MAX / 2 ? MOX_ERRNO((int)error) : MOX_E_CONNECT;
}

/* How a transfer ended, for mox_fetch_answer. */
static int status_of(const struct transfer *t, CURLcode result)
{
    long http = 0;

    if (t->status != MOX_OK)
        return t->status;
    switch (result) {
    case CURLE_OK:
    case CURLE_WRITE_ERROR: /* take_body wanted no more */
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &http);
        return http > 0 && http < INT_MAX ? (int)http : MOX_E_PROTOCOL;
    case CURLE_COULDNT_RESOLVE_HOST:
        return MOX_E_NO_DOMAIN;
    case CURLE_COULDNT_CONNECT:
        return status_of_connect(t->easy);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        return MOX_E_VERIFY;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CIPHER:
        return MOX_E_TLS;
    case CURLE_SSL_CACERT_BADFILE:
        return MOX_E_CONFIG;
    case CURLE_OPERATION_TIMEDOUT:
        return MOX_E_TIMEOUT;
    case CURLE_FILESIZE_EXCEEDED:
        return MOX_E_LIMIT;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        return MOX_E_CLOSED;
    case CURLE_URL_MALFORMAT:
        return MOX_E_INVAL;
    case CURLE_OUT_OF_MEMORY:
        return MOX_E_NOMEM;
    default:
        return MOX_E_PROTOCOL;
    }
}

static void check_done(struct mox_curl *curl)
{
    struct transfer *t;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(curl->multi, &left)) != NULL) {
        int status;

        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t) != CURLE_OK)
            continue;
        status = status_of(t, message->data.result);
        mox_fetch_answer(curl->ctx, t->id, status, t->body, status == HTTP_OK ? t->len : 0);
        free_transfer(t);
    }
}

/* The loop. */

/* What the context does not watch never moves on. Ends them all. */
static void end_lost(struct mox_curl *curl)
{
    int why = curl->lost;

    while (curl->transfers != NULL) {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): freeing one takes it out of the list */
        mox_fetch_answer(curl->ctx, curl->transfers->id, why, NULL, 0);
        free_transfer(curl->transfers);
    }
    curl->lost = MOX_OK;
}

/* Called by the context: a descriptor of libcurl's is ready, or, fd -1, its timer has run out. */
static void on_event(void *arg, intptr_t fd, int events)
{
    struct mox_curl *curl = arg;
    int mask = ((events & MOX_READ) != 0 ? CURL_CSELECT_IN : 0) |
               ((events & MOX_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
    int running;

    curl_multi_socket_action(curl->multi, fd < 0 ? CURL_SOCKET_TIMEOUT : (curl_socket_t)fd, mask,
                             &running);
    check_done(curl);
    if (curl->lost != MOX_OK)
        end_lost(curl);
}

/* libcurl's; to answer with a failure would make all of its calls fail from then on. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *of_socket)
{
    struct mox_curl *curl = user;
    int events =
        ((what & CURL_POLL_IN) != 0 ? MOX_READ : 0) | ((what & CURL_POLL_OUT) != 0 ? MOX_WRITE : 0);
    int status;

    (void)easy;
    (void)of_socket;
    if (what == CURL_POLL_REMOVE)
        events = 0;
    status = mox_ctx_watch(curl->ctx, fd, events, on_event, curl);
    if (status != MOX_OK)
        curl->lost = status;
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *user)
{
    struct mox_curl *curl = user;
    int64_t us = timeout_ms < 0 ? -1 : (int64_t)timeout_ms * US_PER_MS;
    int status = mox_ctx_timer(curl->ctx, us, on_event, curl);

    (void)multi;
    if (status != MOX_OK)
        curl->lost = status;
    return 0;
}

/* The table. */

static int curl_fetch(void *user, uint64_t id, const char *url, size_t max_bytes,
                      uint32_t timeout_ms)
{
    struct mox_curl *curl = user;
    struct transfer *t;

    if (curl->ctx == NULL)
        return MOX_E_STATE;
    t = calloc(1, sizeof *t);
    if (t == NULL)
        return MOX_E_NOMEM;
    *t = (struct transfer){.curl = curl, .easy = curl_easy_init(), .id = id, .max = max_bytes};
    link_transfer(curl, t);
    if (t->easy != NULL && set_options(curl, t->easy) && set_request(t, url, timeout_ms) &&
        curl_multi_add_handle(curl->multi, t->easy) == CURLM_OK && curl->lost == MOX_OK)
        return MOX_OK;
    free_transfer(t);
    if (curl->lost != MOX_OK)
        end_lost(curl);
    return MOX_E_NOMEM; /* what libcurl cannot do was seen by mox_curl_open */
}

static void curl_cancel(void *user, uint64_t id)
{
    struct mox_curl *curl = user;
    struct transfer *t = curl->transfers;

    while (t != NULL && t->id != id)
        t = t->next;
    if (t != NULL)
        free_transfer(t);
}

const struct mox_fetch_ops *mox_curl_ops(struct mox_curl *curl)
{
    return &curl->ops;
}

int mox_curl_ca_file(struct mox_curl *curl, const char *path, struct mox_error *err)
{
    int status = certificates_take_file(&curl->trusted, path, err);

    if (status == MOX_OK && err != NULL)
        err->code = MOX_OK;
    return status;
}

void mox_curl_attach(struct mox_curl *curl, struct mox_ctx *ctx)
{
    curl->ctx = ctx;
}

/* "192.0.2.80:443", "[2001:db8::80]:443" */
static bool is_server(const char *server)
{
    const char *colon = strrchr(server, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - server), digits;
    bool bracket = server[0] == '[';
    char address[64];
    struct mox_ip ip;

    if (len == 0 || len >= sizeof address || (bracket && server[len - 1] != ']'))
        return false;
    digits = strspn(colon + 1, "0123456789");
    if (digits == 0 || digits > 5 || colon[1 + digits] != '\0')
        return false;
    len -= bracket ? 2 : 0;
    memcpy(address, server + (bracket ? 1 : 0), len);
    address[len] = '\0';
    return mox_ip_parse(address, &ip) == MOX_OK && (ip.family == MOX_IPV6) == bracket;
}

int mox_curl_resolve(struct mox_curl *curl, const char *host, const char *server)
{
    static const char between[] = ":443:";
    struct curl_slist *list;
    size_t len = strlen(host) + strlen(server) + sizeof between;
    char *entry;

    if (host[0] == '\0' || strchr(host, ':') != NULL || !is_server(server))
        return MOX_E_INVAL;
    entry = malloc(len);
    if (entry == NULL)
        return MOX_E_NOMEM;
    snprintf(entry, len, "%s%s%s", host, between, server);
    list = curl_slist_append(curl->connect_to, entry);
    free(entry);
    if (list == NULL)
        return MOX_E_NOMEM;
    curl->connect_to = list;
    return MOX_OK;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void initialise(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT); /* if it fails, so does all that is made after it */
}

static bool make_multi(struct mox_curl *curl)
{
    curl->multi = curl_multi_init();
    return curl->multi != NULL &&
           curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
           curl_multi_setopt(curl->multi, CURLMOPT_SOCKETDATA, curl) == CURLM_OK &&
           curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
           curl_multi_setopt(curl->multi, CURLMOPT_TIMERDATA, curl) == CURLM_OK;
}

/* Whether this libcurl takes all that a transfer is going to ask of it. */
static int try_options(const struct mox_curl *curl, struct mox_error *err)
{
    CURL *easy = curl_easy_init();
    bool good;

    if (easy == NULL)
        return apart_nomem(err);
    good = set_options(curl, easy);
    curl_easy_cleanup(easy);
    if (good)
        return MOX_OK;
    return apart_fail(
        err, MOX_E_UNSUPPORTED,
        "MTA-STS: libcurl %s was built without HTTPS, or without certificates from memory",
        curl_version_info(CURLVERSION_NOW)->version);
}

static void end(struct mox_curl *curl)
{
    if (curl->multi != NULL) { /* the context is no more: nothing is said to it */
        curl_multi_setopt(curl->multi, CURLMOPT_SOCKETFUNCTION, NULL);
        curl_multi_setopt(curl->multi, CURLMOPT_TIMERFUNCTION, NULL);
    }
    while (curl->transfers != NULL)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): freeing one takes it out of the list */
        free_transfer(curl->transfers);
    curl_multi_cleanup(curl->multi);
    curl_slist_free_all(curl->connect_to);
    certificates_free(&curl->trusted);
    free(curl);
}

struct mox_curl *mox_curl_open(const struct mox_config *config, struct mox_error *err)
{
    struct mox_curl *curl = calloc(1, sizeof *curl);

    if (curl == NULL) {
        apart_nomem(err);
        return NULL;
    }
    pthread_once(&once, initialise);
    curl->pid = getpid();
    curl->ops = (struct mox_fetch_ops){
        .size = sizeof curl->ops, .user = curl, .fetch = curl_fetch, .cancel = curl_cancel};
    if (!make_multi(curl)) {
        apart_nomem(err);
        goto failed;
    }
    if (certificates_take(&curl->trusted, config, err) != MOX_OK ||
        try_options(curl, err) != MOX_OK)
        goto failed;
    if (err != NULL)
        err->code = MOX_OK;
    return curl;
failed:
    end(curl);
    return NULL;
}

void mox_curl_close(struct mox_curl *curl)
{
    if (curl != NULL && curl->pid == getpid())
        end(curl);
}
