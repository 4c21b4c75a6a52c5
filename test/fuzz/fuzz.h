/*
 * fuzz.h - what the fuzzers share. A broken rule ends the run with its words, whatever NDEBUG says,
 * and libFuzzer keeps the input.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's; -1: of no use as a seed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* rule: what should hold, as a sentence. */
static inline void fuzz_require(bool holds, const char *rule)
{
    if (holds)
        return;
    fprintf(stderr, "broken rule: %s\n", rule);
    abort();
}

#endif
