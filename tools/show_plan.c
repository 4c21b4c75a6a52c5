/*
 * show_plan.c - see show_plan.h.
 */
#include "show_plan.h"

#include <stdio.h>
#include <string.h>

#include "output.h"
#include "show_route.h"
#include "table.h"

enum { NUMBER = 16, TEXT = 1024 };

bool show_plan_has_route(const struct mox_plan *plan, const struct mox_error *err)
{
    bool failed = err != NULL && err->code != MOX_OK && err->stage <= MOX_STAGE_ROUTE;
    const struct mox_route *route = plan == NULL ? NULL : &mox_plan_summary(plan)->route;

    /* Without a name it is direct delivery, or the lookup failed before it could tell. */
    return route != NULL && (route->transport != NULL || (route->families != 0 && !failed));
}

uint32_t show_plan_kept(const struct mox_plan *plan)
{
    const struct mox_candidate *candidate;
    uint32_t kept = 0;

    for (uint32_t i = 0; (candidate = mox_plan_candidate(plan, i)) != NULL; i++)
        kept += candidate->drop == MOX_DROP_NONE;
    return kept;
}

/* What a TLS report says (RFC 8460); type NULL: it says nothing. */
static json_t *report_object(const char *policy_type, const char *policy_domain,
                             const char *policy_string, const char *type, const char *code)
{
    json_t *object;

    if (type == NULL)
        return json_null();
    object = json_object();
    output_put(object, "policy_type", output_text(policy_type));
    output_put(object, "policy_domain", output_text(policy_domain));
    output_put(object, "policy_string", output_text(policy_string));
    output_put(object, "result_type", output_text(type));
    output_put(object, "failure_code", output_text(code));
    return object;
}

static json_t *domain_report(const struct mox_plan_info *info)
{
    const char *type = info->sts_policy_string != NULL ? "sts" : "no-policy-found";

    return report_object(type, NULL, info->sts_policy_string, info->sts_result_type,
                         info->sts_failure_code);
}

static json_t *mx_report(const struct mox_mx *mx)
{
    return report_object("tlsa", mx->host, NULL, mx->tls_result_type, mx->tls_failure_code);
}

static json_t *attempt_report(const struct mox_attempt *attempt)
{
    return report_object(attempt->tls_policy_type, attempt->tls_policy_domain,
                         attempt->tls_policy_string, attempt->tls_result_type,
                         attempt->tls_failure_code);
}

static json_t *mx_list(const struct mox_plan *plan)
{
    json_t *array = json_array();
    const struct mox_mx *mx;

    for (uint32_t i = 0; plan != NULL && (mx = mox_plan_mx(plan, i)) != NULL; i++) {
        json_t *object = json_object();

        output_put(object, "host", output_text(mx->host));
        output_put(object, "preference", output_not_negative(mx->preference));
        output_put(object, "authentic", json_boolean(mx->authentic));
        output_put(object, "tls_report", mx_report(mx));
        output_append(array, object);
    }
    return array;
}

const char *show_plan_tls_reason(const struct mox_candidate *candidate)
{
    return candidate->drop != MOX_DROP_NONE ? NULL : candidate->tls_reason;
}

static const char *order_reason(const struct mox_candidate *candidate)
{
    return candidate->drop != MOX_DROP_NONE ? NULL : candidate->detail;
}

static json_t *candidate_object(const struct mox_candidate *candidate)
{
    json_t *object = json_object();

    output_put(object, "host", output_text(candidate->host));
    output_put(object, "address", output_address(&candidate->ip));
    output_put(object, "family", output_family(&candidate->ip));
    output_put(object, "preference", output_not_negative(candidate->preference));
    output_put(object, "source", output_address(&candidate->source));
    output_put(object, "port", output_positive(candidate->port));
    output_put(object, "order", output_text(mox_order_name(candidate->order)));
    output_put(object, "order_reason", output_text(order_reason(candidate)));
    output_put(object, "tls_required", output_text(mox_tls_need_name(candidate->tls)));
    output_put(object, "tls_reason", output_text(show_plan_tls_reason(candidate)));
    return object;
}

static json_t *candidate_list(const struct mox_plan *plan)
{
    json_t *array = json_array();
    const struct mox_candidate *candidate;

    for (uint32_t i = 0; plan != NULL && (candidate = mox_plan_candidate(plan, i)) != NULL; i++) {
        if (candidate->drop == MOX_DROP_NONE)
            output_append(array, candidate_object(candidate));
    }
    return array;
}

