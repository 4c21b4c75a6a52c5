/*
 * classify.h - what a refusal means: whom it is about and what to do next (RFC 5321 section 4.2,
 * RFC 3463, RFC 7372, design.md "Refusal of our address").
 */
#ifndef POLICY_CLASSIFY_H
#define POLICY_CLASSIFY_H

#include <moxdial/base.h>

#include "base/slice.h"

enum policy_source_refusal { /* whether a reply refuses the address we came from */
                             POLICY_SOURCE_NO = 0,
                             POLICY_SOURCE_POSSIBLE,
                             POLICY_SOURCE_CERTAIN
};

/*
 * Fills err from a 4xx or 5xx reply to the command of a stage (MOX_STAGE_GREETING: the greeting;
 * MOX_STAGE_TLS: STARTTLS; MOX_STAGE_FINAL: the dot). text: the reply's lines without their codes,
 * joined by '\n'; an enhanced code, if it has one, stands before the words of the last line.
 * err->code is MOX_E_REFUSED.
 */
void policy_classify(int stage, int code, struct slice text, struct mox_error *err);

enum { POLICY_ENHANCED = 12, POLICY_REPLY = 512 }; /* bytes of both in an error, and a result */

/* What any such reply says, whatever it means: its enhanced code, or "", and its words. */
void policy_reply(int code, struct slice text, char enhanced[POLICY_ENHANCED],
                  char reply[POLICY_REPLY]);

/*
 * From an error that policy_classify filled. Holds for the greeting up to the first RCPT: that no
 * recipient has been accepted yet is for the caller to know.
 */
enum policy_source_refusal policy_source_refusal(int stage, const struct mox_error *err);

/*
 * The enhanced code at the front of the words, D.D.D with 1 to 3 digits each but the first, which
 * is that of the reply code; copied to out. Empty: there is none.
 */
void policy_enhanced(int code, struct slice words, char out[12]);

#endif
