/*
 * cutter.c - passes connections on, and cuts them: after some LENGTH bytes, in whichever direction
 * they went, as the seed says. Every other cut is a reset, which can take bytes along that were on
 * their way.
 *
 *   cutter PORT TO-PORT SEED LENGTH FROM-ADDRESS TO-ADDRESS [FROM-ADDRESS TO-ADDRESS]...
 *
 * A line for each connection that the client did not end itself: "cut" or "lost".
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 512, PASS = 16 << 10, WAYS_MOST = 8, STACK = 256 << 10 };

struct way {
    int listener;
    struct sockaddr_in to;
};

struct passage { /* a connection, in a thread of its own */
    int client, server;
    struct sockaddr_in to;
    uint64_t chance;
    size_t left; /* bytes until the cut */
};

static uint64_t draw(uint64_t *chance)
{
    uint64_t x = *chance += 0x9e3779b97f4a7c15; /* splitmix64 */

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

/* How the connection ended; NULL: it goes on. */
static const char *pass(struct passage *p, int from, int to)
{
    char bytes[PASS];
    ssize_t n = recv(from, bytes, p->left < sizeof bytes ? p->left : sizeof bytes, 0);

    if (n <= 0)
        return from == p->client ? "" : "lost";
    p->left -= (size_t)n;
    if (!send_all(to, bytes, (size_t)n))
        return to == p->client ? "" : "lost";
    return p->left == 0 ? "cut" : NULL;
}

static void reset(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static void *run(void *arg)
{
    struct passage *p = arg;
    struct pollfd fds[] = {{.fd = p->client, .events = POLLIN}, {.events = POLLIN}};
    const char *end = "lost";

    p->server = fds[1].fd = socket(AF_INET, SOCK_STREAM, 0);
    if (p->server >= 0 && connect(p->server, (struct sockaddr *)&p->to, sizeof p->to) == 0)
        end = NULL;
    while (end == NULL && poll(fds, 2, -1) > 0) {
        if (fds[0].revents != 0)
            end = pass(p, p->client, p->server);
        if (end == NULL && fds[1].revents != 0)
            end = pass(p, p->server, p->client);
    }
    if (end != NULL && strcmp(end, "cut") == 0 && draw(&p->chance) % 2 == 0) {
        reset(p->client);
        reset(p->server);
    }
    if (end == NULL || *end != '\0') { /* one write, before the client can know of it */
        printf("%s\n", end == NULL ? "lost" : end);
        fflush(stdout);
    }
    close(p->client);
    if (p->server >= 0)
        close(p->server);
    free(p);
    return NULL;
}

static void begin(const struct way *way, const pthread_attr_t *attr, uint64_t chance, size_t length)
{
    struct passage *p = malloc(sizeof *p);
    int fd = accept(way->listener, NULL, NULL), one = 1;
    pthread_t thread;

    if (p == NULL || fd < 0) {
        perror("cutter");
        exit(1);
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    *p = (struct passage){.client = fd, .to = way->to, .chance = chance};
    p->left = 1 + draw(&p->chance) % (2 * length + 1);
    if (pthread_create(&thread, attr, run, p) != 0) {
        fprintf(stderr, "cutter: no thread\n");
        exit(1);
    }
}

static int make_way(struct way *way, char **argv, char **pair)
{
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10))};
    int one = 1;

    way->to = (struct sockaddr_in){.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10))};
    way->listener = socket(AF_INET, SOCK_STREAM, 0);
    if (way->listener < 0 || inet_pton(AF_INET, pair[0], &from.sin_addr) != 1 ||
        inet_pton(AF_INET, pair[1], &way->to.sin_addr) != 1 ||
        setsockopt(way->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(way->listener, (struct sockaddr *)&from, sizeof from) != 0)
        return -1;
    return listen(way->listener, BACKLOG);
}

int main(int argc, char **argv)
{
    struct way ways[WAYS_MOST];
    struct pollfd fds[WAYS_MOST];
    pthread_attr_t attr;
    uint64_t chance;
    nfds_t n = 0;

    if (argc < 7 || argc % 2 == 0 || (argc - 5) / 2 > WAYS_MOST || pthread_attr_init(&attr) != 0 ||
        pthread_attr_setstacksize(&attr, STACK) != 0 ||
        pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) != 0) {
        fprintf(stderr, "usage: cutter PORT TO-PORT SEED LENGTH FROM-ADDRESS TO-ADDRESS...\n");
        return 64;
    }
    for (int i = 5; i < argc; i += 2, n++) {
        if (make_way(&ways[n], argv, argv + i) != 0) {
            perror("cutter");
            return 1;
        }
        fds[n] = (struct pollfd){.fd = ways[n].listener, .events = POLLIN};
    }
    chance = strtoull(argv[3], NULL, 10);
    printf("ready\n");
    fflush(stdout);
    while (poll(fds, n, -1) > 0) {
        for (nfds_t i = 0; i < n; i++) {
            if (fds[i].revents != 0)
                begin(&ways[i], &attr, draw(&chance), strtoull(argv[4], NULL, 10));
        }
    }
    return 1;
}
