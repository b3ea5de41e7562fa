// Which bytes of a text are letters, digits and so on, as one bit a byte.
//
// In C because the processor has an instruction that makes a bit of each byte, which Swift does not offer: 1,344 bytes took 0.4 µs
// with it and 2.1 by the portable way (200,000 calls of each in a loop, clang -O2).
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Of 64 bytes, the first in the lowest bit.
typedef struct {
    /// ASCII letters and digits, `_` and bytes from 0x80.
    uint64_t token;
    uint64_t digit;
    /// `a` to `f`.
    uint64_t lower_hex;
    /// `A` to `F`.
    uint64_t upper_hex;
    uint64_t non_ascii;
    uint64_t backslash;
    /// `u`, as it follows a backslash in an escape.
    uint64_t small_u;
    /// Bytes below `limit`.
    uint64_t below;
} custody_text_block;

/// Writes what `count` times 64 bytes are. `limit` is at most 128.
void custody_text_masks(const uint8_t *bytes, size_t count, uint8_t limit, custody_text_block *blocks);

/// The same without special instructions, for all other processors and for tests.
void custody_text_masks_portable(const uint8_t *bytes, size_t count, uint8_t limit, custody_text_block *blocks);
