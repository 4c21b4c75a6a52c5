/*
 * tls_story.h - the policy story of a dial in sentences (--explain-tls): who decides, what was
 * published, what that demands of each host, what was found there, in the order it happened.
 */
#ifndef TOOLS_TLS_STORY_H
#define TOOLS_TLS_STORY_H

#include <jansson.h>

#include "run.h"

/* An array of sentences. run: after its dial, whichever way that ended. */
json_t *tls_story(const struct run *run);

/* The same as text. */
void tls_story_print(const struct run *run);

#endif
