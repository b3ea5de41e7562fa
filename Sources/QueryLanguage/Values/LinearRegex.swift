private import CRE2

/// A regular expression in RE2's syntax, which matches in time linear in its input whatever the pattern.
///
/// Two expressions are equal when pattern and options are.
package final class LinearRegex: @unchecked Sendable {
    // Sendable: every stored property is immutable after `init`, and the RE2 object behind the pointer is documented as
    // safe for concurrent matching ("RE2 objects are thread-safe"; its lazy automata lock inside). It is freed in
    // `deinit` only, when nobody holds a reference any more.

    package struct Options: Hashable, Sendable {
        package var ignoresCase = false
        /// `.` matches a line feed too.
        package var dotMatchesNewline = false
        /// `^` and `$` match at line ends.
        package var isMultiLine = false

        package init(ignoresCase: Bool = false, dotMatchesNewline: Bool = false, isMultiLine: Bool = false) {
            self.ignoresCase = ignoresCase
            self.dotMatchesNewline = dotMatchesNewline
            self.isMultiLine = isMultiLine
        }
    }

    /// What RE2 says of a pattern that it refuses.
    package struct Malformed: Error, Equatable {
        package let reason: String
    }

    package let pattern: String
    package let options: Options
    private let expression: OpaquePointer

    /// - Throws: ``Malformed`` when the pattern is wrong or needs more memory than allowed.
    package init(
        _ pattern: String, options: Options = Options(), memory: Int = QueryLimits.regexMemory
    ) throws(Malformed) {
        let settings = custody_re2_options(
            case_insensitive: options.ignoresCase, dot_matches_newline: options.dotMatchesNewline,
            multi_line: options.isMultiLine, max_memory: Int64(memory))
        var error = [CChar](repeating: 0, count: 256)
        // The terminating zero gives even an empty pattern an address.
        let characters = pattern.utf8CString
        let compiled = characters.withUnsafeBufferPointer {
            custody_re2_create($0.baseAddress, $0.count - 1, settings, &error, error.count)
        }
        guard let compiled else {
            let reason = String(decoding: error.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw Malformed(reason: reason.isEmpty ? "out of memory" : reason)
        }
        self.pattern = pattern
        self.options = options
        expression = compiled
    }

    deinit { custody_re2_destroy(expression) }

    /// Whether the pattern occurs anywhere in the text.
    /// - Complexity: linear in the text.
    package func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let start = text.baseAddress else {
            // C wants an address even for no bytes.
            return withUnsafeBytes(of: UInt8(0)) { matches(UnsafeRawBufferPointer(rebasing: $0[..<0])) }
        }
        return custody_re2_matches(expression, start.assumingMemoryBound(to: UInt8.self), text.count)
    }
}

extension LinearRegex: Hashable {
    package static func == (left: LinearRegex, right: LinearRegex) -> Bool {
        left.pattern == right.pattern && left.options == right.options
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(pattern)
        hasher.combine(options)
    }
}
