/*
 * test_dial_worlds.c - dials in worlds drawn at random: whatever DNS, network, servers, memory and
 * the host do, what must always hold does. A seed is a whole world: MOX_SEED=n runs that one alone,
 * MOX_SEEDS=n so many of them.
 */
#include <stdarg.h>
#include <stdio.h>

#include "dial_world.h"

#define ROUTE "Routes:\n\t-\n\t\tTransport: t\n"

enum { SEEDS = 400, HOSTS = 4, ADDRESSES = 8 };

static uint32_t below(uint32_t n)
{
    return (uint32_t)(world_random(sim) % n);
}

static bool one_in(uint32_t n)
{
    return below(n) == 0;
}

static void load(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void load(const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    world_log(sim, "# %s", line);
    world_load(sim, line);
}

static const char *draw_trouble(void)
{
    static const char *const troubles[] = {
        "+servfail", "+lost",      "+nxdomain", "+garbage", "+truncated",
        "+timeout",  "+unaskable", "+ad",       "",         "+refused",
    };

    return one_in(4) ? troubles[below(ARRAY_LEN(troubles))] : "";
}

/* An address of a pool that hosts share; some are special, some are ours. */
static void draw_address(int host, int family)
{
    uint32_t n = below(ADDRESSES);
    char ip[64];

    if (one_in(12))
        snprintf(ip, sizeof ip, "%s", family == MOX_IPV4 ? "127.0.0.1" : "::ffff:192.0.2.1");
    else if (one_in(12))
        snprintf(ip, sizeof ip, "%s", family == MOX_IPV4 ? "198.51.100.9" : "2001:db8:9::9");
    else
        snprintf(ip, sizeof ip, family == MOX_IPV4 ? "192.0.2.%u" : "2001:db8::%u", n + 1);
    load("h%d.example.org %s +ms=%u %s", host, family == MOX_IPV4 ? "A" : "AAAA", below(200), ip);
}

static void draw_host(int host)
{
    const char *name = "h";

    if (one_in(8)) {
        load("h%d.example.org CNAME %s h%u.example.org", host, one_in(2) ? "+first" : "",
             below(HOSTS));
        return;
    }
    for (uint32_t n = below(4); n > 0; n--)
        draw_address(host, MOX_IPV4);
    for (uint32_t n = below(4); n > 0; n--)
        draw_address(host, MOX_IPV6);
    load("%s%d.example.org %s %s", name, host, one_in(2) ? "A" : "AAAA", draw_trouble());
}

static void draw_zone(void)
{
    const char *domain = "example.org";

    if (one_in(6)) {
        domain = "alias.example.org";
        load("example.org CNAME %s %s", one_in(2) ? "+first" : "", domain);
    }
    for (uint32_t n = below(HOSTS + 1); n > 0; n--)
        load("%s MX +ms=%u %u h%u.example.org", domain, below(300), below(3), below(HOSTS));
    if (one_in(8))
        load("%s MX 10 %s", domain, one_in(2) ? "." : "localhost");
    load("%s MX %s", domain, draw_trouble());
    for (int host = 0; host < HOSTS; host++)
        draw_host(host);
}

static void draw_network(void)
{
    static const char *const fates[] = {"refused",          "silent",   "unreachable",
                                        "late-unreachable", "no-files", "no-ports"};

    for (uint32_t n = 1; n <= ADDRESSES; n++) {
        for (int family = 0; family < 2; family++) {
            const char *fate = one_in(3) ? fates[one_in(10) ? below(6) : below(4)] : "up";
            uint32_t profile = one_in(2) ? 0 : below(64);

            load("%s%u %s +ms=%u %s", family == 0 ? "192.0.2." : "2001:db8::", n, fate,
                 one_in(4) ? below(3000) : below(100),
                 server_profile_at(profile) == NULL ? "ok" : server_profile_at(profile)->name);
        }
    }
    sim->dns_at_once = one_in(6);
    sim->eager = one_in(6);
    sim->together = one_in(3);
    sim->max_write = one_in(6) ? 1 + below(5) : 0;
    if (one_in(10))
        load("machine 203.0.113.1");
}

static void draw_config(void)
{
    static const char *const configs[] = {
        "Hostname: mail.example.com\nLocalIPs:\n\t- 198.51.100.9\n\t- 2001:db8:9::9\n",
        "Transports:\n\tt:\n\t\tDirect:\n\t\t\tPrefer: ipv4\n" ROUTE,
        "Transports:\n\tt:\n\t\tDirect:\n\t\t\tDisableIPv6: true\n" ROUTE,
        "RaceDelay: 250ms\nTimeouts:\n\tConnect: 2s\n\tDNS: 3s\n",
    };
    uint32_t i = below(8);

    if (i < ARRAY_LEN(configs))
        sim->config = mox_config_parse(configs[i], strlen(configs[i]), NULL);
}

static struct dial_case draw_request(void)
{
    static const int stages[] = {0, 0, 0, MOX_STAGE_CONNECT, MOX_STAGE_GREETING, MOX_STAGE_EHLO};
    static const char *const dialed[] = {"*=192.0.2.1", "h0.example.org=2001:db8::2",
                                         "h1.example.org=192.0.2.3 *=192.0.2.1"};
    struct dial_case c = {.name = "drawn"};

    c.families = one_in(3) ? below(4) : 0;
    c.flags = one_in(4) ? MOX_DIAL_NO_RACE : 0;
    c.stop_at = stages[below(ARRAY_LEN(stages))];
    c.timeout_ms = 1000 + below(60000);
    c.timeouts.greeting = one_in(2) ? 2000 : 0;
    c.timeouts.ehlo = one_in(2) ? 2000 : 0;
    c.timeouts.dns = one_in(2) ? 1000 : 0;
    if (one_in(4))
        c.dialed = dialed[below(ARRAY_LEN(dialed))];
    return c;
}

/* What the host does while the dial runs. */
enum act { ACT_WAIT, ACT_CANCEL, ACT_SHUTDOWN, ACT_FREE, ACT_NEXT };

static void check_families(const struct dial_case *c)
{
    bool ipv4_only = c->families == MOX_ALLOW_IPV4;

    if (ipv4_only && (world_count(sim, "query h") > 0 || sim->streams != NULL)) {
        if (world_count(sim, "connect 2001:") > 0)
            world_fault(sim, "a disabled family was dialed");
    }
    for (int host = 0; host < HOSTS; host++) {
        char asked[64];

        snprintf(asked, sizeof asked, " query h%d.example.org %s\n", host,
                 ipv4_only ? "AAAA" : "A");
        if ((ipv4_only || c->families == MOX_ALLOW_IPV6) && world_count(sim, asked) > 0)
            world_fault(sim, "a disabled family was asked for");
    }
    if (c->families == MOX_ALLOW_IPV6 && world_count(sim, "connect 192.") > 0)
        world_fault(sim, "a disabled family was dialed");
    if (world_count(sim, "connect 127.") + world_count(sim, "connect ::ffff") > 0)
        world_fault(sim, "a special address was dialed");
}

static void check_end(const struct dial_case *c, const struct sim_call *call, enum act act,
                      uint64_t began)
{
    if (act == ACT_WAIT && call->calls != 1)
        world_fault(sim, "%d callbacks", call->calls);
    if (act == ACT_WAIT && world_ms(sim) > began + c->timeout_ms)
        world_fault(sim, "it ended after its deadline");
    if (call->calls == 1 && call->status != MOX_OK && call->err.message[0] == '\0')
        world_fault(sim, "an error without a sentence");
}

/* From connection to connection until none is left. */
static void go_on(struct sim_call *call)
{
    for (unsigned n = 0; call->conn != NULL; n++) {
        struct sim_call next = {.w = sim};

        if (n > 12)
            world_fault(sim, "more connections than a dial may make");
        if (mox_dial_next_start(call->conn, NULL, sim_on_conn, &next, NULL) == 0) {
            mox_conn_close(call->conn);
            return;
        }
        world_run(sim);
        *call = next;
    }
}

static void act_on(struct sim_call *call, mox_op_id id, enum act act)
{
    bool over = call->calls > 0;

    switch (act) {
    case ACT_CANCEL:
        call->cancelled = !over;
        if (mox_op_cancel(sim->ctx, id) != (over ? MOX_E_STALE : MOX_OK))
            world_fault(sim, "cancel");
        break;
    case ACT_SHUTDOWN:
        mox_ctx_shutdown(sim->ctx, 0);
        break;
    case ACT_FREE:
        call->cancelled = !over;
        call->conn = NULL;
        mox_ctx_free(sim->ctx);
        sim->ended = true;
        return;
    default:
        break;
    }
    world_run(sim);
    if (act == ACT_NEXT)
        go_on(call);
}

/* Draws the world of the seed and dials in it. */
static void run_world(void)
{
    struct dial_case c;
    struct mox_dial_request request;
    struct sim_call call = {.w = sim};
    struct mox_plan *plan = NULL;
    struct mox_error err = {0};
    enum act act;
    uint64_t began;
    uint32_t steps;
    mox_op_id id;

    draw_zone();
    draw_network();
    draw_config();
    c = draw_request();
    request = *dial_request_of(&c);
    act = one_in(2) ? ACT_WAIT : (enum act)below(ACT_NEXT + 1);
    steps = act == ACT_WAIT ? 0 : below(60);
    if (one_in(2))
        plan = request.plan = mox_plan_new(sim->ctx);
    if (one_in(4))
        test_fail_alloc(1 + (long)below(120));
    if (plan != NULL && one_in(3))
        mox_plan_resolve(sim->ctx, &request, NULL);
    began = world_ms(sim);
    id = mox_dial_start(sim->ctx, &request, sim_on_conn, &call, &err);
    for (; id != 0 && steps > 0 && world_step(sim); steps--)
        ;
    if (id != 0)
        act_on(&call, id, act);
    else if (err.code != MOX_E_NOMEM && err.code != MOX_E_INVAL)
        world_fault(sim, "no start: %s", err.message);
    test_fail_alloc(0);
    check_families(&c);
    if (id != 0)
        check_end(&c, &call, act, began);
    if (sim->ended)
        return;
    mox_conn_close(call.conn);
    mox_plan_free(plan);
}

static void run_seed(uint64_t seed)
{
    const char *fault;

    sim = world_new(seed, NULL);
    run_world();
    fault = world_end(sim);
    ck_assert_msg(fault == NULL, "MOX_SEED=%llu: %s\n%s", (unsigned long long)seed, fault,
                  sim->log.ptr);
    world_free(sim);
}

START_TEST(worlds)
{
    const char *one = getenv("MOX_SEED"), *many = getenv("MOX_SEEDS");
    uint64_t last = many == NULL ? SEEDS : strtoull(many, NULL, 10);

    if (one != NULL) {
        run_seed(strtoull(one, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= last; seed++)
        run_seed(seed);
}
END_TEST

TCase *test_dial_worlds(void)
{
    TCase *tcase = tcase_create("dial/worlds");

    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, worlds);
    return tcase;
}
