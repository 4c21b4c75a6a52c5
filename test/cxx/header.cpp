// header.cpp - the public headers as a C++ host includes them; compiled, never run.
#include <moxdial.h>
#include <moxdial/curl.h>
#include <moxdial/redis.h>
#include <moxdial/sqlite.h>

#include <type_traits>

static_assert(MOX_OK == 0, "success is zero");
static_assert(std::is_standard_layout<mox_ip>::value, "values are plain");
static_assert(std::is_trivially_copyable<mox_error>::value, "errors can be copied");
static_assert(std::is_same<decltype(mox_version), const char *()>::value, "results are const");

// Constants and `= {}` fit their fields without a cast, and const objects can be looked at.
int direct_by_ipv4(const mox_config *config, const char *to);
int direct_by_ipv4(const mox_config *config, const char *to)
{
    mox_envelope envelope = {};
    mox_route route = {};
    mox_error err = {};

    envelope.size = sizeof envelope;
    envelope.to = to;
    if (mox_route_lookup(config, &envelope, &route, &err) != MOX_OK)
        return err.code;
    return route.kind == MOX_KIND_DIRECT && route.families == MOX_ALLOW_IPV4;
}
