/*
 * test_spf_vectors.c - the public test suite of RFC 7208, by the public API. Its strings are bytes
 * written as U+0000 to U+00FF. Skipped where the suite is absent.
 */
#include <stdio.h>
#include <string.h>

#include <yaml.h>

#include "base/arena.h"
#include "base/text.h"
#include "spf_world.h"
#include "test.h"
#include "vector_script.h"

enum { ZONE = 512, RDATA = 4096 };

static struct spf_world w;

/* A document of the suite and its zone. */
struct scenario {
    yaml_document_t document;
    yaml_node_t *tests, *zonedata;
    struct arena arena;
    struct spf_zone zone[ZONE + 1];
    size_t nzone;
};

static int cases, ambiguous;

/* Of a scalar, as bytes. */
static const char *text_of(struct arena *arena, const yaml_node_t *node, size_t *len)
{
    size_t n = node->data.scalar.length;
    char *out = arena_bytes(arena, n + 1, 1);

    *len = vector_bytes((const char *)node->data.scalar.value, n, out);
    out[*len] = '\0';
    return out;
}

static yaml_node_t *child(struct scenario *s, const yaml_node_t *map, const char *key)
{
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        yaml_node_t *name = yaml_document_get_node(&s->document, p->key);

        if (strcmp((const char *)name->data.scalar.value, key) == 0)
            return yaml_document_get_node(&s->document, p->value);
    }
    return NULL;
}

static const char *child_text(struct scenario *s, const yaml_node_t *map, const char *key)
{
    yaml_node_t *node = child(s, map, key);
    size_t len;

    return node == NULL ? NULL : text_of(&s->arena, node, &len);
}

static void add_string(struct scenario *s, struct text *t, const yaml_node_t *node)
{
    size_t len;
    const char *text = text_of(&s->arena, node, &len);

    text_add(t, "%s\"", t->len == 0 ? "" : " ");
    for (size_t i = 0; i < len; i++)
        text_add(t, "\\%03u", (unsigned)(unsigned char)text[i]);
    text_add(t, "\"");
}

/* What stands behind "TXT:", "MX:" and so on, as in a zone file. */
static const char *rdata_of(struct scenario *s, uint16_t type, const yaml_node_t *value)
{
    static char buf[RDATA];
    struct text t = text_to(buf, sizeof buf);
    bool list = value->type == YAML_SEQUENCE_NODE;
    size_t n =
        list ? (size_t)(value->data.sequence.items.top - value->data.sequence.items.start) : 1;
    size_t len;

    for (size_t i = 0; i < n; i++) {
        const yaml_node_t *item =
            list ? yaml_document_get_node(&s->document, value->data.sequence.items.start[i])
                 : value;
        const char *text = text_of(&s->arena, item, &len);

        if (type == DNS_TYPE_TXT)
            add_string(s, &t, item);
        else
            text_add(&t, "%s%s", i == 0 ? "" : " ", len == 0 ? "." : text);
    }
    if (t.len == 0)
        text_add(&t, "\"\""); /* no string at all cannot be sent */
    ck_assert_uint_lt(t.len, sizeof buf);
    return arena_text(&s->arena, slice_of(buf));
}

static uint16_t type_of(const char *name)
{
    static const struct {
        const char *name;
        uint16_t type;
    } types[] = {{"A", DNS_TYPE_A},         {"AAAA", DNS_TYPE_AAAA},
                 {"MX", DNS_TYPE_MX},       {"PTR", DNS_TYPE_PTR},
                 {"CNAME", DNS_TYPE_CNAME}, {"TXT", DNS_TYPE_TXT},
                 {"SPF", DNS_TYPE_TXT},     {"TIMEOUT", 0}};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    }
    ck_abort_msg("no type of the suite: %s", name);
    return 0;
}

/* "- TXT: v=spf1", "- TIMEOUT"; false: it is of no use. */
static bool read_record(struct scenario *s, yaml_node_t *node, bool spf, struct spf_zone *out)
{
    bool bare = node->type == YAML_SCALAR_NODE;
    yaml_node_pair_t *pair = bare ? NULL : node->data.mapping.pairs.start;
    yaml_node_t *name = bare ? node : yaml_document_get_node(&s->document, pair->key), *value;
    const char *type = (const char *)name->data.scalar.value;

    out->type = type_of(type);
    if (bare)
        return true;
    if (strcmp(type, "SPF") == 0 && !spf)
        return false;
    value = yaml_document_get_node(&s->document, pair->value);
    out->data = rdata_of(s, out->type, value);
    return value->type != YAML_SCALAR_NODE ||
           strcmp((const char *)value->data.scalar.value, "NONE") != 0;
}

