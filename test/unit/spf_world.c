/* spf_world.c - see spf_world.h. */
#include "spf_world.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "dns/message.h"
#include "test.h"

enum { US_PER_S = 1000000, RDATA = 80 << 10, RECORDS = 64, STRING = 255 };

/* A question's name without its escapes. */
static void unescape(const char *name, char *out, size_t cap)
{
    struct slice text = slice_of(name);
    size_t at = 0, n = 0;
    unsigned char byte;

    while (at < text.len && n + 1 < cap && dns_unescape(text, &at, &byte))
        out[n++] = (char)byte;
    out[n] = '\0';
}

/* Text as the strings of a TXT record. */
static const char *quoted(const char *text, char *buf, size_t cap)
{
    struct text t = text_to(buf, cap);

    if (text[0] == '"')
        return text;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (i % STRING == 0)
            text_add(&t, i == 0 ? "\"" : "\" \"");
        text_add(&t, text[i] == '"' || text[i] == '\\' ? "\\%c" : "%c", text[i]);
    }
    text_add(&t, "\"");
    return buf;
}

static int answer(struct spf_world *w, const char *name)
{
    static char rdata[RDATA]; /* of the one TXT record that may lack its quotes, or of short ones */
    struct mox_dns_record records[RECORDS];
    size_t n = 0, used = 0;
    bool exists = false, late = false;

    for (const struct spf_zone *z = w->zone; z->name != NULL; z++) {
        bool alias = z->type == DNS_TYPE_CNAME;

        if (!slice_is_nocase(slice_of(z->name), name))
            continue;
        exists = true;
        late |= z->type == 0;
        if ((z->type != w->net.query_type && !alias) || n == RECORDS)
            continue;
        records[n] = (struct mox_dns_record){w->net.query_name, z->type, 0, 300, z->data};
        if (z->type == DNS_TYPE_TXT) {
            records[n].rdata = quoted(z->data, rdata + used, sizeof rdata - used);
            used += strlen(rdata + used) + 1;
        }
        n++;
    }
    if (n == 0 && late)
        return mox_dns_fail(w->net.ctx, w->net.query_id, MOX_E_TIMEOUT);
    return mox_dns_answer_records(w->net.ctx, w->net.query_id,
                                  exists ? DNS_RCODE_NOERROR : DNS_RCODE_NXDOMAIN, records, n, 0);
}

static void in_query(struct ctx_world *net)
{
    struct spf_world *w = (struct spf_world *)net; /* its first member */
    struct text asked = {w->asked, sizeof w->asked, strlen(w->asked)};
    char name[256], type[DNS_TYPE_TEXT];
    int status;

    unescape(net->query_name, name, sizeof name);
    text_add(&asked, "%s %s\n", dns_type_name(net->query_type, type), name);
    if (w->silent != NULL && strcmp(w->silent, name) == 0)
        return;
    status = answer(w, name);
    w->wrong |= status != MOX_OK && status != MOX_E_NOMEM;
}

void spf_world_open(struct spf_world *w)
{
    static const struct spf_zone empty[] = {{0}};

    memset(w, 0, sizeof *w);
    w->zone = empty;
    w->ip = "192.0.2.1";
    w->helo = "mx.example.org";
    w->mail_from = "me@example.org";
    ctx_world_open(&w->net);
    w->net.in_query = in_query;
}

void spf_world_close(struct spf_world *w)
{
    test_fail_alloc(0);
    ctx_world_close(&w->net);
    mox_config_free(w->config);
    ck_assert(!w->wrong);
}

static void on_done(void *arg, int status, const struct mox_error *err)
{
    struct spf_world *w = arg;

    w->done++;
    w->status = status;
    if (err != NULL)
        w->err = *err;
}

mox_op_id spf_world_start(struct spf_world *w)
{
    struct mox_spf_request request = {
        .size = sizeof request, .config = w->config, .helo = w->helo, .mail_from = w->mail_from};

    mox_ip_parse(w->ip, &request.ip);
    w->done = 0;
    w->status = MOX_OK;
    w->asked[0] = '\0';
    w->id = mox_spf_start(w->net.ctx, &request, &w->result, on_done, w, &w->err);
    return w->id;
}

int spf_world_check(struct spf_world *w)
{
    if (spf_world_start(w) == 0)
        return w->err.code;
    mox_ctx_dispatch(w->net.ctx);
    return w->status;
}

void spf_world_wait(struct spf_world *w, unsigned seconds)
{
    w->net.now_us += (int64_t)seconds * US_PER_S;
    mox_ctx_dispatch(w->net.ctx);
}
