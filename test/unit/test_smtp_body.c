/* test_smtp_body.c - messages in every source and every cut, against what must go over the wire. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "smtp/body.h"
#include "smtp/scan.h"
#include "test.h"

enum { LF = MOX_BODY_LF, END = MOX_BODY_ADD_FINAL_CRLF };

static const struct body_case {
    const char *name, *in;
    uint32_t flags;
    const char *out;   /* NULL: refused */
    const char *fault; /* a part of the error */
} cases[] = {
    {"empty", "", 0, "", NULL},
    {"empty, to be ended", "", LF | END, "", NULL},
    {"one line", "a\r\n", 0, "a\r\n", NULL},
    {"an empty line", "\r\n", 0, "\r\n", NULL},
    {"header and body", "A: b\r\n\r\nc\r\n", 0, "A: b\r\n\r\nc\r\n", NULL},
    {"a dot begins the message", ".\r\n", 0, "..\r\n", NULL},
    {"dots", ".\r\n.\r\n..\r\na.\r\n.b\r\n", 0, "..\r\n..\r\n...\r\na.\r\n..b\r\n", NULL},
    {"a dot alone, to be ended", ".", END, "..\r\n", NULL},
    {"8-bit, NUL is elsewhere", "\xff\xc3\xa9\x80\r\n", 0, "\xff\xc3\xa9\x80\r\n", NULL},
    {"end is added", "a\r\nb", END, "a\r\nb\r\n", NULL},
    {"end is there", "a\r\nb\r\n", END, "a\r\nb\r\n", NULL},
    {"no end", "a\r\nb", 0, NULL, "line 2 of the message, byte 5: the last line has no end"},
    {"no end, LF", "a\nb", LF, NULL, "line 2 of the message, byte 4: the last line has no end"},
    {"bare LF", "a\r\nbc\nd\r\n", 0, NULL, "line 2 of the message, byte 6: an LF without CR"},
    {"bare LF first", "\na\r\n", 0, NULL, "line 1 of the message, byte 1: an LF without CR"},
    {"bare LF last", "a\r\n\n", END, NULL, "line 2 of the message, byte 4: an LF without CR"},
    {"bare CR", "a\r\nb\rc\r\n", 0, NULL, "line 2 of the message, byte 5: a CR without LF"},
    {"bare CR, LF", "a\nb\rc\n", LF, NULL, "line 2 of the message, byte 4: a CR without LF"},
    {"bare CR first", "\ra\r\n", LF, NULL, "line 1 of the message, byte 1: a CR without LF"},
    {"two CRs", "a\r\r\n", 0, NULL, "line 1 of the message, byte 2: a CR without LF"},
    {"two CRs, LF", "a\r\r\n", LF, NULL, "line 1 of the message, byte 2: a CR without LF"},
    {"CR at the end", "a\r\nb\r", 0, NULL, "line 2 of the message, byte 5: a CR without LF"},
    {"CR at the end, to be ended", "a\r\nb\r", END, NULL, "byte 5: a CR without LF"},
    {"CR at the end, LF", "a\nb\r", LF | END, NULL, "byte 4: a CR without LF"},
    {"a dot behind CR", "a\r.\r\n", 0, NULL, "byte 2: a CR without LF"},
    {"smuggled by LF", "a\n.\r\nMAIL FROM:<b@x>\r\n", 0, NULL, "byte 2: an LF without CR"},
    {"smuggled by CR", "a\r\n.\rMAIL FROM:<b@x>\r\n", 0, NULL,
     "line 2 of the message, byte 5: a CR"},
    {"smuggled, LF", "a\n.\nMAIL FROM:<b@x>\n", LF, "a\r\n..\r\nMAIL FROM:<b@x>\r\n", NULL},
    {"lines in LF", "a\n\nb\n", LF, "a\r\n\r\nb\r\n", NULL},
    {"both ends", "a\r\nb\nc\r\n\n\r\n", LF, "a\r\nb\r\nc\r\n\r\n\r\n", NULL},
    {"dots in LF", ".\n.\n..\na.\n.b\r\n", LF, "..\r\n..\r\n...\r\na.\r\n..b\r\n", NULL},
    {"LF, end is added", ".a", LF | END, "..a\r\n", NULL},
    {"LF, end is there", "\n", LF | END, "\r\n", NULL},
};

