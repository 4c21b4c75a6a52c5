/* tell.c - see tell.h. */
#include "test/sim/tell.h"

#include <stdio.h>

static void tell_set(const struct dns_set *set)
{
    static const char *const fates[] = {
        [DNS_ANSWERS] = "",     [DNS_LOST] = " lost",         [DNS_UNASKABLE] = " unaskable",
        [DNS_FAILS] = " fails", [DNS_GARBAGE] = " garbage",   [DNS_TRUNCATED] = " truncated",
        [DNS_OTHER] = " other", [DNS_POISONED] = " poisoned",
    };

    printf("| %s %s%s rcode %d", set->name, dns_type_text(set->type), fates[set->fate], set->rcode);
    if (set->timed)
        printf(" after %u ms", (unsigned)set->ms);
    printf("%s:", set->first_only ? " alone" : "");
    for (size_t i = 0; i < set->n; i++)
        printf(" %s", set->rdata[i]);
    printf("\n");
}

static void tell_secure(const struct secure *secure)
{
    if (secure->there)
        printf("; TLS %s%s%s%s%s, reply %d, shake %d, after %d", paper_name(secure->paper),
               secure->offered ? "" : ", not offered", secure->immediate ? ", immediate" : "",
               secure->tickets ? "" : ", no tickets", secure->requiretls ? ", requiretls" : "",
               secure->reply, secure->shake, secure->after);
    if (secure->login.mechanisms != 0)
        printf("; login %x%s, fault %d", (unsigned)secure->login.mechanisms,
               secure->login.plain ? " in clear too" : "", secure->login.fault);
}

static void tell_place(const struct seed_place *place)
{
    static const char *const fates[] = {
        [NET_UP] = "up",
        [NET_REFUSED] = "refused",
        [NET_SILENT] = "silent",
        [NET_UNREACHABLE] = "unreachable",
        [NET_LATE_UNREACHABLE] = "late-unreachable",
        [NET_NO_FILES] = "no-files",
        [NET_NO_PORTS] = "no-ports",
        [NET_BROKEN_OPS] = "broken",
    };

    printf("| %s %s after %u ms: %s", place->text, fates[place->fate], (unsigned)place->ms,
           place->server->name);
    tell_secure(&place->secure);
    printf("; proxy fault %d%s\n", place->proxy.fault, place->proxy.wants_login ? ", login" : "");
}

static void tell_pair(const struct run_dial *d, const struct reference_pair *pair)
{
    const struct reference_demand *demand = &pair->demand;
    const struct reference_end *end = &pair->end;

    printf("|   %s %s: %s%s%s%s%s%s%s -> %s%s%s%s verified %d, %llu ms\n", pair->host,
           d->run->seed->places[pair->place].text, demand->unsure ? "unsure " : "",
           demand->never ? "never " : "", demand->always ? "always " : "",
           demand->immediate ? "immediate " : "", demand->pkix ? "pkix " : "",
           demand->dane ? "dane " : "", demand->or_plain ? "or plain " : "",
           end->serves ? "serves" : "fails", end->unsure ? ", perhaps" : "",
           end->again ? ", the second time" : "", end->tls ? ", over TLS" : "", end->verified,
           (unsigned long long)end->ms);
}

static void tell_dial(const struct run_dial *d)
{
    const struct reference *r = &d->reference;

    printf("| dial %d: zone %d port %u families %u, %s%u sure sessions, %u perhaps, of %u; %u more "
           "connect, %u greet; at most %llu ms of %u\n",
           (int)(d - d->run->dials), r->zone, (unsigned)r->port, (unsigned)r->families,
           r->refused ? "refused, " : "", r->sessions, r->perhaps, r->pairs, r->connects, r->greets,
           (unsigned long long)r->worst_ms, (unsigned)r->total_ms);
    for (size_t i = 0; i < r->nknown; i++)
        tell_pair(d, &r->known[i]);
}

void tell_world(const struct run *run)
{
    for (const struct dns_set *set = run->w->zone; set != NULL; set = set->next)
        tell_set(set);
    for (size_t i = 0; i < run->seed->nplaces; i++)
        tell_place(&run->seed->places[i]);
    for (int i = 0; i < 2; i++) {
        const char *domains = NULL;

        if (!run->seed->configs[i].there)
            continue;
        printf("%s", seed_config_text(&run->seed->configs[i], run->w, &domains));
        printf("%s", domains == NULL ? "" : domains);
    }
    for (size_t i = 0; i < run->seed->ndials; i++) {
        if (run->dials[i].started)
            tell_dial(&run->dials[i]);
    }
}
