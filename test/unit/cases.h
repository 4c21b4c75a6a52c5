/* cases.h - the list of all test cases, which the Makefile writes from the files' names. */
#ifndef CASES_H
#define CASES_H

#include <check.h>

extern TCase *(*const test_cases[])(void); /* ends with NULL */

#endif
