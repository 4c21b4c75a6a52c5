/*
 * test_config_schema.c - mox's two files with every key of mox-schema.txt, which is read at run
 * time: all are accepted, and none is if one letter of it is changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config_world.h"
#include "test.h"

enum { MOST_KEYS = 600, DEEPEST = 20, ROOM = 64 << 10 };

struct node {
    int depth; /* 0: a file */
    char name[48], type[16];
};

static struct node nodes[MOST_KEYS];
static int nnodes;
static struct world w;

/* false: there is no such file. */
static bool read_schema(void)
{
    const char *path = test_vector_path("../mox-schema.txt");
    FILE *f = path == NULL ? NULL : fopen(path, "r");
    char line[256];

    nnodes = 0;
    while (f != NULL && fgets(line, sizeof line, f) != NULL && nnodes < MOST_KEYS) {
        struct node *n = &nodes[nnodes];

        n->type[0] = '\0';
        n->depth = (int)strspn(line, "\t");
        if (line[0] == '#' || sscanf(line, " %47s %15s", n->name, n->type) < 1)
            continue;
        nnodes++;
    }
    if (f != NULL)
        fclose(f);
    return nnodes > 0;
}

static const char *value_of(const struct node *n, const char *parent)
{
    static const struct {
        const char *key, *value;
    } values[] = {
        {"Hostname", "mail.example.org"},
        {"Host", "smtp.example.org"},
        {"IPs", "192.0.2.1"},
        {"NATIPs", "198.51.100.1"},
        {"RemoteIPs", "192.0.2.2"},
        {"RemoteHostname", "socks.example.org"},
        {"Address", "socks.example.org:1080"},
        {"Mechanisms", "PLAIN"},
        {"SMTPCode", "550"},
        {"FromDomain", "example.org"},
        {"ToDomain", ".example.com"},
        {"Transport", "none"},
        {"Port", "25"},
        {"MinimumAttempts", "1"},
    };
    const char *key = strcmp(n->name, "[]") == 0 ? parent : n->name;

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if (strcmp(key, values[i].key) == 0)
            return values[i].value;
    }
    return strstr(n->type, "bool") != NULL ? "false" : "x";
}

static void tabs(struct text *t, int n)
{
    while (n-- > 0)
        text_char(t, '\t');
}

static bool is_block(const struct node *n)
{
    return strstr(n->type, "struct") != NULL || strcmp(n->type, "map") == 0 ||
           strcmp(n->type, "list") == 0;
}

/* The key, with its middle letter changed if it is the one to spoil. */
static void add_key(struct text *t, const struct node *n, bool spoil)
{
    char name[sizeof n->name];

    snprintf(name, sizeof name, "%s", n->name);
    if (spoil)
        name[strlen(name) / 2] = 'q';
    text_add(t, "%s:", name);
}

/* Writes the file whose node is `from`. A transport has one method, so each stands in an entry of
 * its own. Returns the line of the spoilt key. */
static int write_file(struct text *t, int from, int spoilt)
{
    const char *parents[DEEPEST] = {""};
    int line = 1, found = 0;

    for (int i = from + 1; i < nnodes && nodes[i].depth > 0; i++) {
        const struct node *n = &nodes[i];
        bool in_transports = n->depth > 1 && strcmp(parents[1], "Transports") == 0;
        const char *entry = strcmp(parents[n->depth - 1], "Domains") == 0 ? "example.org" : "name";

        parents[n->depth] = n->name;
        if (in_transports && n->depth == 2) {
            text_add(t, "\tnone: nil\n");
            line++;
            continue;
        }
        if (in_transports && n->depth == 3) {
            text_add(t, "\tt%d:\n", i);
            line++;
        }
        tabs(t, n->depth - 1);
        if (strcmp(n->name, "[]") == 0)
            text_add(t, "-");
        else if (strcmp(n->name, "map[string]") == 0)
            text_add(t, "%s:", entry);
        else
            add_key(t, n, i == spoilt);
        if (i == spoilt)
            found = line;
        line++;
        if (is_block(n))
            text_char(t, '\n');
        else
            text_add(t, " %s\n", value_of(n, parents[n->depth - 1]));
    }
    return found;
}

static char texts[2][ROOM];

static int second_file(void)
{
    int i = 1;

    while (nodes[i].depth > 0)
        i++;
    return i;
}

/* spoilt: a node, or -1. Returns its line. */
static int write_both(int spoilt)
{
    int second = second_file();
    struct text mox = text_to(texts[0], ROOM), domains = text_to(texts[1], ROOM);
    int line = write_file(&mox, 0, spoilt) + write_file(&domains, second, spoilt);

    ck_assert_uint_lt(mox.len, ROOM);
    ck_assert_uint_lt(domains.len, ROOM);
    return line;
}

START_TEST(every_key)
{
    struct mox_config *config;

    if (!read_schema())
        return;
    ck_assert_int_gt(nnodes, 300);
    write_both(-1);
    config = world_build_two(&w, texts[0], texts[1]);
    if (w.n > 0)
        world_print(&w);
    ck_assert_ptr_nonnull(config);
    ck_assert_uint_eq(w.n, 0);
    ck_assert_uint_eq(config->info.transports, 7);
    ck_assert_uint_eq(config->info.global_routes, 1);
    config_release(config);
}
END_TEST

START_TEST(every_key_misspelt)
{
    char quoted[64];

    for (int i = 0; read_schema() && i < nnodes; i++) {
        const struct world_problem *p;
        int line;

        if (nodes[i].depth == 0 || strpbrk(nodes[i].name, "[]") != NULL)
            continue;
        line = write_both(i);
        ck_assert_ptr_null(world_build_two(&w, texts[0], texts[1]));
        snprintf(quoted, sizeof quoted, "\"%s\"", nodes[i].name);
        p = world_find(&w, line, NULL, quoted);
        if (p == NULL)
            world_print(&w);
        ck_assert_msg(p != NULL && strstr(p->message, "unknown key") != NULL, "%s", nodes[i].name);
    }
}
END_TEST

TCase *test_config_schema(void)
{
    TCase *tc = tcase_create("config_schema");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, every_key);
    tcase_add_test(tc, every_key_misspelt);
    return tc;
}
