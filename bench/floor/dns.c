/*
 * dns.c - the floors of a DNS lookup of MX, then of A and AAAA of its host. cares: c-ares alone
 * under an epoll loop, its own parsers. udp: one socket, the questions written and the answers
 * looked at with nothing between.
 *
 *   dns cares|udp PORT DOMAINS CONCURRENCY
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <ares.h>

enum { EVENTS = 64, CLASS_IN = 1, TYPE_A = 1, TYPE_MX = 15, TYPE_AAAA = 28, HEADER = 12 };
enum { MAX_JOBS = 4096, NAME = 64, MESSAGE = 512 };

struct floor;

struct job { /* one domain at a time, again and again */
    struct floor *floor;
    char name[NAME];
    int waiting;
};

struct floor {
    ares_channel channel;
    int poll, socket, failed;
    unsigned long started, done, count;
    struct job jobs[MAX_JOBS];
};

static int next_domain(struct floor *f, struct job *job)
{
    if (f->started == f->count)
        return 0;
    job->floor = f;
    job->waiting = 2;
    snprintf(job->name, sizeof job->name, "d%lu.example", f->started++);
    return 1;
}

/* c-ares alone. */

static void cares_start(struct floor *f, struct job *job);

static void cares_end(struct job *job, int status)
{
    struct floor *f = job->floor;

    f->failed |= status != ARES_SUCCESS;
    if (--job->waiting > 0)
        return;
    f->done++;
    cares_start(f, job);
}

static void on_a(void *arg, int status, int timeouts, unsigned char *wire, int len)
{
    struct ares_addrttl addresses[8];
    int n = 8;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        status = ares_parse_a_reply(wire, len, NULL, addresses, &n);
    cares_end(arg, status);
}

static void on_aaaa(void *arg, int status, int timeouts, unsigned char *wire, int len)
{
    struct ares_addr6ttl addresses[8];
    int n = 8;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        status = ares_parse_aaaa_reply(wire, len, NULL, addresses, &n);
    cares_end(arg, status);
}

static void on_mx(void *arg, int status, int timeouts, unsigned char *wire, int len)
{
    struct job *job = arg;
    struct ares_mx_reply *mx = NULL;

    (void)timeouts;
    if (status == ARES_SUCCESS)
        status = ares_parse_mx_reply(wire, len, &mx);
    if (status != ARES_SUCCESS) {
        job->waiting = 1;
        cares_end(job, status);
        return;
    }
    ares_query(job->floor->channel, mx->host, CLASS_IN, TYPE_A, on_a, job);
    ares_query(job->floor->channel, mx->host, CLASS_IN, TYPE_AAAA, on_aaaa, job);
    ares_free_data(mx);
}

static void cares_start(struct floor *f, struct job *job)
{
    if (next_domain(f, job))
        ares_query(f->channel, job->name, CLASS_IN, TYPE_MX, on_mx, job);
}

static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct floor *f = arg;
    struct epoll_event event = {.data.fd = fd};

    event.events = (readable ? (uint32_t)EPOLLIN : 0u) | (writable ? (uint32_t)EPOLLOUT : 0u);
    if (event.events == 0)
        epoll_ctl(f->poll, EPOLL_CTL_DEL, fd, NULL);
    else if (epoll_ctl(f->poll, EPOLL_CTL_ADD, fd, &event) != 0)
        epoll_ctl(f->poll, EPOLL_CTL_MOD, fd, &event);
}

