/*
 * curl.c - the same dial by libcurl's multi interface under an epoll loop: smtp:// up to EHLO
 * (CURLOPT_CONNECT_ONLY), then QUIT by curl_easy_send, for it closes such a connection without.
 *
 *   curl ADDRESS PORT COUNT CONCURRENCY [tls]
 *
 * tls: with STARTTLS, nothing verified, nothing resumed: 7.88 resumes none after STARTTLS, not
 * even in a share of sessions.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <curl/curl.h>

enum { EVENTS = 256, MAX_FDS = 131072 };

struct peer {
    CURLM *multi;
    char url[64];
    int poll, failed, running, tls;
    long timeout_ms;
    unsigned long started, done, count;
    CURL *quitting[MAX_FDS]; /* by descriptor; NULL: libcurl still has it */
};

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct peer *p = arg;
    struct epoll_event event = {.data.fd = fd};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(p->poll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0u) |
                   (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0u);
    epoll_ctl(p->poll, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
    curl_multi_assign(p->multi, fd, p);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct peer *p = arg;

    (void)multi;
    p->timeout_ms = timeout_ms;
    return 0;
}

static void start(struct peer *p)
{
    CURL *easy;

    if (p->started == p->count)
        return;
    p->started++;
    easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, p->url);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (p->tls) {
        curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    }
    curl_multi_add_handle(p->multi, easy);
}

static void end_dial(struct peer *p, CURL *easy, int good)
{
    p->failed |= !good;
    curl_multi_remove_handle(p->multi, easy);
    curl_easy_cleanup(easy);
    p->done++;
    start(p);
}

static void say_quit(struct peer *p, CURL *easy)
{
    struct epoll_event event = {.events = EPOLLIN};
    curl_socket_t fd = CURL_SOCKET_BAD;
    size_t sent = 0;

    curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
    if (fd < 0 || fd >= MAX_FDS || curl_easy_send(easy, "QUIT\r\n", 6, &sent) != CURLE_OK) {
        end_dial(p, easy, 0);
        return;
    }
    event.data.fd = fd;
    p->quitting[fd] = easy;
    epoll_ctl(p->poll, EPOLL_CTL_ADD, fd, &event);
}

static void end_finished(struct peer *p)
{
    int left;

    for (CURLMsg *told; (told = curl_multi_info_read(p->multi, &left)) != NULL;) {
        if (told->data.result == CURLE_OK)
            say_quit(p, told->easy_handle);
        else
            end_dial(p, told->easy_handle, 0);
    }
}

static void on_event(struct peer *p, int fd, uint32_t events)
{
    CURL *easy = p->quitting[fd];
    char reply[512];
    size_t n = 0;

    if (easy == NULL) {
        curl_multi_socket_action(p->multi, fd,
                                 (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                                     (events & EPOLLOUT ? CURL_CSELECT_OUT : 0),
                                 &p->running);
        return;
    }
    p->quitting[fd] = NULL;
    curl_easy_recv(easy, reply, sizeof reply, &n);
    end_dial(p, easy, n > 3 && memcmp(reply, "221", 3) == 0);
}

static void run(struct peer *p)
{
    struct epoll_event events[EVENTS];

    while (p->done < p->started) {
        int n = epoll_wait(p->poll, events, EVENTS, (int)p->timeout_ms);

        if (n == 0) {
            p->timeout_ms = -1;
            curl_multi_socket_action(p->multi, CURL_SOCKET_TIMEOUT, 0, &p->running);
        }
        for (int i = 0; i < n; i++)
            on_event(p, events[i].data.fd, events[i].events);
        end_finished(p);
    }
}

int main(int argc, char **argv)
{
    static struct peer p = {.timeout_ms = -1};
    unsigned long concurrency;

    if (argc < 5 || argc > 6)
        return 64;
    snprintf(p.url, sizeof p.url, "smtp://%s:%s/bench.example", argv[1], argv[2]);
    p.count = strtoul(argv[3], NULL, 10);
    concurrency = strtoul(argv[4], NULL, 10);
    p.tls = argc == 6;
    p.poll = epoll_create1(EPOLL_CLOEXEC);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    p.multi = curl_multi_init();
    curl_multi_setopt(p.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(p.multi, CURLMOPT_SOCKETDATA, &p);
    curl_multi_setopt(p.multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(p.multi, CURLMOPT_TIMERDATA, &p);
    for (unsigned long i = 0; i < concurrency; i++)
        start(&p);
    run(&p);
    curl_multi_cleanup(p.multi);
    curl_global_cleanup();
    return p.failed || p.done != p.count;
}
