/*
 * handover.c - messages handed over one after the other on one context, whose clock can be moved.
 *
 *   handover CONFIG DNS-SERVER PORT FILE STEP...
 *
 * DNS-SERVER - is what the system has. A STEP is RECIPIENT[,RECIPIENT...], who get FILE in one
 * delivery, or +SECONDS. For each session and recipient a line: family, recipient, state, the
 * server's words; for each delivery its attempts, and what the history said of an address.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <moxdial.h>

enum { RCPTS_MOST = 8, LIST = 1024, US_PER_S = 1000 * 1000, TIMEOUT_MS = 20000 };

struct clock {
    int64_t ahead_s;
};

static int64_t monotonic_us(void *user)
{
    const struct clock *moved = user;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec + moved->ahead_s) * US_PER_S + now.tv_nsec / 1000;
}

static int64_t unix_s(void *user)
{
    const struct clock *moved = user;

    return time(NULL) + moved->ahead_s;
}

static int32_t utc_offset_s(void *user, int64_t at_s)
{
    (void)user;
    (void)at_s;
    return 0;
}

static int draw(void *user, void *buf, size_t len)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, len);
    int code = n < 0 ? MOX_ERRNO(errno) : MOX_OK;

    (void)user;
    if (fd >= 0)
        close(fd);
    return n >= 0 && (size_t)n < len ? MOX_E_OS : code;
}

static void tell_results(const struct mox_message *message, const struct mox_rcpt_result *results,
                         const bool *was_open)
{
    for (size_t i = 0; i < message->nrcpts; i++) {
        const struct mox_rcpt_result *r = &results[i];

        if (was_open[i])
            printf("%s %s %s: %d %s\n", mox_family_name(r->remote.family),
                   message->rcpts[i].address, mox_rcpt_state_name(r->state), (int)r->smtp_code,
                   r->reply);
    }
}

static void tell_attempts(const struct mox_plan *plan)
{
    const struct mox_candidate *first = mox_plan_candidate(plan, 0);
    const struct mox_attempt *attempt;

    printf("attempts:");
    for (uint32_t i = 0; (attempt = mox_plan_attempt(plan, i)) != NULL; i++)
        printf("%s %s %s", i == 0 ? "" : ",",
               mox_family_name(mox_plan_candidate(plan, attempt->candidate)->ip.family),
               mox_status_name(attempt->outcome));
    printf("\n");
    for (uint32_t i = 0; first != NULL; first = mox_plan_candidate(plan, ++i)) {
        if (first->order == MOX_ORDER_LEARNED && first->detail != NULL)
            printf("learned: %s\n", first->detail);
    }
}

/* Until no other candidate may help. */
static void hand_over(struct mox_conn *conn, const struct mox_message *message)
{
    struct mox_rcpt_result results[RCPTS_MOST] = {{0}};
    struct mox_error err;

    do {
        bool was_open[RCPTS_MOST];

        for (size_t i = 0; i < message->nrcpts; i++)
            was_open[i] =
                results[i].state == MOX_RCPT_PENDING || results[i].action == MOX_ACTION_NEXT;
        mox_deliver(conn, message, results, &err);
        tell_results(message, results, was_open);
    } while (err.code != MOX_OK && err.action == MOX_ACTION_NEXT &&
             mox_dial_next(&conn, NULL, &err) == MOX_OK);
    if (conn == NULL)
        printf("%s\n", err.message);
    mox_conn_close(conn);
}

static int deliver(struct mox_ctx *ctx, const struct mox_dial_request *given, int fd,
                   const char *list)
{
    char addresses[LIST];
    struct mox_rcpt rcpts[RCPTS_MOST] = {{0}};
    struct mox_message message = {.size = sizeof message,
                                  .mail_from = given->envelope->from,
                                  .rcpts = rcpts,
                                  .body = {.source = MOX_BODY_FD, .fd = fd},
                                  .flags = MOX_MSG_8BIT};
    struct mox_envelope envelope = *given->envelope;
    struct mox_dial_request request = *given;
    struct mox_conn *conn = NULL;
    struct mox_error err;
    char *rest = NULL;

    snprintf(addresses, sizeof addresses, "%s", list);
    for (char *at = strtok_r(addresses, ",", &rest); at != NULL && message.nrcpts < RCPTS_MOST;
         at = strtok_r(NULL, ",", &rest))
        rcpts[message.nrcpts++].address = at;
    envelope.to = rcpts[0].address;
    request.envelope = &envelope;
    request.plan = mox_plan_new(ctx);
    if (request.plan == NULL)
        return MOX_E_NOMEM;
    if (mox_dial(ctx, &request, &conn, &err) == MOX_OK)
        hand_over(conn, &message);
    else
        printf("%s\n", err.message);
    tell_attempts(request.plan);
    mox_plan_free(request.plan);
    return MOX_OK;
}

static int run(struct mox_ctx *ctx, const struct mox_config *config, struct clock *clock,
               char **argv)
{
    const struct mox_envelope envelope = {.size = sizeof envelope, .from = "a@client.example.org"};
    int fd = open(argv[4], O_RDONLY | O_CLOEXEC), status = MOX_OK;

    if (fd < 0) {
        perror(argv[4]);
        return MOX_E_OS;
    }
    for (char **step = argv + 5; *step != NULL && status == MOX_OK; step++) {
        struct mox_dial_request request = {.size = sizeof request,
                                           .config = config,
                                           .envelope = &envelope,
                                           .port = (uint16_t)strtoul(argv[3], NULL, 10),
                                           .timeout_ms = TIMEOUT_MS,
                                           .flags = MOX_DIAL_ALLOW_SPECIAL};

        if (**step == '+')
            clock->ahead_s += strtol(*step + 1, NULL, 10);
        else
            status = deliver(ctx, &request, fd, *step);
    }
    close(fd);
    return status;
}

int main(int argc, char **argv)
{
    struct clock clock = {0};
    struct mox_sys_ops sys = {.size = sizeof sys,
                              .user = &clock,
                              .monotonic_us = monotonic_us,
                              .unix_s = unix_s,
                              .utc_offset_s = utc_offset_s,
                              .random = draw};
    const char *const servers[] = {argc > 2 ? argv[2] : ""};
    bool of_system = argc > 2 && strcmp(argv[2], "-") == 0;
    struct mox_ctx_options options = {.size = sizeof options,
                                      .dns_servers = of_system ? NULL : servers,
                                      .ndns_servers = of_system ? 0 : 1,
                                      .sys = &sys};
    struct mox_error err = {0};
    struct mox_config *config;
    struct mox_ctx *ctx = NULL;
    int status = MOX_E_INVAL;

    if (argc < 6) {
        fprintf(stderr, "usage: handover CONFIG DNS-SERVER PORT FILE STEP...\n");
        return 64;
    }
    config = mox_config_load(argv[1], &err);
    if (config != NULL)
        ctx = mox_ctx_new(&options, &err);
    if (ctx != NULL)
        status = run(ctx, config, &clock, argv);
    else
        fprintf(stderr, "handover: %s\n", err.message);
    mox_ctx_free(ctx);
    mox_config_free(config);
    return status == MOX_OK ? 0 : 1;
}
