internal import EventModel

/// Texts to numbers, looked up on bytes without allocation: a standard dictionary hashes byte by byte, which costs more than
/// everything else that is done with a short text.
struct ByteTable: Sendable {
    private struct Entry {
        var offset: Int32 = 0
        var length: Int32 = -1
        var value: Int32 = 0
    }

    private var entries: [Entry]
    private var keys: [UInt8] = []

    /// The number of a key is its place; of equal keys the first counts.
    init(_ texts: [[UInt8]]) {
        var size = 4
        while size < texts.count * 2 { size *= 2 }
        entries = Array(repeating: Entry(), count: size)
        for (value, text) in texts.enumerated() {
            text.withUnsafeBytes { text in
                guard self[text] == nil else { return }
                var at = Self.hash(text) & (size - 1)
                while entries[at].length >= 0 { at = (at + 1) & (size - 1) }
                entries[at] = Entry(offset: Int32(keys.count), length: Int32(text.count), value: Int32(value))
                keys.append(contentsOf: text)
            }
        }
    }

    /// FNV-1a over at most the first and last eight bytes; keys come from files of the operator's, not from senders.
    @inline(__always)
    private static func hash(_ text: UnsafeRawBufferPointer) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(truncatingIfNeeded: text.count)
        for position in 0..<min(text.count, 8) { hash = (hash ^ UInt64(text[position])) &* 0x100_0000_01B3 }
        for position in max(text.count - 8, min(text.count, 8))..<text.count {
            hash = (hash ^ UInt64(text[position])) &* 0x100_0000_01B3
        }
        return Int(truncatingIfNeeded: hash >> 7)
    }

    subscript(text: UnsafeRawBufferPointer) -> Int? {
        let mask = entries.count - 1
        var at = Self.hash(text) & mask
        while true {
            let entry = entries[at]
            guard entry.length >= 0 else { return nil }
            if Int(entry.length) == text.count {
                let isEqual = keys.withUnsafeBytes { keys in
                    keys.slice(Int(entry.offset)..<Int(entry.offset) + text.count).hasSameBytes(as: text)
                }
                if isEqual { return Int(entry.value) }
            }
            at = (at + 1) & mask
        }
    }

    subscript(text: [UInt8]) -> Int? { text.withUnsafeBytes { self[$0] } }
}
