private import CRE2
import EventModel

/// Looks for hexadecimal identifiers (digests, commits) in what is stored of records, which is less work than making them.
///
/// Packed text (``TextMark``) has such an identifier as it is or as digits: it is part of one token, a value that stands for text
/// begins and ends where tokens do, and it is longer than any run of digits in a time or a UUID. What a column has of a
/// record, and the digest of its payload, are looked at beside.
final class IdentifierSearch: Sendable {
    /// Longer than the 19 digits of a time in nanoseconds; a UUID has 12 in a row.
    static let minimumLength = 20

    private struct Needle {
        let searcher: FoldedSearcher
        /// The bytes that are stored where it begins with the first digit of a byte, and where with the second: those of which
        /// it has both digits.
        let bytes: [[UInt8]]
    }

    private let needles: [Needle]
    /// Those that can be a digest of a payload, or a part of one.
    private let ofDigests: [FoldedSearcher]

    /// - Parameter fragments: folded.
    /// - Returns: nil when one of them is no such identifier.
    init?(_ fragments: [[UInt8]]) {
        guard fragments.allSatisfy({ $0.count >= Self.minimumLength && $0.allSatisfy(HexDigits.isDigit) }) else {
            return nil
        }
        needles = fragments.map { fragment in
            Needle(
                searcher: FoldedSearcher(fragment),
                bytes: [0, 1].map { first in
                    stride(from: first, to: fragment.count - 1, by: 2).map { place in
                        HexDigits.number(digit: fragment[place]) << 4 | HexDigits.number(digit: fragment[place + 1])
                    }
                })
        }
        ofDigests = fragments.filter(PayloadDigest.mayHold).map(FoldedSearcher.init)
    }

    /// Whether what is stored may have one of them; it has none where this is false.
    func mayBe(in stored: StoredText) -> Bool {
        needles.contains { needle in
            needle.bytes.contains { Self.stands($0, in: stored.digits) }
                || needle.searcher.firstIndex(in: stored.text) != nil
        }
    }

    /// Whether the digest of a payload can have one of them.
    ///
    /// - Parameter start: How the digest begins (``PayloadDigest/start(of:)``), where that is known: what is as long as a digest begins
    ///   as it does.
    func mayBeInDigest(beginningWith start: UInt16?) -> Bool {
        ofDigests.contains { fragment in
            guard let start, fragment.needle.count == PayloadDigest.count else { return true }
            return fragment.needle.withUnsafeBytes(PayloadDigest.start) == start
        }
    }

    /// The fields of which columns can have one of them, by their numbers; nil for any. Each is in one token.
    func fields(of reader: SegmentReader) throws -> Set<UInt8>? {
        let shortest = needles.map(\.searcher.needle.count).min() ?? 0
        return try reader.bytes(.tokenLengths).map { TokenLengths.fields($0, withTokensOf: shortest) }
    }

    /// Whether the digest of a payload, as text, has one of them.
    func stands(inDigest text: UnsafeRawBufferPointer) -> Bool {
        ofDigests.contains { $0.firstIndex(in: text) != nil }
    }

    private static func stands(_ bytes: [UInt8], in text: UnsafeRawBufferPointer) -> Bool {
        guard let start = text.baseAddress else { return false }
        return custody_find_bytes(
            start.assumingMemoryBound(to: UInt8.self), text.count, bytes, bytes.count) != nil
    }
}
