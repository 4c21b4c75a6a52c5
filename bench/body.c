/*
 * body.c - what it costs to make a message fit for the wire; the floor is bench/floor/body.c.
 *
 *   body memory BYTES LINE crlf|lf|dots   messages of BYTES in lines of LINE bytes, one after the
 *                                         other; dots: CR LF, and each line begins with a dot
 *   body file PATH null|pipe              the file, written to /dev/null or to a pipe
 *
 * Prints gigabytes of message a second of CPU time. smtp_body is no part of the API: this program
 * is made of the library's objects.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/slice.h"
#include "bench/gauge.h"
#include "smtp/body.h"

enum { EXIT_NO = 1, EXIT_USAGE = 64 };

static char *make_message(size_t len, size_t line, const char *form)
{
    char *text = malloc(len);

    for (size_t i = 0; text != NULL && i < len; i++) {
        size_t at = i % line;

        text[i] = (char)('A' + at % 26);
        if (at == 0 && strcmp(form, "dots") == 0)
            text[i] = '.';
        if (at == line - 1 || i == len - 1)
            text[i] = '\n';
        else if ((at == line - 2 || i == len - 2) && strcmp(form, "lf") != 0)
            text[i] = '\r';
    }
    return text;
}

/* Bytes of all pieces; 0: it failed. out: they are written there; -1: they are not. */
static size_t send_body(const struct mox_body *message, int out)
{
    struct smtp_body body = {0};
    struct slice piece = {NULL, 0};
    struct mox_error err = {0};
    size_t sent = 0;
    int status = smtp_body_open(&body, message, false, &err);

    while (status == MOX_OK) {
        status = smtp_body_next(&body, &piece, &err);
        for (ssize_t n = 0; out >= 0 && piece.len > 0;
             piece = slice_sub(piece, (size_t)n, piece.len)) {
            n = write(out, piece.ptr, piece.len);
            if (n < 0)
                return 0;
            sent += (size_t)n;
        }
        sent += piece.len;
    }
    smtp_body_close(&body);
    if (status != MOX_E_EOF)
        fprintf(stderr, "body: %s\n", err.message);
    return status == MOX_E_EOF ? sent : 0;
}

static int from_memory(size_t len, size_t line, const char *form)
{
    char *text = len > 1 && line > 2 ? make_message(len, line, form) : NULL;
    struct mox_body body = {
        .data = text, .len = len, .flags = strcmp(form, "lf") == 0 ? MOX_BODY_LF : 0};
    double begin = cpu_s(), left;
    int good = text != NULL;

    for (left = memory_total; good && left > 0; left -= (double)len)
        good = send_body(&body, -1) >= len;
    if (good)
        printf("gbs=%.3f\n", (memory_total - left) / (cpu_s() - begin) / 1e9);
    free(text);
    return good ? 0 : EXIT_NO;
}

static int from_file(const char *path, int to_pipe)
{
    struct mox_body body = {.source = MOX_BODY_FD, .fd = open(path, O_RDONLY)};
    pid_t child = -1;
    int out = to_pipe ? open_pipe(&child) : open("/dev/null", O_WRONLY);
    double begin = cpu_s();
    size_t sent = body.fd >= 0 && out >= 0 ? send_body(&body, out) : 0;

    if (sent > 0)
        printf("gbs=%.3f\n", (double)sent / (cpu_s() - begin) / 1e9);
    close(out);
    close(body.fd);
    if (child > 0)
        waitpid(child, NULL, 0);
    return sent > 0 ? 0 : EXIT_NO;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "memory") == 0)
        return from_memory(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10), argv[4]);
    if (argc == 4 && strcmp(argv[1], "file") == 0)
        return from_file(argv[2], strcmp(argv[3], "pipe") == 0);
    return EXIT_USAGE;
}
