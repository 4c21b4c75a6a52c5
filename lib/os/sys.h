/* sys.h - the default sys ops: the system's clocks, its time zone and its randomness. */
#ifndef OS_SYS_H
#define OS_SYS_H

#include <moxdial/ops.h>

/* Constant, without state. random: MOX_OK, or MOX_ERRNO(e) if the system has no randomness. */
const struct mox_sys_ops *os_sys_ops(void);

#endif