/* A reader that gives at most `cut` bytes, and says "not yet" before each of them if it hesitates.
 */
struct reader {
    const char *text;
    size_t len, at, cut;
    bool hesitates, waited;
    int status, ends, rewinds;
};

static int read_some(void *user, void *buf, size_t cap, size_t *n)
{
    struct reader *r = user;
    size_t left = r->len - r->at;

    if (r->status != MOX_OK)
        return r->status;
    r->waited = !r->waited;
    if (r->hesitates && r->waited)
        return MOX_E_AGAIN;
    *n = left < r->cut ? left : r->cut;
    *n = *n < cap ? *n : cap;
    memcpy(buf, r->text + r->at, *n);
    r->at += *n;
    r->ends += *n == 0;
    return MOX_OK;
}

static int rewind_it(void *user)
{
    struct reader *r = user;

    r->at = 0;
    r->rewinds++;
    return r->status;
}

static struct mox_body of_buffer(const void *text, size_t len, uint32_t flags)
{
    return (struct mox_body){.source = MOX_BODY_BUFFER, .flags = flags, .data = text, .len = len};
}

static struct mox_body of_reader(struct reader *r, uint32_t flags)
{
    return (struct mox_body){
        .source = MOX_BODY_READER, .flags = flags, .read = read_some, .user = r};
}

static struct mox_body of_file(FILE *file, const void *text, size_t len, uint32_t flags)
{
    ck_assert_uint_eq(fwrite(text, 1, len, file), len);
    ck_assert_int_eq(fflush(file), 0);
    return (struct mox_body){.source = MOX_BODY_FD, .flags = flags, .fd = fileno(file)};
}

/* The same without a look at the pieces: libcheck, too, needs memory. */
static int send_blindly(const struct mox_body *body, struct mox_error *err)
{
    struct smtp_body b = {0};
    struct slice piece;
    int status = smtp_body_open(&b, body, false, err);

    while (status == MOX_OK)
        status = smtp_body_next(&b, &piece, err);
    smtp_body_close(&b);
    return status;
}

/* All pieces joined; the status that ended it. plain: of the body, as smtp_body_check has it. */
static int send_checked(const struct mox_body *body, uint64_t plain, struct buffer *out,
                        struct mox_error *err)
{
    struct smtp_body b = {0};
    struct slice piece;
    int status = smtp_body_open(&b, body, false, err);

    smtp_body_trust(&b, plain);
    while (status == MOX_OK || status == MOX_E_AGAIN) {
        status = smtp_body_next(&b, &piece, err);
        ck_assert(status == MOX_OK ? piece.len > 0 && piece.len <= MOX_LIMIT_BODY_PIECE
                                   : piece.len == 0);
        if (status == MOX_OK && out != NULL)
            ck_assert_int_eq(buffer_append(out, piece.ptr, piece.len), MOX_OK);
    }
    smtp_body_close(&b);
    return status;
}

static int send_all(const struct mox_body *body, struct buffer *out, struct mox_error *err)
{
    return send_checked(body, 0, out, err);
}

static void check_sent(const struct body_case *c, const struct mox_body *body, const char *how)
{
    struct buffer out = {0};
    struct mox_error err = {0};
    int status = send_all(body, &out, &err);

    if (c->out == NULL) {
        ck_assert_msg(status == MOX_E_INVAL && strstr(err.message, c->fault) != NULL, "%s, %s: %s",
                      c->name, how, err.message);
        ck_assert(err.about == MOX_ABOUT_MESSAGE && err.action == MOX_ACTION_GIVE_UP &&
                  err.permanent == 1);
    } else {
        ck_assert_msg(status == MOX_E_EOF, "%s, %s: %s", c->name, how, err.message);
        ck_assert_msg(slice_is(buffer_slice(&out), c->out), "%s, %s: %.*s", c->name, how,
                      (int)out.len, out.ptr == NULL ? "" : out.ptr);
    }
    buffer_free(&out);
}

