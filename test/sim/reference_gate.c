/* reference_gate.c - see reference_gate.h. */
#include "test/sim/reference_gate.h"

#include <string.h>

enum { NO_NAME = 3, MOST_NAMES = 10, SPF_MS = 20000, FOR_EVER = 1000000, LEAST_MS = 500 };

static const struct seed_ours *find(const struct seed *seed, const struct mox_ip *ip)
{
    for (size_t i = 0; i < SEED_OURS; i++) {
        if (sim_same_ip(&seed->ours[i].ip, ip))
            return &seed->ours[i];
    }
    return NULL;
}

/* NATIPs stand for LocalIPs where there is but one of the family: 203.0.113.200 is always there,
 * and both of a zone or none. */
static const struct seed_ours *nat_of(const struct seed *seed, const struct seed_config *config,
                                      int family)
{
    struct mox_ip ip = {.family = MOX_IPV4, .bytes = {203, 0, 113, 200}};
    int zones = 0, last = 0;

    for (int i = 0; i < SEED_DOMAINS; i++) {
        zones += config->nat[i];
        last = config->nat[i] ? i : last;
    }
    if (family == MOX_IPV4)
        return zones == 0 ? find(seed, &ip) : NULL;
    ip = (struct mox_ip){.family = MOX_IPV6,
                         .bytes = {0x20, 1, 0x0d, 0xb8, 0xff, 0xff, [15] = (uint8_t)(last + 1)}};
    return zones == 1 ? find(seed, &ip) : NULL;
}

/* The address that the world sees. */
static const struct seed_ours *public_of(const struct seed *seed, const struct seed_config *config,
                                         int family, const struct mox_ip *source)
{
    const struct seed_ours *own =
        source->family != 0 ? find(seed, source) : &seed->ours[family == MOX_IPV4 ? 0 : 1];
    const struct seed_ours *nat = nat_of(seed, config, family);

    for (size_t i = 0; i < config->nlocal_ips; i++) {
        if (own != NULL && nat != NULL && sim_same_ip(&config->local_ips[i], &own->ip))
            return nat;
    }
    return own;
}

/* Whether the PTR records, or that there are none, can be had. */
static bool has_ptr(const struct seed *seed, const struct seed_ours *ours, uint32_t timeout_ms,
                    uint64_t *ms)
{
    bool asks = true;

    if (ours->cname.there) {
        if (!reference_is_answered(seed, &ours->cname, timeout_ms, ms))
            return false;
        /* what is said of the alias's end is known, unless that is nothing */
        asks = ours->cname.first_only || (ours->n == 0 && ours->ptr.rcode == 0);
    }
    if (asks && !reference_is_answered(seed, &ours->ptr, timeout_ms, ms))
        return false;
    return ours->ptr.rcode == 0 || ours->ptr.rcode == NO_NAME;
}

static int reverse_of(const struct seed *seed, const struct seed_ours *ours, uint32_t timeout_ms,
                      uint64_t *ms)
{
    bool leads = false, failed = false;

    if (!has_ptr(seed, ours, timeout_ms, ms))
        return REFERENCE_LAST;
    for (size_t i = 0; i < ours->n && i < MOST_NAMES; i++) {
        const struct seed_ours_name *name = &ours->names[i];
        bool answered = reference_is_answered(seed, &name->set, timeout_ms, ms);

        leads = leads || (answered && name->leads);
        failed = failed || !answered || (name->set.rcode != 0 && name->set.rcode != NO_NAME);
    }
    if (leads)
        return REFERENCE_OPEN;
    return failed ? REFERENCE_LAST : REFERENCE_SHUT;
}

/* What the record says, once it is read. */
static bool record_fails(const struct seed_sender *sender, const struct seed_ours *ours)
{
    switch (sender->kind) {
    case SEED_SPF_SOFTFAIL:
    case SEED_SPF_FAIL:
    case SEED_SPF_OF_SENDER:
        return true;
    case SEED_SPF_IP4:
        return strcmp(ours->text, "198.51.100.9") != 0;
    case SEED_SPF_IP6:
        return strcmp(ours->text, "2001:db8:9::9") != 0;
    case SEED_SPF_NAT:
        return strncmp(ours->text, "203.0.113.", 10) != 0 &&
               strncmp(ours->text, "2001:db8:ffff:", 14) != 0;
    default:
        return false;
    }
}