/* The suite's rule: SPF records stand for TXT ones where a name has none of these. */
static bool has_txt(struct scenario *s, const yaml_node_t *list)
{
    for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top;
         i++) {
        yaml_node_t *node = yaml_document_get_node(&s->document, *i);

        if (node->type == YAML_MAPPING_NODE && child(s, node, "TXT") != NULL)
            return true;
    }
    return false;
}

static void read_zone(struct scenario *s)
{
    for (yaml_node_pair_t *p = s->zonedata->data.mapping.pairs.start;
         p < s->zonedata->data.mapping.pairs.top; p++) {
        yaml_node_t *list = yaml_document_get_node(&s->document, p->value);
        bool spf = !has_txt(s, list);
        size_t len;
        const char *name = text_of(&s->arena, yaml_document_get_node(&s->document, p->key), &len);

        for (yaml_node_item_t *i = list->data.sequence.items.start;
             i < list->data.sequence.items.top; i++) {
            struct spf_zone *record = &s->zone[s->nzone];

            ck_assert_uint_lt(s->nzone, ZONE);
            *record = (struct spf_zone){.name = name};
            if (!read_record(s, yaml_document_get_node(&s->document, *i), spf, record))
                record->type = DNS_TYPE_SOA; /* nobody asks for it, but the name exists */
            s->nzone++;
        }
    }
    s->zone[s->nzone] = (struct spf_zone){0};
}

static bool is_expected(struct scenario *s, const yaml_node_t *result, const char *got)
{
    if (result->type == YAML_SCALAR_NODE)
        return strcmp((const char *)result->data.scalar.value, got) == 0;
    for (yaml_node_item_t *i = result->data.sequence.items.start;
         i < result->data.sequence.items.top; i++) {
        if (is_expected(s, yaml_document_get_node(&s->document, *i), got))
            return true;
    }
    return false;
}

static void check_case(struct scenario *s, const char *name, const yaml_node_t *test)
{
    const char *explanation = child_text(s, test, "explanation"), *got;
    yaml_node_t *result = child(s, test, "result");

    w.zone = s->zone;
    w.ip = child_text(s, test, "host");
    w.helo = child_text(s, test, "helo");
    w.mail_from = child_text(s, test, "mailfrom");
    ck_assert_msg(spf_world_check(&w) == MOX_OK && w.done == 1, "%s: %s", name, w.err.message);
    got = mox_spf_name(w.result.result);
    ck_assert_msg(is_expected(s, result, got), "%s: %s by \"%s\": %s; asked\n%s", name, got,
                  w.result.mechanism, w.result.explanation, w.asked);
    cases++;
    if (result->type == YAML_SEQUENCE_NODE) {
        printf("spf: %s may have several results, and has %s\n", name, got);
        ambiguous++;
    }
    if (explanation == NULL || w.result.result != MOX_SPF_FAIL)
        return;
    if (strcmp(explanation, "DEFAULT") == 0)
        explanation = "";
    ck_assert_msg(strcmp(explanation, w.result.explanation) == 0, "%s: explained by \"%s\"", name,
                  w.result.explanation);
}

/* false: the suite ends. */
static bool run_scenario(yaml_parser_t *parser)
{
    static struct scenario s;
    yaml_node_t *root;

    memset(&s, 0, sizeof s);
    ck_assert_int_eq(yaml_parser_load(parser, &s.document), 1);
    root = yaml_document_get_root_node(&s.document);
    if (root != NULL) {
        s.tests = child(&s, root, "tests");
        s.zonedata = child(&s, root, "zonedata");
        read_zone(&s);
        for (yaml_node_pair_t *p = s.tests->data.mapping.pairs.start;
             p < s.tests->data.mapping.pairs.top; p++) {
            yaml_node_t *name = yaml_document_get_node(&s.document, p->key);

            check_case(&s, (const char *)name->data.scalar.value,
                       yaml_document_get_node(&s.document, p->value));
        }
    }
    yaml_document_delete(&s.document);
    arena_free(&s.arena);
    return root != NULL;
}

START_TEST(the_suite)
{
    const char *path = test_vector_path("rfc7208-tests.yml");
    FILE *file = path == NULL ? NULL : fopen(path, "rb");
    yaml_parser_t parser;

    if (file == NULL)
        return;
    cases = ambiguous = 0;
    ck_assert_int_eq(yaml_parser_initialize(&parser), 1);
    yaml_parser_set_input_file(&parser, file);
    while (run_scenario(&parser))
        continue;
    yaml_parser_delete(&parser);
    fclose(file);
    printf("spf: %d cases of the RFC's test suite pass, %d of them with several results\n", cases,
           ambiguous);
    ck_assert_int_gt(cases, 200);
}
END_TEST

static void setup(void)
{
    spf_world_open(&w);
}

static void teardown(void)
{
    spf_world_close(&w);
}

TCase *test_spf_vectors(void)
{
    TCase *tcase = tcase_create("spf/vectors");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_suite);
    return tcase;
}
