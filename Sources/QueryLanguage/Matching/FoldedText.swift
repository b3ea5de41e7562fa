private import CRE2
import EventModel

/// Folded copies of text that live only as long as one comparison, and searching in them.
enum FoldedText {
    /// Calls `body` with the folded form of the text. ASCII up to a kilobyte is folded on the stack.
    static func with<Result>(
        _ text: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(byteCount: max(1, text.count), alignment: 1) { buffer in
            // Raw pointers and no branch: the compiler makes vector instructions of this loop.
            var seen: UInt8 = 0
            if let source = text.baseAddress, let target = buffer.baseAddress {
                for offset in 0..<text.count {
                    let byte = source.load(fromByteOffset: offset, as: UInt8.self)
                    seen |= byte
                    let isCapital: UInt8 = byte &- UInt8(ascii: "A") < 26 ? 0x20 : 0
                    target.storeBytes(of: byte | isCapital, toByteOffset: offset, as: UInt8.self)
                }
            }
            guard seen >= 0x80 else { return body(UnsafeRawBufferPointer(rebasing: buffer[..<text.count])) }
            var folded: [UInt8] = []
            CaseFolding.appendFolded(text, to: &folded)
            return folded.withUnsafeBytes(body)
        }
    }

    /// Where a needle first occurs at or after an offset. Linear: the C library searches with the two-way algorithm.
    static func firstIndex(
        of needle: [UInt8], in text: UnsafeRawBufferPointer, from offset: Int
    ) -> Int? {
        guard offset + needle.count <= text.count else { return nil }
        guard let base = text.baseAddress, !needle.isEmpty else { return offset }
        let bytes = base.assumingMemoryBound(to: UInt8.self)
        guard let found = custody_find_bytes(bytes + offset, text.count - offset, needle, needle.count) else {
            return nil
        }
        return found - bytes
    }
}
