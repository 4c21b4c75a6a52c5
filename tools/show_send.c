/*
 * show_send.c - see show_send.h.
 */
#include "show_send.h"

#include <stdio.h>

#include "output.h"
#include "parent.h"

static json_t *rcpt_object(const struct send_rcpt *rcpt)
{
    const struct mox_rcpt_result *r = &rcpt->result;
    json_t *object = json_object();

    output_put(object, "recipient", output_text(rcpt->rcpt.address));
    output_put(object, "state", output_text(mox_rcpt_state_name(r->state)));
    output_put(object, "action", output_text(mox_action_name(r->action)));
    output_put(object, "retry_after_s", output_positive(r->retry_after_s));
    output_put(object, "smtp_code", output_positive(r->smtp_code));
    output_put(object, "enhanced_code", output_filled(r->enhanced));
    output_put(object, "reply", output_filled(r->reply));
    output_put(object, "host", output_filled(r->host));
    output_put(object, "address", output_address(&r->remote));
    output_put(object, "family", output_family(&r->remote));
    output_put(object, "code", output_text(mox_status_name(r->code)));
    output_put(object, "stage", output_text(mox_stage_name(r->stage)));
    output_put(object, "about", output_text(mox_about_name(r->about)));
    output_put(object, "message", output_filled(rcpt->message));
    output_put(object, "dsn_relayed", json_boolean(r->dsn_relayed));
    return object;
}

json_t *show_send_object(const struct send *s)
{
    const struct send_rcpt *decider = s == NULL ? NULL : send_decider(s);
    json_t *object = output_object(), *rcpts = json_array(), *dialed = json_array();
    struct mox_error err;

    for (size_t i = 0; s != NULL && i < s->nrcpts; i++)
        output_append(rcpts, rcpt_object(&s->rcpts[i]));
    for (size_t i = 0; s != NULL && i < s->ndialed; i++) {
        json_t *host = json_object();

        output_put(host, "host", output_filled(s->dialed[i].host));
        output_put(host, "address", output_address(&s->dialed[i].ip));
        output_append(dialed, host);
    }
    output_put(object, "recipients", rcpts);
    output_put(object, "dialed", dialed);
    if (decider != NULL)
        send_error(decider, &err);
    output_put(object, "error", decider == NULL ? json_null() : output_error(&err, NULL));
    return object;
}

static void print_failure(const struct send_rcpt *rcpt)
{
    struct mox_error err;
    char code[PARENT_CODE];

    send_error(rcpt, &err);
    fprintf(stderr, "%s ", parent_code(&err, code));
    output_error_text(&err);
}

void show_send_failures(const struct send *s)
{
    const struct send_rcpt *decider = send_decider(s);

    if (decider != NULL)
        print_failure(decider);
    for (size_t i = 0; i < s->nrcpts; i++) {
        if (&s->rcpts[i] != decider && s->rcpts[i].result.state != MOX_RCPT_ACCEPTED)
            print_failure(&s->rcpts[i]);
    }
}

void show_send_accepted(const struct send *s)
{
    char where[OUTPUT_WHERE], words[OUTPUT_LINE], address[OUTPUT_LINE];

    for (size_t i = 0; i < s->nrcpts; i++) {
        const struct mox_rcpt_result *r = &s->rcpts[i].result;

        if (r->state == MOX_RCPT_ACCEPTED)
            printf("%s: accepted by %s: %d %s\n",
                   output_clean(s->rcpts[i].rcpt.address, address, sizeof address),
                   output_where(r->host, &r->remote, where), r->smtp_code,
                   output_clean(r->reply, words, sizeof words));
    }
}
