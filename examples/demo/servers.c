/*
 * servers.c - see servers.h. They know just enough DNS and SMTP for one client that is no enemy.
 */
#include "servers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TYPE_A = 1, TYPE_MX = 15, TYPE_AAAA = 28 };
enum { DNS_HEADER = 12, DNS_PACKET = 512, NAME = 256, PORT_TRIES = 20, BACKLOG = 8 };

/* An MX host is named by data, an address written in it. */
static const struct {
    const char *name;
    int type;
    const char *data;
} zone[] = {
    {"example.org", TYPE_MX, "mx.example.org"},
    {"mx.example.org", TYPE_A, "127.0.0.1"},
    {"mx.example.org", TYPE_AAAA, "::1"},
    {"example.net", TYPE_MX, "mx.example.net"},
    {"mx.example.net", TYPE_A, "127.0.0.1"},
    {"mx.example.net", TYPE_AAAA, "::1"},
    {"ipv6only.example", TYPE_MX, "mx.ipv6only.example"},
    {"mx.ipv6only.example", TYPE_AAAA, "::1"},
};

enum { ZONE = sizeof zone / sizeof *zone };

static const char refusal[] =
    "550 5.7.1 Client host rejected: cannot find your reverse hostname\r\n";
static const char greeting[] = "220 mx.example.org ESMTP demo\r\n";
static const char offers[] =
    "250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250 8BITMIME\r\n";

/* The question's name as text; returns where its type begins, 0: malformed. */
static size_t read_question(const unsigned char *packet, size_t len, char name[NAME])
{
    size_t at = DNS_HEADER, n = 0;

    while (at < len && packet[at] != 0) {
        size_t label = packet[at++];

        if (label > 63 || at + label >= len || n + label + 2 > NAME)
            return 0;
        memcpy(name + n, packet + at, label);
        n += label;
        name[n++] = '.';
        at += label;
    }
    name[n == 0 ? 0 : n - 1] = '\0';
    return at + 5 <= len ? at + 1 : 0;
}

static size_t write_name(unsigned char *out, const char *name)
{
    size_t n = 0;

    while (*name != '\0') {
        size_t label = strcspn(name, ".");

        out[n++] = (unsigned char)label;
        memcpy(out + n, name, label);
        n += label;
        name += label + (name[label] == '.');
    }
    out[n++] = 0;
    return n;
}

static size_t write_data(unsigned char *out, int type, const char *data)
{
    if (type == TYPE_A)
        return inet_pton(AF_INET, data, out) == 1 ? 4 : 0;
    if (type == TYPE_AAAA)
        return inet_pton(AF_INET6, data, out) == 1 ? 16 : 0;
    out[0] = 0;
    out[1] = 10; /* preference */
    return 2 + write_name(out + 2, data);
}

static size_t write_record(unsigned char *out, int type, const char *data)
{
    /* The name of the question; type; class IN; a minute to live; length. */
    unsigned char head[] = {0xc0, DNS_HEADER, 0, (unsigned char)type, 0, 1, 0, 0, 0, 60, 0, 0};
    size_t len = write_data(out + sizeof head, type, data);

    head[sizeof head - 1] = (unsigned char)len;
    memcpy(out, head, sizeof head);
    return sizeof head + len;
}

static void count_question(struct servers_seen *seen, int type)
{
    seen->mx += type == TYPE_MX;
    seen->a += type == TYPE_A;
    seen->aaaa += type == TYPE_AAAA;
}

/* Turns the question in packet into its answer; returns the answer's length, 0: say nothing. */
static size_t answer(struct servers_seen *seen, unsigned char *packet, size_t len)
{
    char name[NAME];
    size_t at = len > DNS_HEADER ? read_question(packet, len, name) : 0;
    bool exists = false;
    int type;

    if (at == 0)
        return 0;
    type = packet[at] << 8 | packet[at + 1];
    count_question(seen, type);
    at += 4;
    memset(packet + 6, 0, 6);
    for (size_t i = 0; i < ZONE; i++) {
        if (strcasecmp(zone[i].name, name) != 0)
            continue;
        exists = true;
        if (zone[i].type != type)
            continue;
        at += write_record(packet + at, type, zone[i].data);
        packet[7]++;
    }
    packet[2] = 0x85;              /* an authoritative answer, recursion was desired */
    packet[3] = exists ? 0 : 0x03; /* NXDOMAIN */
    return at;
}

static void serve_dns(struct servers *servers)
{
    unsigned char packet[2 * DNS_PACKET]; /* a question of 512 bytes, and room for its answer */
    struct sockaddr_in peer;
    socklen_t peer_len = sizeof peer;
    ssize_t n = recvfrom(servers->dns, packet, DNS_PACKET, 0, (struct sockaddr *)&peer, &peer_len);
    size_t len = n > 0 ? answer(&servers->seen, packet, (size_t)n) : 0;

    if (len > 0)
        sendto(servers->dns, packet, len, 0, (struct sockaddr *)&peer, peer_len);
}

/* What is sent here always fits into the socket's buffer. */
static void say(const struct servers_client *client, const char *text)
{
    send(client->fd, text, strlen(text), MSG_NOSIGNAL);
}

