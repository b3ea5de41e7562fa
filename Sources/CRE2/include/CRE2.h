// A C face for RE2: compile once, match bytes, in time linear in the input.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct custody_re2 custody_re2;

typedef struct {
    bool case_insensitive;
    bool dot_matches_newline;  // RE2 flag s
    bool multi_line;           // RE2 flag m: ^ and $ match at line ends
    int64_t max_memory;        // bytes for the program and its automata; 0 for RE2's default (8 MiB)
} custody_re2_options;

/// Compiles a pattern. On failure returns NULL and writes a zero-terminated message into `error`.
custody_re2 *custody_re2_create(const char *pattern, size_t length, custody_re2_options options,
                                char *error, size_t error_capacity);
void custody_re2_destroy(custody_re2 *expression);

/// Whether the pattern occurs anywhere in the text. Safe to call from many threads at once.
bool custody_re2_matches(const custody_re2 *expression, const uint8_t *text, size_t length);

/// Searches from `start`; fills `spans` with start and end offsets of the whole match and its groups, -1 where a
/// group took no part. Returns whether it matched.
bool custody_re2_find(const custody_re2 *expression, const uint8_t *text, size_t length, size_t start,
                      int64_t *spans, size_t span_pairs);

/// The number of capturing groups.
int custody_re2_group_count(const custody_re2 *expression);

typedef struct custody_re2_set custody_re2_set;

/// Compiles several patterns that are matched in one pass. Returns NULL when they are too large together, or one is wrong.
custody_re2_set *custody_re2_set_create(const char *const *patterns, const size_t *lengths,
                                        const custody_re2_options *options, size_t count, int64_t max_memory);
void custody_re2_set_destroy(custody_re2_set *set);

/// Writes the places of the patterns that occur in the text; returns how many there are, or -1 when the automaton ran
/// out of memory. Safe to call from many threads at once.
int64_t custody_re2_set_match(const custody_re2_set *set, const uint8_t *text, size_t length, int32_t *found,
                              size_t capacity);

/// Where `needle` first occurs in the text, or NULL: the C library's memmem (linear time), which Swift's Glibc module
/// hides because it is a GNU extension.
const uint8_t *custody_find_bytes(const uint8_t *text, size_t length, const uint8_t *needle, size_t needle_length);

#ifdef __cplusplus
}
#endif
