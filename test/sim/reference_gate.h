/*
 * reference_gate.h - RequireReverseDNS, said by brute force: which families are shut. DNS knows two
 * addresses of ours, those this machine has, and says of each what seed_reverse tells.
 */
#ifndef SIM_REFERENCE_GATE_H
#define SIM_REFERENCE_GATE_H

#include "test/sim/seed.h"

/* MOX_ALLOW_ bits. */
struct reference_gate {
    uint32_t shut;
    uint32_t last; /* DNS does not tell of them */
};

/* families: allowed; source4, source6: bound, family 0: any. */
struct reference_gate reference_gate(const struct seed *seed, const struct seed_config *config,
                                     uint32_t families, const struct mox_ip *source4,
                                     const struct mox_ip *source6);

#endif
