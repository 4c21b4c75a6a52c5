/*
 * fuzz_config.c - one configuration of up to four files, which lines of "====" part. What is
 * refused is refused with a place and a reason; what is taken is shown, and what is shown is taken
 * and shown as the same.
 */
#include <string.h>

#include <moxdial/config.h>

#include "base/slice.h"
#include "fuzz.h"

enum { SOURCES = 4 };

static const char *const names[SOURCES] = {"1.conf", "2.conf", "3.conf", "4.conf"};
static const char separator[] = "====\n";

struct told {
    const struct mox_config_source *sources;
    size_t nsources;
    size_t errors, warnings;
    size_t source; /* of the last problem */
    int line;
    char first_file[16]; /* of the first error */
    int first_line;
};

static int count_lines(const struct mox_config_source *source)
{
    int lines = 1;

    for (size_t i = 0; i < source->len; i++)
        lines += source->text[i] == '\n';
    return lines;
}

static void check_order(struct told *told, const char *file, int line)
{
    size_t source = 0;

    while (source < told->nsources && strcmp(told->sources[source].name, file) != 0)
        source++;
    fuzz_require(source < told->nsources, "a problem is of one of the files");
    fuzz_require(line <= count_lines(&told->sources[source]), "a problem's line is in its file");
    fuzz_require(source > told->source || (source == told->source && line >= told->line),
                 "problems come in the order of the files and their lines");
    told->source = source;
    told->line = line;
}

static void take_problem(void *user, int is_error, const char *file, int line, const char *key,
                         const char *message)
{
    struct told *told = user;

    fuzz_require(message[0] != '\0', "a problem has words");
    fuzz_require(slice_utf8(slice_of(message)) == strlen(message), "the words are UTF-8");
    fuzz_require(line >= 1 || (line == 0 && key[0] == '\0'),
                 "a problem has a line, or is about the file as a whole");
    check_order(told, file, line);
    if (is_error != 0 && told->errors == 0) {
        snprintf(told->first_file, sizeof told->first_file, "%s", file);
        told->first_line = line;
    }
    *(is_error != 0 ? &told->errors : &told->warnings) += 1;
}

static struct mox_config *open_sources(const struct mox_config_source *sources, size_t n)
{
    struct told told = {.sources = sources, .nsources = n};
    struct mox_config_options options = {
        .size = sizeof options,
        .sources = sources,
        .nsources = n,
        .problem = take_problem,
        .user = &told,
    };
    struct mox_error err = {.code = 1};
    struct mox_config *config = mox_config_open(&options, &err);

    fuzz_require((config == NULL) == (told.errors > 0), "refused if and only if an error is told");
    if (config != NULL) {
        fuzz_require(err.code == MOX_OK, "success is told as one");
        return config;
    }
    fuzz_require(err.code == MOX_E_CONFIG || err.code == MOX_E_LIMIT, "a text is refused as such");
    fuzz_require(err.message[0] != '\0' && err.stage == MOX_STAGE_CONFIG, "the error is complete");
    fuzz_require(err.line == told.first_line && strcmp(err.host, told.first_file) == 0,
                 "the error is the first one told");
    return NULL;
}

static char *show(const struct mox_config *config, size_t *len)
{
    size_t needed = mox_config_show(config, NULL, 0);
    char *text = malloc(needed + 1);

    fuzz_require(text != NULL, "there is memory for the text");
    *len = mox_config_show(config, text, needed + 1);
    fuzz_require(*len == needed && strlen(text) == needed, "show writes what it said it needs");
    return text;
}

/* The next line that is no comment; empty: the end. Comments tell of what a file cannot say. */
static struct slice next_line(struct slice *text)
{
    struct slice line;

    do {
        size_t end = slice_find(*text, '\n') + 1;

        line = slice_sub(*text, 0, end);
        *text = slice_sub(*text, end, text->len);
    } while (slice_starts(line, "#"));
    return line;
}

static void compare(struct slice first, struct slice second)
{
    struct slice one, other;

    do {
        one = next_line(&first);
        other = next_line(&second);
        if (!slice_equal(one, other))
            fprintf(stderr, "shown:  %.*s\nbecame: %.*s\n", (int)one.len, one.ptr, (int)other.len,
                    other.ptr);
        fuzz_require(slice_equal(one, other), "what is shown is taken and shown as the same");
    } while (one.len > 0);
}

static void check_summary(const struct mox_config *a, const struct mox_config *b)
{
    const struct mox_config_info *x = mox_config_summary(a), *y = mox_config_summary(b);

    fuzz_require(x->transports == y->transports && x->account_routes == y->account_routes &&
                     x->domain_routes == y->domain_routes && x->global_routes == y->global_routes,
                 "what is shown has as many transports and routes");
}

static void check_show(const struct mox_config *config)
{
    struct mox_config_source source = {"shown", NULL, 0};
    struct mox_config *again;
    char *first, *second;
    size_t second_len;

    first = show(config, &source.len);
    source.text = first;
    again = open_sources(&source, 1);
    if (again == NULL)
        fprintf(stderr, "%s", first);
    fuzz_require(again != NULL, "what is shown is taken");
    second = show(again, &second_len);
    compare((struct slice){first, source.len}, (struct slice){second, second_len});
    check_summary(config, again);
    mox_config_free(again);
    free(first);
    free(second);
}

/* Where the next separator line begins; text.len: there is none. */
static size_t find_separator(struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        struct slice rest = slice_sub(text, at, text.len);

        if (slice_starts(rest, separator))
            return at;
        at += slice_find(rest, '\n') + 1;
    }
    return text.len;
}

/* Each source is a block of its own, so that reading beyond it is found. */
static void add_source(struct mox_config_source *source, const char *name, struct slice text)
{
    char *copy = malloc(text.len > 0 ? text.len : 1);

    fuzz_require(copy != NULL, "there is memory for a source");
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    *source = (struct mox_config_source){name, copy, text.len};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mox_config_source sources[SOURCES];
    struct slice rest = {(const char *)data, size};
    struct mox_config *config;
    size_t n = 0, end;

    do {
        end = n + 1 < SOURCES ? find_separator(rest) : rest.len;
        add_source(&sources[n], names[n], slice_sub(rest, 0, end));
        n++;
        rest = slice_sub(rest, end + strlen(separator), rest.len);
    } while (n < SOURCES && rest.len > 0);
    config = open_sources(sources, n);
    if (config != NULL)
        check_show(config);
    mox_config_free(config);
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)sources[i].text);
    return 0;
}
