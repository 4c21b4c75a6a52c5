/*
 * servers.c - see servers.h. They know just enough SMTP for one client that is no enemy.
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

enum { PORT_TRIES = 20, BACKLOG = 8 };

const char servers_login[] = "AG1haWxAZXhhbXBsZS5jb20AY29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==";

static const char refusal[] =
    "550 5.7.1 Client host rejected: cannot find your reverse hostname\r\n";
static const char greeting[] = "220 demo.example ESMTP\r\n";
static const char offers[] =
    "250-demo.example\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250 8BITMIME\r\n";
static const char offers_tls[] = "250-demo.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n";
static const char offers_login[] = "250-demo.example\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n";

static void serve_dns(struct servers *servers)
{
    unsigned char packet[ZONE_PACKET];
    struct sockaddr_in peer;
    socklen_t peer_len = sizeof peer;
    ssize_t n =
        recvfrom(servers->dns, packet, ZONE_QUESTION, 0, (struct sockaddr *)&peer, &peer_len);
    size_t len =
        n > 0 ? zone_answer(servers->secure, &servers->seen.questions, packet, (size_t)n) : 0;

    if (len > 0)
        sendto(servers->dns, packet, len, 0, (struct sockaddr *)&peer, peer_len);
}

/* Adds a command's first word to what was heard. */
static void note(struct servers *servers, struct servers_client *client)
{
    char *heard = servers->seen.heard;
    size_t used = strlen(heard);
    bool first_in_tls = client->session != NULL && !client->heard_in_tls;

    snprintf(heard + used, sizeof servers->seen.heard - used, "%s%s%.*s", used > 0 ? " " : "",
             first_in_tls ? "[TLS] " : "", (int)strcspn(client->line, " "), client->line);
    client->heard_in_tls = client->session != NULL;
}

/* What is sent here always fits into the socket's buffer. */
static void say(const struct servers_client *client, const char *text)
{
    if (client->session != NULL)
        secure_write(client->session, text);
    else
        send(client->fd, text, strlen(text), MSG_NOSIGNAL);
}

static void hang_up(struct servers_client *client)
{
    secure_close(client->session);
    close(client->fd);
    *client = (struct servers_client){.fd = -1};
}

/* What follows in clear is not part of TLS, and forgotten. false: it cannot be had. */
static bool start_tls(const struct servers *servers, struct servers_client *client)
{
    say(client, "220 2.0.0 go ahead\r\n");
    client->len = 0;
    client->line[0] = '\0';
    client->session = secure_accept(servers->secure, client->fd);
    return client->session != NULL;
}

static const char *reply_to(const struct servers_client *client)
{
    const char *line = client->line;

    if (client->kind == SERVERS_REFUSING)
        return "503 5.5.1 you were refused\r\n";
    if (strncasecmp(line, "EHLO ", 5) == 0 && client->kind == SERVERS_SECURE)
        return client->session != NULL ? offers_login : offers_tls;
    if (strncasecmp(line, "EHLO ", 5) == 0)
        return offers;
    if (strncasecmp(line, "AUTH PLAIN ", 11) == 0 && client->session != NULL)
        return strcmp(line + 11, servers_login) == 0 ? "235 2.7.0 welcome\r\n"
                                                     : "535 5.7.8 who are you?\r\n";
    return "502 5.5.1 this server is for a demo\r\n";
}

/* The line, without its end. false: the session is over. */
static bool obey(struct servers *servers, struct servers_client *client)
{
    bool secure = client->kind == SERVERS_SECURE;

    if (secure)
        note(servers, client);
    if (strcasecmp(client->line, "QUIT") == 0) {
        say(client, "221 2.0.0 bye\r\n");
        return false;
    }
    if (secure && client->session == NULL && strcasecmp(client->line, "STARTTLS") == 0)
        return start_tls(servers, client);
    say(client, reply_to(client));
    return true;
}

/* The bytes heard; 0: they are still to come; -1: it is over. */
static ssize_t hear(const struct servers_client *client, char *out, size_t cap)
{
    ssize_t n;

    if (client->session != NULL)
        return secure_read(client->session, out, cap);
    n = recv(client->fd, out, cap, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return 0;
    return n > 0 ? n : -1;
}

/* false: the session is over. */
static bool obey_lines(struct servers *servers, struct servers_client *client)
{
    char *end;

    while ((end = strchr(client->line, '\n')) != NULL) {
        unsigned used = (unsigned)(end + 1 - client->line);

        *end = '\0';
        client->line[strcspn(client->line, "\r")] = '\0';
        if (!obey(servers, client))
            return false;
        if (client->len == 0) /* all is forgotten */
            return true;
        client->len -= used;
        memmove(client->line, end + 1, client->len + 1);
    }
    return client->len < sizeof client->line - 1;
}

static void serve_client(struct servers *servers, struct servers_client *client)
{
    ssize_t n;

    while ((n = hear(client, client->line + client->len, sizeof client->line - 1 - client->len)) >
           0) {
        client->len += (unsigned)n;
        client->line[client->len] = '\0';
        if (!obey_lines(servers, client)) {
            hang_up(client);
            return;
        }
    }
    if (n < 0)
        hang_up(client);
}

static void welcome(struct servers *servers, int listener, enum servers_kind kind)
{
    int fd = accept(listener, NULL, NULL);
    unsigned i = 0;

    if (fd < 0)
        return;
    if (kind == SERVERS_REFUSING)
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
    servers->clients[i] = (struct servers_client){.fd = fd, .kind = kind};
    say(&servers->clients[i], kind == SERVERS_REFUSING ? refusal : greeting);
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

bool servers_start(struct servers *servers, const struct secure *secure)
{
    *servers = (struct servers){.dns = -1, .ipv6 = -1, .ipv4 = -1, .tls = -1, .secure = secure};
    for (int i = 0; i < SERVERS_CLIENTS; i++)
        servers->clients[i].fd = -1;
    servers->dns = open_at(AF_INET, SOCK_DGRAM, &servers->dns_port);
    servers->tls = open_at(AF_INET, SOCK_STREAM, &servers->tls_port);
    return servers->dns >= 0 && servers->tls >= 0 && open_smtp(servers);
}

bool servers_serve(struct servers *servers, int fd, int timeout_ms)
{
    enum { CALLER, DNS, IPV6, IPV4, TLS, CLIENTS };
    struct pollfd fds[CLIENTS + SERVERS_CLIENTS] = {[CALLER] = {.fd = fd},
                                                    [DNS] = {.fd = servers->dns},
                                                    [IPV6] = {.fd = servers->ipv6},
                                                    [IPV4] = {.fd = servers->ipv4},
                                                    [TLS] = {.fd = servers->tls}};

    for (;;) {
        for (int i = 0; i < SERVERS_CLIENTS; i++)
            fds[CLIENTS + i].fd = servers->clients[i].fd;
        for (int i = 0; i < CLIENTS + SERVERS_CLIENTS; i++)
            fds[i].events = POLLIN;
        if (poll(fds, CLIENTS + SERVERS_CLIENTS, timeout_ms) <= 0)
            return false;
        for (int i = 0; i < SERVERS_CLIENTS; i++)
            if (fds[CLIENTS + i].revents != 0)
                serve_client(servers, &servers->clients[i]);
        if (fds[DNS].revents != 0)
            serve_dns(servers);
        if (fds[IPV6].revents != 0)
            welcome(servers, servers->ipv6, SERVERS_REFUSING);
        if (fds[IPV4].revents != 0)
            welcome(servers, servers->ipv4, SERVERS_PLAIN);
        if (fds[TLS].revents != 0)
            welcome(servers, servers->tls, SERVERS_SECURE);
        if (fds[CALLER].revents != 0)
            return true;
    }
}

void servers_stop(struct servers *servers)
{
    const int open[] = {servers->dns, servers->ipv6, servers->ipv4, servers->tls};

    for (int i = 0; i < SERVERS_CLIENTS; i++)
        if (servers->clients[i].fd >= 0)
            hang_up(&servers->clients[i]);
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (open[i] >= 0)
            close(open[i]);
}
