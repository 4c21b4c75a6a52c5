/*
 * show_plan.h - a plan as JSON and as text: MX hosts, candidates, what was dropped, attempts.
 */
#ifndef TOOLS_SHOW_PLAN_H
#define TOOLS_SHOW_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <moxdial.h>

/* plan NULL: all keys are there, null or empty. named: the route by --transport. err: what ended
 * the planning, or NULL. */
json_t *show_plan_object(const struct mox_plan *plan, bool named, const struct mox_error *err);
json_t *show_plan_attempts(const struct mox_plan *plan);

/* Whether a route was found at all: an error before that, err, leaves the plan without one. */
bool show_plan_has_route(const struct mox_plan *plan, const struct mox_error *err);

/* Candidates that are not dropped; they stand first. */
uint32_t show_plan_kept(const struct mox_plan *plan);

/* The route, its reason and the next hop, a line each; the rest, where the plan came so far. */
void show_plan_print_route(const struct mox_plan *plan, bool named);
void show_plan_print(const struct mox_plan *plan);

/* Why a candidate that is kept needs the TLS it needs; NULL: there is nothing to say. */
const char *show_plan_tls_reason(const struct mox_candidate *candidate);

#endif