static void hang_up(struct servers_client *client)
{
    close(client->fd);
    *client = (struct servers_client){.fd = -1};
}

/* false: the session is over. */
static bool obey(const struct servers_client *client)
{
    if (strncasecmp(client->line, "QUIT", 4) == 0) {
        say(client, "221 2.0.0 bye\r\n");
        return false;
    }
    if (client->refused)
        say(client, "503 5.5.1 you were refused\r\n");
    else if (strncasecmp(client->line, "EHLO", 4) == 0)
        say(client, offers);
    else
        say(client, "502 5.5.1 this server is for a demo\r\n");
    return true;
}

static void serve_client(struct servers_client *client)
{
    ssize_t n =
        recv(client->fd, client->line + client->len, sizeof client->line - 1 - client->len, 0);
    char *end;

    if (n <= 0) {
        hang_up(client);
        return;
    }
    client->len += (unsigned)n;
    client->line[client->len] = '\0';
    while ((end = strchr(client->line, '\n')) != NULL) {
        if (!obey(client)) {
            hang_up(client);
            return;
        }
        client->len -= (unsigned)(end + 1 - client->line);
        memmove(client->line, end + 1, client->len + 1);
    }
    if (client->len == sizeof client->line - 1)
        hang_up(client);
}

static void welcome(struct servers *servers, int listener, bool refused)
{
    int fd = accept(listener, NULL, NULL);
    unsigned i = 0;

    if (fd < 0)
        return;
    if (refused)
        servers->seen.ipv6++;
    else
        servers->seen.ipv4++;
    while (i < SERVERS_CLIENTS && servers->clients[i].fd >= 0)
        i++;
    if (i == SERVERS_CLIENTS) {
        close(fd);
        return;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    servers->clients[i] = (struct servers_client){.fd = fd, .refused = refused};
    say(&servers->clients[i], refused ? refusal : greeting);
}

/* A socket at the loopback address of its family; *port 0: a free one, written back. -1: errno. */
static int open_at(int family, int type, uint16_t *port)
{
    struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_port = htons(*port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(*port)};
    struct sockaddr *at = family == AF_INET6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t len = family == AF_INET6 ? sizeof six : sizeof four;
    int fd = socket(family, type, 0), yes = 1, reason;

    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return -1;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    if (bind(fd, at, len) == 0 && getsockname(fd, at, &len) == 0 &&
        (type == SOCK_DGRAM || listen(fd, BACKLOG) == 0)) {
        *port = ntohs(family == AF_INET6 ? six.sin6_port : four.sin_port);
        return fd;
    }
    reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

/* A port that is free for IPv4 may be taken for IPv6: then another one. */
static bool open_smtp(struct servers *servers)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        servers->smtp_port = 0;
        servers->ipv4 = open_at(AF_INET, SOCK_STREAM, &servers->smtp_port);
        if (servers->ipv4 < 0)
            return false;
        servers->ipv6 = open_at(AF_INET6, SOCK_STREAM, &servers->smtp_port);
        if (servers->ipv6 >= 0 || errno != EADDRINUSE)
            return true;
        close(servers->ipv4);
        servers->ipv4 = -1;
    }
    return false;
}

bool servers_start(struct servers *servers)
{
    *servers = (struct servers){.dns = -1, .ipv6 = -1, .ipv4 = -1};
    for (int i = 0; i < SERVERS_CLIENTS; i++)
        servers->clients[i].fd = -1;
    servers->dns = open_at(AF_INET, SOCK_DGRAM, &servers->dns_port);
    return servers->dns >= 0 && open_smtp(servers);
}

bool servers_serve(struct servers *servers, int fd, int timeout_ms)
{
    enum { CALLER, DNS, IPV6, IPV4, CLIENTS };
    struct pollfd fds[CLIENTS + SERVERS_CLIENTS] = {
        [CALLER] = {.fd = fd}, {.fd = servers->dns}, {.fd = servers->ipv6}, {.fd = servers->ipv4}};

    for (;;) {
        for (int i = 0; i < SERVERS_CLIENTS; i++)
            fds[CLIENTS + i].fd = servers->clients[i].fd;
        for (int i = 0; i < CLIENTS + SERVERS_CLIENTS; i++)
            fds[i].events = POLLIN;
        if (poll(fds, CLIENTS + SERVERS_CLIENTS, timeout_ms) <= 0)
            return false;
        for (int i = 0; i < SERVERS_CLIENTS; i++)
            if (fds[CLIENTS + i].revents != 0)
                serve_client(&servers->clients[i]);
        if (fds[DNS].revents != 0)
            serve_dns(servers);
        if (fds[IPV6].revents != 0)
            welcome(servers, servers->ipv6, true);
        if (fds[IPV4].revents != 0)
            welcome(servers, servers->ipv4, false);
        if (fds[CALLER].revents != 0)
            return true;
    }
}

void servers_stop(struct servers *servers)
{
    const int open[] = {servers->dns, servers->ipv6, servers->ipv4};

    for (int i = 0; i < SERVERS_CLIENTS; i++)
        if (servers->clients[i].fd >= 0)
            hang_up(&servers->clients[i]);
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (open[i] >= 0)
            close(open[i]);
}
