/*
 * waterfall.c - see waterfall.h. A row an attempt: who, a bar from its start to its end, how it
 * ended. The bar's shades are the phases; block characters where the locale is UTF-8, else ASCII.
 */
#include "waterfall.h"

#include <langinfo.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "output.h"

enum {
    WIDTH_DEFAULT = 80,
    WIDTH_LEAST = 50,
    WIDTH_MOST = 160,
    BAR_LEAST = 12,
    OUTCOME = 24, /* columns behind the bar */
    LABEL = 512
};

enum phase { PHASE_NONE, PHASE_CONNECT, PHASE_GREETING, PHASE_TLS, PHASE_SESSION, PHASES };

static const struct {
    const char *name, *block, *ascii, *colour;
} phases[PHASES] = {
    [PHASE_NONE] = {"", " ", " ", ""},
    [PHASE_CONNECT] = {"connect", "░", ".", "\033[36m"},
    [PHASE_GREETING] = {"greeting", "▒", "-", "\033[34m"},
    [PHASE_TLS] = {"TLS", "▓", "=", "\033[35m"},
    [PHASE_SESSION] = {"session", "█", "#", "\033[32m"},
};

struct canvas {
    int label, bar; /* columns */
    int32_t total_ms;
    bool blocks, colours;
};

static int terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    long width = columns != NULL ? strtol(columns, NULL, 10) : 0;
#ifdef TIOCGWINSZ
    struct winsize size;

    if (width <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
#endif
    if (width <= 0)
        width = WIDTH_DEFAULT;
    return width < WIDTH_LEAST ? WIDTH_LEAST : width > WIDTH_MOST ? WIDTH_MOST : (int)width;
}

static const char *label_of(const struct mox_plan *plan, const struct mox_attempt *attempt,
                            char *out)
{
    const struct mox_candidate *candidate = mox_plan_candidate(plan, attempt->candidate);

    out[0] = '\0';
    return candidate == NULL ? out : output_where(candidate->host, &candidate->ip, out);
}

static int32_t end_of(const struct mox_plan *plan, const struct mox_attempt *attempt)
{
    return attempt->end_ms >= 0 ? attempt->end_ms : (int32_t)mox_plan_summary(plan)->elapsed_ms;
}

static struct canvas measure(const struct mox_plan *plan)
{
    struct canvas canvas = {.blocks = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
                            .colours = output_colours(stdout)};
    int width = terminal_width();
    const struct mox_attempt *attempt;
    char label[LABEL];

    for (uint32_t i = 0; (attempt = mox_plan_attempt(plan, i)) != NULL; i++) {
        int len = (int)strlen(label_of(plan, attempt, label));

        canvas.label = len > canvas.label ? len : canvas.label;
        if (end_of(plan, attempt) > canvas.total_ms)
            canvas.total_ms = end_of(plan, attempt);
    }
    if (canvas.label > width - OUTCOME - BAR_LEAST - 4)
        canvas.label = width - OUTCOME - BAR_LEAST - 4;
    canvas.bar = width - OUTCOME - canvas.label - 4; /* two blanks on either side of the bar */
    if (canvas.total_ms == 0)
        canvas.total_ms = 1;
    return canvas;
}

/* TLS from the first byte on (Submissions): before the greeting, or failed instead of it. */
static bool is_tls_first(const struct mox_attempt *attempt)
{
    if (attempt->tls_ms < 0)
        return attempt->greeting_ms < 0 && attempt->stage == MOX_STAGE_TLS;
    return attempt->greeting_ms < 0 || attempt->tls_ms < attempt->greeting_ms;
}

/* The phase an attempt was in at that moment. */
static enum phase phase_at(const struct mox_attempt *attempt, int32_t end_ms, double ms)
{
    if (ms < attempt->start_ms || ms > end_ms)
        return PHASE_NONE;
    if (attempt->connect_ms < 0 || ms < attempt->connect_ms)
        return PHASE_CONNECT;
    if (is_tls_first(attempt) && (attempt->tls_ms < 0 || ms < attempt->tls_ms))
        return PHASE_TLS;
    if (attempt->greeting_ms < 0 || ms < attempt->greeting_ms)
        return PHASE_GREETING;
    if (attempt->tls_ms >= 0)
        return ms < attempt->tls_ms ? PHASE_TLS : PHASE_SESSION;
    return attempt->stage == MOX_STAGE_TLS ? PHASE_TLS : PHASE_SESSION;
}

