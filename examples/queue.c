/*
 * queue.c - the sending half of a mail server: the messages of a folder, several at once in one
 * thread, over connections used again. One that arrived, or never will, is removed.
 *
 *   cc -o queue queue.c $(pkg-config --cflags --libs libmoxdial)
 *   ./queue a@example.com b@example.org spool/ [127.0.0.1:2525]
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <moxdial.h>

enum { PATH = 4096, AT_ONCE = 4 };

struct queue {
    struct mox_ctx *ctx;
    const char *from, *to, *folder, *server;
    DIR *dir;
    int active, kept; /* under way; messages that stay for another day */
};

struct job {
    struct queue *queue;
    struct mox_conn *conn;
    struct mox_rcpt rcpt;
    struct mox_rcpt_result result; /* the same over all attempts */
    struct mox_message message;
    char path[PATH];
};

/* GIVE_UP: a bounce is due. The rest waits, for result.retry_after_s at least. */
static void end_job(struct job *job, const struct mox_error *err)
{
    struct queue *queue = job->queue;

    printf("%s: %s%s%s\n", job->path, mox_rcpt_state_name(job->result.state),
           err == NULL ? "" : ": ", err == NULL ? "" : err->message);
    if (err == NULL || err->action == MOX_ACTION_GIVE_UP)
        unlink(job->path);
    else
        queue->kept++;
    close(job->message.body.fd);
    mox_conn_release(job->conn); /* kept for the next message to the same place */
    free(job);
    queue->active--;
}

static void on_dialed(void *arg, int status, struct mox_conn *conn, const struct mox_error *err);

static void on_delivered(void *arg, int status, const struct mox_error *err)
{
    struct job *job = arg;
    struct mox_error why;

    if (status != MOX_OK && err->action == MOX_ACTION_NEXT) {
        if (mox_dial_next_start(job->conn, NULL, on_dialed, job, &why) != 0) {
            job->conn = NULL; /* consumed */
            return;
        }
        err = &why;
    }
    end_job(job, status == MOX_OK ? NULL : err);
}

static void on_dialed(void *arg, int status, struct mox_conn *conn, const struct mox_error *err)
{
    struct job *job = arg;
    struct mox_error why;

    job->conn = conn;
    if (status != MOX_OK)
        end_job(job, err);
    else if (mox_deliver_start(conn, &job->message, &job->result, on_delivered, job, &why) == 0)
        end_job(job, &why);
}

static void start_job(struct queue *queue, const char *path, int fd)
{
    struct mox_envelope envelope = {.size = sizeof envelope, .from = queue->from, .to = queue->to};
    struct mox_dial_request request = {
        .size = sizeof request, .envelope = &envelope, .server = queue->server};
    struct job *job = calloc(1, sizeof *job);
    struct mox_error err;

    if (job == NULL) {
        perror("queue");
        exit(75);
    }
    queue->active++;
    job->queue = queue;
    snprintf(job->path, sizeof job->path, "%s", path);
    job->rcpt.address = queue->to;
    job->message =
        (struct mox_message){.size = sizeof job->message,
                             .mail_from = queue->from,
                             .rcpts = &job->rcpt,
                             .nrcpts = 1,
                             .body = {.source = MOX_BODY_FD, .fd = fd, .flags = MOX_BODY_LF}};
    if (mox_dial_start(queue->ctx, &request, on_dialed, job, &err) == 0)
        end_job(job, &err);
}

/* 0: there is no other. */
static int start_next(struct queue *queue)
{
    const struct dirent *entry = readdir(queue->dir);
    char path[PATH];
    int fd;

    if (entry == NULL)
        return 0;
    snprintf(path, sizeof path, "%s/%s", queue->folder, entry->d_name);
    fd = entry->d_name[0] == '.' ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
        start_job(queue, path, fd);
    return 1;
}

int main(int argc, char **argv)
{
    struct mox_ctx_options options = {.size = sizeof options, .max_idle = AT_ONCE};
    struct queue queue = {0};
    struct mox_error err;

    if (argc < 4) {
        fprintf(stderr, "usage: queue FROM TO FOLDER [SERVER]\n");
        return 64;
    }
    queue.from = argv[1];
    queue.to = argv[2];
    queue.folder = argv[3];
    queue.server = argv[4]; /* NULL ends the arguments */
    queue.dir = opendir(queue.folder);
    queue.ctx = mox_ctx_new(&options, &err);
    if (queue.dir == NULL || queue.ctx == NULL) {
        fprintf(stderr, "queue: %s\n", queue.dir == NULL ? "no such folder" : err.message);
        return 75;
    }
    do
        while (queue.active < AT_ONCE && start_next(&queue))
            ;
    while (mox_ctx_pending(queue.ctx) > 0 && mox_ctx_wait(queue.ctx, -1) >= 0);
    printf("%d connections were used again\n", (int)mox_ctx_stats(queue.ctx)->reused);
    mox_ctx_free(queue.ctx);
    closedir(queue.dir);
    return queue.kept > 0 ? 75 : 0;
}
