/*
 * seed_secure.c - TLS, TLSA records, MTA-STS, logins and proxies of a seed, drawn and built; see
 * seed.h. Only some seeds have them, for handshakes take their time.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/sim/seed.h"

enum { RDATA = 8192 };

/* The paper that most servers of a zone show, and who issued it. */
static enum paper main_paper(const struct seed *seed, int zone)
{
    static const enum paper mains[] = {PAPER_HOSTS,    PAPER_HOSTS,     PAPER_HOSTS,
                                       PAPER_WILDCARD, PAPER_BETWEEN,   PAPER_DOMAINS,
                                       PAPER_HOSTS,    PAPER_UNRELATED, PAPER_SELF_SIGNED};

    return mains[(seed->number / 7 + (uint64_t)zone * 5) % 9];
}

static enum paper issuer_of(enum paper which)
{
    switch (which) {
    case PAPER_DOMAINS:
    case PAPER_BETWEEN:
    case PAPER_HOLE:
        return PAPER_ISSUER;
    case PAPER_UNRELATED:
        return PAPER_STRANGE_ROOT;
    case PAPER_SELF_SIGNED:
        return which;
    default:
        return PAPER_ROOT;
    }
}

static void draw_login(struct seed *seed, struct login *login)
{
    login->mechanisms = seed_below(seed, 1u << LOGIN_MECHANISMS);
    login->plain = seed_one_in(seed, 3);
    if (seed_one_in(seed, 4))
        login->fault = (int)seed_below(seed, LOGIN_FAULTS);
}

static bool is_immediate(const struct seed *seed, int zone)
{
    const struct seed_config *config = &seed->configs[0];
    int transport = zone - SEED_DOMAINS;

    return transport >= 0 && (size_t)transport < config->ntransports &&
           config->transports[transport].kind == MOX_KIND_SUBMISSIONS;
}

static void draw_secure(struct seed *seed, struct seed_place *place)
{
    struct secure *secure = &place->secure;

    secure->there = !seed_one_in(seed, 12);
    secure->offered = !seed_one_in(seed, 6);
    secure->immediate =
        is_immediate(seed, place->zone) ? !seed_one_in(seed, 6) : seed_one_in(seed, 60);
    secure->requiretls = seed_one_in(seed, 2);
    secure->tickets = !seed_one_in(seed, 3);
    secure->old_secret = seed_one_in(seed, 6);
    if (seed_one_in(seed, 9))
        secure->reply = (int)seed_below(seed, SECURE_REPLIES);
    if (seed_one_in(seed, 9))
        secure->shake = (int)seed_below(seed, SECURE_HANDSHAKES);
    if (seed_one_in(seed, 14))
        secure->after = (int)seed_below(seed, SECURE_AFTERS);
    secure->paper = main_paper(seed, place->zone);
    if (seed_one_in(seed, 4))
        secure->paper = seed_below(seed, PAPER_SERVERS);
    if (place->zone >= SEED_DOMAINS)
        draw_login(seed, &secure->login);
    place->proxy.wants_login = seed_one_in(seed, 3);
    if (seed_one_in(seed, 6))
        place->proxy.fault = (int)seed_below(seed, PROXY_FAULTS);
}

static void draw_record(struct seed *seed, int zone, struct seed_tlsa_record *record)
{
    record->paper = main_paper(seed, zone);
    record->usage = seed_one_in(seed, 3) ? 2 : 3;
    record->selector = seed_one_in(seed, 3) ? 0 : 1;
    record->matching = seed_one_in(seed, 2) ? 1 : (int)seed_below(seed, 3);
    if (record->usage == 2)
        record->paper = issuer_of(record->paper);
    if (seed_one_in(seed, 5))
        record->paper = seed_below(seed, PAPERS);
    if (seed_one_in(seed, 5))
        record->fault = (int)seed_below(seed, SEED_TLSA_FAULTS);
}

static void draw_tlsa(struct seed *seed, int zone, bool is_signed, struct seed_tlsa *tlsa)
{
    if (seed_one_in(seed, is_signed ? 3 : 2))
        return;
    seed_draw_set(seed, &tlsa->set);
    tlsa->set.authentic = is_signed && !seed_one_in(seed, 10);
    if (tlsa->set.rcode != 0 || seed_one_in(seed, 12))
        return;
    draw_record(seed, zone, &tlsa->later);
    if (seed_one_in(seed, 2))
        tlsa->later.paper = PAPER_OTHER_NAME;
    tlsa->n = 1 + seed_below(seed, SEED_TLSA);
    for (size_t i = 0; i < tlsa->n; i++)
        draw_record(seed, zone, &tlsa->records[i]);
}