/* What the check has found out changes nothing of what is sent. */
static void check_trusted(const struct body_case *c, const struct mox_body *body)
{
    struct buffer out = {0};
    uint64_t plain = 1;

    ck_assert_int_eq(smtp_body_check(body, &plain, NULL), c->out != NULL ? MOX_OK : MOX_E_INVAL);
    ck_assert_msg(plain <= (c->out != NULL ? body->len : 0), "%s", c->name);
    if (c->out != NULL) {
        ck_assert_int_eq(send_checked(body, plain, &out, NULL), MOX_E_EOF);
        ck_assert_msg(slice_is(buffer_slice(&out), c->out), "%s, checked", c->name);
    }
    buffer_free(&out);
}

START_TEST(body_case)
{
    const struct body_case *c = &cases[_i];
    size_t len = strlen(c->in);
    struct mox_body body = of_buffer(c->in, len, c->flags);
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    check_sent(c, &body, "buffer");
    check_trusted(c, &body);
    for (size_t cut = 1; cut <= len + 1; cut++) {
        struct reader r = {.text = c->in, .len = len, .cut = cut, .hesitates = cut % 2 == 1};

        body = of_reader(&r, c->flags);
        check_sent(c, &body, "reader");
        ck_assert_int_le(r.ends, 1); /* the end is asked for once */
    }
    body = of_file(file, c->in, len, c->flags);
    check_sent(c, &body, "file");
    fclose(file);
}
END_TEST

/* Octet by octet; false: refused. lf: bare ones are ends of lines. */
static bool encode_simply(struct slice in, bool lf, struct buffer *out)
{
    char last = '\n';

    for (size_t i = 0; i < in.len; i++) {
        char c = in.ptr[i];

        if ((last == '\r') != (c == '\n') && (last == '\r' || !lf))
            return false;
        if (last == '\n' && c == '.')
            buffer_append(out, ".", 1);
        if (c == '\n' && last != '\r')
            buffer_append(out, "\r", 1);
        buffer_append(out, &c, 1);
        last = c;
    }
    return last == '\n';
}

static void check_simply(struct slice in, bool lf)
{
    struct buffer wire = {0}, simple = {0};
    struct mox_body body = of_buffer(in.ptr, in.len, lf ? LF : 0);
    int status = send_all(&body, &wire, NULL);
    bool good = encode_simply(in, lf, &simple);

    ck_assert_int_eq(status, good ? MOX_E_EOF : MOX_E_INVAL);
    if (good)
        ck_assert(slice_equal(buffer_slice(&wire), buffer_slice(&simple)));
    buffer_free(&wire);
    buffer_free(&simple);
}

/* The scanner's place and count, against a look at each byte. */
static void check_scan(struct slice in)
{
    uint64_t lines = 0, counted = 0;
    size_t at = smtp_scan(in, '\n', &lines);

    for (size_t i = 0; i < at; i++)
        counted += in.ptr[i] == '\n';
    ck_assert_uint_eq(lines, counted);
}

/* Whatever a byte is to be, and wherever in the vectors of the scanner it stands. */
START_TEST(each_byte_at_each_place)
{
    static const char bytes[] = {'.', '\r', '\n', '\0', 'x', '\x8a', '\x8d', '\xae'};
    enum { LEN = 700 }; /* over two of the largest blocks */
    char *text = malloc(LEN);

    ck_assert_ptr_nonnull(text);
    for (size_t line = 2; line < LEN; line = 3 * line + 1) {
        for (size_t at = 0; at < LEN; at++) {
            for (size_t i = 0; i < LEN; i++)
                text[i] = i == LEN - 1 || i % line == line - 1   ? '\n'
                          : i == LEN - 2 || i % line == line - 2 ? '\r'
                                                                 : 'a';
            text[at] = bytes[(at + (size_t)_i) % sizeof bytes];
            check_scan((struct slice){text, LEN});
            check_simply((struct slice){text, LEN}, false);
            check_simply((struct slice){text, LEN}, true);
        }
    }
    free(text);
}
END_TEST

