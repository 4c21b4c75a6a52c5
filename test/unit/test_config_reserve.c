/* test_config_reserve.c - the room that is made for a large file before it is read. */
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "config/reserve.h"
#include "test.h"

enum { ROUTES = 30000, ROUTE_TEXT = 80 };

static char *text;
static size_t len;

static void setup(void)
{
    text = mem_array(ROUTES + 1, ROUTE_TEXT);
    ck_assert_ptr_nonnull(text);
    len = (size_t)snprintf(text, ROUTE_TEXT, "Transports:\n\tx: nil\nRoutes:\n");
    for (int i = 0; i < ROUTES; i++)
        len += (size_t)snprintf(text + len, ROUTE_TEXT,
                                "\t-\n\t\tToDomain:\n\t\t\t- d%05d.example\n\t\tTransport: x\n", i);
    ck_assert_uint_gt(len, 1 << 20);
}

static void teardown(void)
{
    mem_free(text);
}

static void free_room(struct build *b)
{
    buffer_free(&b->routes);
    buffer_free(&b->items);
    buffer_free(&b->names);
}

START_TEST(makes_room_for_what_comes)
{
    static struct build b;

    config_reserve_routes(&b, (struct slice){text, len});
    ck_assert_uint_eq(b.routes.cap, ROUTES * sizeof b.route);
    ck_assert_uint_eq(b.items.cap, ROUTES * sizeof(uint32_t));
    ck_assert_uint_ge(b.names.cap, ROUTES * sizeof "d00000.example");
    ck_assert_uint_eq(b.routes.len + b.items.len + b.names.len, 0);
    free_room(&b);
}
END_TEST

START_TEST(leaves_a_small_file_alone)
{
    static struct build b;

    config_reserve_routes(&b, (struct slice){text, (1 << 20) - 1});
    ck_assert_ptr_null(b.routes.ptr);
    ck_assert_ptr_null(b.items.ptr);
    ck_assert_ptr_null(b.names.ptr);
}
END_TEST

START_TEST(leaves_alone_what_grew_before)
{
    static struct build b;
    const char *grown;

    ck_assert_int_eq(buffer_append(&b.routes, "x", 1), MOX_OK);
    grown = b.routes.ptr;
    config_reserve_routes(&b, (struct slice){text, len});
    ck_assert_ptr_eq(b.routes.ptr, grown);
    ck_assert_uint_eq(b.routes.len, 1);
    ck_assert_ptr_nonnull(b.items.ptr);
    free_room(&b);
}
END_TEST

START_TEST(without_memory_nothing_is_lost)
{
    static struct build b;

    test_fail_alloc(1); /* the routes' */
    config_reserve_routes(&b, (struct slice){text, len});
    test_fail_alloc(0);
    ck_assert(b.routes.ptr == NULL && b.routes.cap == 0);
    ck_assert_ptr_nonnull(b.items.ptr);
    ck_assert_int_eq(buffer_append(&b.routes, "x", 1), MOX_OK);
    free_room(&b);
}
END_TEST

START_TEST(all_routes_are_read)
{
    struct mox_error err;
    struct mox_config *config = mox_config_parse(text, len, &err);

    ck_assert_msg(config != NULL, "%s", err.message);
    ck_assert_uint_eq(config->info.global_routes, ROUTES);
    mox_config_free(config);
}
END_TEST

TCase *test_config_reserve(void)
{
    TCase *tc = tcase_create("config/reserve");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, makes_room_for_what_comes);
    tcase_add_test(tc, leaves_a_small_file_alone);
    tcase_add_test(tc, leaves_alone_what_grew_before);
    tcase_add_test(tc, without_memory_nothing_is_lost);
    tcase_add_test(tc, all_routes_are_read);
    return tc;
}