static json_t *dropped_object(const struct mox_candidate *candidate)
{
    json_t *object = json_object();

    output_put(object, "host", output_text(candidate->host));
    output_put(object, "address", output_address(&candidate->ip));
    output_put(object, "family", output_family(&candidate->ip));
    output_put(object, "preference", output_not_negative(candidate->preference));
    output_put(object, "reason", output_text(mox_drop_name(candidate->drop)));
    output_put(object, "detail", output_text(candidate->detail));
    return object;
}

/* A host dropped whole is a dropped thing too, unless its addresses stand in the list already. */
static bool is_dropped_whole(const struct mox_plan *plan, const struct mox_mx *mx)
{
    const struct mox_candidate *candidate;

    if (mx->drop == MOX_DROP_NONE)
        return false;
    for (uint32_t i = 0; (candidate = mox_plan_candidate(plan, i)) != NULL; i++) {
        if (candidate->host != NULL && strcmp(candidate->host, mx->host) == 0)
            return false;
    }
    return true;
}

typedef void dropped_fn(void *arg, const struct mox_candidate *dropped);

static void each_dropped(const struct mox_plan *plan, dropped_fn *fn, void *arg)
{
    const struct mox_candidate *candidate;
    const struct mox_mx *mx;

    for (uint32_t i = 0; (candidate = mox_plan_candidate(plan, i)) != NULL; i++) {
        if (candidate->drop != MOX_DROP_NONE)
            fn(arg, candidate);
    }
    for (uint32_t i = 0; (mx = mox_plan_mx(plan, i)) != NULL; i++) {
        struct mox_candidate whole = {
            .host = mx->host, .preference = mx->preference, .drop = mx->drop};

        if (is_dropped_whole(plan, mx))
            fn(arg, &whole);
    }
}

static void append_dropped(void *arg, const struct mox_candidate *dropped)
{
    output_append(arg, dropped_object(dropped));
}

json_t *show_plan_object(const struct mox_plan *plan, bool named, const struct mox_error *err)
{
    const struct mox_plan_info *info = plan == NULL ? NULL : mox_plan_summary(plan);
    json_t *object = output_object(), *dropped = json_array();

    if (plan != NULL)
        each_dropped(plan, append_dropped, dropped);
    output_put(object, "route",
               show_route_object(show_plan_has_route(plan, err) ? &info->route : NULL, named));
    output_put(object, "next_hop", output_text(info == NULL ? NULL : info->next_hop));
    output_put(object, "sts", output_text(info == NULL ? NULL : info->sts_mode));
    output_put(object, "sts_detail", output_text(info == NULL ? NULL : info->sts_detail));
    output_put(object, "sts_report", info == NULL ? json_null() : domain_report(info));
    output_put(object, "mx", mx_list(plan));
    output_put(object, "candidates", candidate_list(plan));
    output_put(object, "dropped", dropped);
    output_put(object, "error", output_error(err, NULL));
    return object;
}

static json_t *attempt_object(const struct mox_plan *plan, const struct mox_attempt *attempt)
{
    const struct mox_candidate *candidate = mox_plan_candidate(plan, attempt->candidate);
    json_t *object = json_object();

    output_put(object, "host", output_text(candidate == NULL ? NULL : candidate->host));
    output_put(object, "address", candidate == NULL ? json_null() : output_address(&candidate->ip));
    output_put(object, "family", candidate == NULL ? json_null() : output_family(&candidate->ip));
    output_put(object, "start_ms", output_not_negative(attempt->start_ms));
    output_put(object, "connect_ms", output_not_negative(attempt->connect_ms));
    output_put(object, "greeting_ms", output_not_negative(attempt->greeting_ms));
    output_put(object, "tls_ms", output_not_negative(attempt->tls_ms));
    output_put(object, "end_ms", output_not_negative(attempt->end_ms));
    output_put(object, "outcome", output_text(mox_status_name(attempt->outcome)));
    output_put(object, "tls_report", attempt_report(attempt));
    output_put(object, "error", output_error(attempt->error, NULL));
    return object;
}

json_t *show_plan_attempts(const struct mox_plan *plan)
{
    json_t *array = json_array();
    const struct mox_attempt *attempt;

    for (uint32_t i = 0; plan != NULL && (attempt = mox_plan_attempt(plan, i)) != NULL; i++)
        output_append(array, attempt_object(plan, attempt));
    return array;
}

