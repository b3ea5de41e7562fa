#include "CRE2.h"

#include <cstring>
#include <new>
#include <re2/re2.h>
#include <re2/set.h>
#include <vector>

struct custody_re2 {
    RE2 expression;
    custody_re2(re2::StringPiece pattern, const RE2::Options &options) : expression(pattern, options) {}
};

extern "C" custody_re2 *custody_re2_create(const char *pattern, size_t length, custody_re2_options options,
                                           char *error, size_t error_capacity) {
    RE2::Options settings;
    settings.set_log_errors(false);
    settings.set_case_sensitive(!options.case_insensitive);
    settings.set_dot_nl(options.dot_matches_newline);
    settings.set_one_line(!options.multi_line);
    if (options.max_memory > 0) settings.set_max_mem(options.max_memory);
    std::string text(pattern, length);
    if (options.multi_line) text = "(?m)" + text;
    auto *compiled = new (std::nothrow) custody_re2(text, settings);
    if (compiled == nullptr) return nullptr;
    if (compiled->expression.ok()) return compiled;
    if (error_capacity > 0) {
        std::strncpy(error, compiled->expression.error().c_str(), error_capacity - 1);
        error[error_capacity - 1] = '\0';
    }
    delete compiled;
    return nullptr;
}

extern "C" void custody_re2_destroy(custody_re2 *expression) { delete expression; }

extern "C" bool custody_re2_matches(const custody_re2 *self, const uint8_t *text, size_t length) {
    re2::StringPiece input(reinterpret_cast<const char *>(text), length);
    return self->expression.Match(input, 0, length, RE2::UNANCHORED, nullptr, 0);
}

extern "C" bool custody_re2_find(const custody_re2 *self, const uint8_t *text, size_t length, size_t start,
                                 int64_t *spans, size_t span_pairs) {
    re2::StringPiece input(reinterpret_cast<const char *>(text), length);
    std::vector<re2::StringPiece> groups(span_pairs);
    if (!self->expression.Match(input, start, length, RE2::UNANCHORED, groups.data(),
                                static_cast<int>(span_pairs)))
        return false;
    for (size_t i = 0; i < span_pairs; i++) {
        bool took_part = groups[i].data() != nullptr;
        spans[2 * i] = took_part ? groups[i].data() - input.data() : -1;
        spans[2 * i + 1] = took_part ? spans[2 * i] + static_cast<int64_t>(groups[i].size()) : -1;
    }
    return true;
}

extern "C" int custody_re2_group_count(const custody_re2 *self) { return self->expression.NumberOfCapturingGroups(); }

extern "C" const uint8_t *custody_find_bytes(const uint8_t *text, size_t length, const uint8_t *needle,
                                             size_t needle_length) {
    return static_cast<const uint8_t *>(memmem(text, length, needle, needle_length));
}

struct custody_re2_set {
    RE2::Set expressions;
    explicit custody_re2_set(const RE2::Options &options) : expressions(options, RE2::UNANCHORED) {}
};

extern "C" custody_re2_set *custody_re2_set_create(const char *const *patterns, const size_t *lengths,
                                                   const custody_re2_options *options, size_t count,
                                                   int64_t max_memory) {
    RE2::Options settings;
    settings.set_log_errors(false);
    settings.set_max_mem(max_memory);
    auto *set = new (std::nothrow) custody_re2_set(settings);
    if (set == nullptr) return nullptr;
    for (size_t i = 0; i < count; i++) {
        // One set has one set of options; a group's flags stand for those of its pattern.
        std::string flags;
        if (options[i].case_insensitive) flags += 'i';
        if (options[i].dot_matches_newline) flags += 's';
        if (options[i].multi_line) flags += 'm';
        std::string text = (flags.empty() ? "(?:" : "(?" + flags + ":") + std::string(patterns[i], lengths[i]) + ")";
        if (set->expressions.Add(text, nullptr) != static_cast<int>(i)) {
            delete set;
            return nullptr;
        }
    }
    if (!set->expressions.Compile()) {
        delete set;
        return nullptr;
    }
    return set;
}

extern "C" void custody_re2_set_destroy(custody_re2_set *set) { delete set; }

extern "C" int64_t custody_re2_set_match(const custody_re2_set *self, const uint8_t *text, size_t length, int32_t *found,
                                         size_t capacity) {
    re2::StringPiece input(reinterpret_cast<const char *>(text), length);
    std::vector<int> places;
    RE2::Set::ErrorInfo error;
    if (!self->expressions.Match(input, &places, &error) && error.kind != RE2::Set::kNoError) return -1;
    size_t count = 0;
    for (int place : places) {
        if (count < capacity) found[count] = place;
        count++;
    }
    return static_cast<int64_t>(count);
}
