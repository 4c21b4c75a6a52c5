/*
 * main.c - the stores: the same tests for all, then those of each. MOX_STORE_FOLDER is a folder for
 * files, MOX_REDIS_SERVER the program that is started; see test/store/run.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cases.h"
#include "redis_server.h"
#include "store_world.h"

int main(void)
{
    Suite *suite = suite_create("store");
    SRunner *runner;
    int failed;

    if (store_folder() == NULL) {
        fputs("this program is started by test/store/run\n", stderr);
        return EXIT_FAILURE;
    }
    if (!redis_server_start(redis_server_shared(), "redis"))
        puts("skipped: what needs a Redis: no redis-server (MOX_REDIS_SERVER)");
    suite_add_tcase(suite, test_all());
#ifdef MOX_HAVE_SQLITE
    suite_add_tcase(suite, test_sqlite());
#endif
#ifdef MOX_HAVE_REDIS
    suite_add_tcase(suite, test_reply());
    suite_add_tcase(suite, test_link());
    suite_add_tcase(suite, test_redis());
#endif
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    redis_server_kill(redis_server_shared());
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
