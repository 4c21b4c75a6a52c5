/*
 * config.c - the floor of reading a configuration: a tokeniser of lines alone. Depth, key, value
 * and list items of each line are found, nothing is kept or checked.
 *
 *   config FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct counts {
    unsigned long lines, depth, keys, items, value_bytes;
};

static void read_line(const char *at, const char *end, struct counts *c)
{
    const char *colon;

    c->lines++;
    while (at < end && *at == '\t') {
        at++;
        c->depth++;
    }
    if (at < end && *at == '-') {
        c->items++;
        c->value_bytes += (unsigned long)(end - at);
        return;
    }
    colon = memchr(at, ':', (size_t)(end - at));
    if (colon != NULL) {
        c->keys++;
        c->value_bytes += (unsigned long)(end - colon);
    }
}

int main(int argc, char **argv)
{
    struct counts c = {0};
    struct stat info;
    size_t len = 0;
    char *text;
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0 || fstat(fd, &info) != 0 || (text = malloc((size_t)info.st_size + 1)) == NULL)
        return 1;
    for (ssize_t n; (n = read(fd, text + len, (size_t)info.st_size - len)) > 0;)
        len += (size_t)n;
    for (const char *at = text, *end; at < text + len; at = end + 1) {
        end = memchr(at, '\n', len - (size_t)(at - text));
        if (end == NULL)
            end = text + len;
        read_line(at, end, &c);
    }
    printf("lines=%lu depth=%lu keys=%lu items=%lu bytes=%lu\n", c.lines, c.depth, c.keys, c.items,
           c.value_bytes);
    free(text);
    return 0;
}
