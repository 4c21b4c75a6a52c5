/*
 * policy_listen.h - the sockets that `moxdial policy` listens at.
 */
#ifndef TOOLS_POLICY_LISTEN_H
#define TOOLS_POLICY_LISTEN_H

#include <stdint.h>
#include <sys/stat.h>

#include "options.h"
#include "policy_limits.h"

struct policy_socket {
    int fd;
    const char *path; /* of a socket in the file system; NULL: it is none */
    dev_t device;     /* of path */
    ino_t inode;
};

struct policy_sockets {
    struct policy_socket items[POLICY_LISTENERS];
    size_t count;
};

/*
 * Listens at each "unix:PATH" and "HOST:PORT", of HOST at all its addresses. mode: of a socket in
 * the file system. A socket there that nobody listens at any more makes room. sockets: zeroed. To
 * be ended by policy_listen_close in any case.
 */
int policy_listen(struct policy_sockets *sockets, const struct list *where, uint32_t mode,
                  struct mox_error *err);

/* Takes what it made out of the file system too, unless another has taken its place. */
void policy_listen_close(struct policy_sockets *sockets);

/* Makes a descriptor non-blocking and keeps it from programs that are run. false: errno says why.
 */
bool policy_make_async(int fd);

#endif
