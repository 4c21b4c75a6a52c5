/*
 * papers.h - the certificates that servers of a world show, good and bad, and those of who issued
 * them: made once a process, always in the same order, so that they are the same each time.
 */
#ifndef SIM_PAPERS_H
#define SIM_PAPERS_H

#include "test/sim/authority.h"

enum paper {
    PAPER_HOSTS = 0,   /* good for h0.z0.example and its like */
    PAPER_WILDCARD,    /* for *.z0.example and its like */
    PAPER_DOMAINS,     /* for z0.example and its like alone, with an issuer of the second row */
    PAPER_BETWEEN,     /* as PAPER_HOSTS, with an issuer of the second row, which is sent */
    PAPER_HOLE,        /* the same, and the issuer is not sent */
    PAPER_OTHER_NAME,  /* for a stranger */
    PAPER_EXPIRED,     /* as PAPER_HOSTS, in 2020 */
    PAPER_NOT_YET,     /* … from 2035 on */
    PAPER_SELF_SIGNED, /* as PAPER_HOSTS, by itself */
    PAPER_UNRELATED,   /* as PAPER_HOSTS, by a root that nobody trusts, which is sent, too */
    PAPER_SERVERS,     /* so many of servers */
    PAPER_ROOT = PAPER_SERVERS,
    PAPER_STRANGE_ROOT,
    PAPER_ISSUER, /* by PAPER_ROOT */
    PAPERS
};

/* Made at its first call; what papers_free ends. */
void papers_make(void);
void papers_free(void);

const struct credential *paper(enum paper which);

/* A file with PAPER_ROOT, the only one that is trusted. */
const char *papers_file(void);

/* A TLSA record, as a zone file has it, that fits the paper: of selector 0 or 1, matching type 0, 1
 * or 2. As snprintf. */
struct papers_record {
    int usage, selector, matching;
    enum paper paper;
};
size_t papers_record(const struct papers_record *record, char *out, size_t cap);

/* "hosts", "wildcard", … */
const char *paper_name(enum paper which);

#endif
