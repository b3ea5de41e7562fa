import EventModel

/// The exact meaning of a ``ValueMatch`` for one value given as text: a field's value, a scalar of the payload, a cell of a
/// table. Sendable, and made once per plan.
///
/// An executor that keeps times, numbers and addresses in binary form may use ``TimeInterval``, ``QueryNumber`` and
/// ``AddressRange`` instead, and then has to answer the same.
package struct ValuePredicate: Sendable {
    private indirect enum Test: Sendable {
        case always
        case equals([UInt8])
        case prefix([UInt8])
        case exact([UInt8])
        case glob(GlobMatcher)
        case regex(LinearRegex)
        case time(TimeInterval)
        case number(Comparison, QueryNumber)
        case numbers(ClosedRange<QueryNumber>)
        case addresses(AddressRange)
        case never
        case any([Test])
    }

    private let test: Test

    package init(_ match: ValueMatch) { test = Self.test(match) }

    private static func test(_ match: ValueMatch) -> Test {
        switch match {
        case .present: return .always
        case .equals(let text): return .equals(CaseFolding.folded(text))
        case .prefix(let text): return .prefix(CaseFolding.folded(text))
        case .exact(let text): return .exact(Array(text.utf8))
        case .glob(let glob): return .glob(GlobMatcher(glob))
        case .regex(let regex): return .regex(regex)
        case .oneOf(let members): return .any(members.map(test))
        case .compare(let comparison, .number(let number)): return .number(comparison, number)
        case .range(.number(let lower), .number(let upper)): return lower <= upper ? .numbers(lower...upper) : .never
        case .compare(_, .time), .range(.time, _): return match.timeInterval.map(Test.time) ?? .never
        case .compare(_, .address), .range(.address, _), .network:
            return match.addressRange.map(Test.addresses) ?? .never
        case .range: return .never
        }
    }

    /// Whether a value matches.
    /// - Complexity: linear in the value, but for patterns with `?`.
    package func matches(_ value: UnsafeRawBufferPointer) -> Bool { Self.matches(test, value) }

    private static func matches(_ test: Test, _ value: UnsafeRawBufferPointer) -> Bool {
        switch test {
        case .always: true
        case .never: false
        case .equals(let folded): folded.withUnsafeBytes { CaseFolding.areEqual(value, $0) }
        case .prefix(let folded): hasPrefix(value, folded)
        case .exact(let bytes): bytes.withUnsafeBytes { value.hasSameBytes(as: $0) }
        case .glob(let matcher): matcher.matches(value)
        case .regex(let regex): regex.matches(value)
        case .time(let interval): Timestamp(parsing: value).map(interval.contains) ?? false
        case .number(let comparison, let number):
            QueryNumber(parsing: value).map { comparison.holds($0, number) } ?? false
        case .numbers(let range): QueryNumber(parsing: value).map(range.contains) ?? false
        case .addresses(let range): IPAddress(parsing: value).map(range.contains) ?? false
        case .any(let tests): tests.contains { matches($0, value) }
        }
    }

    private static func hasPrefix(_ value: UnsafeRawBufferPointer, _ folded: [UInt8]) -> Bool {
        FoldedText.with(value) { text in
            text.count >= folded.count
                && folded.withUnsafeBytes { text.slice(0..<folded.count).hasSameBytes(as: $0) }
        }
    }
}

extension Comparison {
    package func holds<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
        switch self {
        case .equal: left == right
        case .less: left < right
        case .lessOrEqual: left <= right
        case .greater: left > right
        case .greaterOrEqual: left >= right
        }
    }
}
