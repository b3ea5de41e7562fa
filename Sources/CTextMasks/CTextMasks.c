#include "CTextMasks.h"


#if defined(__SSE2__)
#include <emmintrin.h>

/// Whether bytes are below a bound of 1 to 128.
static inline __m128i below(__m128i bytes, int bound) {
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8((char)(bound - 1))), bytes);
}

static inline __m128i less(__m128i bytes, char value) { return _mm_sub_epi8(bytes, _mm_set1_epi8(value)); }

static inline __m128i is(__m128i bytes, char value) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(value)); }

/// The highest bit of each byte.
static inline uint64_t bits(__m128i bytes, int shift) { return (uint64_t)(unsigned)_mm_movemask_epi8(bytes) << shift; }

void custody_text_masks(const uint8_t *bytes, size_t count, uint8_t limit, custody_text_block *blocks) {
    for (size_t number = 0; number < count; number++) {
        custody_text_block block = {0};
        for (int shift = 0; shift < 64; shift += 16) {
            __m128i text = _mm_loadu_si128((const __m128i *)(bytes + number * 64 + shift));
            __m128i letter = less(_mm_or_si128(text, _mm_set1_epi8(0x20)), 'a');
            __m128i digit = below(less(text, '0'), 10);
            __m128i hex = below(letter, 6);
            __m128i small = is(_mm_and_si128(text, _mm_set1_epi8(0x20)), 0x20);
            // Bytes from 0x80 have the highest bit themselves.
            __m128i token = _mm_or_si128(_mm_or_si128(below(letter, 26), digit), _mm_or_si128(is(text, '_'), text));
            block.token |= bits(token, shift);
            block.digit |= bits(digit, shift);
            block.lower_hex |= bits(_mm_and_si128(hex, small), shift);
            block.upper_hex |= bits(_mm_andnot_si128(small, hex), shift);
            block.non_ascii |= bits(text, shift);
            block.backslash |= bits(is(text, '\\'), shift);
            block.small_u |= bits(is(text, 'u'), shift);
            block.below |= limit == 0 ? 0 : bits(below(text, limit), shift);
        }
        blocks[number] = block;
    }
}
#else
void custody_text_masks(const uint8_t *bytes, size_t count, uint8_t limit, custody_text_block *blocks) {
    custody_text_masks_portable(bytes, count, limit, blocks);
}
#endif

static const uint64_t ones = 0x0101010101010101ULL;

/// The highest bit of each byte of which the low seven bits are from `first` to `last`. No byte carries into the next.
static inline uint64_t within(uint64_t low, uint64_t first, uint64_t last) {
    return (low + ones * (0x80 - first)) & ~(low + ones * (0x7F - last));
}

/// The highest bits of the bytes, the first byte's lowest.
static inline uint64_t gathered(uint64_t bytes) { return (((bytes >> 7) & ones) * 0x0102040810204080ULL) >> 56; }

void custody_text_masks_portable(const uint8_t *bytes, size_t count, uint8_t limit, custody_text_block *blocks) {
    for (size_t number = 0; number < count; number++) {
        custody_text_block block = {0};
        for (int shift = 0; shift < 64; shift += 8) {
            uint64_t text = 0;
            // The first byte lowest, whatever the order of the machine.
            for (int byte = 7; byte >= 0; byte--) text = text << 8 | bytes[number * 64 + (size_t)(shift + byte)];
            uint64_t low = text & ones * 0x7F, ascii = ~text, folded = low | ones * 0x20;
            uint64_t digit = within(low, '0', '9') & ascii, hex = within(folded, 'a', 'f') & ascii;
            uint64_t letter = within(folded, 'a', 'z') & ascii, line = within(low, '_', '_') & ascii;
            // The bit that tells the case, as the highest.
            uint64_t small = text << 2;
            block.token |= gathered(letter | digit | line | text) << shift;
            block.digit |= gathered(digit) << shift;
            block.lower_hex |= gathered(hex & small) << shift;
            block.upper_hex |= gathered(hex & ~small) << shift;
            block.non_ascii |= gathered(text) << shift;
            block.backslash |= gathered(within(low, '\\', '\\') & ascii) << shift;
            block.small_u |= gathered(within(low, 'u', 'u') & ascii) << shift;
            block.below |= limit == 0 ? 0 : gathered(within(low, 0, limit - 1u) & ascii) << shift;
        }
        blocks[number] = block;
    }
}
