/* names.c - the texts of the enums of moxdial/route.h that routes speak of. */
#include <assert.h>

#include <moxdial/route.h>

#include "base/mem.h"
#include "base/names.h"

static const char *const kind_names[] = {
    [MOX_KIND_DIRECT] = "direct",
    [MOX_KIND_SUBMISSION] = "submission",
    [MOX_KIND_SUBMISSIONS] = "submissions",
    [MOX_KIND_SMTP] = "smtp",
    [MOX_KIND_SOCKS] = "socks",
    [MOX_KIND_FAIL] = "fail",
};
static_assert(ARRAY_LEN(kind_names) == MOX_KIND_FAIL + 1, "a name for each kind");

static const char *const scope_names[] = {
    [MOX_SCOPE_NONE] = "none",
    [MOX_SCOPE_ACCOUNT] = "account",
    [MOX_SCOPE_DOMAIN] = "domain",
    [MOX_SCOPE_GLOBAL] = "global",
};
static_assert(ARRAY_LEN(scope_names) == MOX_SCOPE_GLOBAL + 1, "a name for each scope");

static const char *const need_names[] = {
    [MOX_NEED_TIME] = "time",
    [MOX_NEED_MX] = "mx",
    [MOX_NEED_VOLUME] = "volume",
};
static_assert(ARRAY_LEN(need_names) == MOX_NEED_VOLUME + 1, "a name for each need");

const char *mox_kind_name(int kind)
{
    return name_of(kind_names, ARRAY_LEN(kind_names), kind);
}

const char *mox_scope_name(int scope)
{
    return name_of(scope_names, ARRAY_LEN(scope_names), scope);
}

const char *mox_need_name(int need)
{
    return name_of(need_names, ARRAY_LEN(need_names), need);
}
