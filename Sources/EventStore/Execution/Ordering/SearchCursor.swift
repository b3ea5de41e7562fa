import Crypto
import EventModel

/// Where a page of an answer ended, as an opaque text.
///
/// It holds no event data but a time and a leaf index, fixes the moment and the size of the ledger at which the first page
/// was made, so that what arrives meanwhile changes no later page, and is bound to the query and the reader by a digest.
/// A keyed hash keeps anyone from making one up.
struct SearchCursor: Equatable {
    enum Position: Equatable {
        /// After an event in the order of time.
        case event(time: Int64, index: UInt64)
        /// After so many rows of a table, or events in another order.
        case row
    }

    /// The `now` of the first page.
    let now: Timestamp
    /// The first leaf that is not looked at.
    let end: UInt64
    /// Rows of all pages before.
    let consumed: Int
    let position: Position

    private static let version: UInt8 = 1
    private static let bodyBytes = 42
    private static let tagBytes = 16

    /// - Parameters:
    ///   - binding: a digest of the query and of what its reader may see.
    ///   - key: the store's secret.
    func text(binding: [UInt8], key: SymmetricKey) -> String {
        var body: [UInt8] = [Self.version]
        func append(_ value: UInt64) { withUnsafeBytes(of: value.bigEndian) { body.append(contentsOf: $0) } }
        append(UInt64(bitPattern: now.rawValue))
        append(end)
        append(UInt64(consumed))
        switch position {
        case .event(let time, let index):
            body.append(1)
            append(UInt64(bitPattern: time))
            append(index)
        case .row:
            body.append(0)
            append(0)
            append(0)
        }
        let tag = Self.tag(body, binding, key)
        return Self.hexadecimal(body + tag)
    }

    /// - Throws: ``EventStoreError`` (`invalidCursor`).
    init(_ text: String, binding: [UInt8], key: SymmetricKey) throws {
        let unreadable = EventStoreError(
            .invalidCursor, "this cursor is not one of this store, or belongs to another query; start again without it")
        guard let bytes = Self.bytes(text), bytes.count == Self.bodyBytes + Self.tagBytes, bytes[0] == Self.version,
            Self.isEqual(Self.tag(Array(bytes[..<Self.bodyBytes]), binding, key), bytes[Self.bodyBytes...])
        else { throw unreadable }
        func value(_ offset: Int) -> UInt64 { bytes[offset..<offset + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        now = Timestamp(rawValue: Int64(bitPattern: value(1)))
        end = value(9)
        consumed = Int(truncatingIfNeeded: value(17))
        position =
            bytes[25] == 1 ? .event(time: Int64(bitPattern: value(26)), index: value(34)) : .row
    }

    init(now: Timestamp, end: UInt64, consumed: Int, position: Position) {
        self.now = now
        self.end = end
        self.consumed = consumed
        self.position = position
    }

    private static func tag(_ body: [UInt8], _ binding: [UInt8], _ key: SymmetricKey) -> [UInt8] {
        var code = HMAC<SHA256>(key: key)
        code.update(data: body)
        code.update(data: binding)
        return Array(code.finalize().prefix(tagBytes))
    }

    /// Without telling by its duration where the first difference is.
    private static func isEqual(_ left: [UInt8], _ right: ArraySlice<UInt8>) -> Bool {
        left.count == right.count && zip(left, right).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func bytes(_ text: String) -> [UInt8]? {
        let characters = Array(text.utf8)
        guard characters.count == (bodyBytes + tagBytes) * 2 else { return nil }
        var bytes: [UInt8] = []
        for position in stride(from: 0, to: characters.count, by: 2) {
            guard let high = Character(UnicodeScalar(characters[position])).hexDigitValue,
                let low = Character(UnicodeScalar(characters[position + 1])).hexDigitValue
            else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return bytes
    }
}
