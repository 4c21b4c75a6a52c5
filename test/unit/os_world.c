/* os_world.c - see os_world.h. */
#include "os_world.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/epoll.h>
#endif

#include "os/sys.h"
#include "test.h"

#if defined(__linux__)
static int host_watch(void *user, intptr_t fd, int events)
{
    struct os_world *world = user;
    struct epoll_event event = {.events = EPOLLET, .data.fd = (int)fd};

    if (events == 0)
        return epoll_ctl(world->host, EPOLL_CTL_DEL, (int)fd, NULL) == 0 ? MOX_OK
                                                                         : MOX_ERRNO(errno);
    ck_assert_int_eq(events & ~(MOX_READ | MOX_WRITE), 0); /* no bit of ours is for a host */
    event.events |= (events & MOX_READ ? EPOLLIN : 0) | (events & MOX_WRITE ? EPOLLOUT : 0);
    if (epoll_ctl(world->host, EPOLL_CTL_MOD, (int)fd, &event) == 0 ||
        epoll_ctl(world->host, EPOLL_CTL_ADD, (int)fd, &event) == 0)
        return MOX_OK;
    return MOX_ERRNO(errno);
}

static int host_wait(void *user, int64_t timeout_us)
{
    struct os_world *world = user;
    struct epoll_event event;

    if (epoll_wait(world->host, &event, 1, timeout_us < 0 ? -1 : (int)(timeout_us / 1000)) == 1)
        mox_ctx_ready(world->ctx, event.data.fd,
                      (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? MOX_READ : 0) |
                          (event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR) ? MOX_WRITE : 0));
    return MOX_OK;
}

static bool open_host(struct os_world *world, struct mox_loop_ops *ops)
{
    world->host = epoll_create1(EPOLL_CLOEXEC);
    ck_assert_int_gt(world->host, 0);
    *ops = (struct mox_loop_ops){
        .size = sizeof *ops, .user = world, .watch = host_watch, .wait = host_wait};
    return true;
}
#else
static bool open_host(struct os_world *world, struct mox_loop_ops *ops)
{
    (void)world;
    (void)ops;
    return false;
}
#endif

static bool open_loop(struct os_world *world, int backend, struct mox_loop_ops *ops)
{
    struct mox_error err;

    world->loop = os_loop_new(backend, &err);
    if (world->loop == NULL) {
        ck_assert_int_eq(err.code, MOX_E_UNSUPPORTED);
        return false;
    }
    *ops = *os_loop_ops(world->loop);
    return true;
}

static void wake(void *loop)
{
    os_loop_wakeup(loop);
}

bool os_world_open(struct os_world *world, int backend, bool edge)
{
    struct mox_ctx_options options = {.size = sizeof options};
    struct ctx_loop_extra extra = {.fd = -1};
    struct mox_loop_ops loop;

    *world = (struct os_world){0};
    if (backend == OS_WORLD_HOST ? !open_host(world, &loop) : !open_loop(world, backend, &loop))
        return false;
    world->sockets = os_sockets_new(edge, NULL);
    ck_assert_ptr_nonnull(world->sockets);
    options.loop = &loop;
    options.socket = os_sockets_ops(world->sockets);
    options.sys = os_sys_ops();
    if (world->loop != NULL)
        extra = (struct ctx_loop_extra){world->loop, os_loop_fd(world->loop), wake};
    world->ctx = ctx_new(&options, &extra);
    ck_assert_ptr_nonnull(world->ctx);
    os_sockets_attach(world->sockets, world->ctx);
    if (world->loop != NULL)
        os_loop_attach(world->loop, world->ctx);
    return true;
}

void os_world_close(struct os_world *world)
{
    mox_ctx_free(world->ctx);
    os_sockets_free(world->sockets);
    os_loop_free(world->loop);
    if (world->host > 0)
        close(world->host);
    *world = (struct os_world){0};
}

int os_world_fd(const struct os_world *world)
{
    return world->loop != NULL ? os_loop_fd(world->loop) : world->host;
}

struct mox_ip os_world_ip(const char *text)
{
    struct mox_ip ip;

    ck_assert_int_eq(mox_ip_parse(text, &ip), MOX_OK);
    return ip;
}

int os_world_listen(const char *text, int backlog, uint16_t *port)
{
    struct sockaddr_storage address;
    struct mox_ip ip = os_world_ip(text);
    socklen_t len = (socklen_t)mox_ip_to_sockaddr(&ip, 0, &address, sizeof address);
    int fd = socket(address.ss_family, SOCK_STREAM, 0);

    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, len) != 0) {
        close(fd);
        return -1;
    }
    ck_assert(backlog == 0 || listen(fd, backlog) == 0);
    len = sizeof address;
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    ck_assert_int_eq(mox_ip_from_sockaddr((struct sockaddr *)&address, &ip, port), MOX_OK);
    return fd;
}
