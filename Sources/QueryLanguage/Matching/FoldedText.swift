private import CRE2
import EventModel

/// Folded copies of text that live only as long as one comparison, and searching in them.
enum FoldedText {
    /// Calls `body` with the folded form of the text. ASCII up to a kilobyte is folded on the stack.
    static func with<Result>(
        _ text: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        if text.contains(where: { $0 >= 0x80 }) {
            var folded: [UInt8] = []
            CaseFolding.appendFolded(text, to: &folded)
            return folded.withUnsafeBytes(body)
        }
        return withUnsafeTemporaryAllocation(byteCount: max(1, text.count), alignment: 1) { buffer in
            for index in text.indices { buffer[index] = CaseFolding.fold(text[index]) }
            return body(UnsafeRawBufferPointer(rebasing: buffer[..<text.count]))
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