/* Lines of 10 bytes: with CR LF, or with LF alone. */
static char *make_lines(size_t n, bool lf)
{
    char *text = malloc(10 * n);

    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < n; i++)
        memcpy(text + 10 * i, lf ? ".12345678\n" : "01234567\r\n", 10);
    return text;
}

START_TEST(pieces_are_borrowed)
{
    enum { LINES = 100000, LEN = 10 * LINES };
    char *text = make_lines(LINES, false);
    struct mox_body body = of_buffer(text, LEN, 0);
    struct smtp_body b = {0};
    struct slice piece;
    size_t at = 0, pieces = 0;
    bool asked;

    text[10] = '.';
    ck_assert_int_eq(smtp_body_open(&b, &body, false, NULL), MOX_OK);
    test_fail_alloc(1);
    while (smtp_body_next(&b, &piece, NULL) == MOX_OK && piece.ptr == text + at) {
        at += piece.len;
        at -= pieces == 0; /* the dot comes again */
        pieces++;
    }
    asked = test_alloc_failed();
    test_fail_alloc(0);
    ck_assert(!asked);
    ck_assert_uint_eq(at, LEN);
    ck_assert_uint_eq(pieces, 2 + LEN / MOX_LIMIT_BODY_PIECE);
    smtp_body_close(&b);
    free(text);
}
END_TEST

/* Blocks and chunks end inside of lines; each way to have the message gives the same. */
START_TEST(large_messages_are_whole)
{
    enum { LINES = 50000, LEN = 10 * LINES };
    bool lf = _i == 1;
    char *text = make_lines(LINES, lf);
    struct reader r = {.text = text, .len = LEN, .cut = 7777};
    struct buffer simple = {0}, wire = {0};
    FILE *file = tmpfile();
    const struct mox_body bodies[] = {of_buffer(text, LEN, lf ? LF : 0), of_reader(&r, lf ? LF : 0),
                                      of_file(file, text, LEN, lf ? LF : 0)};

    ck_assert(encode_simply((struct slice){text, LEN}, lf, &simple));
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        buffer_clear(&wire);
        ck_assert_int_eq(send_all(&bodies[i], &wire, NULL), MOX_E_EOF);
        ck_assert(slice_equal(buffer_slice(&wire), buffer_slice(&simple)));
    }
    buffer_free(&wire);
    buffer_free(&simple);
    fclose(file);
    free(text);
}
END_TEST

/* As after 4 GiB and as many lines. */
START_TEST(places_are_counted_on)
{
    struct mox_body body = of_buffer("a\nb\rc", 5, LF);
    struct mox_error err = {0};
    struct smtp_body b = {0};
    struct slice piece;

    ck_assert_int_eq(smtp_body_open(&b, &body, false, NULL), MOX_OK);
    b.at = b.lines = UINT64_C(5000000000);
    ck_assert_int_eq(smtp_body_next(&b, &piece, &err), MOX_E_INVAL);
    ck_assert_ptr_nonnull(strstr(err.message, "line 5000000002 of the message, byte 5000000004:"));
    smtp_body_close(&b);
}
END_TEST

START_TEST(files_are_read_where_they_lie)
{
    FILE *file = tmpfile();
    struct mox_body body = of_file(file, "XXa\r\nb\r\nYY", 10, 0);
    struct mox_error err = {0};
    struct buffer out = {0};

    body.fd_offset = 2;
    body.fd_length = 6;
    ck_assert_int_eq(send_all(&body, &out, NULL), MOX_E_EOF);
    ck_assert(slice_is(buffer_slice(&out), "a\r\nb\r\n"));
    ck_assert_uint_eq(smtp_body_size(&body), 6);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    ck_assert_int_eq(ftell(file), 10); /* its offset is as it was */
    body.fd_length = 9;
    ck_assert_int_eq(send_all(&body, NULL, &err), MOX_E_OS);
    ck_assert_ptr_nonnull(strstr(err.message, "ends 1 bytes early"));
    ck_assert(err.permanent == 0 && err.about == MOX_ABOUT_LOCAL && err.os_errno == 0);
    body.fd_offset = 11;
    body.fd_length = 0;
    ck_assert_int_eq(send_all(&body, NULL, &err), MOX_E_INVAL);
    ck_assert_uint_eq(smtp_body_size(&body), 0);
    buffer_free(&out);
    fclose(file);
}
END_TEST

