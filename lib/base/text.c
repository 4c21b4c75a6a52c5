/* text.c - see text.h. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST_NUMBER = 20 /* digits of UINT64_MAX */ };

struct text text_to(char *buf, size_t cap)
{
    struct text t = {buf, cap, 0};

    if (cap > 0)
        buf[0] = '\0';
    return t;
}

/* Bytes that still fit, the NUL not counted. */
static size_t room(const struct text *t)
{
    return t->cap > t->len + 1 ? t->cap - t->len - 1 : 0;
}

void text_add(struct text *t, const char *format, ...)
{
    size_t left = room(t);
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(left > 0 ? t->buf + t->len : NULL, left > 0 ? left + 1 : 0, format, args);
    va_end(args);
    if (n > 0)
        t->len += (size_t)n;
}

void text_slice(struct text *t, struct slice s)
{
    size_t left = room(t), n = s.len < left ? s.len : left;

    if (n > 0) {
        memcpy(t->buf + t->len, s.ptr, n);
        t->buf[t->len + n] = '\0';
    }
    t->len += s.len;
}

void text_char(struct text *t, char c)
{
    if (room(t) > 0) {
        t->buf[t->len] = c;
        t->buf[t->len + 1] = '\0';
    }
    t->len++;
}

void text_number(struct text *t, uint64_t n)
{
    char digits[LONGEST_NUMBER], *at = digits + sizeof digits;

    do {
        *--at = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    text_slice(t, (struct slice){at, (size_t)(digits + sizeof digits - at)});
}
