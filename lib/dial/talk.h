/*
 * talk.h - the session of a dial: moves bytes between the stream and the machine of smtp/, keeps
 * its deadlines, and says what a refusal means for the dial.
 */
#ifndef DIAL_TALK_H
#define DIAL_TALK_H

#include "dial/dial.h"

/* The stream has just connected. MOX_OK, MOX_E_NOMEM. */
int talk_begin(struct dial *d, struct mox_error *err);

/*
 * MOX_OK: the goal is reached; MOX_E_AGAIN: wait; else this candidate is done with, its attempt
 * and the stream are ended, and the next one is to be dialed.
 */
int talk_step(struct dial *d, struct mox_error *err);

/* enum mox_stage: the one at work or, at the goal, the one reached. */
int talk_stage(const struct dial *d);

/* What the session's stream failed of, as an error at that stage. */
int talk_io_error(const struct dial *d, int stage, int status, const char *what,
                  struct mox_error *err);

/* Lines of the dialogue, said at that stage, one log entry each. direction: ">", "<". */
void talk_log(const struct dial *d, int stage, const char *direction, struct slice bytes);

/* The host was refused after the dial had ended; why: NULL if it does not say. worn: see
 * dial_resume. */
void talk_refused_later(struct dial *d, const struct mox_error *why, bool worn);

#endif