void show_plan_print_route(const struct mox_plan *plan, bool named)
{
    char words[TEXT], reason[TEXT];
    const struct mox_plan_info *info = mox_plan_summary(plan);
    struct table table = {.columns = 2};

    table_row(&table,
              (const char *[]){"route", show_route_words(&info->route, words, sizeof words)});
    table_row(&table, (const char *[]){
                          "why", show_route_reason(&info->route, named, reason, sizeof reason)});
    if (info->next_hop != NULL)
        table_row(&table, (const char *[]){"next hop", info->next_hop});
    if (info->sts_detail != NULL)
        table_row(&table, (const char *[]){"MTA-STS", info->sts_detail});
    table_print(&table, 0);
}

static void print_mx(const struct mox_plan *plan)
{
    struct table table = {.columns = 3};
    const struct mox_mx *mx;
    char preference[NUMBER];

    mx = mox_plan_mx(plan, 0);
    if (mx == NULL || (mx->preference < 0 && mx->drop == MOX_DROP_NONE))
        return; /* an implicit MX, or a server by name: the candidates say it all */
    printf("\nMX hosts\n");
    for (uint32_t i = 0; (mx = mox_plan_mx(plan, i)) != NULL; i++) {
        snprintf(preference, sizeof preference, "%d", mx->preference);
        table_row(&table, (const char *[]){mx->preference < 0 ? "implicit" : preference, mx->host,
                                           mx->authentic != 0 ? "DNSSEC" : ""});
    }
    table_print(&table, 2);
}

static void print_candidates(const struct mox_plan *plan)
{
    struct table table = {.columns = 7};
    const struct mox_candidate *candidate;
    char number[NUMBER], ip[OUTPUT_IP], source[OUTPUT_IP], port[NUMBER], from[TEXT], tls[TEXT];
    uint32_t shown = 0;

    for (uint32_t i = 0; (candidate = mox_plan_candidate(plan, i)) != NULL; i++) {
        if (candidate->drop != MOX_DROP_NONE)
            continue;
        snprintf(number, sizeof number, "%u", ++shown);
        snprintf(port, sizeof port, "port %u", candidate->port);
        snprintf(tls, sizeof tls, "TLS %s", mox_tls_need_name(candidate->tls));
        snprintf(from, sizeof from, "from %s",
                 *output_ip(&candidate->source, source) != '\0' ? source : "any");
        output_ip(&candidate->ip, ip);
        table_row(&table, (const char *[]){number, candidate->host, ip, port, from, tls,
                                           mox_order_name(candidate->order)});
    }
    printf("\n%s\n", shown > 0 ? "Candidates, in the order they are dialed" : "No candidate");
    table_print(&table, 2);
}

typedef const char *reason_fn(const struct mox_candidate *candidate);

/* Whether another address of the host has the same reason before this one. */
static bool is_repeated(const struct mox_plan *plan, uint32_t index, reason_fn *reason_of)
{
    const struct mox_candidate *candidate = mox_plan_candidate(plan, index);

    for (uint32_t i = 0; i < index; i++) {
        const struct mox_candidate *other = mox_plan_candidate(plan, i);
        const char *reason = reason_of(other);

        if (reason != NULL && strcmp(other->host, candidate->host) == 0 &&
            strcmp(reason, reason_of(candidate)) == 0)
            return true;
    }
    return false;
}

/* Once for each host, as its addresses have it in common. */
static void print_reasons(const struct mox_plan *plan, const char *heading, reason_fn *reason_of)
{
    struct table table = {.columns = 2};
    const struct mox_candidate *candidate;

    for (uint32_t i = 0; (candidate = mox_plan_candidate(plan, i)) != NULL; i++) {
        if (reason_of(candidate) != NULL && !is_repeated(plan, i, reason_of))
            table_row(&table, (const char *[]){candidate->host, reason_of(candidate)});
    }
    if (table.ncells > 0)
        printf("\n%s\n", heading);
    table_print(&table, 2);
}

static void row_dropped(void *arg, const struct mox_candidate *dropped)
{
    char ip[OUTPUT_IP];

    output_ip(&dropped->ip, ip);
    table_row(arg, (const char *[]){dropped->host != NULL ? dropped->host : "", ip,
                                    mox_drop_name(dropped->drop),
                                    dropped->detail != NULL ? dropped->detail : ""});
}

void show_plan_print(const struct mox_plan *plan)
{
    struct table dropped = {.columns = 4};

    if (mox_plan_summary(plan)->next_hop == NULL)
        return;
    print_mx(plan);
    print_candidates(plan);
    print_reasons(plan, "Why this order", order_reason);
    print_reasons(plan, "Why this TLS", show_plan_tls_reason);
    each_dropped(plan, row_dropped, &dropped);
    if (dropped.ncells > 0)
        printf("\nDropped\n");
    table_print(&dropped, 2);
}
