internal import CPrefetch
import EventModel

/// Texts with a number each, from 0 on, and a mark. Short texts lie beside their mark, so that one look at memory, which is what
/// costs in large tables, tells whether a text is the one. Its owner calls ``free()``.
struct NumberedTexts {
    /// Of an entry: mark and length, then a short text.
    private static let headBytes = 8
    private static let inlineBytes = 24

    private struct Entry: BitwiseCopyable {
        var mark: UInt32
        let length: UInt32
        /// The text, or where a longer one begins in `arena`.
        var text: InlineArray<3, UInt64>
    }

    private var entries = GrowableMemory<Entry>()
    private var arena = GrowableMemory<UInt8>(capacity: 1024)
    /// Bytes of all texts.
    private(set) var textBytes = 0

    func free() {
        entries.free()
        arena.free()
    }

    /// Forgets everything but keeps the memory.
    mutating func removeAll() {
        entries.removeAll()
        arena.removeAll()
        textBytes = 0
    }

    var count: Int { entries.count }

    /// Adds a text and returns its number.
    mutating func append(_ text: UnsafeRawBufferPointer, mark: UInt32) -> UInt32 {
        var entry = Entry(mark: mark, length: UInt32(text.count), text: InlineArray(repeating: 0))
        if text.count <= Self.inlineBytes {
            withUnsafeMutableBytes(of: &entry.text) { $0.copyMemory(from: text) }
        } else {
            entry.text[0] = UInt64(arena.count)
            arena.append(bytes: text)
        }
        textBytes += text.count
        entries.append(entry)
        return UInt32(entries.count - 1)
    }

    /// A text, valid until another is added.
    @inline(__always)
    subscript(number: UInt32) -> UnsafeRawBufferPointer {
        let entry = entries.start + Int(number)
        let length = Int(entry.pointee.length)
        let start =
            length <= Self.inlineBytes
            ? UnsafeRawPointer(entry) + Self.headBytes : UnsafeRawPointer(arena.start) + Int(entry.pointee.text[0])
        return UnsafeRawBufferPointer(start: start, count: length)
    }

    /// Says that a text is looked at soon.
    @inline(__always)
    func prefetch(_ number: UInt32) { custody_prefetch(entries.start + Int(number)) }

    /// Sets a text's mark; false when it was that already.
    @inline(__always)
    func mark(_ number: UInt32, _ mark: UInt32) -> Bool {
        let entry = entries.start + Int(number)
        guard entry.pointee.mark != mark else { return false }
        entry.pointee.mark = mark
        return true
    }
}
