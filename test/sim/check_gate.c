/* check_gate.c - see check.h: RequireReverseDNS and RequireSPF. */
#include <stdio.h>
#include <string.h>

#include "test/sim/check.h"

enum { LIFE_US = 300 * 1000 * 1000 }; /* of what dns.c says, and of what is not there */

static bool has_gate(const struct run_dial *d)
{
    return d->started && (d->reference.gates[0].asks || d->reference.gates[1].asks);
}

/* How long the dial may wait for that; 0: it may not ask it. */
static uint32_t most_of(const struct run_dial *d, const char *name, const char *type)
{
    uint32_t most = 0, ms;

    for (int i = 0; i < 2 && d->started; i++) {
        if (reference_gate_asks(&d->reference.gates[i], name, type, &ms) && ms > most)
            most = ms;
    }
    return most;
}

uint32_t check_gate_most_ms(const struct run *run, const char *name, const char *type)
{
    uint32_t most = 0;

    for (size_t i = 0; i < run->seed->ndials; i++) {
        uint32_t ms = most_of(&run->dials[i], name, type);

        most = ms > most ? ms : most;
    }
    return most;
}

void check_shut_out(struct run_dial *d, int status, const struct mox_error *err)
{
    const struct reference *r = &d->reference;

    if (!r->shut_out || 10 * r->worst_ms >= 9 * (uint64_t)r->total_ms)
        return;
    if (status != MOX_E_FILTERED || err->permanent != 0 || err->action != MOX_ACTION_LATER ||
        err->about != MOX_ABOUT_SOURCE)
        run_broken(d->run, "gate", "dial %d, whose addresses are all shut, ends with %s, %s: %s",
                   run_number_of(d), mox_status_name(status), mox_action_name(err->action),
                   err->message);
}

/* Whether another dial of the run has a gate. */
static bool is_alone(const struct run_dial *d)
{
    for (size_t i = 0; i < d->run->seed->ndials; i++) {
        if (&d->run->dials[i] != d && has_gate(&d->run->dials[i]))
            return false;
    }
    return true;
}

void check_answered(struct run_dial *d)
{
    const struct mox_attempt *first = mox_plan_attempt(d->plan, 0);
    struct dns_asked asked;

    if (!has_gate(d) || !is_alone(d) || first == NULL)
        return;
    for (size_t i = 0; dns_asked_at(d->run->w, i, &asked); i++) {
        uint64_t at_ms = d->plan_ms + (uint64_t)first->start_ms;
        uint64_t over_ms = world_ms_of(asked.ended.us);

        if (world_ms_of(asked.asked.us) < d->plan_ms || over_ms <= at_ms ||
            most_of(d, asked.name, dns_type_text(asked.type)) == 0)
            continue;
        run_broken(d->run, "gate", "dial %d connects at %llu ms, and %s is answered at %llu",
                   run_number_of(d), (unsigned long long)at_ms, asked.name,
                   (unsigned long long)over_ms);
    }
}

/* Whether what was found is kept, and for all dials: none was ended before, and all say the same
 * name in EHLO. */
static bool keeps_findings(const struct run *run)
{
    for (size_t i = 0; i < run->seed->ndials; i++) {
        const struct run_dial *d = &run->dials[i];

        if (has_gate(d) && 10 * d->reference.worst_ms >= 9 * (uint64_t)d->reference.total_ms)
            return false;
    }
    return run_is_sound(run) && !run->seed->secure && !run->cancelled && !run->shut_down;
}

void check_gates(struct run *run)
{
    struct dns_asked late, early;
    uint64_t ms;

    for (size_t i = 0; keeps_findings(run) && dns_asked_at(run->w, i, &late); i++) {
        if (late.type != dns_type("PTR") || !reference_reverse_is_plain(run->seed, late.name, &ms))
            continue;
        for (size_t k = i + 1; dns_asked_at(run->w, k, &early); k++) {
            uint64_t since_us = late.asked.us - early.asked.us;

            if (early.type == late.type && strcmp(early.name, late.name) == 0 &&
                since_us > 1000 * ms && since_us < LIFE_US)
                run_broken(run, "gate", "%s is asked for again after %llu ms", late.name,
                           (unsigned long long)since_us / 1000);
        }
    }
}
