#include "CSHA256.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>

#define WITH_SHA __attribute__((target("sha,sse4.1")))
#define INLINED static inline __attribute__((always_inline)) WITH_SHA

enum { block = 64, longest_short = 4 * block };

/// FIPS 180-4, section 4.2.2.
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/// The eight words of a state as the instructions want them.
typedef struct {
    __m128i abef;
    __m128i cdgh;
} state;

/// One block on its way through the rounds: the state, and the sixteen words of the schedule at hand.
typedef struct {
    state at;
    __m128i words[4];
} rounds;

/// A message on its way. What of it is not whole blocks of its body is put together here.
typedef struct {
    state at;
    /// The blocks at hand.
    const uint8_t *blocks;
    size_t count;
    /// Whole blocks of the body that follow.
    const uint8_t *run;
    size_t run_count;
    /// Blocks of `tail` that come last.
    size_t tail_count;
    uint8_t *digest;
    uint8_t first[longest_short];
    uint8_t tail[2 * block];
} lane;

bool custody_sha256_is_supported(void) {
    unsigned eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & bit_SSSE3) || !(ecx & bit_SSE4_1)) return false;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_SHA);
}

// MARK: Blocks

INLINED void begin_block(rounds *r, const state *from, const uint8_t *bytes) {
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    r->at = *from;
    for (int i = 0; i < 4; i++)
        r->words[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(bytes + 16 * i)), order);
}

/// Rounds `4 * i` to `4 * i + 3`, and the words of the schedule that are needed four such steps later.
INLINED void four_rounds(rounds *r, int i) {
    __m128i words = _mm_add_epi32(r->words[0], _mm_load_si128((const __m128i *)(constants + 4 * i)));
    r->at.cdgh = _mm_sha256rnds2_epu32(r->at.cdgh, r->at.abef, words);
    r->at.abef = _mm_sha256rnds2_epu32(r->at.abef, r->at.cdgh, _mm_shuffle_epi32(words, 0x0e));
    __m128i next = r->words[0];
    if (i < 12) {
        next = _mm_add_epi32(
            _mm_sha256msg1_epu32(r->words[0], r->words[1]), _mm_alignr_epi8(r->words[3], r->words[2], 4));
        next = _mm_sha256msg2_epu32(next, r->words[3]);
    }
    r->words[0] = r->words[1];
    r->words[1] = r->words[2];
    r->words[2] = r->words[3];
    r->words[3] = next;
}

INLINED void end_block(const rounds *r, state *to) {
    to->abef = _mm_add_epi32(to->abef, r->at.abef);
    to->cdgh = _mm_add_epi32(to->cdgh, r->at.cdgh);
}

WITH_SHA static void compress_one(lane *a, size_t count) {
    state at = a->at;
    for (size_t number = 0; number < count; number++) {
        rounds r;
        begin_block(&r, &at, a->blocks + number * block);
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) four_rounds(&r, i);
        end_block(&r, &at);
    }
    a->at = at;
}

WITH_SHA static void compress_two(lane *a, lane *b, size_t count) {
    state at = a->at, other = b->at;
    for (size_t number = 0; number < count; number++) {
        rounds r, s;
        begin_block(&r, &at, a->blocks + number * block);
        begin_block(&s, &other, b->blocks + number * block);
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            four_rounds(&r, i);
            four_rounds(&s, i);
        }
        end_block(&r, &at);
        end_block(&s, &other);
    }
    a->at = at;
    b->at = other;
}

// MARK: Messages

/// Ends a message whose last bytes, `used` of them, are in `last`; returns the blocks that it then has.
static size_t pad(uint8_t *last, size_t used, uint64_t bytes) {
    size_t count = (used + 9 + block - 1) / block;
    last[used] = 0x80;
    memset(last + used + 1, 0, count * block - 8 - used - 1);
    uint64_t bits = __builtin_bswap64(bytes * 8);
    memcpy(last + count * block - 8, &bits, 8);
    return count;
}

