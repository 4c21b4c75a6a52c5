/*
 * main.c - runs the test cases. CK_FORK=no keeps them in one process, for a debugger or valgrind.
 */
#include <stdio.h>
#include <stdlib.h>

#include <check.h>

#include "test/unit/cases.h"

/*
 * MOX_TEST_CASE names the only case to run; libcheck's own CK_RUN_CASE does the same.
 * MOX_TEST_PART, as 1/8: every eighth case, from the first on.
 */
static SRunner *collect(void)
{
    Suite *suite = suite_create("moxdial");
    const char *text = getenv("MOX_TEST_PART");
    char *slash = NULL;
    unsigned long part = text == NULL ? 0 : strtoul(text, &slash, 10);
    unsigned long of = slash == NULL || *slash == '\0' ? 1 : strtoul(slash + 1, NULL, 10);

    for (size_t i = 0; test_cases[i] != NULL; i++) {
        if (of < 2 || i % of == part % of)
            suite_add_tcase(suite, test_cases[i]());
    }
    return srunner_create(suite);
}

int main(void)
{
    SRunner *runner = collect();
    int failed = 0, ran = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    srunner_run(runner, NULL, getenv("MOX_TEST_CASE"), CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    ran = srunner_ntests_run(runner);
    srunner_free(runner);
    if (ran == 0)
        fputs("no test ran: is there such a case?\n", stderr);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