/* Behind 4 GiB of nothing, which takes no room. */
START_TEST(files_may_be_large)
{
    FILE *file = tmpfile();
    struct mox_body body = of_file(file, "", 0, 0);
    struct buffer out = {0};

    body.fd_offset = INT64_C(5) << 30;
    ck_assert_int_eq(fseeko(file, (off_t)body.fd_offset, SEEK_SET), 0);
    body = (struct mox_body){
        .source = MOX_BODY_FD, .fd = of_file(file, "a\r\n", 3, 0).fd, .fd_offset = body.fd_offset};
    ck_assert_uint_eq(smtp_body_size(&body), 3);
    ck_assert_int_eq(send_all(&body, &out, NULL), MOX_E_EOF);
    ck_assert(slice_is(buffer_slice(&out), "a\r\n"));
    body.fd_offset = 0;
    ck_assert_uint_eq(smtp_body_size(&body), (UINT64_C(5) << 30) + 3);
    buffer_free(&out);
    fclose(file);
}
END_TEST

/* What changes while it is sent: what is added stays away, what is lost is no end. */
START_TEST(files_that_change)
{
    enum { LINES = 10000, LEN = 10 * LINES };
    bool shorter = _i == 1;
    char *text = make_lines(LINES, false);
    FILE *file = tmpfile();
    struct mox_body body = of_file(file, text, LEN, 0);
    struct smtp_body b = {0};
    struct mox_error err = {0};
    struct slice piece;
    size_t sent = 0;
    int status = smtp_body_open(&b, &body, false, NULL);

    while (status == MOX_OK) {
        if (sent == 0)
            ck_assert_int_eq(ftruncate(fileno(file), shorter ? 7 * LINES : 20 * LINES), 0);
        status = smtp_body_next(&b, &piece, &err);
        sent += piece.len;
    }
    ck_assert_int_eq(status, shorter ? MOX_E_OS : MOX_E_EOF);
    ck_assert_uint_eq(sent, shorter ? 7 * LINES : LEN);
    smtp_body_close(&b);
    fclose(file);
    free(text);
}
END_TEST

START_TEST(what_is_no_file)
{
    struct mox_body body = {.source = MOX_BODY_FD};
    struct mox_error err = {0};
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    body.fd = ends[0];
    ck_assert_uint_eq(smtp_body_size(&body), 0);
    ck_assert_int_eq(send_all(&body, NULL, &err), MOX_E_OS);
    ck_assert_int_eq(err.os_errno, ESPIPE);
    close(ends[0]);
    close(ends[1]);
    ck_assert_int_eq(send_all(&body, NULL, &err), MOX_E_INVAL);
    ck_assert_int_eq(err.os_errno, EBADF);
}
END_TEST

static const struct reader_error_case {
    const char *name;
    int said, status, os_errno;
} reader_errors[] = {
    {"errno", MOX_ERRNO(EIO), MOX_E_OS, EIO},
    {"no memory", MOX_E_NOMEM, MOX_E_NOMEM, 0},
    {"an end that is none", MOX_E_EOF, MOX_E_CALLBACK, 0},
    {"invalid is not the message", MOX_E_INVAL, MOX_E_CALLBACK, 0},
    {"a count", 17, MOX_E_CALLBACK, 0},
    {"unknown", -5000, MOX_E_CALLBACK, 0},
};

START_TEST(reader_error_case)
{
    const struct reader_error_case *c = &reader_errors[_i];
    struct reader r = {.status = c->said};
    struct mox_body body = of_reader(&r, 0);
    struct mox_error err = {0};
    uint64_t plain;

    for (int rewinds = 0; rewinds < 2; rewinds++) {
        body.rewind = rewinds ? rewind_it : NULL;
        ck_assert_msg(send_all(&body, NULL, &err) == c->status, "%s: %s", c->name, err.message);
        ck_assert_int_eq(err.os_errno, c->os_errno);
        ck_assert_int_eq(err.permanent, 0);
        ck_assert_int_eq(r.rewinds, rewinds);
    }
    ck_assert_int_eq(smtp_body_check(&body, &plain, NULL), MOX_OK); /* it is not asked */
}
END_TEST

static int read_too_much(void *user, void *buf, size_t cap, size_t *n)
{
    (void)user;
    (void)buf;
    *n = cap + 1;
    return MOX_OK;
}

START_TEST(readers_begin_again)
{
    struct reader r = {.text = "a\r\n", .len = 3, .cut = 1};
    struct mox_body body = of_reader(&r, 0);
    struct smtp_body b = {0};
    struct mox_error err = {0};

    ck_assert_int_eq(smtp_body_open(&b, &body, true, &err), MOX_E_UNSUPPORTED);
    ck_assert_int_eq(err.permanent, 0);
    body.rewind = rewind_it;
    ck_assert_int_eq(send_all(&body, NULL, NULL), MOX_E_EOF);
    ck_assert_int_eq(r.rewinds, 1);
    ck_assert_int_eq(smtp_body_open(&b, &body, true, NULL), MOX_OK);
    ck_assert_uint_eq(r.at, 0);
    smtp_body_close(&b);
    body.read = read_too_much;
    ck_assert_int_eq(send_all(&body, NULL, NULL), MOX_E_CALLBACK);
}
END_TEST

START_TEST(sizes)
{
    struct reader r = {0};
    struct mox_body body = of_buffer("a\nb\r\n\n.c", 8, 0);

    ck_assert_uint_eq(smtp_body_size(&body), 8);
    body.flags = LF;
    ck_assert_uint_eq(smtp_body_size(&body), 10);
    body.flags = LF | END;
    ck_assert_uint_eq(smtp_body_size(&body), 12);
    body.len = 6;
    ck_assert_uint_eq(smtp_body_size(&body), 8);
    body.len = 0;
    ck_assert_uint_eq(smtp_body_size(&body), 0);
    body = of_reader(&r, LF);
    ck_assert_uint_eq(smtp_body_size(&body), 0);
    body.size_hint = 77;
    ck_assert_uint_eq(smtp_body_size(&body), 77);
}
END_TEST

START_TEST(memory_fails)
{
    enum { LINES = 10000, LEN = 10 * LINES };
    char *text = make_lines(LINES, true);
    struct reader r = {.text = text, .len = LEN, .cut = 3000};
    FILE *file = tmpfile();
    const struct mox_body bodies[] = {of_buffer(text, LEN, LF), of_reader(&r, LF),
                                      of_file(file, text, LEN, LF)};
    struct mox_error err = {0};

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        for (long nth = 1, failed = 1; failed; nth++) {
            int status;

            r.at = 0;
            test_fail_alloc(nth);
            status = send_blindly(&bodies[i], &err);
            failed = test_alloc_failed();
            test_fail_alloc(0);
            ck_assert_int_eq(status, failed ? MOX_E_NOMEM : MOX_E_EOF);
            ck_assert(failed || nth == (i == 0 ? 2 : 3)); /* room to read, room for the lines */
        }
    }
    fclose(file);
    free(text);
}
END_TEST

TCase *test_smtp_body(void)
{
    TCase *tcase = tcase_create("smtp/body");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, body_case, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tcase, each_byte_at_each_place, 0, 8);
    tcase_add_test(tcase, pieces_are_borrowed);
    tcase_add_loop_test(tcase, large_messages_are_whole, 0, 2);
    tcase_add_test(tcase, places_are_counted_on);
    tcase_add_test(tcase, files_are_read_where_they_lie);
    tcase_add_test(tcase, files_may_be_large);
    tcase_add_loop_test(tcase, files_that_change, 0, 2);
    tcase_add_test(tcase, what_is_no_file);
    tcase_add_loop_test(tcase, reader_error_case, 0, (int)ARRAY_LEN(reader_errors));
    tcase_add_test(tcase, readers_begin_again);
    tcase_add_test(tcase, sizes);
    tcase_add_test(tcase, memory_fails);
    return tcase;
}
