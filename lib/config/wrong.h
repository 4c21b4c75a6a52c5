/*
 * wrong.h - the words for what is wrong with the syntax of a line, and how to mend it. What people
 * paste (YAML, spaces, CR LF, one-line lists) gets its own cure.
 */
#ifndef CONFIG_WRONG_H
#define CONFIG_WRONG_H

#include "config/build.h"
#include "config/sconf.h"

/* A fault that needs no knowledge of the block. */
void config_wrong_line(struct build *b, const struct sconf_line *line);

/* A field without key, colon, or with SP before it. */
void config_wrong_field(struct build *b, struct slice line);

/* The same of a map's entry, and a name with white space at an end. */
void config_wrong_pair(struct build *b, struct slice line);
bool config_wrong_blank_end(struct slice name);

/* Not an item. */
void config_wrong_item(struct build *b, struct slice line);

/* The key at work is unknown, or has no SP behind its colon. */
void config_wrong_key(struct build *b, bool unknown);
void config_wrong_duplicate(struct build *b, uint32_t first_line);

/* More TABs than blocks are open. */
void config_wrong_too_deep(struct build *b, const struct sconf_line *line);

/* The block f, b's innermost, has no entry. next: the line where one should be; NULL: none. */
void config_wrong_no_indent(struct build *b, const struct build_frame *f,
                            const struct sconf_line *next);
bool config_wrong_is_item_too_high(const struct build_frame *f, const struct sconf_line *next,
                                   size_t depth);

/* Text behind the colon or dash of a block. */
void config_wrong_text_in_block(struct build *b, const struct schema_key *key, struct slice text);

void config_wrong_scalar(struct build *b, const struct schema_key *key, struct slice text,
                         const char *fault);

#endif
