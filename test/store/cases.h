/*
 * cases.h - the cases of this program.
 */
#ifndef STORE_CASES_H
#define STORE_CASES_H

#include <check.h>

TCase *test_all(void);
TCase *test_sqlite(void);
TCase *test_redis(void);
TCase *test_link(void);
TCase *test_reply(void);

#endif
