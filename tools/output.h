/*
 * output.h - what leaves the command: JSON objects (by jansson), error lines, colours, words.
 *
 * Servers' words and foreign names are cleaned here before a terminal or a JSON string gets them.
 */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include <moxdial.h>

enum { OUTPUT_IP = 64, OUTPUT_WHERE = 384, OUTPUT_LINE = 2048 };

/* Text without control characters and invalid UTF-8; cut to fit. Returns out. */
const char *output_clean(const char *text, char *out, size_t cap);

/* The address, or "" where there is none. Returns out, which holds OUTPUT_IP bytes. */
const char *output_ip(const struct mox_ip *ip, char *out);

/* "HOST[ADDRESS]", either part may be absent. Returns out, which holds OUTPUT_WHERE bytes. */
const char *output_where(const char *host, const struct mox_ip *ip, char *out);

/* value is taken; without memory the command ends. */
void output_put(json_t *object, const char *key, json_t *value);
void output_append(json_t *array, json_t *value);

json_t *output_text(const char *text);   /* NULL: null */
json_t *output_filled(const char *text); /* "": null too */
json_t *output_address(const struct mox_ip *ip);
json_t *output_family(const struct mox_ip *ip);
json_t *output_positive(int64_t value);           /* 0 and below: null */
json_t *output_not_negative(int64_t value);       /* below 0: null */
json_t *output_strings(const char *const *items); /* NULL at the end; NULL: the empty list */

/* ERROR of the contract; NULL or MOX_OK: null. key: of the configuration, or NULL. */
json_t *output_error(const struct mox_error *err, const char *key);

/* An object that begins with "schema". */
json_t *output_object(void);

/* Prints and releases it: on one line, or laid out where a person reads. */
void output_json(json_t *object);

/* The line on standard error: "moxdial: ", then the second, which is without. */
void output_error_line(const struct mox_error *err);
void output_error_text(const struct mox_error *err);

/* "FILE:LINE: KEY: MESSAGE", each part where it is known. */
void output_problem_line(bool is_error, const struct mox_error *err, const char *key);

/* Whether this stream is a terminal that wants colours. */
bool output_colours(FILE *stream);

/* Flushes standard output; false, with a line on standard error, if it could not be written. */
bool output_flush(void);

#endif