static void draw_host(struct seed *seed, int zone, bool is_signed, struct seed_host *host)
{
    bool authentic = is_signed && !seed_one_in(seed, 12);

    host->v4.set.authentic = host->v6.set.authentic = authentic;
    if (seed_one_in(seed, 20))
        host->v4.set.authentic = !authentic;
    host->cname.authentic = is_signed && !seed_one_in(seed, 6);
    draw_tlsa(seed, zone, is_signed, &host->tlsa);
}

static void draw_pattern(struct seed *seed, int number, char out[SEED_TEXT])
{
    unsigned hosts = (unsigned)seed->zones[number].nhosts;

    switch (seed_below(seed, 6)) {
    case 0:
    case 1:
        snprintf(out, SEED_TEXT, "*.z%d.example", number);
        break;
    case 2:
        snprintf(out, SEED_TEXT, "z%d.example", number);
        break;
    case 3:
        snprintf(out, SEED_TEXT, "*.example");
        break;
    default:
        snprintf(out, SEED_TEXT, "h%u.z%d.example", seed_below(seed, hosts), number);
        break;
    }
}

static void draw_sts(struct seed *seed, int number, struct seed_sts *sts)
{
    static const uint32_t ms[] = {0, 3, 30, 300, 2000, 9000};
    static const int statuses[] = {404,
                                   500,
                                   301,
                                   204,
                                   MOX_E_VERIFY,
                                   MOX_E_TLS,
                                   MOX_E_TIMEOUT,
                                   MOX_E_LIMIT,
                                   MOX_E_NO_DOMAIN,
                                   MOX_ERRNO(ECONNREFUSED)};

    if (seed_one_in(seed, 2))
        return;
    seed_draw_set(seed, &sts->txt);
    if (seed_one_in(seed, 6))
        sts->record = (int)seed_below(seed, SEED_STS_RECORDS);
    if (seed_one_in(seed, 6))
        sts->policy = (int)seed_below(seed, SEED_STS_POLICIES);
    sts->mode = seed_one_in(seed, 2) ? 2 : (int)seed_below(seed, 3);
    sts->nmx = 1 + seed_below(seed, SEED_PATTERNS);
    for (size_t i = 0; i < sts->nmx; i++)
        draw_pattern(seed, number, sts->mx[i]);
    sts->status = 200;
    if (seed_one_in(seed, 7))
        sts->status = statuses[seed_below(seed, 10)];
    if (seed_one_in(seed, 12))
        sts->fate = (int)seed_below(seed, 4);
    sts->ms = ms[seed_below(seed, 6)];
}

static void draw_zone(struct seed *seed, int number)
{
    struct seed_zone *zone = &seed->zones[number];
    bool is_signed = !seed_one_in(seed, 4);

    zone->mx_set.authentic = is_signed && !seed_one_in(seed, 12);
    draw_host(seed, number, is_signed, &zone->domain);
    for (size_t i = 0; i < zone->nhosts; i++)
        draw_host(seed, number, is_signed, &zone->hosts[i]);
    for (size_t i = 0; i < zone->naliases; i++)
        draw_host(seed, number, is_signed, &zone->aliases[i]);
    if (number < SEED_DOMAINS)
        draw_sts(seed, number, &zone->sts);
}

/* Others than those that were drawn for the whole, with more to say here. */
static void draw_kind(struct seed *seed, struct seed_transport *t)
{
    static const int kinds[] = {MOX_KIND_SMTP, MOX_KIND_SUBMISSION, MOX_KIND_SUBMISSIONS,
                                MOX_KIND_SOCKS, MOX_KIND_SOCKS};

    if (t->kind != MOX_KIND_DIRECT || seed_one_in(seed, 2))
        return;
    t->kind = kinds[seed_below(seed, 5)];
    t->nlocal_ips = 0;
    t->reverse_dns = false;
}

static void draw_mechanisms(struct seed *seed, const struct seed_config *config,
                            struct seed_transport *t)
{
    unsigned known = config->mox ? LOGIN_LOGIN : LOGIN_MECHANISMS;

    t->auth = !seed_one_in(seed, 3);
    if (seed_one_in(seed, 3))
        return;
    for (unsigned n = 1 + seed_below(seed, 4); n > 0; n--) {
        int mechanism = (int)seed_below(seed, known);
        bool twice = false;

        for (size_t i = 0; i < t->nmechanisms; i++)
            twice = twice || t->mechanisms[i] == mechanism;
        if (!twice)
            t->mechanisms[t->nmechanisms++] = mechanism;
    }
}