static int spf_of(const struct seed *seed, const struct seed_sender *sender,
                  const struct seed_ours *ours, uint32_t timeout_ms, uint64_t *ms)
{
    const struct seed_set *txt = sender->txt.there ? &sender->txt : NULL;

    if (strchr(sender->name, '.') == NULL) /* no domain of mail */
        return REFERENCE_OPEN;
    if (!reference_is_answered(seed, txt, timeout_ms, ms))
        return REFERENCE_LAST;
    if (txt == NULL || txt->rcode == NO_NAME)
        return REFERENCE_OPEN;
    if (txt->rcode != 0)
        return REFERENCE_LAST;
    if (sender->kind == SEED_SPF_OF_SENDER && !reference_is_answered(seed, NULL, timeout_ms, ms))
        return REFERENCE_LAST;
    return record_fails(sender, ours) ? REFERENCE_SHUT : REFERENCE_OPEN;
}

static int perhaps(int finding, int in_the_end)
{
    return finding == REFERENCE_LAST && in_the_end == REFERENCE_SHUT ? REFERENCE_PERHAPS_SHUT
                                                                     : finding;
}

/* Of the two, what is worse for the family. */
static void add_finding(struct reference_gate *out, int finding)
{
    static const int weight[] = {[REFERENCE_OPEN] = 0,
                                 [REFERENCE_LAST] = 1,
                                 [REFERENCE_PERHAPS_SHUT] = 2,
                                 [REFERENCE_SHUT] = 3};

    if (weight[finding] > weight[out->finding])
        out->finding = finding;
}

/* The domain of the sender; of none, the name for EHLO. */
static const struct seed_sender *sender_of(const struct reference_gate_facts *f)
{
    int ehlo = seed_names() + (f->seed->secure ? 1 + (int)(f->dial - f->seed->dials) : 0);

    return &f->seed->senders[f->dial->from >= 0 ? f->dial->from : ehlo];
}

void reference_gate(const struct reference_gate_facts *f, int family, const struct mox_ip *source,
                    struct reference_gate *out)
{
    const struct seed_ours *ours = public_of(f->seed, f->config, family, source);
    uint64_t unused = 0;

    out->dns_ms = f->dns_ms;
    out->spf_ms = f->config->timeouts.dns != 0 ? f->config->timeouts.dns : SPF_MS;
    out->asks = true;
    out->ours = ours;
    out->reverse = f->transport->reverse_dns;
    if (out->reverse)
        add_finding(out, perhaps(reverse_of(f->seed, ours, f->dns_ms, &out->ms),
                                 reverse_of(f->seed, ours, FOR_EVER, &unused)));
    if (!f->transport->spf)
        return;
    out->sender = sender_of(f);
    add_finding(out, perhaps(spf_of(f->seed, out->sender, ours, out->spf_ms, &out->ms),
                             spf_of(f->seed, out->sender, ours, FOR_EVER, &unused)));
}

static bool asks_of_sender(const struct reference_gate *gate, const char *name, const char *type)
{
    if (gate->sender == NULL)
        return false;
    if (strcmp(type, "TXT") == 0)
        return strcmp(name, gate->sender->name) == 0;
    return gate->sender->kind == SEED_SPF_OF_SENDER &&
           strcmp(type, gate->ours->ip.family == MOX_IPV4 ? "A" : "AAAA") == 0 &&
           strstr(name, ".nobody.ours.example") != NULL;
}

static bool asks_of_address(const struct reference_gate *gate, const char *name, const char *type)
{
    const struct seed_ours *ours = gate->ours;

    if (strcmp(type, "PTR") == 0)
        return strcmp(name, ours->reverse) == 0 || strcmp(name, ours->alias) == 0;
    if (strcmp(type, ours->ip.family == MOX_IPV4 ? "A" : "AAAA") != 0)
        return false;
    for (size_t i = 0; i < ours->n && i < MOST_NAMES; i++) {
        if (strcmp(ours->names[i].text, name) == 0)
            return true;
    }
    return false;
}

bool reference_gate_asks(const struct reference_gate *gate, const char *name, const char *type,
                         uint32_t *most_ms)
{
    if (!gate->asks)
        return false;
    *most_ms = gate->spf_ms;
    if (asks_of_sender(gate, name, type))
        return true;
    *most_ms = gate->dns_ms;
    return gate->reverse && asks_of_address(gate, name, type);
}

bool reference_reverse_is_plain(const struct seed *seed, const char *name, uint64_t *ms)
{
    *ms = 0;
    for (size_t i = 0; i < SEED_OURS; i++) {
        const struct seed_ours *ours = &seed->ours[i];

        if (strcmp(ours->reverse, name) == 0 || strcmp(ours->alias, name) == 0)
            return reverse_of(seed, ours, LEAST_MS, ms) != REFERENCE_LAST;
    }
    return false;
}
