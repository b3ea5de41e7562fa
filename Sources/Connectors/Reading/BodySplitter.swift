internal import EventModel

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Cuts a body into the documents of a batch, without parsing them: a bad one among them spoils no other.
///
/// The form is told from the bytes, not from what the sender claims: an array, one document a line (NDJSON), one document
/// in several lines, documents placed one after another, or lines of text. A byte order mark and CRLF are stepped over.
/// Cost: one look at each byte.
package struct BodySplitter {
    package enum Form: Sendable { case empty, array, lines, concatenated, text }

    /// One document, or one line of text.
    package struct Part: Equatable, Sendable {
        package var range: Range<Int>
        /// A JSON pointer (`/3`) in an array, the number of the line from 1 in lines, nil when the body is this part.
        package var pointer: String?
    }

    private let bytes: UnsafeRawBufferPointer
    package let form: Form

    /// Lines looked at to tell text from NDJSON whose first line is broken.
    private static let linesLookedAt = 16

    package init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        form = Self.form(of: bytes)
    }

    private static func form(of bytes: UnsafeRawBufferPointer) -> Form {
        var lines = LineCursor(bytes)
        guard let first = lines.next() else { return .empty }
        switch bytes[first.range.lowerBound] {
        case UInt8(ascii: "["): if isArray(bytes, at: first.range.lowerBound) { return .array }
        case UInt8(ascii: "{"):
            var splitter = JSONSplitter(bytes.slice(first.range))
            if splitter.nextValue() != nil, bytes[first.range.upperBound - 1] == UInt8(ascii: "}"),
                isBalanced(bytes.slice(first.range))
            {
                return .lines
            }
            guard let second = lines.next(), bytes[second.range.lowerBound] == UInt8(ascii: "{") else {
                return .concatenated
            }
            // `{"Records": [` with an object on the next line is one document; a broken line before a whole one is not.
            let last = bytes[first.range.upperBound - 1]
            let isOpen = last == UInt8(ascii: "[") || last == UInt8(ascii: ",") || last == UInt8(ascii: ":")
            return isOpen || last == UInt8(ascii: "{") ? .concatenated : .lines
        default: break
        }
        var looked = 1
        while looked < linesLookedAt, let line = lines.next() {
            if bytes[line.range.lowerBound] == UInt8(ascii: "{") { return .lines }
            looked += 1
        }
        return .text
    }

    /// A text line may begin with a bracket, too: `[2026-01-01 …] …`.
    private static func isArray(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Bool {
        guard let next = bytes[(start + 1)...].first(where: { $0 > 0x20 }) else { return true }
        return [UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "\""), UInt8(ascii: "n")]
            .contains(next)
    }

    private static func isBalanced(_ text: UnsafeRawBufferPointer) -> Bool {
        // The splitter says where a value ends, also when it is not closed; one more bracket then changes the end.
        var depth = 0
        var isInString = false
        var position = 0
        while position < text.count {
            let byte = text[position]
            if isInString {
                if byte == UInt8(ascii: "\\") {
                    position += 1
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
            }
            position += 1
        }
        return depth == 0 && !isInString
    }

    /// Hands every part to `body`, in order.
    package func forEachPart(_ body: (Part) throws -> Void) rethrows {
        switch form {
        case .empty: return
        case .array:
            var position = 0
            for range in JSONSplitter(bytes).elements(ofArrayAt: LineCursor.start(of: bytes)) ?? [] {
                try body(Part(range: range, pointer: "/\(position)"))
                position += 1
            }
        case .concatenated:
            let start = LineCursor.start(of: bytes)
            let rest = bytes.slice(start..<bytes.count)
            var splitter = JSONSplitter(rest)
            var parts: [Range<Int>] = []
            while let range = splitter.nextValue() {
                parts.append(range.lowerBound + start..<range.upperBound + start)
            }
            for (position, range) in parts.enumerated() {
                try body(Part(range: range, pointer: parts.count == 1 ? nil : "/\(position)"))
            }
        case .lines:
            var lines = LineCursor(bytes)
            let isOnly = lines.isOnlyOne
            while let line = lines.next() {
                try body(Part(range: line.range, pointer: isOnly ? nil : String(line.number)))
            }
        case .text:
            var lines = LineCursor(bytes)
            let isOnly = lines.isOnlyOne
            while let line = lines.next() {
                try body(Part(range: line.range, pointer: isOnly ? nil : String(line.number)))
            }
        }
    }
}

/// The lines of a body that hold more than white space, without their ends.
struct LineCursor {
    private let bytes: UnsafeRawBufferPointer
    private var position: Int
    private var number = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// Behind a byte order mark.
    static func start(of bytes: UnsafeRawBufferPointer) -> Int { LineCursor(bytes).position }

    var isOnlyOne: Bool {
        var copy = self
        _ = copy.next()
        return copy.next() == nil
    }

    private var endOfLine: Int {
        guard let start = bytes.baseAddress, let found = memchr(start + position, 0x0A, bytes.count - position) else {
            return bytes.count
        }
        return UnsafeRawPointer(found) - start
    }

    mutating func next() -> (number: Int, range: Range<Int>)? {
        while position < bytes.count {
            let end = endOfLine
            var range = position..<end
            position = end + 1
            number += 1
            while !range.isEmpty, bytes[range.lowerBound] <= 0x20 { range = range.lowerBound + 1..<range.upperBound }
            while !range.isEmpty, bytes[range.upperBound - 1] <= 0x20 {
                range = range.lowerBound..<range.upperBound - 1
            }
            if !range.isEmpty { return (number, range) }
        }
        return nil
    }
}
