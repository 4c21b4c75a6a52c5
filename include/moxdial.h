/* SPDX-License-Identifier: MIT */
/**
 * @file moxdial.h
 * Everything of libmoxdial in one include. The rules that hold for all of it are in moxdial/base.h.
 */
#ifndef MOXDIAL_H
#define MOXDIAL_H

#include <moxdial/base.h>
#include <moxdial/check.h>
#include <moxdial/config.h>
#include <moxdial/conn.h>
#include <moxdial/ctx.h>
#include <moxdial/deliver.h>
#include <moxdial/dial.h>
#include <moxdial/ops.h>
#include <moxdial/route.h>

#endif