static void draw_transport(struct seed *seed, const struct seed_config *config,
                           struct seed_transport *t)
{
    draw_kind(seed, t);
    if (config->mox && t->kind != MOX_KIND_DIRECT)
        t->families = MOX_ALLOW_IPV4 | MOX_ALLOW_IPV6;
    if (t->kind == MOX_KIND_SOCKS)
        t->proxy_login = !config->mox && seed_one_in(seed, 2);
    if (t->kind != MOX_KIND_SMTP && t->kind != MOX_KIND_SUBMISSION &&
        t->kind != MOX_KIND_SUBMISSIONS)
        return;
    t->no_starttls = t->kind != MOX_KIND_SUBMISSIONS && seed_one_in(seed, 4);
    t->skip_verify = t->kind != MOX_KIND_SUBMISSIONS && !t->no_starttls && seed_one_in(seed, 4);
    draw_mechanisms(seed, config, t);
}

static void draw_times(struct seed *seed, struct mox_timeouts *times)
{
    static const uint32_t tls[] = {0, 1503, 5003}, store[] = {0, 503};

    times->tls = tls[seed_below(seed, 3)];
    times->auth = tls[seed_below(seed, 3)];
    times->store = store[seed_below(seed, 2)];
}

static void draw_dial(struct seed *seed, struct seed_dial *d)
{
    unsigned transports = (unsigned)seed->configs[0].ntransports;

    if (seed_one_in(seed, 8))
        d->flags |= MOX_DIAL_REQUIRETLS;
    else if ((d->flags & MOX_DIAL_REQUIRETLS) == 0 && seed_one_in(seed, 6))
        d->flags |= MOX_DIAL_TLS_OPTIONAL;
    if (seed_one_in(seed, 8))
        d->flags |= MOX_DIAL_NO_RESUME;
    if (d->timeouts.size != 0)
        draw_times(seed, &d->timeouts);
    if (transports > 0 && seed_one_in(seed, 3))
        snprintf(d->transport, sizeof d->transport, "t%u", seed_below(seed, transports));
    else if (!seed_one_in(seed, 3))
        d->transport[0] = '\0';
}

/* A zone where nobody wants our mail: it may be returned only if all of them were asked. */
static void draw_refusal(struct seed *seed)
{
    int zone = (int)seed_below(seed, 2);
    const char *how = seed_one_in(seed, 2) ? "reject" : "reject-ehlo";

    for (size_t i = 0; i < seed->nplaces; i++) {
        struct seed_place *place = &seed->places[i];

        if (place->zone != zone)
            continue;
        place->server = server_profile(how);
        place->fate = NET_UP;
        place->secure.immediate = false;
    }
}

static void model_host(struct seed *seed, int zone, struct seed_host *host)
{
    struct seed_tlsa *tlsa = &host->tlsa;

    host->cname.authentic = host->v4.set.authentic = host->v6.set.authentic = true;
    tlsa->set = (struct seed_set){.there = true, .authentic = true};
    tlsa->n = 1;
    tlsa->records[0] = (struct seed_tlsa_record){3, 1, 1, SEED_TLSA_FITS, main_paper(seed, zone)};
    if (tlsa->later.usage == 0)
        tlsa->later = (struct seed_tlsa_record){3, 1, 1, SEED_TLSA_FITS, PAPER_OTHER_NAME};
}

/* A zone with DANE as it should be. */
static void draw_model(struct seed *seed, int number)
{
    struct seed_zone *zone = &seed->zones[number];

    zone->mx_set.authentic = true;
    model_host(seed, number, &zone->domain);
    for (size_t i = 0; i < zone->nhosts; i++)
        model_host(seed, number, &zone->hosts[i]);
    for (size_t i = 0; i < zone->naliases; i++)
        model_host(seed, number, &zone->aliases[i]);
    for (size_t i = 0; i < seed->nplaces; i++) {
        struct secure *secure = &seed->places[i].secure;

        if (seed->places[i].zone == number && !seed_one_in(seed, 4))
            *secure = (struct secure){.there = true,
                                      .offered = true,
                                      .tickets = true,
                                      .requiretls = secure->requiretls,
                                      .paper = main_paper(seed, number)};
    }
}

