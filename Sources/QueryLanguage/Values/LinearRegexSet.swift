private import CRE2

/// Several regular expressions that are matched together, in one pass over the text.
package final class LinearRegexSet: @unchecked Sendable {
    // Sendable: the pointer never changes after `init`, and RE2's sets are documented as safe for concurrent matching. The set
    // is freed in `deinit` only, when nobody holds a reference any more.

    /// Memory for the automaton of all expressions together.
    private static let memory: Int64 = 32 << 20

    private let set: OpaquePointer
    private let count: Int

    /// - Returns: Nil when the expressions are too large for one automaton; each by itself still works.
    package init?(_ expressions: [LinearRegex]) {
        var text: [CChar] = []
        var offsets: [Int] = []
        for expression in expressions {
            offsets.append(text.count)
            text.append(contentsOf: expression.pattern.utf8.map { CChar(bitPattern: $0) })
        }
        let lengths = zip(offsets, offsets.dropFirst() + [text.count]).map { $1 - $0 }
        text.append(0)
        let options = expressions.map { expression in
            custody_re2_options(
                case_insensitive: expression.options.ignoresCase,
                dot_matches_newline: expression.options.dotMatchesNewline, multi_line: expression.options.isMultiLine,
                max_memory: 0)
        }
        let made = text.withUnsafeBufferPointer { text in
            custody_re2_set_create(
                offsets.map { text.baseAddress?.advanced(by: $0) }, lengths, options, expressions.count, Self.memory)
        }
        guard let made else { return nil }
        set = made
        count = expressions.count
    }

    deinit { custody_re2_set_destroy(set) }

    /// Appends the places of the expressions that occur in the text. Returns false, and appends nothing, when the automaton ran
    /// out of memory: the expressions are then to be tried one by one.
    package func matches(_ text: UnsafeRawBufferPointer, into places: inout [Int32]) -> Bool {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: count) { found in
            withUnsafeBytes(of: UInt8(0)) { empty in
                let start = text.baseAddress ?? empty.baseAddress
                let hits = custody_re2_set_match(
                    set, start?.assumingMemoryBound(to: UInt8.self), text.count, found.baseAddress, count)
                guard hits >= 0 else { return false }
                places.append(contentsOf: found[..<min(Int(hits), count)])
                return true
            }
        }
    }
}