/* One cell stands for the moment in its middle, but every attempt gets one, however short. */
static void print_bar(const struct canvas *canvas, const struct mox_attempt *attempt,
                      int32_t end_ms)
{
    double cell_ms = (double)canvas->total_ms / canvas->bar;
    int first = (int)(attempt->start_ms / cell_ms);

    if (first >= canvas->bar)
        first = canvas->bar - 1;
    for (int i = 0; i < canvas->bar; i++) {
        enum phase phase = phase_at(attempt, end_ms, (i + 0.5) * cell_ms);

        if (phase == PHASE_NONE && i == first)
            phase = phase_at(attempt, end_ms, end_ms);
        if (canvas->colours && phase != PHASE_NONE)
            printf("%s%s\033[0m", phases[phase].colour,
                   canvas->blocks ? phases[phase].block : phases[phase].ascii);
        else
            fputs(canvas->blocks ? phases[phase].block : phases[phase].ascii, stdout);
    }
}

static void print_axis(const struct canvas *canvas)
{
    char end[32];
    int len = snprintf(end, sizeof end, "%d ms", canvas->total_ms);

    printf("\n%*s  0%*s%s\n", canvas->label, "", canvas->bar - 1 - len, "", end);
}

static const char *outcome_in_words(const struct mox_attempt *attempt, char *out, size_t cap)
{
    const struct mox_error *err = attempt->error;

    if (attempt->outcome == MOX_OK)
        snprintf(out, cap, "%s", mox_stage_name(attempt->stage));
    else if (attempt->outcome == MOX_E_CANCELLED)
        snprintf(out, cap, "lost the race");
    else if (attempt->outcome == MOX_E_CONNECT)
        snprintf(out, cap, "no connection");
    else if (attempt->outcome == MOX_E_TLS)
        snprintf(out, cap, "TLS failed");
    else if (attempt->outcome == MOX_E_VERIFY)
        snprintf(out, cap, "not the right server");
    else if (err != NULL && err->smtp_code > 0)
        snprintf(out, cap, "%s %d %s", mox_status_name(attempt->outcome), err->smtp_code,
                 err->enhanced);
    else
        snprintf(out, cap, "%s at %s", mox_status_name(attempt->outcome),
                 mox_stage_name(attempt->stage));
    return out;
}

static const char *outcome_colour(const struct canvas *canvas, int outcome)
{
    if (!canvas->colours)
        return "";
    return outcome == MOX_OK ? "\033[32m" : outcome == MOX_E_CANCELLED ? "\033[2m" : "\033[31m";
}

static void print_outcome(const struct canvas *canvas, const struct mox_attempt *attempt)
{
    char text[64];

    printf("  %s%s%s\n", outcome_colour(canvas, attempt->outcome),
           outcome_in_words(attempt, text, sizeof text), canvas->colours ? "\033[0m" : "");
}

static void print_legend(const struct canvas *canvas)
{
    printf("%*s ", canvas->label, "");
    for (int i = PHASE_CONNECT; i < PHASES; i++)
        printf(" %s %s", canvas->blocks ? phases[i].block : phases[i].ascii, phases[i].name);
    putchar('\n');
}

/* Why an attempt failed, where somebody told; a lost race explains itself. */
static void print_reasons(const struct mox_plan *plan)
{
    const struct mox_attempt *attempt;
    char label[LABEL], text[OUTPUT_LINE];

    for (uint32_t i = 0; (attempt = mox_plan_attempt(plan, i)) != NULL; i++) {
        if (attempt->error == NULL || attempt->outcome == MOX_E_CANCELLED)
            continue;
        printf("\n%s, at %s:\n  %s\n", label_of(plan, attempt, label),
               mox_stage_name(attempt->stage),
               output_clean(attempt->error->message, text, sizeof text));
        if (attempt->error->reply[0] != '\0' &&
            strstr(attempt->error->message, attempt->error->reply) == NULL)
            printf("  the server said: %s\n",
                   output_clean(attempt->error->reply, text, sizeof text));
    }
}

void waterfall_print(const struct mox_plan *plan)
{
    const struct mox_attempt *attempt;
    struct canvas canvas;
    char label[LABEL];

    if (mox_plan_attempt(plan, 0) == NULL)
        return;
    canvas = measure(plan);
    print_axis(&canvas);
    for (uint32_t i = 0; (attempt = mox_plan_attempt(plan, i)) != NULL; i++) {
        printf("%-*.*s  ", canvas.label, canvas.label, label_of(plan, attempt, label));
        print_bar(&canvas, attempt, end_of(plan, attempt));
        print_outcome(&canvas, attempt);
    }
    print_legend(&canvas);
    print_reasons(plan);
}
