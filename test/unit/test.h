/*
 * test.h - what every unit test uses.
 */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>

#include <check.h>

#include "base/mem.h"

/* The nth allocation from now on fails, once (1: the next one); 0: none does. */
void test_fail_alloc(long nth);

/* Whether that allocation was reached. */
bool test_alloc_failed(void);

/* Whether allocations are neither counted nor made to fail for now: those of a test's own server,
 * say. */
void test_pause_alloc(bool paused);

/* A file of the public vectors; NULL, with a message on standard output, where it is absent. */
const char *test_vector_path(const char *name);

#endif
