/* dns_thread.c - see dns_thread.h. */
#include "dns_thread.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dns/dns.h"
#include "test.h"

enum { MESSAGE = 512, TRIES = 50, POLL_MS = 5 };

static size_t put16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)(value >> 8);
    at[1] = (unsigned char)value;
    return 2;
}

static size_t put_address(unsigned char *at)
{
    static const unsigned char record[] = {
        0xc0, DNS_HEADER_LEN, 0, DNS_TYPE_A, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 25};

    memcpy(at, record, sizeof record);
    return sizeof record;
}

static size_t put_extended_error(unsigned char *at)
{
    const size_t len = sizeof DNS_THREAD_EDE_TEXT - 1;
    size_t n = 1;

    at[0] = 0; /* the root */
    n += put16(at + n, DNS_TYPE_OPT);
    n += put16(at + n, DNS_EDNS_SIZE);
    n += put16(at + n, 0);
    n += put16(at + n, 0);
    n += put16(at + n, (unsigned)len + 6);
    n += put16(at + n, DNS_OPTION_EDE);
    n += put16(at + n, (unsigned)len + 2);
    n += put16(at + n, DNS_THREAD_EDE_BOGUS);
    memcpy(at + n, DNS_THREAD_EDE_TEXT, len);
    return n + len;
}

/* The answer in place of the question, and its length; 0: none. */
static size_t answer(enum dns_thread_mode mode, unsigned char *wire, size_t len, bool datagram)
{
    bool edns = len > DNS_HEADER_LEN && wire[11] != 0;
    unsigned flags = DNS_FLAG_QR | DNS_FLAG_RD | DNS_FLAG_RA, answers = 0, additional = 0;
    size_t n = DNS_HEADER_LEN;

    while (n < len && wire[n] != 0)
        n += 1 + (size_t)wire[n];
    n += 5;
    if (n > len || mode == DNS_THREAD_IS_SILENT)
        return 0;
    if (mode == DNS_THREAD_FAILS) {
        flags |= DNS_RCODE_SERVFAIL;
        additional = 1;
        n += put_extended_error(wire + n);
    } else if (mode == DNS_THREAD_CUTS && datagram) {
        flags |= DNS_FLAG_TC;
    } else if (mode == DNS_THREAD_OLD && edns) {
        flags |= DNS_RCODE_FORMERR;
    } else if (wire[n - 3] == DNS_TYPE_A) {
        answers = 1;
        n += put_address(wire + n);
    }
    put16(wire + 2, flags);
    put16(wire + 6, answers);
    put16(wire + 8, 0);
    put16(wire + 10, additional);
    return n;
}

static enum dns_thread_mode mode_of(struct dns_thread *server)
{
    struct pollfd stop = {.fd = server->stop[0], .events = POLLIN};

    while (atomic_load(&server->mode) == DNS_THREAD_IS_SLOW && poll(&stop, 1, POLL_MS) == 0)
        continue;
    return (enum dns_thread_mode)atomic_load(&server->mode);
}

static void serve_udp(struct dns_thread *server)
{
    unsigned char wire[2 * MESSAGE];
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    ssize_t n = recvfrom(server->udp, wire, MESSAGE, 0, (struct sockaddr *)&from, &from_len);
    size_t len;

    if (n <= 0)
        return;
    atomic_fetch_add(&server->by_udp, 1);
    len = answer(mode_of(server), wire, (size_t)n, true);
    if (len > 0)
        sendto(server->udp, wire, len, 0, (struct sockaddr *)&from, from_len);
}

/* One question a connection. */
static void serve_tcp(struct dns_thread *server)
{
    unsigned char wire[2 * MESSAGE];
    int fd = accept(server->tcp, NULL, NULL);
    size_t len;

    if (fd < 0)
        return;
    if (recv(fd, wire, 2, MSG_WAITALL) == 2 && wire[0] < 2) {
        len = (size_t)wire[0] << 8 | wire[1];
        if (recv(fd, wire + 2, len, MSG_WAITALL) == (ssize_t)len) {
            atomic_fetch_add(&server->by_tcp, 1);
            len = answer(mode_of(server), wire + 2, len, false);
            put16(wire, (unsigned)len);
            send(fd, wire, len + 2, MSG_NOSIGNAL);
        }
    }
    close(fd);
}

static void *serve(void *arg)
{
    struct dns_thread *server = arg;
    struct pollfd fds[] = {{.fd = server->stop[0], .events = POLLIN},
                           {.fd = server->udp, .events = POLLIN},
                           {.fd = server->tcp, .events = POLLIN}};

    while (poll(fds, ARRAY_LEN(fds), -1) > 0 && fds[0].revents == 0) {
        if (fds[1].revents != 0)
            serve_udp(server);
        if (fds[2].revents != 0)
            serve_tcp(server);
    }
    return NULL;
}

/* The same port for both; false: somebody has one of them. */
static bool open_pair(struct dns_thread *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->udp = socket(AF_INET, SOCK_DGRAM, 0);
    server->tcp = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server->udp, (struct sockaddr *)&address, len) == 0 &&
        getsockname(server->udp, (struct sockaddr *)&address, &len) == 0 &&
        bind(server->tcp, (struct sockaddr *)&address, len) == 0 && listen(server->tcp, 8) == 0) {
        snprintf(server->server, sizeof server->server, "127.0.0.1:%u",
                 (unsigned)ntohs(address.sin_port));
        return true;
    }
    close(server->udp);
    close(server->tcp);
    return false;
}

void dns_thread_start(struct dns_thread *server, enum dns_thread_mode mode)
{
    int tries = 0;

    memset(server, 0, sizeof *server);
    atomic_store(&server->mode, mode);
    while (!open_pair(server))
        ck_assert_int_lt(tries++, TRIES);
    ck_assert_int_eq(pipe(server->stop), 0);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, serve, server), 0);
}

void dns_thread_stop(struct dns_thread *server)
{
    close(server->stop[1]);
    pthread_join(server->thread, NULL);
    close(server->stop[0]);
    close(server->udp);
    close(server->tcp);
}
