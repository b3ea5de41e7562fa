#include "CSimdJSON.h"

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

extern "C" int custody_json_parse(custody_json_parser *self, const uint8_t *bytes, size_t length,
                                  const uint64_t **tape, const uint8_t **strings) {
    // simdjson takes its depth limit with the allocation, so grow the buffers here instead of letting it do so.
    if (length > self->allocated_bytes) {
        size_t wanted = self->allocated_bytes * 2;
        if (wanted < length) wanted = length;
        if (wanted < 4096) wanted = 4096;
        if (wanted > self->parser.max_capacity()) wanted = self->parser.max_capacity();
        if (wanted < length) return static_cast<int>(simdjson::CAPACITY);
        auto failed = self->parser.allocate(wanted, self->max_depth);
        if (failed) return static_cast<int>(failed);
        self->allocated_bytes = wanted;
    }
    simdjson::dom::element root;
    auto error = self->parser.parse(bytes, length, true).get(root);
    if (error) return static_cast<int>(error);
    *tape = self->parser.doc.tape.get();
    *strings = self->parser.doc.string_buf.get();
    return 0;
}

extern "C" const char *custody_json_error(int code) {
    return simdjson::error_message(static_cast<simdjson::error_code>(code));
}
