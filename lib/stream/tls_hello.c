/* tls_hello.c - see tls_hello.h; RFC 5246 section 7.4.1.3. */
#include "stream/tls_hello.h"

#include <stdint.h>

enum {
    SERVER_HELLO = 2,
    HEADER = 4,
    FIXED = 2 + 32, /* version, random */
    CHOICE = 2 + 1, /* suite, compression */
    EXTENDED_MASTER_SECRET = 23
};

struct rest {
    const unsigned char *ptr;
    size_t len;
};

static bool skip(struct rest *rest, size_t n)
{
    if (n > rest->len)
        return false;
    rest->ptr += n;
    rest->len -= n;
    return true;
}

static bool take_u16(struct rest *rest, size_t *n)
{
    if (rest->len < 2)
        return false;
    *n = (size_t)rest->ptr[0] << 8 | rest->ptr[1];
    return skip(rest, 2);
}

bool tls_hello_extends_secret(const unsigned char *message, size_t len)
{
    struct rest rest = {message, len};
    size_t type, size;

    if (len < HEADER || message[0] != SERVER_HELLO || !skip(&rest, HEADER + FIXED))
        return false;
    if (rest.len == 0 || !skip(&rest, (size_t)1 + rest.ptr[0])) /* the session's id */
        return false;
    if (!skip(&rest, CHOICE) || !take_u16(&rest, &size) || size > rest.len)
        return false;
    rest.len = size;
    while (take_u16(&rest, &type) && take_u16(&rest, &size)) {
        if (type == EXTENDED_MASTER_SECRET)
            return size == 0;
        if (!skip(&rest, size))
            return false;
    }
    return false;
}
