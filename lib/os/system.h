/*
 * system.h - which parts of the system's headers we see; the first include of every file here that
 * needs more than POSIX. Elsewhere in the library plain POSIX is all there is.
 */
#ifndef OS_SYSTEM_H
#define OS_SYSTEM_H

#if defined(__linux__)
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* IP_BIND_ADDRESS_NO_PORT, IPV6_ADDR_PREFERENCES */
#endif
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE 1 /* SO_NOSIGPIPE, arc4random_buf */
#elif defined(__FreeBSD__) || defined(__DragonFly__)
#undef _POSIX_C_SOURCE /* it would hide kqueue, SOCK_CLOEXEC, arc4random_buf */
#elif defined(__NetBSD__)
#define _NETBSD_SOURCE 1
#elif defined(__OpenBSD__)
#define _BSD_SOURCE 1
#endif

#if defined(__FreeBSD__) || defined(__DragonFly__) || defined(__NetBSD__) ||                       \
    defined(__OpenBSD__) || defined(__APPLE__)
#define OS_IS_BSD 1
#else
#define OS_IS_BSD 0
#endif

#if defined(__linux__)
#define OS_IS_LINUX 1
#else
#define OS_IS_LINUX 0
#endif

#endif