/* What one dial learned another one may use, and must not where more is demanded by then. */
static void draw_again(struct seed *seed)
{
    size_t last = seed->ndials - 1;
    bool rolls = seed_one_in(seed, 2);

    if (last == 0 || seed_one_in(seed, 2))
        return;
    seed->dials[last] = seed->dials[0];
    if (seed->dials[last].habit == SEED_FREES)
        seed->dials[last].habit = SEED_KEEPS;
    for (size_t i = 0; i < seed->nacts; i++) {
        struct seed_act *act = &seed->acts[i];

        if (act->deed == SEED_START && act->dial == (int)last)
            *act = (struct seed_act){131, SEED_START, (int)last, 0};
    }
    if (!rolls || seed->nacts == SEED_ACTS)
        return;
    seed->acts[seed->nacts++] = (struct seed_act){130, SEED_ROLL, (int)last, 30000};
    if (seed->dials[0].zone < SEED_DOMAINS)
        draw_model(seed, seed->dials[0].zone);
}

static void calm_set(struct seed *seed, struct seed_set *set)
{
    if (seed_one_in(seed, 5))
        return;
    set->fate = DNS_ANSWERS;
    set->rcode = 0;
    set->timed = set->timed && set->ms < 500;
}

static void calm_host(struct seed *seed, struct seed_host *host)
{
    calm_set(seed, &host->cname);
    calm_set(seed, &host->v4.set);
    calm_set(seed, &host->v6.set);
}

/* A dial of a few domains, so that what one learns another one may use. */
static void calm_dial(struct seed *seed, struct seed_dial *d)
{
    if (d->target != SEED_TO_DOMAIN || d->server[0] != '\0')
        return;
    d->zone %= 2;
    snprintf(d->to_text, sizeof d->to_text, "b@%s", seed_name(d->zone)->canonical);
    if (d->habit == SEED_FREES || seed_one_in(seed, 2))
        d->habit = seed_one_in(seed, 2) ? SEED_WATCHES : SEED_GOES_ON;
    if (d->stop_at < MOX_STAGE_TLS && !seed_one_in(seed, 4))
        d->stop_at = 0;
}

/* Less goes wrong than elsewhere, so that more comes as far as TLS. */
static void calm_down(struct seed *seed)
{
    for (size_t i = 0; i < seed->nplaces; i++) {
        struct seed_place *place = &seed->places[i];

        if (!seed_one_in(seed, 8))
            place->fate = NET_UP;
        if (!seed_one_in(seed, 6))
            place->server = server_profile("ok");
    }
    for (int i = 0; i < SEED_ZONES; i++) {
        struct seed_zone *zone = &seed->zones[i];

        calm_set(seed, &zone->mx_set);
        calm_host(seed, &zone->domain);
        for (size_t k = 0; k < zone->nhosts; k++)
            calm_host(seed, &zone->hosts[k]);
        for (size_t k = 0; k < zone->naliases; k++)
            calm_host(seed, &zone->aliases[k]);
    }
    for (size_t i = 0; i < seed->ndials; i++)
        calm_dial(seed, &seed->dials[i]);
}

void seed_draw_security(struct seed *seed)
{
    seed->secure = seed->number % 2 == 0;
    if (!seed->secure)
        return;
    if (!seed_one_in(seed, 4))
        calm_down(seed);
    for (int i = 0; i < 2; i++) {
        struct seed_config *config = &seed->configs[i];

        for (size_t k = 0; k < config->ntransports; k++)
            draw_transport(seed, config, &config->transports[k]);
        if (config->there && !config->mox)
            draw_times(seed, &config->timeouts);
    }
    for (int i = 0; i < SEED_ZONES; i++)
        draw_zone(seed, i);
    for (size_t i = 0; i < seed->nplaces; i++)
        draw_secure(seed, &seed->places[i]);
    for (size_t i = 0; i < seed->ndials; i++)
        draw_dial(seed, &seed->dials[i]);
    draw_again(seed);
    if (seed_one_in(seed, 6))
        draw_refusal(seed);
    seed->store = seed_one_in(seed, 2) ? STORE_OF_LIBRARY : (int)seed_below(seed, STORE_KINDS);
}

static struct dns_set *build_set(struct world *w, const char *name, const char *type,
                                 const struct seed_set *from)
{
    struct dns_set *set = dns_set(w, name, dns_type(type));

    set->ms = from->ms;
    set->timed = from->timed;
    set->rcode = from->rcode;
    set->fate = from->fate;
    set->code = from->code;
    set->authentic = from->authentic;
    return set;
}

static void record_text(const struct seed_tlsa_record *record, char *out, size_t cap)
{
    struct papers_record wanted = {record->usage, record->selector, record->matching,
                                   record->paper};

    if (record->fault == SEED_TLSA_SHORT && wanted.matching == 0)
        wanted.matching = 1;
    papers_record(&wanted, out, cap);
    if (record->fault == SEED_TLSA_USAGE)
        out[0] = record->usage == 2 ? '0' : '1';
    else if (record->fault == SEED_TLSA_SELECTOR)
        out[2] = '7';
    else if (record->fault == SEED_TLSA_MATCHING)
        out[4] = '9';
    else if (record->fault == SEED_TLSA_SHORT)
        out[strlen(out) - 4] = '\0';
}

