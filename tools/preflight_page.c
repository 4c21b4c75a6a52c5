/* preflight_page.c - see preflight_page.h. */
#include "preflight_page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "output.h"
#include "preflight_words.h"

static const char head[] =
    "<!doctype html>\n"
    "<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>Preflight: the addresses mail leaves from</title>\n"
    "<style>\n"
    ":root{--bg:#f6f7f9;--card:#fff;--ink:#1c2430;--dim:#5c6675;--line:#dfe3e9;--good:#1a7f47;"
    "--risky:#9a6200;--bad:#b3261e;--unknown:#5b5f97}\n"
    "@media (prefers-color-scheme:dark){:root{--bg:#14181f;--card:#1d232d;--ink:#e6eaf0;"
    "--dim:#9aa5b4;--line:#303946;--good:#58c98a;--risky:#e0ac4e;--bad:#ff8a80;--unknown:#a9adf0}}"
    "\n"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);"
    "font:16px/1.5 system-ui,sans-serif}\n"
    "main{max-width:64rem;margin:0 auto;padding:2rem 1rem 4rem}h1{font-size:1.6rem;margin:0 0 "
    ".3rem}"
    "h2{font-size:1.15rem;margin:0}p{margin:.5rem 0}.dim{color:var(--dim)}\n"
    "section{background:var(--card);border:1px solid var(--line);border-left:6px solid var(--c);"
    "border-radius:10px;padding:1.1rem 1.3rem;margin:1.1rem 0}\n"
    ".good{--c:var(--good)}.risky{--c:var(--risky)}.bad{--c:var(--bad)}.unknown{--c:var(--unknown)}"
    ".plain{--c:var(--line)}\n"
    "header{display:flex;gap:.8rem;align-items:baseline;flex-wrap:wrap}.badge{color:var(--c);"
    "border:1px solid var(--c);border-radius:99px;padding:0 "
    ".7rem;font-size:.85rem;font-weight:600}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.2rem;margin:.8rem 0 0}"
    "dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}\n"
    "pre{background:var(--bg);border:1px solid var(--line);border-radius:8px;padding:.7rem .9rem;"
    "margin:.6rem 0 0;white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4;font:13px/1.45 "
    "ui-monospace,monospace}\n"
    "ol{padding-left:1.4rem;margin:.8rem 0 0}li+li{margin-top:1rem}\n"
    ".told::first-letter{text-transform:uppercase}\n"
    "</style></head><body><main>\n"
    "<h1>Preflight</h1><p class=\"dim\">The addresses mail leaves from, as receivers see "
    "them.</p>\n";

/* Foreign text: it opens no element. */
static void put_bytes(FILE *f, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        switch (text[i]) {
        case '&':
            fputs("&amp;", f);
            break;
        case '<':
            fputs("&lt;", f);
            break;
        case '>':
            fputs("&gt;", f);
            break;
        case '"':
            fputs("&quot;", f);
            break;
        default:
            fputc(text[i], f);
        }
    }
}

static void put_text(FILE *f, const char *text)
{
    put_bytes(f, text, strlen(text));
}

static void put_element(FILE *f, const char *element, const char *text)
{
    if (text == NULL)
        return;
    fprintf(f, "<%s>", element);
    put_text(f, text);
    fprintf(f, "</%s>\n", element);
}

/* A sentence as the library has it: its period is ours. */
static void put_sentence(FILE *f, const char *text)
{
    if (text == NULL)
        return;
    fprintf(f, "<p class=\"told\">");
    put_text(f, text);
    fprintf(f, ".</p>\n");
}

static void put_fact(FILE *f, const char *name, const char *value)
{
    char clean[PREFLIGHT_WORDS];

    fprintf(f, "<dt>%s</dt>", name);
    put_element(f, "dd", output_clean(value, clean, sizeof clean));
}

