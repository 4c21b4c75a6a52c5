/*
 * message.c - see message.h.
 */
#include "message.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "run.h"

enum {
    CHUNK = 1 << 16,  /* bytes read at a time */
    MEMORY = 1 << 20, /* a message up to this size is kept in memory */
    FROM_LINE = 1024  /* far over two addresses and a date */
};

struct intake {
    struct message *m;
    struct mox_error *err;
    uint64_t line; /* lines that have ended */
    char last;     /* the byte before */
    size_t len;    /* bytes in m->memory */
    char chunk[CHUNK];
};

/* The message is at fault: it will never be otherwise. */
static int blame_message(struct mox_error *err)
{
    err->about = MOX_ABOUT_MESSAGE;
    return err->code;
}

static int os_error(struct mox_error *err, const char *what)
{
    int e = errno;

    tool_error(err, MOX_E_OS, MOX_STAGE_NONE, "cannot %s the message: %s", what, strerror(e));
    err->os_errno = e;
    return MOX_E_OS;
}

/* A CR without LF is a line's end to one server and none to another: so mails are smuggled. */
static int bare(const struct intake *in, const char *which, const char *cure)
{
    tool_error(in->err, MOX_E_INVAL, MOX_STAGE_NONE,
               "line %llu of the message has a bare %s, which is forbidden; %s",
               (unsigned long long)in->line + 1, which, cure);
    return blame_message(in->err);
}

static int scan(struct intake *in, const char *bytes, size_t len)
{
    struct message *m = in->m;
    unsigned char bits = 0;
    char last = in->last;

    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];

        if (last == '\r' && c != '\n')
            return bare(in, "carriage return", "end lines in LF or CR LF");
        if (c == '\n') {
            if (last != '\r' && m->strict)
                return bare(in, "line feed", "--crlf wants every line to end in CR LF");
            m->octets += last != '\r';
            in->line++;
        }
        bits |= (unsigned char)c;
        last = c;
    }
    m->octets += len;
    m->eight_bit |= bits > 127;
    in->last = last;
    return MOX_OK;
}

static int scan_end(struct intake *in)
{
    struct message *m = in->m;

    if (in->last == '\r')
        return bare(in, "carriage return", "end lines in LF or CR LF");
    if (in->last == '\n' || m->start == m->end)
        return MOX_OK;
    m->octets += 2;
    if (!m->strict)
        return MOX_OK;
    tool_error(in->err, MOX_E_INVAL, MOX_STAGE_NONE,
               "the last line of the message does not end in CR LF, as --crlf wants it");
    return blame_message(in->err);
}

/* The next bytes of fd, at an offset if it has one; 0: the end, or not MOX_OK. */
static int read_chunk(struct intake *in, int fd, int64_t at, size_t *n)
{
    ssize_t got = -1;

    do {
        if (run_interrupted())
            return tool_error(in->err, MOX_E_SHUTDOWN, MOX_STAGE_NONE,
                              "interrupted while the message was read; nothing was sent");
        got = at < 0 ? read(fd, in->chunk, sizeof in->chunk)
                     : pread(fd, in->chunk, sizeof in->chunk, (off_t)at);
    } while (got < 0 && errno == EINTR);
    *n = got < 0 ? 0 : (size_t)got;
    return got < 0 ? os_error(in->err, "read") : MOX_OK;
}

static int write_all(struct intake *in, const char *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t put = write(in->m->fd, bytes + done, len - done);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return os_error(in->err, "keep");
        done += (size_t)put;
    }
    return MOX_OK;
}

/* A file without a name, which is gone when we are; mkstemp makes it with mode 0600. */
static int open_spool(struct intake *in)
{
    const char *folder = getenv("TMPDIR");
    char name[4096];
    int len = snprintf(name, sizeof name, "%s/moxdial.XXXXXX",
                       folder != NULL && *folder != '\0' ? folder : "/tmp");

    if (len < 0 || (size_t)len >= sizeof name) {
        errno = ENAMETOOLONG;
        return os_error(in->err, "keep");
    }
    in->m->fd = mkstemp(name);
    if (in->m->fd < 0)
        return os_error(in->err, "keep");
    unlink(name);
    fcntl(in->m->fd, F_SETFD, FD_CLOEXEC);
    return write_all(in, in->m->memory, in->len);
}

static int keep(struct intake *in, size_t n)
{
    struct message *m = in->m;
    int status = MOX_OK;

    if (m->fd < 0 && n > MEMORY - in->len) {
        status = open_spool(in);
        free(m->memory);
        m->memory = NULL;
    }
    if (status != MOX_OK)
        return status;
    m->end += (int64_t)n;
    if (m->fd >= 0)
        return write_all(in, in->chunk, n);
    memcpy(m->memory + in->len, in->chunk, n);
    in->len += n;
    return MOX_OK;
}

