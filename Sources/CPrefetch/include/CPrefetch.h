// Tells the processor of memory that is needed soon, so that several places are waited for together.
//
// In C because Swift has no such instruction. A hint: the address need not be valid, and nothing depends on it.
#pragma once

static inline void custody_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }
