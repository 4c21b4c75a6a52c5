/*
 * deliver.c - a small queue: hands many messages over through many connections, and does not rest
 * before each recipient is accepted or refused for good.
 *
 *   deliver DNS-SERVER PORT DOMAIN COUNT LEDGER
 *
 * Two messages are handed over ahead on a connection, which goes back into the pool after some;
 * where another candidate may help it is dialed, what is pending is dialed anew, what was refused
 * for now comes again later. The ledger gets a line for each recipient: Message-Id, length,
 * Adler-32, address, "accepted" or "permanent", and how often it was unknown before.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <moxdial.h>

#include "test/live/adler.h"

enum { LANES = 50, AHEAD = 2, PER_TURN = 40 /* messages, then a connection is released */ };
enum { RCPTS_MOST = 3, ONE_GONE = 97, MAILBOXES = 10, ADDRESS = 128, TEXT = 2048, LINES_MOST = 14 };
enum { MAILS_MOST = 2000 /* begun and not ended */, LATER_MS = 50, TIMEOUT_MS = 20000 };
enum { STUCK_MS = 60000 /* without any end: this fails rather than hang */ };

struct lane { /* a connection, and what is under way on it */
    struct host *host;
    struct mox_conn *conn;
    struct mail *first; /* of the dial; after it, who wants the next candidate */
    unsigned under_way, turn;
    bool dialing;
};

struct mail {
    struct mail *next;
    struct lane *lane;
    int64_t due_ms;
    struct mox_message message;
    struct mox_rcpt rcpts[RCPTS_MOST];
    struct mox_rcpt_result results[RCPTS_MOST];
    unsigned unknown[RCPTS_MOST];
    char addresses[RCPTS_MOST][ADDRESS], text[TEXT];
    unsigned long number;
};

struct host {
    struct mox_ctx *ctx;
    struct mox_dial_request request;
    struct mox_envelope envelope;
    FILE *ledger;
    unsigned long count, begun, ended, accepted, permanent, unknown, unknown_messages, nexts;
    struct mail *free, *queue, **queue_end; /* queue: those that come again, by time */
    int64_t moved_ms;                       /* when a message last ended */
    struct lane lanes[LANES];
    struct mail mails[MAILS_MOST];
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Lines of all kinds, the same for the same number: with dots, 8-bit, empty. */
static void write_text(struct mail *m)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz ,\xc3\xa9.";
    uint64_t chance = m->number * 0x9e3779b97f4a7c15 + 1;
    size_t len = (size_t)snprintf(m->text, sizeof m->text,
                                  "Message-Id: <%lu@live.example>\r\nFrom: a@live.example\r\n"
                                  "Subject: number %lu\r\n\r\n",
                                  m->number, m->number);
    unsigned lines = (unsigned)(m->number % LINES_MOST);

    for (unsigned i = 0; i < lines; i++) {
        for (unsigned left = (chance >> 33) % 64; left > 0; left--) {
            chance = chance * 6364136223846793005 + 1442695040888963407;
            m->text[len++] = letters[(chance >> 33) % (sizeof letters - 1)];
        }
        if (i % 5 == 1)
            m->text[len++] = '.';
        len += (size_t)snprintf(m->text + len, sizeof m->text - len, "\r\n");
        chance = chance * 6364136223846793005 + 1442695040888963407;
    }
    m->message.body = (struct mox_body){.data = m->text, .len = len};
}

static void write_mail(struct host *host, struct mail *m, unsigned long number)
{
    *m = (struct mail){.number = number};
    m->message = (struct mox_message){.size = sizeof m->message,
                                      .mail_from = host->envelope.from,
                                      .rcpts = m->rcpts,
                                      .nrcpts = 1 + number % RCPTS_MOST,
                                      .flags = MOX_MSG_8BIT};
    write_text(m);
    for (size_t i = 0; i < m->message.nrcpts; i++) {
        if (i == 1 && number % ONE_GONE == 1)
            snprintf(m->addresses[i], ADDRESS, "gone@%s", host->envelope.to);
        else
            snprintf(m->addresses[i], ADDRESS, "u%u@%s", (unsigned)((number + i) % MAILBOXES),
                     host->envelope.to);
        m->rcpts[i].address = m->addresses[i];
    }
}

/* What is due again, else a new one; NULL: nothing now. */
static struct mail *take_mail(struct host *host)
{
    struct mail *m = host->queue;

    if (m != NULL && m->due_ms <= now_ms()) {
        host->queue = m->next;
        if (host->queue == NULL)
            host->queue_end = &host->queue;
        return m;
    }
    m = host->free;
    if (m == NULL || host->begun == host->count)
        return NULL;
    host->free = m->next;
    write_mail(host, m, ++host->begun);
    return m;
}

/* Those that were refused for now are asked again; whoever is accepted, or refused for good, keeps
 * his result and is not. */
static void come_again(struct host *host, struct mail *m)
{
    m->due_ms = now_ms() + LATER_MS;
    for (size_t i = 0; i < m->message.nrcpts; i++) {
        int state = m->results[i].state;

        if (state != MOX_RCPT_ACCEPTED && state != MOX_RCPT_PERMANENT)
            m->results[i] = (struct mox_rcpt_result){0};
    }
    m->next = NULL;
    *host->queue_end = m;
    host->queue_end = &m->next;
}

static void end_mail(struct host *host, struct mail *m)
{
    uint32_t sum = adler32(1, m->text, m->message.body.len);

    for (size_t i = 0; i < m->message.nrcpts; i++) {
        bool accepted = m->results[i].state == MOX_RCPT_ACCEPTED;

        host->accepted += accepted;
        host->permanent += !accepted;
        fprintf(host->ledger, "<%lu@live.example> %zu %lu %s %s %u\n", m->number,
                m->message.body.len, (unsigned long)sum, m->addresses[i],
                mox_rcpt_state_name(m->results[i].state), m->unknown[i]);
    }
    host->ended++;
    host->moved_ms = now_ms();
    m->next = host->free;
    host->free = m;
}

static bool is_settled(const struct mail *m)
{
    for (size_t i = 0; i < m->message.nrcpts; i++) {
        if (m->results[i].state != MOX_RCPT_ACCEPTED &&
            (m->results[i].state != MOX_RCPT_PERMANENT || m->results[i].action == MOX_ACTION_NEXT))
            return false;
    }
    return true;
}

static void note_unknown(struct host *host, struct mail *m)
{
    bool any = false;

    for (size_t i = 0; i < m->message.nrcpts; i++) {
        if (m->results[i].state == MOX_RCPT_UNKNOWN) {
            m->unknown[i]++;
            host->unknown++;
            any = true;
        }
    }
    host->unknown_messages += any;
}

static void on_delivered(void *arg, int status, const struct mox_error *err);

static void hand_over(struct lane *lane, struct mail *m)
{
    struct mox_error err;

    m->lane = lane;
    if (mox_deliver_start(lane->conn, &m->message, m->results, on_delivered, m, &err) != 0) {
        lane->under_way++;
        lane->turn++;
        return;
    }
    if (err.code != MOX_E_STATE) { /* else the connection has ended in between */
        fprintf(stderr, "deliver: %s\n", err.message);
        exit(1);
    }
    come_again(lane->host, m);
}

static bool is_usable(const struct lane *lane)
{
    return lane->first == NULL && lane->turn < PER_TURN &&
           mox_conn_session(lane->conn)->stage != MOX_STAGE_QUIT;
}

static void on_dialed(void *arg, int status, struct mox_conn *conn, const struct mox_error *err);

/* Nothing is under way on it. */
static void leave_conn(struct lane *lane)
{
    struct mox_conn *conn = lane->conn;

    lane->conn = NULL;
    if (lane->first == NULL) {
        mox_conn_release(conn);
        return;
    }
    lane->host->nexts++;
    lane->dialing = true;
    if (mox_dial_next_start(conn, NULL, on_dialed, lane, NULL) == 0) {
        fprintf(stderr, "deliver: no memory\n");
        exit(1);
    }
}

static void go_on(struct lane *lane)
{
    struct mail *m;

    while (lane->under_way < AHEAD && is_usable(lane) && (m = take_mail(lane->host)) != NULL)
        hand_over(lane, m);
    if (lane->under_way == 0)
        leave_conn(lane);
}

