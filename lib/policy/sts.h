/*
 * sts.h - MTA-STS: reading the record and the policy, matching a host (RFC 8461 sections 3.1, 3.2,
 * 4.1; semantics.md 7.2). Pure.
 */
#ifndef POLICY_STS_H
#define POLICY_STS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <moxdial/base.h>

#include "base/arena.h"
#include "base/slice.h"

enum sts_mode { STS_NONE = 0, STS_TESTING, STS_ENFORCE };

enum { STS_ID = 32 /* bytes of an id at most */ };

enum sts_record_result {
    STS_RECORD_OK = 0,
    STS_RECORD_ABSENT,
    STS_RECORD_MULTIPLE,
    STS_RECORD_SYNTAX
};

/* texts: the TXT records of _mta-sts.DOMAIN, each with its strings joined. id: written if OK. */
enum sts_record_result sts_record_read(const struct slice *texts, size_t n, char id[STS_ID + 1]);

struct sts_policy {
    int mode;              /* enum sts_mode */
    uint32_t max_age_s;    /* at most MOX_LIMIT_STS_AGE */
    const char *const *mx; /* patterns in lower case, NULL at the end; in the arena */
    const char *text;      /* as fetched, in the arena: LF between lines, cleaned; for TLSRPT */
};

/*
 * MOX_OK; MOX_E_PROTOCOL: err has the line number and what is wrong there, for the caller's
 * sentence ("line 3: …"); MOX_E_NOMEM.
 */
int sts_policy_read(struct slice text, struct sts_policy *out, struct arena *arena,
                    struct mox_error *err);

/* host: A-labels, lower case. */
bool sts_policy_allows(const struct sts_policy *policy, const char *host);

/* An id of a record: letters and digits, at most STS_ID. */
bool sts_is_id(struct slice text);

const char *sts_mode_name(int mode); /* "none", "testing", "enforce" */

#endif
