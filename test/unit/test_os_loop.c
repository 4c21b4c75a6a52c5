/*
 * test_os_loop.c - every backend the system has: readiness, forgetting, waking up, and descriptors
 * whose number comes back.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/private.h"
#include "os/sys.h"
#include "os_world.h"
#include "test.h"

static const int backends[] = {OS_BACKEND_EPOLL, OS_BACKEND_KQUEUE, OS_BACKEND_POLL};

static struct os_world world;

struct seen {
    int calls, events;
    intptr_t fd;
};

/* False: this system does not have the backend. */
static bool open_world(int backend)
{
    return os_world_open(&world, backend, false);
}

static void close_world(void)
{
    os_world_close(&world);
}

static void make_pair(int ends[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

static void close_pair(const int ends[2])
{
    close(ends[0]);
    close(ends[1]);
}

static void on_ready(void *arg, intptr_t fd, int events)
{
    struct seen *seen = arg;

    seen->calls++;
    seen->events = events;
    seen->fd = fd;
}

static void watch(int fd, int events, struct seen *seen)
{
    ck_assert_int_eq(mox_ctx_watch(world.ctx, fd, events, on_ready, seen), MOX_OK);
}

/* One turn that does not sleep; what was seen in it. */
static struct seen turn(struct seen *seen)
{
    struct seen now;

    ck_assert_int_ge(mox_ctx_wait(world.ctx, 0), 0);
    now = *seen;
    *seen = (struct seen){0};
    return now;
}

START_TEST(level_descriptor_is_reported_until_forgotten)
{
    struct seen seen = {0};
    int ends[2];

    if (!open_world(backends[_i]))
        return;
    make_pair(ends);
    watch(ends[0], MOX_READ, &seen);
    ck_assert_int_eq(turn(&seen).calls, 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    for (int i = 0; i < 2; i++) {
        struct seen now = turn(&seen);

        ck_assert_int_eq(now.calls, 1);
        ck_assert_int_eq(now.events, MOX_READ);
        ck_assert_int_eq(now.fd, ends[0]);
    }
    watch(ends[0], MOX_WRITE, &seen);
    ck_assert_int_eq(turn(&seen).events, MOX_WRITE);
    watch(ends[0], MOX_READ | MOX_WRITE, &seen);
    ck_assert_int_eq(turn(&seen).events, MOX_READ | MOX_WRITE);
    watch(ends[0], 0, &seen);
    ck_assert_int_eq(turn(&seen).calls, 0);
    watch(ends[0], MOX_READ, &seen);
    ck_assert_int_eq(turn(&seen).events, MOX_READ);
    watch(ends[0], 0, &seen);
    close_pair(ends);
    close_world();
}
END_TEST

/* Whoever waits for either direction is to meet the error; a host's descriptor gets no other bit.
 */
START_TEST(hang_up_is_whatever_was_asked_for)
{
    struct seen seen = {0};
    int ends[2], tube[2];

    if (!open_world(backends[_i]))
        return;
    make_pair(ends);
    close(ends[1]);
    watch(ends[0], MOX_READ, &seen);
    ck_assert_int_eq(turn(&seen).events, MOX_READ);
    watch(ends[0], 0, &seen);
    close(ends[0]);
    ck_assert_int_eq(pipe(tube), 0);
    close(tube[0]);
    watch(tube[1], MOX_WRITE, &seen);
    ck_assert_int_eq(turn(&seen).events, MOX_WRITE);
    watch(tube[1], 0, &seen);
    close(tube[1]);
    close_world();
}
END_TEST

START_TEST(edge_descriptor_is_reported_once_a_change)
{
    struct seen seen = {0};
    const int edge = MOX_READ | MOX_WRITE | OS_EDGE;
    int ends[2];

    if (!open_world(backends[_i]))
        return;
    if (!os_loop_is_edge(world.loop)) {
        close_world();
        return;
    }
    make_pair(ends);
    watch(ends[0], edge, &seen);
    ck_assert_int_eq(turn(&seen).events, MOX_WRITE);
    ck_assert_int_eq(turn(&seen).calls, 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(turn(&seen).events & (MOX_READ | OS_UNSURE | OS_FAILED), MOX_READ);
    ck_assert_int_eq(turn(&seen).calls, 0);
    ck_assert_int_eq(shutdown(ends[1], SHUT_WR), 0);
    ck_assert_int_eq(turn(&seen).events & (MOX_READ | OS_UNSURE | OS_FAILED), MOX_READ | OS_UNSURE);
    close(ends[1]);
    ck_assert_int_ne(turn(&seen).events & OS_FAILED, 0);
    watch(ends[0], OS_CLOSING, &seen);
    close(ends[0]);
    ck_assert_int_eq(turn(&seen).calls, 0);
    close_world();
}
END_TEST

START_TEST(many_descriptors_of_any_number)
{
    enum { MANY = 40 }; /* more than a backend's first array */
    struct seen seen[MANY] = {{0}};
    int ends[2], fds[MANY];

    if (!open_world(backends[_i]))
        return;
    make_pair(ends);
    for (int i = 0; i < MANY; i++) {
        fds[i] = fcntl(ends[0], F_DUPFD_CLOEXEC, 100 + 10 * i);
        ck_assert_int_ge(fds[i], 0);
        watch(fds[i], MOX_WRITE, &seen[i]);
    }
    for (int i = 0; i < MANY; i += 2) /* the gaps must not take the others with them */
        watch(fds[i], 0, &seen[i]);
    ck_assert_int_ge(mox_ctx_wait(world.ctx, 0), 0);
    for (int i = 0; i < MANY; i++)
        ck_assert_msg(seen[i].calls == i % 2, "%d: %d calls", i, seen[i].calls);
    for (int i = 1; i < MANY; i += 2)
        watch(fds[i], 0, &seen[i]);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
    close_pair(ends);
    close_world();
}
END_TEST

START_TEST(wait_refuses_what_is_no_descriptor)
{
    const struct mox_loop_ops *ops;

    if (!open_world(backends[_i]))
        return;
    ops = os_loop_ops(world.loop);
    ck_assert_int_eq(ops->watch(ops->user, -1, MOX_READ), MOX_E_INVAL);
    ck_assert_int_eq(ops->watch(ops->user, INTPTR_MAX, MOX_READ), MOX_E_INVAL);
    ck_assert_int_eq(ops->watch(ops->user, 77, 0), MOX_OK);
    ck_assert_int_eq(ops->timer(ops->user, 1), MOX_OK);
    close_world();
}
END_TEST

START_TEST(wait_is_never_too_short)
{
    const struct mox_sys_ops *sys = os_sys_ops();
    const struct mox_loop_ops *ops;
    int64_t start;

    if (!open_world(backends[_i]))
        return;
    ops = os_loop_ops(world.loop);
    start = sys->monotonic_us(sys->user);
    ck_assert_int_eq(ops->wait(ops->user, 1999), MOX_OK);
    ck_assert_int_ge(sys->monotonic_us(sys->user) - start, 1999);
    close_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * waking up */

static void *ring(void *ctx)
{
    mox_ctx_wakeup(ctx);
    return NULL;
}

START_TEST(thread_wakes_it_up)
{
    struct pollfd readable = {.events = POLLIN};
    pthread_t thread;

    if (!open_world(backends[_i]))
        return;
    readable.fd = os_loop_fd(world.loop);
    ck_assert_int_eq(pthread_create(&thread, NULL, ring, world.ctx), 0);
    ck_assert_int_ge(mox_ctx_wait(world.ctx, -1), 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < 3; i++)
        mox_ctx_wakeup(world.ctx);
    if (readable.fd >= 0)
        ck_assert_int_eq(poll(&readable, 1, 0), 1);
    ck_assert_int_ge(mox_ctx_wait(world.ctx, -1), 0);
    if (readable.fd >= 0) /* drained: else every wait would end at once from now on */
        ck_assert_int_eq(poll(&readable, 1, 0), 0);
    close_world();
}
END_TEST

static volatile sig_atomic_t signals;

static void wake_from_signal(int number)
{
    (void)number;
    signals = signals + 1;
    os_loop_wakeup(world.loop);
}

static void only_count(int number)
{
    (void)number;
    signals = signals + 1;
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    ck_assert_int_eq(sigaction(number, &action, NULL), 0);
    signals = 0;
}

/* It comes just before the wait: the case in which EINTR does not help. */
START_TEST(signal_handler_wakes_it_up)
{
    if (!open_world(backends[_i]))
        return;
    handle(SIGUSR1, wake_from_signal);
    errno = 0;
    raise(SIGUSR1);
    ck_assert_int_eq(errno, 0);
    ck_assert_int_eq(signals, 1);
    ck_assert_int_ge(mox_ctx_wait(world.ctx, -1), 0);
    close_world();
}
END_TEST

START_TEST(signal_ends_the_wait)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 2000}, .it_interval = {.tv_usec = 2000}};
    const struct itimerval never = {{0, 0}, {0, 0}};

    if (!open_world(backends[_i]))
        return;
    handle(SIGALRM, only_count);
    setitimer(ITIMER_REAL, &soon, NULL);
    ck_assert_int_ge(mox_ctx_wait(world.ctx, -1), 0);
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert_int_ge(signals, 1);
    close_world();
}
END_TEST

START_TEST(its_descriptor_tells_of_others)
{
    struct pollfd readable = {.events = POLLIN};
    struct seen seen = {0};
    int ends[2];

    if (!open_world(backends[_i]))
        return;
    readable.fd = mox_ctx_fd(world.ctx);
    if (readable.fd < 0) {
        ck_assert_int_eq(backends[_i], OS_BACKEND_POLL);
        close_world();
        return;
    }
    make_pair(ends);
    watch(ends[0], MOX_READ, &seen);
    ck_assert_int_eq(poll(&readable, 1, 0), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(poll(&readable, 1, 0), 1);
    ck_assert_int_ge(mox_ctx_dispatch(world.ctx), 0);
    ck_assert_int_eq(seen.events, MOX_READ);
    watch(ends[0], 0, &seen);
    close_pair(ends);
    close_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * numbers that come back */

struct swap { /* whoever is told first closes the other end and has its number watched anew */
    int own[2], other[2], fresh[2];
    struct seen late;
    struct swap *peer;
    bool done;
};

static void swap_descriptor(void *arg, intptr_t fd, int events)
{
    struct swap *swap = arg;
    int number = swap->other[0];

    (void)fd;
    (void)events;
    if (swap->done)
        return;
    swap->done = swap->peer->done = true;
    watch(number, 0, &swap->late);
    close(number);
    make_pair(swap->fresh);
    ck_assert_int_eq(swap->fresh[0], number);
    watch(number, MOX_READ, &swap->late);
    watch(swap->own[0], 0, &swap->late);
}

START_TEST(event_of_a_closed_descriptor_is_lost)
{
    struct swap swaps[2] = {{.done = false}, {.done = false}};

    if (!open_world(backends[_i]))
        return;
    for (int i = 0; i < 2; i++) {
        swaps[i].peer = &swaps[1 - i];
        make_pair(swaps[i].own);
        memcpy(swaps[1 - i].other, swaps[i].own, sizeof swaps[i].own);
        ck_assert_int_eq(write(swaps[i].own[1], "x", 1), 1);
    }
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(
            mox_ctx_watch(world.ctx, swaps[i].own[0], MOX_READ, swap_descriptor, &swaps[i]),
            MOX_OK);
    for (int i = 0; i < 3; i++)
        ck_assert_int_ge(mox_ctx_wait(world.ctx, 0), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert(swaps[i].done);
        ck_assert_int_eq(swaps[i].late.calls, 0);
        close(swaps[i].own[0]); /* of one of them the number is the fresh one's by now */
        close(swaps[i].own[1]);
        if (swaps[i].fresh[1] != 0)
            close(swaps[i].fresh[1]);
    }
    close_world();
}
END_TEST

/* A duplicate (a forked child has them all) keeps the file open, and epoll goes on about it. */
START_TEST(duplicate_speaks_for_nobody)
{
    struct seen old = {0}, fresh = {0};
    int ends[2], again[2], copy, edge = MOX_READ | MOX_WRITE | OS_EDGE;

    if (!open_world(backends[_i]))
        return;
    if (!os_loop_is_edge(world.loop)) {
        close_world();
        return;
    }
    make_pair(ends);
    watch(ends[0], edge, &old);
    turn(&old);
    copy = fcntl(ends[0], F_DUPFD_CLOEXEC, 50);
    watch(ends[0], OS_CLOSING, &old);
    close(ends[0]);
    make_pair(again);
    ck_assert_int_eq(again[0], ends[0]);
    watch(again[0], edge, &fresh);
    turn(&fresh);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(turn(&fresh).calls, 0);
    ck_assert_int_eq(write(again[1], "x", 1), 1);
    ck_assert_int_eq(turn(&fresh).calls, 1);
    ck_assert_int_eq(old.calls, 0);
    watch(again[0], OS_CLOSING, &fresh);
    close_pair(again);
    close(copy);
    close(ends[1]);
    close_world();
}
END_TEST

/* A fault of the host: it must neither spin nor get in the way of the number's next user. */
START_TEST(closed_without_a_word)
{
    struct seen old = {0}, fresh = {0};
    int ends[2], again[2];

    if (!open_world(backends[_i]))
        return;
    make_pair(ends);
    watch(ends[0], MOX_READ, &old);
    close_pair(ends);
    turn(&old);
    ck_assert_int_eq(turn(&old).calls, 0);
    make_pair(again);
    ck_assert_int_eq(again[0], ends[0]);
    watch(again[0], MOX_READ | MOX_WRITE, &fresh);
    ck_assert_int_eq(turn(&fresh).events, MOX_WRITE);
    watch(again[0], 0, &fresh);
    close_pair(again);
    close_world();
}
END_TEST

START_TEST(forked_child_takes_nothing_from_its_parent)
{
    struct seen seen = {0};
    int ends[2], status;
    pid_t child;

    if (!open_world(backends[_i]))
        return;
    make_pair(ends);
    watch(ends[0], MOX_READ, &seen);
    child = fork();
    if (child == 0) {
        close_world();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(turn(&seen).events, MOX_READ);
    watch(ends[0], 0, &seen);
    close_pair(ends);
    close_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------------
 * when there is not enough of something */

START_TEST(no_memory)
{
    struct mox_error err;
    struct os_loop *loop = NULL;
    long nth = 0;

    do {
        test_fail_alloc(++nth);
        loop = os_loop_new(backends[_i], &err);
        test_fail_alloc(0);
        if (loop == NULL && err.code == MOX_E_UNSUPPORTED)
            return;
        if (loop == NULL)
            ck_assert_int_eq(err.code, MOX_E_NOMEM);
    } while (loop == NULL);
    ck_assert_int_gt(nth, 1);
    test_fail_alloc(1);
    ck_assert_int_eq(os_loop_ops(loop)->watch(loop, 3, MOX_READ), MOX_E_NOMEM);
    test_fail_alloc(0);
    os_loop_free(loop);
}
END_TEST

START_TEST(no_descriptor)
{
    struct rlimit old, none;
    struct mox_error err;
    struct os_loop *loop;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = old;
    for (rlim_t room = 0; room < 2; room++) {
        int next = dup(0);

        close(next);
        none.rlim_cur = (rlim_t)next + room;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        loop = os_loop_new(backends[_i], &err);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
        if (loop == NULL && err.code != MOX_E_UNSUPPORTED) {
            ck_assert_int_eq(err.code, MOX_E_OS);
            ck_assert_int_eq(err.os_errno, EMFILE);
        }
        ck_assert(loop == NULL || (room == 1 && backends[_i] == OS_BACKEND_POLL));
        os_loop_free(loop);
    }
}
END_TEST

START_TEST(best_is_one_of_them)
{
    struct mox_error err;
    struct os_loop *loop = os_loop_new(OS_BACKEND_BEST, &err);

    ck_assert_ptr_nonnull(loop);
    ck_assert_int_eq(err.code, MOX_OK);
#if defined(__linux__)
    ck_assert_str_eq(os_loop_name(loop), "epoll");
#endif
    os_loop_free(loop);
    ck_assert_ptr_null(os_loop_new(OS_BACKEND_POLL + 1, &err));
    ck_assert_int_eq(err.code, MOX_E_UNSUPPORTED);
    os_loop_free(NULL);
}
END_TEST

TCase *test_os_loop(void)
{
    const int n = (int)ARRAY_LEN(backends);
    TCase *tcase = tcase_create("os/loop");

    tcase_add_loop_test(tcase, level_descriptor_is_reported_until_forgotten, 0, n);
    tcase_add_loop_test(tcase, hang_up_is_whatever_was_asked_for, 0, n);
    tcase_add_loop_test(tcase, edge_descriptor_is_reported_once_a_change, 0, n);
    tcase_add_loop_test(tcase, many_descriptors_of_any_number, 0, n);
    tcase_add_loop_test(tcase, wait_refuses_what_is_no_descriptor, 0, n);
    tcase_add_loop_test(tcase, wait_is_never_too_short, 0, n);
    tcase_add_loop_test(tcase, thread_wakes_it_up, 0, n);
    tcase_add_loop_test(tcase, signal_handler_wakes_it_up, 0, n);
    tcase_add_loop_test(tcase, signal_ends_the_wait, 0, n);
    tcase_add_loop_test(tcase, its_descriptor_tells_of_others, 0, n);
    tcase_add_loop_test(tcase, event_of_a_closed_descriptor_is_lost, 0, n);
    tcase_add_loop_test(tcase, duplicate_speaks_for_nobody, 0, n);
    tcase_add_loop_test(tcase, closed_without_a_word, 0, n);
    tcase_add_loop_test(tcase, forked_child_takes_nothing_from_its_parent, 0, n);
    tcase_add_loop_test(tcase, no_memory, 0, n);
    tcase_add_loop_test(tcase, no_descriptor, 0, n);
    tcase_add_test(tcase, best_is_one_of_them);
    return tcase;
}
