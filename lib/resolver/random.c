/* random.c - see random.h. POSIX has no other source than the file that cannot be guessed. */
#include "resolver/random.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <moxdial/base.h>

static int refill(struct resolver_random *random)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return MOX_ERRNO(errno);
    do {
        n = read(fd, random->bytes, sizeof random->bytes);
    } while (n < 0 && errno == EINTR);
    close(fd);
    if (n < 2)
        return MOX_ERRNO(n < 0 ? errno : EIO);
    random->len = (size_t)n;
    return MOX_OK;
}

int resolver_random_id(struct resolver_random *random, uint16_t *id)
{
    int status = random->len < 2 ? refill(random) : MOX_OK;

    if (status != MOX_OK)
        return status;
    random->len -= 2;
    memcpy(id, random->bytes + random->len, sizeof *id);
    return MOX_OK;
}
