/*
 * body.c - the floors of a message on its way: memcpy, and a loop that reads a file and writes what
 * it got.
 *
 *   body memory BYTES            a block of BYTES copied, again and again
 *   body file PATH null|pipe     the file, written to /dev/null or to a pipe
 *
 * Prints gigabytes a second of CPU time, as bench/body.c does.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/gauge.h"

enum { EXIT_NO = 1, EXIT_USAGE = 64 };

static char room[1 << 16];

static int copy_memory(size_t len)
{
    char *from = malloc(len), *to = malloc(len);
    double begin, left;

    if (len == 0 || from == NULL || to == NULL)
        return EXIT_NO;
    memset(from, 'a', len);
    memset(to, 'b', len);
    begin = cpu_s();
    for (left = memory_total; left > 0; left -= (double)len) {
        memcpy(to, from, len);
        __asm__ volatile("" : : "r"(to) : "memory"); /* it is wanted each time */
    }
    printf("gbs=%.3f\n", (memory_total - left) / (cpu_s() - begin) / 1e9);
    free(from);
    free(to);
    return 0;
}

static double copy_file(int in, int out)
{
    double sent = 0;
    ssize_t n;

    while ((n = pread(in, room, sizeof room, (off_t)sent)) > 0) {
        for (ssize_t at = 0, written; at < n; at += written) {
            written = write(out, room + at, (size_t)(n - at));
            if (written < 0)
                return 0;
        }
        sent += (double)n;
    }
    return n < 0 ? 0 : sent;
}

static int from_file(const char *path, int to_pipe)
{
    pid_t child = -1;
    int in = open(path, O_RDONLY);
    int out = to_pipe ? open_pipe(&child) : open("/dev/null", O_WRONLY);
    double begin = cpu_s(), sent = in >= 0 && out >= 0 ? copy_file(in, out) : 0;

    if (sent > 0)
        printf("gbs=%.3f\n", sent / (cpu_s() - begin) / 1e9);
    close(out);
    close(in);
    if (child > 0)
        waitpid(child, NULL, 0);
    return sent > 0 ? 0 : EXIT_NO;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "memory") == 0)
        return copy_memory(strtoul(argv[2], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "file") == 0)
        return from_file(argv[2], strcmp(argv[3], "pipe") == 0);
    return EXIT_USAGE;
}
