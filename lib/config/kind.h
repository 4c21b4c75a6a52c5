/*
 * kind.h - which of the three files a text is.
 */
#ifndef CONFIG_KIND_H
#define CONFIG_KIND_H

#include "config/config.h"

/* beside_mox: a mox.conf is given too, so one of Domains and Accounts tells a domains.conf, whose
 * other key may be misspelt. */
enum config_kind config_kind_of_text(struct slice text, bool beside_mox);

#endif