static int run_cares(struct floor *f, unsigned long port, unsigned long concurrency)
{
    struct ares_options options = {.sock_state_cb = on_socket_state,
                                   .sock_state_cb_data = f,
                                   .flags = ARES_FLAG_STAYOPEN | ARES_FLAG_EDNS,
                                   .ednspsz = 1232};
    struct epoll_event events[EVENTS];
    char server[32];

    snprintf(server, sizeof server, "127.0.0.1:%lu", port);
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
        ares_init_options(&f->channel, &options,
                          ARES_OPT_SOCK_STATE_CB | ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ) !=
            ARES_SUCCESS ||
        ares_set_servers_ports_csv(f->channel, server) != ARES_SUCCESS)
        return 1;
    for (unsigned long i = 0; i < concurrency; i++)
        cares_start(f, &f->jobs[i]);
    while (f->done < f->started) {
        struct timeval most = {1, 0}, left, *wait = ares_timeout(f->channel, &most, &left);
        int n = epoll_wait(f->poll, events, EVENTS,
                           (int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1));

        for (int i = 0; i < n; i++)
            ares_process_fd(f->channel,
                            events[i].events & EPOLLIN ? events[i].data.fd : ARES_SOCKET_BAD,
                            events[i].events & EPOLLOUT ? events[i].data.fd : ARES_SOCKET_BAD);
        if (n == 0)
            ares_process_fd(f->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
    ares_destroy(f->channel);
    return f->failed || f->done != f->count;
}

/* One socket. The id of a question is its job and, in the two lowest bits, its kind. */

enum kind { KIND_MX, KIND_A, KIND_AAAA };

static void ask(struct floor *f, size_t id, const unsigned char *name, enum kind kind)
{
    static const unsigned char types[] = {TYPE_MX, TYPE_A, TYPE_AAAA};
    unsigned char wire[MESSAGE] = {
        (unsigned char)(id >> 6), (unsigned char)(id << 2 | kind), 1, 0, 0, 1};
    size_t at = HEADER, label;

    do {
        label = name[at - HEADER] + 1u;
        memcpy(wire + at, name + at - HEADER, label);
        at += label;
    } while (label > 1);
    wire[at + 1] = types[kind];
    wire[at + 3] = CLASS_IN;
    f->failed |= send(f->socket, wire, at + 4, 0) < 0;
}

static void udp_start(struct floor *f, struct job *job)
{
    unsigned char name[NAME + 1];
    size_t label;

    if (!next_domain(f, job))
        return;
    label = strcspn(job->name, ".");
    name[0] = (unsigned char)label;
    memcpy(name + 1, job->name, label);
    memcpy(name + 1 + label, "\7example", 9);
    ask(f, (size_t)(job - f->jobs), name, KIND_MX);
}

/* The server's answers are short and trusted: this is a floor. */
static void on_answer(struct floor *f, const unsigned char *wire)
{
    size_t id = (size_t)wire[0] << 6 | wire[1] >> 2, at = HEADER, label;
    unsigned char host[NAME + 1];

    if ((wire[1] & 3) == KIND_MX) {
        while (wire[at] != 0)
            at += 1u + wire[at];
        at += 5 + 14; /* the question's tail, the answer up to its host */
        label = wire[at] + 1u;
        memcpy(host, wire + at, label);
        memcpy(host + label, "\7example", 9);
        ask(f, id, host, KIND_A);
        ask(f, id, host, KIND_AAAA);
        return;
    }
    if (--f->jobs[id].waiting > 0)
        return;
    f->done++;
    udp_start(f, &f->jobs[id]);
}

static int run_udp(struct floor *f, unsigned long port, unsigned long concurrency)
{
    struct sockaddr_in server = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons((uint16_t)port)};
    struct epoll_event event = {.events = EPOLLIN};
    unsigned char wire[MESSAGE];

    f->socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connect(f->socket, (struct sockaddr *)&server, sizeof server) != 0 ||
        epoll_ctl(f->poll, EPOLL_CTL_ADD, f->socket, &event) != 0)
        return 1;
    for (unsigned long i = 0; i < concurrency; i++)
        udp_start(f, &f->jobs[i]);
    while (f->done < f->started && epoll_wait(f->poll, &event, 1, 5000) == 1) {
        while (recv(f->socket, wire, sizeof wire, 0) > HEADER)
            on_answer(f, wire);
    }
    return f->failed || f->done != f->count;
}

int main(int argc, char **argv)
{
    static struct floor f;
    unsigned long port, concurrency;

    if (argc != 5)
        return 64;
    port = strtoul(argv[2], NULL, 10);
    f.count = strtoul(argv[3], NULL, 10);
    concurrency = strtoul(argv[4], NULL, 10);
    f.poll = epoll_create1(EPOLL_CLOEXEC);
    if (concurrency == 0 || concurrency > MAX_JOBS || f.poll < 0)
        return 64;
    return strcmp(argv[1], "udp") == 0 ? run_udp(&f, port, concurrency)
                                       : run_cares(&f, port, concurrency);
}
