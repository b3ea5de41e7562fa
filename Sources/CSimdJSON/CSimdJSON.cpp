#include "CSimdJSON.h"

#include <cstdint>
#include <new>
#include <simdjson.h>

struct custody_json_parser {
    simdjson::dom::parser parser;
    size_t max_depth;
    size_t allocated_bytes = 0;
    explicit custody_json_parser(size_t max_bytes, size_t depth) : parser(max_bytes), max_depth(depth) {}
};

extern "C" custody_json_parser *custody_json_parser_create(size_t max_bytes, size_t max_depth) {
    return new (std::nothrow) custody_json_parser(max_bytes, max_depth);
}

extern "C" void custody_json_parser_destroy(custody_json_parser *parser) { delete parser; }

static custody_json_result result_of(simdjson::error_code error) {
    switch (error) {
    case simdjson::SUCCESS: return custody_json_ok;
    case simdjson::CAPACITY: return custody_json_too_large;
    case simdjson::MEMALLOC: return custody_json_no_memory;
    case simdjson::DEPTH_ERROR: return custody_json_too_deep;
    case simdjson::NUMBER_ERROR: return custody_json_bad_number;
    case simdjson::UTF8_ERROR: return custody_json_bad_utf8;
    case simdjson::EMPTY: return custody_json_empty;
    case simdjson::UNESCAPED_CHARS: return custody_json_unescaped_control;
    case simdjson::UNCLOSED_STRING: return custody_json_unclosed_string;
    default: return custody_json_malformed;
    }
}

/// simdjson reads up to `SIMDJSON_PADDING` bytes behind a document, whatever they are. They can be read when they lie on the page of its
/// last byte: then no copy with room behind it has to be made. Pages are this large at least on every machine.
static bool can_be_read_behind(const uint8_t *bytes, size_t length) {
#if defined(__SANITIZE_ADDRESS__)
    return false;
#else
    const uintptr_t page = 4096;
    return reinterpret_cast<uintptr_t>(bytes + length - 1) % page + simdjson::SIMDJSON_PADDING < page;
#endif
}

extern "C" custody_json_result custody_json_parse(custody_json_parser *self, const uint8_t *bytes, size_t length,
                                                  const uint64_t **tape, const uint8_t **strings) {
    // simdjson takes its depth limit with the allocation, so grow the buffers here instead of letting it do so.
    if (length > self->allocated_bytes) {
        size_t wanted = self->allocated_bytes * 2;
        if (wanted < length) wanted = length;
        if (wanted < 4096) wanted = 4096;
        if (wanted > self->parser.max_capacity()) wanted = self->parser.max_capacity();
        if (wanted < length) return custody_json_too_large;
        auto failed = self->parser.allocate(wanted, self->max_depth);
        if (failed) return result_of(failed);
        self->allocated_bytes = wanted;
    }
    simdjson::dom::element root;
    auto error = self->parser.parse(bytes, length, !can_be_read_behind(bytes, length)).get(root);
    if (error) return result_of(error);
    *tape = self->parser.doc.tape.get();
    *strings = self->parser.doc.string_buf.get();
    return custody_json_ok;
}
