/*
 * cmd_send.c - send: a message to its recipients, with what became of each.
 */
#include <signal.h>

#include "commands.h"
#include "error.h"
#include "message.h"
#include "output.h"
#include "report.h"
#include "run.h"
#include "send.h"
#include "show_send.h"

json_t *cmd_send_blank(void)
{
    return show_send_object(NULL);
}

static int exit_status(const struct send *s)
{
    const struct send_rcpt *decider = send_decider(s);
    struct mox_error err;

    if (decider == NULL)
        return EXIT_DONE;
    send_error(decider, &err);
    return mox_error_exit_code(&err);
}

static void deliver(struct send *s, const struct options *options, const struct load *load)
{
    struct message message;
    struct run run;

    if (run_open(&run, options, load) != MOX_OK) {
        send_settle(s, &run.err);
        run_close(&run);
        return;
    }
    if (message_open(&message, options->file, options->crlf, &run.err) == MOX_OK) {
        if (!options->quiet && options->verbose == 0)
            progress_begin(&message.progress, (uint64_t)(message.end - message.start));
        send_deliver(s, &run, &message);
    } else {
        send_settle(s, &run.err);
    }
    message_close(&message);
    run_close(&run);
}

/* Its lines were printed as they were found; to the recipients it is no host. */
static void settle_broken(struct send *s, const struct mox_error *broken)
{
    struct mox_error err = *broken;

    err.host[0] = '\0';
    send_settle(s, &err);
}

int cmd_send(const struct options *options, const struct load *load)
{
    bool broken = load->err.code != MOX_OK;
    struct send s;
    json_t *object;
    int status;

    signal(SIGPIPE, SIG_IGN); /* a parent that does not listen must not undo what was sent */
    send_prepare(&s, options);
    if (broken)
        settle_broken(&s, &load->err);
    else
        deliver(&s, options, load);
    if (!options->quiet && !broken)
        show_send_failures(&s);
    if (!options->quiet && !options->json)
        show_send_accepted(&s);
    object = show_send_object(&s);
    if (broken)
        output_put(object, "error", json_incref(json_array_get(load->errors, 0)));
    report_object(options, object);
    status = exit_status(&s);
    send_free(&s);
    return status;
}
