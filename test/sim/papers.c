/* papers.c - see papers.h. */
#include "test/sim/papers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ZONES = 9, HOSTS = 3, NAMES = ZONES * HOSTS, NAME = 32, PEM = 16 * 1024 };

static const int64_t in_2010 = 1262304000, in_2020 = 1577836800, in_2035 = 2051222400;

static struct credential *made[PAPERS];
static char file[512];

struct names {
    char text[NAMES][NAME];
    const char *list[NAMES + 1];
    size_t n;
};

static void add_name(struct names *names, const char *first, int zone)
{
    snprintf(names->text[names->n], NAME, "%sz%d.example", first, zone);
    names->list[names->n] = names->text[names->n];
    names->list[++names->n] = NULL;
}

static void name_hosts(struct names *names)
{
    char first[16];

    for (int zone = 0; zone < ZONES; zone++) {
        for (int host = 0; host < HOSTS; host++) {
            snprintf(first, sizeof first, "h%d.", host);
            add_name(names, first, zone);
        }
    }
}

static void make(enum paper which, const struct names *names, enum paper of,
                 struct credential_request *request)
{
    request->name = paper_name(which);
    request->dns = names->list;
    request->of = of == which ? NULL : made[of];
    made[which] = credential_new(request);
}

static void make_issuer(enum paper which, enum paper of)
{
    struct credential_request request = {.authority = true, .name = paper_name(which)};

    request.of = of == which ? NULL : made[of];
    made[which] = credential_new(&request);
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "papers: %s\n", what);
    abort();
}

/* What is sent of it is the server's own, and nothing behind it. */
static void cut_chain(struct credential *credential)
{
    mbedtls_x509_crt alone;

    mbedtls_x509_crt_init(&alone);
    must(mbedtls_x509_crt_parse_der(&alone, credential->chain.raw.p, credential->chain.raw.len) ==
             0,
         "a chain to be cut");
    mbedtls_x509_crt_free(&credential->chain);
    credential->chain = alone;
}

static void send_root(struct credential *credential, const struct credential *root)
{
    must(mbedtls_x509_crt_parse_der(&credential->chain, root->chain.raw.p, root->chain.raw.len) ==
             0,
         "a root to be sent");
}

static void write_file(void)
{
    static char pem[PEM];
    const char *folder = getenv("TMPDIR");
    size_t len = credential_chain_pem(made[PAPER_ROOT], pem, sizeof pem);
    int fd;

    snprintf(file, sizeof file, "%s/sim-root-XXXXXX", folder == NULL ? "/tmp" : folder);
    fd = mkstemp(file);
    must(fd >= 0 && write(fd, pem, len) == (ssize_t)len, "the file of the root");
    close(fd);
    atexit(papers_free);
}

void papers_make(void)
{
    static struct names hosts, wildcards, domains;
    const struct names other = {.list = {"other.example", "example", NULL}};

    if (made[PAPER_ROOT] != NULL)
        return;
    name_hosts(&hosts);
    for (int zone = 0; zone < ZONES; zone++) {
        add_name(&wildcards, "*.", zone);
        add_name(&domains, "", zone);
    }
    make_issuer(PAPER_ROOT, PAPER_ROOT);
    make_issuer(PAPER_STRANGE_ROOT, PAPER_STRANGE_ROOT);
    make_issuer(PAPER_ISSUER, PAPER_ROOT);
    make(PAPER_HOSTS, &hosts, PAPER_ROOT, &(struct credential_request){0});
    make(PAPER_WILDCARD, &wildcards, PAPER_ROOT, &(struct credential_request){0});
    make(PAPER_DOMAINS, &domains, PAPER_ISSUER, &(struct credential_request){0});
    make(PAPER_BETWEEN, &hosts, PAPER_ISSUER, &(struct credential_request){0});
    make(PAPER_HOLE, &hosts, PAPER_ISSUER, &(struct credential_request){0});
    make(PAPER_OTHER_NAME, &other, PAPER_ROOT, &(struct credential_request){0});
    make(PAPER_EXPIRED, &hosts, PAPER_ROOT,
         &(struct credential_request){.from_s = in_2010, .until_s = in_2020});
    make(PAPER_NOT_YET, &hosts, PAPER_ROOT, &(struct credential_request){.from_s = in_2035});
    make(PAPER_SELF_SIGNED, &hosts, PAPER_SELF_SIGNED, &(struct credential_request){0});
    make(PAPER_UNRELATED, &hosts, PAPER_STRANGE_ROOT, &(struct credential_request){0});
    cut_chain(made[PAPER_HOLE]);
    send_root(made[PAPER_UNRELATED], made[PAPER_STRANGE_ROOT]);
    write_file();
}

void papers_free(void)
{
    for (int i = 0; i < PAPERS; i++) {
        credential_free(made[i]);
        made[i] = NULL;
    }
    if (file[0] != '\0')
        unlink(file);
    file[0] = '\0';
}

const struct credential *paper(enum paper which)
{
    return made[which];
}

const char *papers_file(void)
{
    return file;
}

size_t papers_record(const struct papers_record *record, char *out, size_t cap)
{
    const mbedtls_x509_crt *crt = &made[record->paper]->chain;
    const mbedtls_x509_buf *all = record->selector == 0 ? &crt->raw : &crt->pk_raw;
    const unsigned char *bytes = all->p;
    size_t len = all->len, used;
    unsigned char hash[64];

    if (record->matching == 1 && mbed_sha256(all->p, all->len, hash) == 0) {
        bytes = hash;
        len = 32;
    } else if (record->matching == 2 && mbed_sha512(all->p, all->len, hash) == 0) {
        bytes = hash;
        len = 64;
    }
    used =
        (size_t)snprintf(out, cap, "%d %d %d ", record->usage, record->selector, record->matching);
    for (size_t i = 0; i < len; i++)
        used += (size_t)snprintf(used < cap ? out + used : NULL, used < cap ? cap - used : 0,
                                 "%02x", (unsigned)bytes[i]);
    return used;
}

const char *paper_name(enum paper which)
{
    static const char *const names[] = {
        [PAPER_HOSTS] = "hosts",
        [PAPER_WILDCARD] = "wildcard",
        [PAPER_DOMAINS] = "domains",
        [PAPER_BETWEEN] = "between",
        [PAPER_HOLE] = "hole",
        [PAPER_OTHER_NAME] = "other-name",
        [PAPER_EXPIRED] = "expired",
        [PAPER_NOT_YET] = "not-yet",
        [PAPER_SELF_SIGNED] = "self-signed",
        [PAPER_UNRELATED] = "unrelated",
        [PAPER_ROOT] = "root",
        [PAPER_STRANGE_ROOT] = "strange-root",
        [PAPER_ISSUER] = "issuer",
    };

    return names[which];
}
