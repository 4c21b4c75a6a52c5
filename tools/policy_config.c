/*
 * policy_config.c - see policy_config.h. A new configuration takes the place of the old one only
 * when all of it is valid; checks under way hold what they need of the old one.
 */
#include "policy_config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "error.h"

struct policy_stamp { /* all zero: it cannot be looked at */
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec written, changed; /* changed: the other one can be set back */
};

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_stamps(const struct policy_stamp *a, const struct policy_stamp *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (a[i].device != b[i].device || a[i].inode != b[i].inode || a[i].size != b[i].size ||
            !same_time(&a[i].written, &b[i].written) || !same_time(&a[i].changed, &b[i].changed))
            return false;
    }
    return true;
}

static void stamp_all(const struct list *files, struct policy_stamp *out)
{
    struct stat info;

    for (size_t i = 0; i < files->count; i++) {
        memset(&out[i], 0, sizeof out[i]);
        if (stat(files->items[i], &info) == 0)
            out[i] = (struct policy_stamp){info.st_dev, info.st_ino, info.st_size, info.st_mtim,
                                           info.st_ctim};
    }
}

/* Not taken if a file changed meanwhile: the next look finds that out. */
static struct mox_config *read_files(struct policy_config *config, struct mox_error *err)
{
    size_t count = config->files->count;
    struct mox_config_options open = {0};
    struct policy_stamp *after = tool_alloc(count, sizeof *after);
    struct mox_config *fresh;

    stamp_all(config->files, config->judged);
    fresh = load_open(config->files, &open, err);
    stamp_all(config->files, after);
    if (fresh != NULL && !same_stamps(after, config->judged, count)) {
        mox_config_free(fresh);
        fresh = NULL;
        tool_error(err, MOX_E_AGAIN, MOX_STAGE_CONFIG, "a file changes while it is read");
    }
    free(after);
    return fresh;
}

static void read_again(struct policy_config *config)
{
    struct mox_error err;
    struct mox_config *fresh = read_files(config, &err);

    if (fresh == NULL) {
        policy_say(config->log, "the new configuration is not taken, the old one goes on: %s",
                   err.message);
        return;
    }
    mox_config_free(config->config);
    config->config = fresh;
    policy_say(config->log, "the configuration has been read again");
}

/* Read once more, for only now is it known how the files looked when they were. */
void policy_config_open(struct policy_config *config, const struct load *load,
                        const struct policy_log *log)
{
    struct mox_error err;

    config->log = log;
    config->files = &load->files;
    config->judged = tool_alloc(load->files.count, sizeof *config->judged);
    config->seen = tool_alloc(load->files.count, sizeof *config->seen);
    if (load->files.count > 0)
        config->config = read_files(config, &err);
    if (config->config == NULL)
        config->config = mox_config_ref(load->config);
}

void policy_config_look(struct policy_config *config)
{
    size_t count = config->files->count;
    struct policy_stamp *now;

    if (count == 0)
        return;
    now = tool_alloc(count, sizeof *now);
    stamp_all(config->files, now);
    if (!same_stamps(now, config->judged, count) && same_stamps(now, config->seen, count))
        read_again(config);
    memcpy(config->seen, now, count * sizeof *now);
    free(now);
}

void policy_config_reload(struct policy_config *config)
{
    if (config->files->count > 0)
        read_again(config);
}

void policy_config_close(struct policy_config *config)
{
    mox_config_free(config->config);
    free(config->judged);
    free(config->seen);
}
