internal import CRE2

/// A compiled RE2 regular expression: matching takes time linear in the input, whatever the pattern.
///
/// `@unchecked Sendable`: the expression is never changed after `init`, and RE2 documents matching as safe from many
/// threads at once.
final class Pattern: @unchecked Sendable {
    private let expression: OpaquePointer

    /// - Throws: the compiler's message when the pattern is no RE2 expression.
    init(_ pattern: String) throws(InvalidPattern) {
        var message = [CChar](repeating: 0, count: 256)
        let options = custody_re2_options(
            case_insensitive: false, dot_matches_newline: true, multi_line: false, max_memory: 0)
        let compiled = custody_re2_create(pattern, pattern.utf8.count, options, &message, message.count)
        guard let compiled else {
            let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw InvalidPattern(reason: String(decoding: text, as: UTF8.self))
        }
        expression = compiled
    }

    deinit { custody_re2_destroy(expression) }

    struct InvalidPattern: Error { let reason: String }

    func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        withStart(of: text) { custody_re2_matches(expression, $0, text.count) }
    }

    /// The range of the first group that took part, or of the whole match when the pattern has no groups.
    func capture(in text: UnsafeRawBufferPointer) -> Range<Int>? {
        let groups = min(Int(custody_re2_group_count(expression)), 8)
        var spans = [Int64](repeating: -1, count: 2 * (groups + 1))
        let found = withStart(of: text) { custody_re2_find(expression, $0, text.count, 0, &spans, groups + 1) }
        guard found else { return nil }
        guard groups > 0 else { return Int(spans[0])..<Int(spans[1]) }
        for group in 1...groups where spans[2 * group] >= 0 {
            return Int(spans[2 * group])..<Int(spans[2 * group + 1])
        }
        return nil
    }

    /// The ranges of the groups, nil for those that took no part; nil when there is no match.
    ///
    /// - Parameter count: How many groups the expression has.
    func groups(in text: UnsafeRawBufferPointer, count: Int) -> [Range<Int>?]? {
        var spans = [Int64](repeating: -1, count: 2 * (count + 1))
        let found = withStart(of: text) { custody_re2_find(expression, $0, text.count, 0, &spans, count + 1) }
        guard found else { return nil }
        return (0..<count).map { group in
            let start = spans[2 * (group + 1)]
            return start < 0 ? nil : Int(start)..<Int(spans[2 * (group + 1) + 1])
        }
    }

    private func withStart<Result>(
        of text: UnsafeRawBufferPointer, _ body: (UnsafePointer<UInt8>) -> Result
    ) -> Result {
        guard let start = text.baseAddress else {
            var nothing: UInt8 = 0
            return body(&nothing)
        }
        return body(start.assumingMemoryBound(to: UInt8.self))
    }
}