static void copy(uint8_t *to, const uint8_t *from, size_t length) {
    if (length) memcpy(to, from, length);
}

WITH_SHA static void begin(lane *a, const custody_sha256_message *message) {
    size_t head = message->head_length, length = head + message->body_length;
    // FIPS 180-4, section 5.3.3.
    a->at.abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
    a->at.cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
    a->digest = message->digest;
    a->run_count = 0;
    a->tail_count = 0;
    a->blocks = a->first;
    if (length + 9 <= longest_short) {
        copy(a->first, message->head, head);
        copy(a->first + head, message->body, message->body_length);
        a->count = pad(a->first, length, length);
        return;
    }
    // The body is longer than what the head leaves of its block.
    size_t taken = head ? block - head : 0;
    const uint8_t *rest = message->body + taken;
    size_t whole = (message->body_length - taken) / block, left = (message->body_length - taken) % block;
    copy(a->tail, rest + whole * block, left);
    a->tail_count = pad(a->tail, left, length);
    if (head) {
        copy(a->first, message->head, head);
        copy(a->first + head, message->body, taken);
        a->count = 1;
        a->run = rest;
        a->run_count = whole;
    } else {
        a->blocks = rest;
        a->count = whole;
    }
}

WITH_SHA static void finish(const lane *a) {
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    // Words lie from the high end of a register down: feba and hgdc, reordered to abcd and efgh.
    __m128i feba = _mm_shuffle_epi32(a->at.abef, 0x1b), dchg = _mm_shuffle_epi32(a->at.cdgh, 0xb1);
    __m128i dcba = _mm_blend_epi16(feba, dchg, 0xf0), hgfe = _mm_alignr_epi8(dchg, feba, 8);
    _mm_storeu_si128((__m128i *)a->digest, _mm_shuffle_epi8(dcba, order));
    _mm_storeu_si128((__m128i *)(a->digest + 16), _mm_shuffle_epi8(hgfe, order));
}

/// Goes on behind blocks that were compressed; false when there are no more, and the digest is written.
static inline bool advance(lane *a, size_t count) {
    a->blocks += count * block;
    a->count -= count;
    if (a->count) return true;
    if (a->run_count) {
        a->blocks = a->run;
        a->count = a->run_count;
        a->run_count = 0;
        return true;
    }
    if (a->tail_count) {
        a->blocks = a->tail;
        a->count = a->tail_count;
        a->tail_count = 0;
        return true;
    }
    finish(a);
    return false;
}

void custody_sha256_each(const custody_sha256_message *messages, size_t count) {
    lane lanes[2];
    lane *a = &lanes[0], *b = &lanes[1];
    if (!count) return;
    size_t next = 1;
    begin(a, messages);
    if (count > 1) {
        bool both = true;
        begin(b, messages + next++);
        while (both) {
            size_t together = a->count < b->count ? a->count : b->count;
            compress_two(a, b, together);
            bool a_goes_on = advance(a, together), b_goes_on = advance(b, together);
            if (!a_goes_on && next < count) {
                begin(a, messages + next++);
                a_goes_on = true;
            }
            if (!b_goes_on && next < count) {
                begin(b, messages + next++);
                b_goes_on = true;
            }
            both = a_goes_on && b_goes_on;
            if (!a_goes_on) a = b_goes_on ? b : NULL;
        }
    }
    for (bool goes_on = a != NULL; goes_on;) {
        size_t alone = a->count;
        compress_one(a, alone);
        goes_on = advance(a, alone);
    }
    // Salts and keys are hashed here.
    memset(lanes, 0, sizeof lanes);
    __asm__ volatile("" : : "r"(lanes) : "memory");
}

#else

bool custody_sha256_is_supported(void) { return false; }
void custody_sha256_each(const custody_sha256_message *messages, size_t count) { __builtin_trap(); }

#endif