static int take_stream(struct intake *in, int fd)
{
    int status;
    size_t n = 0;

    in->m->memory = tool_alloc(MEMORY, 1);
    do {
        status = read_chunk(in, fd, -1, &n);
        if (status == MOX_OK)
            status = scan(in, in->chunk, n);
        if (status == MOX_OK && n > 0)
            status = keep(in, n);
    } while (status == MOX_OK && n > 0);
    return status;
}

static int take_file(struct intake *in)
{
    struct message *m = in->m;
    int status;
    size_t n = 0;

    do {
        m->end += (int64_t)n;
        status = read_chunk(in, m->fd, m->end, &n);
        if (status == MOX_OK)
            status = scan(in, in->chunk, n);
    } while (status == MOX_OK && n > 0);
    return status;
}

static int take(struct intake *in, int fd)
{
    struct message *m = in->m;
    struct stat about;
    int status;

    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode)) {
        m->fd = fd;
        m->is_stdin = fd == STDIN_FILENO;
        m->start = m->is_stdin ? (int64_t)lseek(fd, 0, SEEK_CUR) : 0;
        m->end = m->start;
        return take_file(in);
    }
    status = take_stream(in, fd);
    if (fd != STDIN_FILENO)
        close(fd);
    return status;
}

/* At most cap bytes from there; 0: the end, or errno. */
static size_t read_at(const struct message *m, int64_t at, void *buf, size_t cap)
{
    size_t left = (size_t)(m->end - at);
    ssize_t got;

    if (cap > left)
        cap = left;
    if (m->fd < 0) {
        memcpy(buf, m->memory + at, cap);
        return cap;
    }
    do {
        got = pread(m->fd, buf, cap, (off_t)at);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? 0 : (size_t)got;
}

/*
 * A first line "From sender date" is how mbox, and the default of Exim's pipe, put a message: it is
 * no part of it. "From :" is a header field, of old (RFC 5322 section 4.5.2).
 */
static void skip_from_line(struct message *m)
{
    char line[FROM_LINE];
    size_t len = read_at(m, m->start, line, sizeof line), name = 4;
    const char *end = memchr(line, '\n', len);

    if (end == NULL || len < 5 || memcmp(line, "From ", 5) != 0)
        return;
    while (line[name] == ' ' || line[name] == '\t')
        name++;
    if (line[name] == ':')
        return;
    len = (size_t)(end + 1 - line);
    m->octets -= len + (len < 2 || end[-1] != '\r');
    m->start += (int64_t)len;
}

/* What is left when all was read. */
static int check_whole(struct intake *in)
{
    int status = scan_end(in);

    if (status != MOX_OK)
        return status;
    skip_from_line(in->m);
    if (in->m->start < in->m->end)
        return MOX_OK;
    tool_error(in->err, MOX_E_INVAL, MOX_STAGE_NONE,
               "the message is empty; a mail has at least a header");
    return blame_message(in->err);
}

int message_open(struct message *m, const char *file, bool strict, struct mox_error *err)
{
    struct intake *in = tool_alloc(1, sizeof *in);
    int fd = STDIN_FILENO, status = MOX_OK;

    memset(m, 0, sizeof *m);
    m->fd = -1;
    m->strict = strict;
    in->m = m;
    in->err = err;
    if (file != NULL && strcmp(file, "-") != 0)
        fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        status =
            tool_error(err, MOX_E_OS, MOX_STAGE_NONE, "cannot open %s: %s", file, strerror(errno));
    if (status == MOX_OK)
        status = take(in, fd);
    if (status == MOX_OK)
        status = check_whole(in);
    free(in);
    return status;
}

static int read_body(void *user, void *buf, size_t cap, size_t *n)
{
    struct message *m = user;

    errno = EIO; /* where a file has become shorter */
    *n = read_at(m, m->at, buf, cap);
    if (*n == 0 && m->at < m->end)
        return MOX_ERRNO(errno);
    m->at += (int64_t)*n;
    progress_show(&m->progress, (uint64_t)(m->at - m->start));
    return MOX_OK;
}

static int rewind_body(void *user)
{
    struct message *m = user;

    m->at = m->start;
    return MOX_OK;
}

struct mox_body message_body(struct message *m)
{
    struct mox_body body = {.source = MOX_BODY_READER};

    if (!m->strict)
        body.flags = MOX_BODY_LF | MOX_BODY_ADD_FINAL_CRLF;
    m->at = m->start;
    if (m->fd < 0) {
        body.source = MOX_BODY_BUFFER;
        body.data = m->memory + m->start;
        body.len = (size_t)(m->end - m->start);
        return body;
    }
    body.read = read_body;
    body.rewind = rewind_body;
    body.user = m;
    body.size_hint = m->octets;
    return body;
}

void message_close(struct message *m)
{
    progress_end(&m->progress);
    if (m->fd >= 0 && !m->is_stdin)
        close(m->fd);
    free(m->memory);
}
