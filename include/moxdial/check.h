/* SPDX-License-Identifier: MIT */
/**
 * @file check.h
 * Checks of our own addresses.
 */
#ifndef MOXDIAL_CHECK_H
#define MOXDIAL_CHECK_H

#include <moxdial/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The address as the world sees it: by the longest prefix of SPFIPMap that holds it, else by the
 * one NATIP of its family of the SMTP listener (in a moxdial.conf: of LocalIPs) it belongs to.
 * Pure. Thread rule: any thread.
 *
 * @param config borrowed; NULL: nothing is mapped
 * @param seen the address as seen on this machine or on a connection
 * @param out the address of the world; seen itself if no rule covers it; may be seen
 * @return 1: mapped by a rule; 0: out is seen itself
 */
MOX_API int mox_nat_map(const struct mox_config *config, const struct mox_ip *seen,
                        struct mox_ip *out);

#ifdef __cplusplus
}
#endif

#endif