static void on_delivered(void *arg, int status, const struct mox_error *err)
{
    struct mail *m = arg;
    struct lane *lane = m->lane;

    lane->under_way--;
    note_unknown(lane->host, m);
    if (is_settled(m))
        end_mail(lane->host, m);
    else if (status != MOX_OK && err->action == MOX_ACTION_NEXT && lane->first == NULL)
        lane->first = m;
    else
        come_again(lane->host, m);
    go_on(lane);
}

static void on_dialed(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct lane *lane = arg;
    struct mail *m = lane->first;

    (void)err;
    lane->dialing = false;
    lane->first = NULL;
    if (status != MOX_OK) {
        come_again(lane->host, m);
        return;
    }
    lane->conn = conn;
    lane->turn = 0;
    hand_over(lane, m);
    go_on(lane);
}

static int start_dials(struct host *host)
{
    struct mox_error err;

    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &host->lanes[i];

        if (lane->dialing || lane->conn != NULL || (lane->first = take_mail(host)) == NULL)
            continue;
        if (mox_dial_start(host->ctx, &host->request, on_dialed, lane, &err) == 0) {
            fprintf(stderr, "deliver: %s\n", err.message);
            return -1;
        }
        lane->dialing = true;
    }
    return 0;
}

static int run(struct host *host)
{
    host->moved_ms = now_ms();
    while (host->ended < host->count) {
        int status = start_dials(host);

        if (status == 0)
            status = mox_ctx_wait(host->ctx, LATER_MS);
        if (now_ms() - host->moved_ms > STUCK_MS) {
            fprintf(stderr, "deliver: nothing moves any more\n");
            status = -1;
        }
        if (status < 0)
            return status;
    }
    return 0;
}

static void prepare(struct host *host, char **argv)
{
    host->envelope = (struct mox_envelope){
        .size = sizeof host->envelope, .from = "a@live.example", .to = argv[3]};
    host->request = (struct mox_dial_request){.size = sizeof host->request,
                                              .envelope = &host->envelope,
                                              .ehlo = "client.example.org",
                                              .port = (uint16_t)strtoul(argv[2], NULL, 10),
                                              .timeout_ms = TIMEOUT_MS,
                                              .flags = MOX_DIAL_ALLOW_SPECIAL};
    host->count = strtoul(argv[4], NULL, 10);
    host->queue_end = &host->queue;
    for (size_t i = 0; i < LANES; i++)
        host->lanes[i].host = host;
    for (size_t i = 0; i < MAILS_MOST; i++) {
        host->mails[i].next = host->free;
        host->free = &host->mails[i];
    }
}

static void tell(const struct host *host, int64_t began_ms)
{
    const struct mox_stats *stats = mox_ctx_stats(host->ctx);

    printf("%lu of %lu messages: %lu recipients accepted, %lu refused for good\n", host->ended,
           host->count, host->accepted, host->permanent);
    printf("%lu unknown, in %lu transactions\n", host->unknown, host->unknown_messages);
    printf("%llu transactions accepted\n", (unsigned long long)stats->messages);
    printf("%llu dials, %llu of them of the pool; %lu for the next candidate; %lld ms\n",
           (unsigned long long)stats->dials, (unsigned long long)stats->reused, host->nexts,
           (long long)(now_ms() - began_ms));
}

int main(int argc, char **argv)
{
    static struct host host;
    const char *const servers[] = {argc > 1 ? argv[1] : ""};
    struct mox_ctx_options options = {.size = sizeof options,
                                      .dns_servers = servers,
                                      .ndns_servers = 1,
                                      .max_idle = LANES,
                                      .max_conns_per_address = MOX_UNLIMITED};
    struct mox_error err;
    int64_t began_ms = now_ms();
    int status;

    if (argc != 6) {
        fprintf(stderr, "usage: deliver DNS-SERVER PORT DOMAIN COUNT LEDGER\n");
        return 64;
    }
    prepare(&host, argv);
    host.ledger = fopen(argv[5], "w");
    host.ctx = mox_ctx_new(&options, &err);
    if (host.ledger == NULL || host.ctx == NULL) {
        fprintf(stderr, "deliver: %s\n", host.ctx == NULL ? err.message : strerror(errno));
        return 1;
    }
    status = run(&host);
    tell(&host, began_ms);
    mox_ctx_free(host.ctx);
    return fclose(host.ledger) == 0 && status == 0 ? 0 : 1;
}
