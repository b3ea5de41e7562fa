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

/// Parses one document, copying it first so that the caller needs no padding.
/// Returns 0, or an error for `custody_json_error`. Tape and strings stay valid until the next parse.
int custody_json_parse(custody_json_parser *parser, const uint8_t *bytes, size_t length,
                       const uint64_t **tape, const uint8_t **strings);

/// What an error code means, as a static English sentence.
const char *custody_json_error(int code);

#ifdef __cplusplus
}
#endif
