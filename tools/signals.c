/*
 * signals.c - see signals.h. A handler only sets a flag and wakes the context.
 */
#include "signals.h"

#include <string.h>

/* A handler gets no argument, so these cannot be anywhere else. */
static volatile sig_atomic_t ended, hung_up;
static struct mox_ctx *volatile interruptible;

static void on_signal(int number)
{
    struct mox_ctx *ctx = interruptible;

    if (number == SIGHUP)
        hung_up = 1;
    else
        ended = number;
    if (ctx != NULL)
        mox_ctx_wakeup(ctx);
}

static const int caught[SIGNALS_CAUGHT] = {SIGINT, SIGTERM, SIGHUP};

/* The second Ctrl-C is not asked for: it kills. A read that waits ends as well, for lack of
 * SA_RESTART. */
void signals_catch(struct signals *signals, struct mox_ctx *ctx, bool hangup)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    interruptible = ctx;
    signals->count = hangup ? SIGNALS_CAUGHT : SIGNALS_CAUGHT - 1;
    for (int i = 0; i < SIGNALS_CAUGHT && i < signals->count; i++) {
        action.sa_flags = caught[i] == SIGHUP ? 0 : (int)SA_RESETHAND;
        sigaction(caught[i], NULL, &signals->before[i]);
        if (signals->before[i].sa_handler != SIG_IGN || caught[i] == SIGHUP)
            sigaction(caught[i], &action, NULL);
    }
}

void signals_release(struct signals *signals)
{
    if (signals->count == 0)
        return;
    for (int i = 0; i < SIGNALS_CAUGHT && i < signals->count; i++)
        sigaction(caught[i], &signals->before[i], NULL);
    signals->count = 0;
    interruptible = NULL;
}

int signals_end(void)
{
    return ended;
}

bool signals_hangup(void)
{
    bool came = hung_up != 0;

    hung_up = 0;
    return came;
}
