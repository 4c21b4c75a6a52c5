/* version.c - which library this is. */
#include <moxdial/base.h>

#include "base/mbed.h"

const char *mox_version(void)
{
    return MOX_VERSION;
}

uint32_t mox_features(void)
{
    uint32_t features = MOX_FEATURE_IDN;

    if (MBED_TLS13)
        features |= MOX_FEATURE_TLS13;
#ifndef MOX_NO_CARES
    features |= MOX_FEATURE_CARES;
#endif
    return features;
}