static void build_tlsa(struct world *w, const struct seed_host *host)
{
    char name[SEED_TEXT + 16], rdata[RDATA];
    struct dns_set *set;

    if (!host->tlsa.set.there)
        return;
    snprintf(name, sizeof name, "_25._tcp.%s", host->name);
    set = build_set(w, name, "TLSA", &host->tlsa.set);
    for (size_t i = 0; i < host->tlsa.n; i++) {
        record_text(&host->tlsa.records[i], rdata, sizeof rdata);
        dns_add(w, set, rdata);
    }
}

size_t seed_sts_text(const struct seed_sts *sts, char *out, size_t cap)
{
    static const char *const modes[] = {"none", "testing", "enforce"};
    size_t used = 0;

    if (sts->policy == SEED_STS_NONSENSE)
        return (size_t)snprintf(out, cap, "<html><body>Welcome</body></html>\n");
    used += (size_t)snprintf(out, cap, "version: STSv1\r\n");
    if (sts->policy != SEED_STS_NO_MODE)
        used += (size_t)snprintf(out + used, cap - used, "mode: %s\n", modes[sts->mode]);
    for (size_t i = 0; i < sts->nmx && sts->policy != SEED_STS_NO_MX; i++)
        used += (size_t)snprintf(out + used, cap - used, "mx: %s\n", sts->mx[i]);
    return used + (size_t)snprintf(out + used, cap - used, "max_age: 86400\n");
}

static void build_sts(struct world *w, const struct seed_zone *zone)
{
    static const char *const records[] = {
        [SEED_STS_GOOD] = "\"v=STSv1; id=20231114;\"",
        [SEED_STS_TWICE] = "\"v=STSv1; id=20231114;\"",
        [SEED_STS_BROKEN] = "\"v=STSv1; id=not-an-id!;\"",
        [SEED_STS_OTHER] = "\"v=spf1 -all\"",
    };
    const struct seed_sts *sts = &zone->sts;
    char name[SEED_TEXT + 16], body[512];
    struct fetch_page *page;
    struct dns_set *set;

    if (!sts->txt.there)
        return;
    snprintf(name, sizeof name, "_mta-sts.%s", zone->domain.name);
    set = build_set(w, name, "TXT", &sts->txt);
    if (sts->txt.rcode == 0)
        dns_add(w, set, records[sts->record]);
    if (sts->txt.rcode == 0 && sts->record == SEED_STS_TWICE)
        dns_add(w, set, "\"v=STSv1; id=2;\"");
    page = fetch_page(w, zone->domain.name);
    seed_sts_text(sts, body, sizeof body);
    page->body = world_text(w, body);
    page->status = sts->status;
    page->fate = sts->fate;
    page->ms = sts->ms;
}

void seed_build_security(const struct seed *seed, struct world *w)
{
    w->store = seed->store;
    if (!seed->secure)
        return;
    w->fetch_ops = true;
    for (int i = 0; i < SEED_ZONES; i++) {
        const struct seed_zone *zone = &seed->zones[i];

        build_tlsa(w, &zone->domain);
        for (size_t k = 0; k < zone->nhosts; k++)
            build_tlsa(w, &zone->hosts[k]);
        for (size_t k = 0; k < zone->naliases; k++)
            build_tlsa(w, &zone->aliases[k]);
        build_sts(w, zone);
    }
    for (size_t i = 0; i < seed->nplaces; i++)
        secure_prepare(w, &seed->places[i].secure);
}

static void roll(struct world *w, struct seed_host *host)
{
    char name[SEED_TEXT + 16], rdata[RDATA];
    struct dns_set *set;

    if (!host->tlsa.set.there || host->tlsa.n == 0)
        return;
    host->tlsa.records[0] = host->tlsa.later;
    host->tlsa.n = 1;
    snprintf(name, sizeof name, "_25._tcp.%s", host->name);
    set = dns_set(w, name, dns_type("TLSA"));
    set->n = 0;
    record_text(&host->tlsa.later, rdata, sizeof rdata);
    dns_add(w, set, rdata);
}

void seed_roll(struct seed *seed, int number, struct world *w)
{
    struct seed_zone *zone = &seed->zones[number];

    roll(w, &zone->domain);
    for (size_t i = 0; i < zone->nhosts; i++)
        roll(w, &zone->hosts[i]);
    for (size_t i = 0; i < zone->naliases; i++)
        roll(w, &zone->aliases[i]);
}
