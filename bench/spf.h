/*
 * spf.h - what the library's SPF and that of a peer are measured by: the same records, and the
 * cases of the RFC's suite as bench/spf_rows.py writes them.
 */
#ifndef BENCH_SPF_H
#define BENCH_SPF_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct spf_record {
    const char *name, *type, *data; /* data: as in a zone file */
};

/* Ten mechanisms, of which the last matches, and what is asked for by them. */
static const char spf_client[] = "192.0.2.1", spf_sender[] = "user@example.org",
                  spf_helo[] = "mx.example.org", spf_void[] = "1.2.0.192.ex.example.org";
static const struct spf_record spf_records[] = {
    {"example.org", "TXT",
     "\"v=spf1 ip4:198.51.100.0/24 ip4:203.0.113.128/25 ip6:2001:db8:1::/48 ip6:2001:db8:2::/64 "
     "a:www.example.org a:mail.example.org/28 mx:mx.example.org include:inc.example.org "
     "exists:%{ir}.ex.example.org ip4:192.0.2.0/24 -all\""},
    {"www.example.org", "A", "198.51.100.7"},
    {"mail.example.org", "A", "203.0.113.25"},
    {"mx.example.org", "MX", "10 mx1.example.org"},
    {"mx1.example.org", "A", "203.0.113.26"},
    {"inc.example.org", "TXT", "\"v=spf1 ip4:203.0.113.0/26 ip6:2001:db8:3::/48 -all\""},
};

enum {
    SPF_RECORDS = sizeof spf_records / sizeof *spf_records,
    SPF_QUESTIONS = SPF_RECORDS + 1 /* each record once, and spf_void, which is not there */
};

static double spf_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/*
 * A line of cases, cut at its tabs: "zone" TYPE NAME DATA, "case" NAME IP HELO FROM RESULTS, or
 * "end", behind the cases of one zone. NULL: a field that is not there.
 */
enum { SPF_FIELDS = 6 };

struct spf_line {
    char text[8192];
    char *fields[SPF_FIELDS];
};

/* 0: there are no more. */
static int spf_line_next(FILE *file, struct spf_line *line)
{
    char *rest = line->text;

    memset(line->fields, 0, sizeof line->fields);
    if (fgets(line->text, sizeof line->text, file) == NULL)
        return 0;
    rest[strcspn(rest, "\n")] = '\0';
    for (int i = 0; i < SPF_FIELDS && rest != NULL; i++) {
        line->fields[i] = rest;
        rest = strchr(rest, '\t');
        if (rest != NULL)
            *rest++ = '\0';
    }
    return 1;
}

/* \DDD is a byte, and \C is C. */
static char *spf_unescape(char *text)
{
    char *out = text;

    for (const char *in = text; *in != '\0'; out++) {
        if (*in != '\\') {
            *out = *in++;
        } else if (in[1] < '0' || in[1] > '9') {
            *out = in[1];
            in += 2;
        } else {
            *out = (char)(100 * (in[1] - '0') + 10 * (in[2] - '0') + in[3] - '0');
            in += 4;
        }
    }
    *out = '\0';
    return text;
}

/* Whether the result is one of those that may be, "fail,softfail". */
static int spf_is_among(const char *result, const char *results)
{
    size_t len = strlen(result);

    for (const char *at = results; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, result, len) == 0 && (at[len] == ',' || at[len] == '\0'))
            return 1;
    }
    return 0;
}

#endif
