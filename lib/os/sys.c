/* sys.c - see sys.h. */
#include "os/system.h"

#include "base/units.h"
#include "os/sys.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#if OS_IS_LINUX
#include <sys/random.h>
#elif !OS_IS_BSD
#include <fcntl.h>
#include <unistd.h>
#endif

enum { NS_PER_US = 1000, S_PER_MIN = 60, S_PER_HOUR = 3600, S_PER_DAY = 86400 };

static int64_t monotonic_us(void *user)
{
    struct timespec now = {0};

    (void)user;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / NS_PER_US;
}

static int64_t unix_s(void *user)
{
    (void)user;
    return (int64_t)time(NULL);
}

/* Not by tm_gmtoff, which POSIX did not have before 2024: local and UTC are less than a day apart.
 */
static int32_t utc_offset_s(void *user, int64_t at)
{
    time_t t = (time_t)at;
    struct tm local, utc;
    int days;

    (void)user;
    if ((int64_t)t != at || localtime_r(&t, &local) == NULL || gmtime_r(&t, &utc) == NULL)
        return 0;
    days = local.tm_yday - utc.tm_yday;
    if (local.tm_year != utc.tm_year)
        days = local.tm_year > utc.tm_year ? 1 : -1;
    return days * S_PER_DAY + (local.tm_hour - utc.tm_hour) * S_PER_HOUR +
           (local.tm_min - utc.tm_min) * S_PER_MIN + (local.tm_sec - utc.tm_sec);
}

#if OS_IS_LINUX
static int random_bytes(void *user, void *buf, size_t len)
{
    unsigned char *at = buf;

    (void)user;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);

        if (n < 0 && errno != EINTR)
            return MOX_ERRNO(errno);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return MOX_OK;
}
#elif OS_IS_BSD
static int random_bytes(void *user, void *buf, size_t len)
{
    (void)user;
    arc4random_buf(buf, len);
    return MOX_OK;
}
#else
static int random_bytes(void *user, void *buf, size_t len)
{
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC), status = MOX_OK;
    unsigned char *at = buf;

    (void)user;
    if (fd < 0)
        return MOX_ERRNO(errno);
    while (len > 0 && status == MOX_OK) {
        ssize_t n = read(fd, at, len);

        if (n == 0 || (n < 0 && errno != EINTR))
            status = MOX_ERRNO(n == 0 ? EIO : errno);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    close(fd);
    return status;
}
#endif

static const struct mox_sys_ops ops = {
    .size = sizeof ops,
    .monotonic_us = monotonic_us,
    .unix_s = unix_s,
    .utc_offset_s = utc_offset_s,
    .random = random_bytes,
};

const struct mox_sys_ops *os_sys_ops(void)
{
    return &ops;
}
