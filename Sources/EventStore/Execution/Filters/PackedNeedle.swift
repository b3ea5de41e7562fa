import EventModel
import QueryLanguage

/// Bytes that are looked for in packed text, where marks (``TextMark``) may stand for a part of them but never for all.
///
/// Made of a fragment that every match holds (``RequiredBytes``): its longest piece of which this can be said. A value that stands for text
/// begins and ends where tokens do, and the other marks stand for times and for eight hexadecimal digits and more. So
/// - a token with another letter is found as it is, or inside a value;
/// - of what is made of digits only, a piece may do that has more dots than a time, or what neither times nor UUIDs have between digits.
///
/// What is wholly in a value is found in the column, which is searched beside.
final class PackedNeedle: Sendable {
    /// Shorter pieces are everywhere.
    private static let minimumLength = 3

    /// Folded.
    let bytes: [UInt8]
    let searcher: FoldedSearcher
    /// Tokens of these bytes that are in no identifier and no time, parts of the first and the last perhaps.
    let solidTokens: [[UInt8]]
    /// Where in the bytes a mark may begin or end.
    let cuts: [Int]
    /// By place, the end included, whether it is one of them.
    private let isCut: [Bool]

    /// - Parameter fragment: folded, ASCII.
    /// - Returns: nil when no piece of it will do.
    init?(_ fragment: [UInt8]) {
        guard fragment.allSatisfy({ $0 >= TextMark.limit && $0 < 0x80 }) else { return nil }
        let tokens = Self.tokens(of: fragment)
        var pieces: [Range<Int>] = []
        var start = 0
        for token in tokens where !token.isSolid {
            // The first and the last may go on outside of the fragment, and are digits of a number then.
            let isAtEdge = token.range.lowerBound == 0 || token.range.upperBound == fragment.count
            guard isAtEdge || token.range.count >= TextPacker.shortestDigits else { continue }
            pieces.append(start..<token.range.lowerBound)
            start = token.range.upperBound
        }
        pieces.append(start..<fragment.count)
        let usable = pieces.filter { piece in
            piece.count >= Self.minimumLength && Self.isNeverWholly(in: piece, of: fragment, tokens)
        }
        guard let piece = usable.max(by: { $0.count < $1.count }) else { return nil }
        bytes = Array(fragment[piece])
        searcher = FoldedSearcher(bytes)
        let solid = tokens.filter(\.isSolid).map(\.range).filter(piece.overlaps)
        solidTokens = solid.map { Array(fragment[$0]) }
        let cuts = piece.dropFirst().filter { place in
            // A time may end behind the digits with which a token begins.
            !solid.contains { token in
                token.lowerBound < place && place < token.upperBound
                    && !fragment[token.lowerBound..<place].allSatisfy { $0 &- UInt8(ascii: "0") < 10 }
            }
        }.map { $0 - piece.lowerBound }
        self.cuts = cuts
        isCut = (0...piece.count).map(cuts.contains)
    }

    private struct Token {
        let range: Range<Int>
        let isSolid: Bool
    }

    private static func tokens(of fragment: [UInt8]) -> [Token] {
        fragment.indices.split { !TextPredicate.isTokenByte(fragment[$0]) }.compactMap { places in
            guard let first = places.first, let last = places.last else { return nil }
            let isOfTime = places.allSatisfy { place in
                fragment[place] &- UInt8(ascii: "0") < 10 || fragment[place] == UInt8(ascii: "t")
                    || fragment[place] == UInt8(ascii: "z")
            }
            let classes = fragment[first...last].withUnsafeBytes { TokenScanner.classes(of: $0) }
            return Token(
                range: first..<last + 1, isSolid: !isOfTime && classes & TokenScanner.otherLetter != 0)
        }
    }

    /// Whether a mark of a time, a UUID or digits cannot stand for all of a piece.
    private static func isNeverWholly(in piece: Range<Int>, of fragment: [UInt8], _ tokens: [Token]) -> Bool {
        if tokens.contains(where: { $0.isSolid && piece.overlaps($0.range) }) { return true }
        let separators = fragment[piece].filter { !TextPredicate.isTokenByte($0) }
        return separators.filter { $0 == UInt8(ascii: ".") }.count > 1
            || separators.contains { !".:-".utf8.contains($0) }
    }

    /// Whether these bytes may stand where a literal stretch and the marks beside it are, of which the stretch has a part.
    ///
    /// - Parameter value: gives what a mark of a field stands for, nil where that cannot be told. One is asked for at a time.
    func isDivided(at run: PackedRun, value: (PackedMark) throws -> UnsafeRawBufferPointer?) rethrows -> Bool {
        let text = run.text
        if let after = run.after {
            for cut in cuts where text.count >= cut && isSame(text, text.count - cut, 0..<cut) {
                if try goesOn(at: cut, in: after, value) { return true }
            }
        }
        guard let before = run.before else { return false }
        for cut in cuts {
            let rest = bytes.count - cut
            if text.count >= rest {
                guard isSame(text, 0, cut..<bytes.count) else { continue }
                if try ends(at: cut, in: before, value) { return true }
            } else if let after = run.after, isCut[cut + text.count], isSame(text, 0, cut..<cut + text.count),
                try ends(at: cut, in: before, value), try goesOn(at: cut + text.count, in: after, value)
            {
                return true
            }
        }
        return false
    }

    /// Whether what a mark stands for may begin with these bytes from a cut on, or be the beginning of them.
    private func goesOn(
        at cut: Int, in mark: PackedMark, _ value: (PackedMark) throws -> UnsafeRawBufferPointer?
    ) rethrows -> Bool {
        guard mark.field != nil else { return HexDigits.isDigit(bytes[cut]) }
        guard let value = try value(mark) else { return true }
        return isSame(value, 0, cut..<min(bytes.count, cut + value.count))
    }

    /// Whether what a mark stands for may end with these bytes before a cut, or be the end of them.
    private func ends(
        at cut: Int, in mark: PackedMark, _ value: (PackedMark) throws -> UnsafeRawBufferPointer?
    ) rethrows -> Bool {
        guard mark.field != nil else { return HexDigits.isDigit(bytes[cut - 1]) }
        guard let value = try value(mark) else { return true }
        let count = min(cut, value.count)
        return isSame(value, value.count - count, cut - count..<cut)
    }

    @inline(__always)
    private func isSame(_ text: UnsafeRawBufferPointer, _ start: Int, _ part: Range<Int>) -> Bool {
        for place in part where CaseFolding.fold(text[start + place - part.lowerBound]) != bytes[place] { return false }
        return true
    }
}
