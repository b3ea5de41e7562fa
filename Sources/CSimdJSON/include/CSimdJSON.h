// A C face for simdjson's DOM parser: parse bytes, hand out the tape.
//
// The tape is documented at https://github.com/simdjson/simdjson/blob/master/doc/tape.md. Handing it out whole, instead
// of wrapping each access, lets Swift walk a document without a call per value.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct custody_json_parser custody_json_parser;

/// A parser for documents of at most `max_bytes` bytes and `max_depth` levels; NULL when memory is short.
custody_json_parser *custody_json_parser_create(size_t max_bytes, size_t max_depth);
void custody_json_parser_destroy(custody_json_parser *parser);

/// Why a document was refused. Numbers of our own: simdjson's change from version to version.
typedef enum {
    custody_json_ok = 0,
    custody_json_malformed,
    custody_json_too_large,
    custody_json_too_deep,
    custody_json_bad_number,
    custody_json_bad_utf8,
    custody_json_empty,
    custody_json_unescaped_control,
    custody_json_unclosed_string,
    custody_json_no_memory,
} custody_json_result;

/// Parses one document. Nothing behind it need be readable: where that cannot be known it is copied first.
/// Tape and strings stay valid until the next parse.
custody_json_result custody_json_parse(custody_json_parser *parser, const uint8_t *bytes, size_t length,
                                       const uint64_t **tape, const uint8_t **strings);

#ifdef __cplusplus
}
#endif
