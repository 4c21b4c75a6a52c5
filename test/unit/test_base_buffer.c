/* test_base_buffer.c - bytes in at the end, out at the front; files and their limit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "test.h"

START_TEST(keeps_order_in_every_chunk)
{
    struct buffer buffer = {0};
    unsigned char next_in = 0, next_out = 0;
    size_t chunk = (size_t)_i;

    for (size_t round = 0; round < 500; round++) {
        unsigned char bytes[64];

        for (size_t i = 0; i < chunk; i++)
            bytes[i] = next_in++;
        ck_assert_int_eq(buffer_append(&buffer, bytes, chunk), MOX_OK);
        for (size_t n = chunk / 2 + 1; n > 0 && buffer_slice(&buffer).len > 0; n--) {
            ck_assert_uint_eq((unsigned char)buffer_slice(&buffer).ptr[0], next_out++);
            buffer_take(&buffer, 1);
        }
    }
    ck_assert_uint_eq((unsigned char)(next_out + buffer_slice(&buffer).len), next_in);
    buffer_free(&buffer);
}
END_TEST

START_TEST(room_is_writable)
{
    struct buffer buffer = {0};
    char *room = buffer_room(&buffer, 1000);

    memset(room, 'x', 1000);
    buffer_grown(&buffer, 3);
    ck_assert(slice_is(buffer_slice(&buffer), "xxx"));
    ck_assert_int_eq(buffer_append_text(&buffer, "yz"), MOX_OK);
    ck_assert(slice_is(buffer_slice(&buffer), "xxxyz"));
    buffer_wipe(&buffer);
    ck_assert_uint_eq(buffer_slice(&buffer).len, 0);
}
END_TEST

START_TEST(takes_at_most_what_is_there)
{
    struct buffer buffer = {0};

    buffer_take(&buffer, 10);
    ck_assert_uint_eq(buffer_slice(&buffer).len, 0);
    ck_assert_int_eq(buffer_append(&buffer, NULL, 0), MOX_OK);
    ck_assert_int_eq(buffer_append_text(&buffer, "abc"), MOX_OK);
    buffer_take(&buffer, 1);
    ck_assert(slice_is(buffer_slice(&buffer), "bc"));
    buffer_take(&buffer, SIZE_MAX);
    ck_assert_uint_eq(buffer_slice(&buffer).len, 0);
    buffer_free(&buffer);
}
END_TEST

/* The seed is used, outgrown with what is in it, and never freed. */
START_TEST(begins_in_its_seed)
{
    char seed[8] = "";
    struct buffer buffer = {0};

    buffer_seed(&buffer, seed, sizeof seed);
    ck_assert_uint_eq(buffer_slice(&buffer).len, 0);
    ck_assert_int_eq(buffer_append_text(&buffer, "abcdefgh"), MOX_OK);
    ck_assert_ptr_eq(buffer_slice(&buffer).ptr, seed);
    buffer_take(&buffer, 2);
    test_fail_alloc(1);
    ck_assert_int_eq(buffer_append_text(&buffer, "ijk"), MOX_E_NOMEM);
    test_fail_alloc(0);
    ck_assert(slice_is(buffer_slice(&buffer), "cdefgh"));
    ck_assert_int_eq(buffer_append_text(&buffer, "ijk"), MOX_OK);
    ck_assert(slice_is(buffer_slice(&buffer), "cdefghijk"));
    memset(seed, 'x', sizeof seed);
    ck_assert_int_eq(buffer_append_text(&buffer, "l"), MOX_OK);
    ck_assert(slice_is(buffer_slice(&buffer), "cdefghijkl"));
    buffer_free(&buffer);
    ck_assert_int_eq(buffer_append_text(&buffer, "abc"), MOX_OK);
    ck_assert_ptr_ne(buffer_slice(&buffer).ptr, seed);
    buffer_free(&buffer);
    buffer_seed(&buffer, seed, sizeof seed);
    buffer_wipe(&buffer);
    ck_assert_mem_eq(seed, "\0\0\0\0\0\0\0\0", sizeof seed);
}
END_TEST