static void put_source(FILE *f, const struct mox_preflight_source *s)
{
    const char *verdict = mox_verdict_name(s->verdict);
    char source[OUTPUT_IP], public_ip[OUTPUT_IP], text[PREFLIGHT_WORDS];
    bool mapped = strcmp(output_ip(&s->source, source), output_ip(&s->public_ip, public_ip)) != 0;

    fprintf(f, "<section class=\"%s\"><header><h2>", verdict);
    put_text(f, public_ip);
    fprintf(f, "</h2><span class=\"badge\">%s</span>", verdict);
    if (mapped) {
        fprintf(f, "<span class=\"dim\">on this machine ");
        put_text(f, source);
        fprintf(f, "</span>");
    }
    fprintf(f, "</header>\n");
    put_sentence(f, s->problem);
    fprintf(f, "<dl>\n");
    put_fact(f, "Reverse DNS", preflight_ptr_words(s, text));
    snprintf(text, sizeof text, "%s%s", s->ehlo == NULL ? "the address as a literal" : s->ehlo,
             s->ehlo_matches != 0 ? ", the same name" : "");
    put_fact(f, "EHLO", text);
    put_fact(f, "SPF of the sender", preflight_spf_words(s, text));
    if (s->spf_ehlo >= 0)
        put_fact(f, "SPF of EHLO", mox_spf_name(s->spf_ehlo));
    fprintf(f, "</dl>\n");
    if (s->cure != NULL)
        fprintf(f, "<p class=\"dim\">What mends it:</p>\n");
    put_element(f, "pre", s->cure);
    fprintf(f, "</section>\n");
}

/* What it is, and below it what can be pasted. */
static void put_cure(FILE *f, const char *cure)
{
    const char *end = strchr(cure, '\n');

    fprintf(f, "<li>");
    if (end == NULL) {
        put_text(f, cure);
    } else {
        put_bytes(f, cure, (size_t)(end - cure));
        put_element(f, "pre", end + 1);
    }
    fprintf(f, "</li>\n");
}

static void put_hairpin(FILE *f, const struct mox_preflight_info *info)
{
    if (info->hairpin_story == NULL)
        return;
    fprintf(f,
            "<section class=\"%s\"><header><h2>Hairpin NAT</h2><span class=\"badge\">%s</span>"
            "</header>\n",
            info->hairpin != 0 ? "bad" : "good", info->hairpin != 0 ? "found" : "harmless");
    put_sentence(f, info->hairpin_story);
    if (info->cures[0] != NULL)
        fprintf(f, "<p class=\"dim\">One of these mends it, the fitting one first:</p>\n<ol>\n");
    for (size_t i = 0; info->cures[i] != NULL; i++)
        put_cure(f, info->cures[i]);
    if (info->cures[0] != NULL)
        fprintf(f, "</ol>\n");
    fprintf(f, "</section>\n");
}

static void put_page(FILE *f, const struct mox_preflight_report *report)
{
    const struct mox_preflight_info *info = mox_preflight_summary(report);

    fputs(head, f);
    for (uint32_t i = 0; i < info->nsources; i++)
        put_source(f, mox_preflight_source_at(report, i));
    put_hairpin(f, info);
    if (info->config != NULL) {
        fprintf(f, "<section class=\"plain\"><header><h2>To paste into the configuration</h2>"
                   "</header>\n");
        put_element(f, "pre", info->config);
        fprintf(f, "</section>\n");
    }
    fprintf(f, "<p class=\"dim\">moxdial %s</p>\n</main></body></html>\n", mox_version());
}

int preflight_page_write(const char *file, const struct mox_preflight_report *report,
                         struct mox_error *err)
{
    FILE *f = fopen(file, "w");
    bool bad;

    if (f == NULL)
        return tool_error(err, MOX_E_OS, MOX_STAGE_NONE, "%s: %s", file, strerror(errno));
    put_page(f, report);
    bad = ferror(f) != 0;
    bad = fclose(f) != 0 || bad;
    if (bad)
        return tool_error(err, MOX_E_OS, MOX_STAGE_NONE, "%s: %s", file, strerror(errno));
    return MOX_OK;
}