START_TEST(survives_no_memory)
{
    struct buffer buffer = {0};
    static const char big[1000];

    ck_assert_int_eq(buffer_append_text(&buffer, "abc"), MOX_OK);
    test_fail_alloc(1);
    ck_assert_int_eq(buffer_append(&buffer, big, sizeof big), MOX_E_NOMEM);
    ck_assert(test_alloc_failed());
    test_fail_alloc(0);
    ck_assert(slice_is(buffer_slice(&buffer), "abc"));
    ck_assert_ptr_null(buffer_room(&buffer, SIZE_MAX));
    ck_assert(slice_is(buffer_slice(&buffer), "abc"));
    buffer_free(&buffer);
}
END_TEST

/* A temporary file that holds len times 'x'; path: mkstemp's template. */
static void make_file(char *path, size_t len)
{
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    for (size_t i = 0; i < len; i++)
        ck_assert_int_eq(write(fd, "x", 1), 1);
    close(fd);
}

static const struct file_case {
    size_t len, max;
    int status;
} file_cases[] = {
    {0, 0, MOX_OK}, {1, 0, MOX_E_LIMIT}, {1000, 1000, MOX_OK}, {1001, 1000, MOX_E_LIMIT}};

START_TEST(reads_files)
{
    const struct file_case *c = &file_cases[_i];
    char path[] = "/tmp/moxdial-test-XXXXXX";
    struct buffer buffer = {0};
    struct mox_error err = {0};

    make_file(path, c->len);
    ck_assert_int_eq(buffer_read_file(&buffer, path, c->max, &err), c->status);
    unlink(path);
    if (c->status == MOX_OK)
        ck_assert_uint_eq(buffer_slice(&buffer).len, c->len);
    else
        ck_assert_ptr_nonnull(strstr(err.message, path));
    buffer_free(&buffer);
}
END_TEST

START_TEST(bounds_endless_files)
{
    struct buffer buffer = {0};
    struct mox_error err = {0};

    ck_assert_int_eq(buffer_read_file(&buffer, "/dev/zero", 200000, &err), MOX_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(err.message, "200000"));
    ck_assert_int_eq(buffer_read_file(&buffer, "/dev/null", 10, &err), MOX_OK);
    ck_assert_uint_eq(buffer_slice(&buffer).len, 0);
    buffer_free(&buffer);
}
END_TEST

static const struct fault_case {
    const char *path;
    int os_errno;
} fault_cases[] = {{"/nonexistent/file", ENOENT}, {"/", EISDIR}};

START_TEST(tells_why_a_file_cannot_be_read)
{
    const struct fault_case *c = &fault_cases[_i];
    struct buffer buffer = {0};
    struct mox_error err = {0};

    ck_assert_int_eq(buffer_read_file(&buffer, c->path, 10000, &err), MOX_E_OS);
    ck_assert_int_eq(err.os_errno, c->os_errno);
    ck_assert_ptr_nonnull(strstr(err.message, c->path));
    buffer_free(&buffer);
}
END_TEST

START_TEST(reads_files_without_memory)
{
    char path[] = "/tmp/moxdial-test-XXXXXX";
    struct buffer buffer = {0};
    int status = MOX_E_NOMEM;
    long nth = 0;

    make_file(path, 100);
    while (nth < 10 && status == MOX_E_NOMEM) {
        test_fail_alloc(++nth);
        status = buffer_read_file(&buffer, path, 1000, NULL);
    }
    test_fail_alloc(0);
    unlink(path);
    ck_assert_int_eq(status, MOX_OK);
    ck_assert_uint_eq(buffer_slice(&buffer).len, 100);
    buffer_free(&buffer);
}
END_TEST

TCase *test_base_buffer(void)
{
    TCase *tc = tcase_create("base_buffer");

    tcase_add_loop_test(tc, keeps_order_in_every_chunk, 1, 64);
    tcase_add_test(tc, room_is_writable);
    tcase_add_test(tc, takes_at_most_what_is_there);
    tcase_add_test(tc, begins_in_its_seed);
    tcase_add_test(tc, survives_no_memory);
    tcase_add_loop_test(tc, reads_files, 0, ARRAY_LEN(file_cases));
    tcase_add_test(tc, bounds_endless_files);
    tcase_add_loop_test(tc, tells_why_a_file_cannot_be_read, 0, ARRAY_LEN(fault_cases));
    tcase_add_test(tc, reads_files_without_memory);
    return tc;
}
