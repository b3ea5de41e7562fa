internal import CPrefetch

import EventModel

/// A section of which only the pages are checked that are read, for readers that go back to it again and again.
///
/// It remembers which pages it has seen checked, so that this costs a bit test. Whoever makes it keeps the segment and calls
/// ``free()``.
struct PagedSection {
    let kind: SectionKind
    let field: UInt8
    /// Bytes of one number where it varies.
    let width: UInt8
    private let start: UnsafeRawPointer
    let count: Int
    /// One bit a page; nil where nothing needs a check.
    private let seen: UnsafeMutablePointer<UInt64>?

    init?(_ reader: SegmentReader, _ kind: SectionKind, _ field: Field? = nil) {
        guard let section = reader.section(kind, field),
            let base = reader.storage.bytes.slice(section.range).baseAddress
        else { return nil }
        self.kind = kind
        self.field = section.field
        width = section.width
        start = base
        count = Int(section.length)
        guard reader.isFile else {
            seen = nil
            return
        }
        let words = section.pageCount / 64 + 1
        let bits = UnsafeMutablePointer<UInt64>.allocate(capacity: words)
        bits.initialize(repeating: 0, count: words)
        seen = bits
    }

    func free() { seen?.deallocate() }

    /// Asks for what is at an offset, if that is in the section, before it is needed.
    @inline(__always)
    func prefetch(_ offset: Int) {
        if offset < count { custody_prefetch(start + offset) }
    }

    /// Bytes from an offset on.
    ///
    /// - Throws: `damaged` when the section ends before, or a page is not what was written.
    @inline(__always)
    func bytes(_ offset: Int, _ length: Int, of reader: SegmentReader) throws -> UnsafeRawPointer {
        // `offset` can be whatever a damaged file says, but comes from 32-bit numbers.
        guard offset >= 0, length >= 0, offset + length <= count else {
            throw malformed(reader)
        }
        if let seen, length > 0 {
            let (first, last) = (offset / SegmentSection.pageBytes, (offset + length - 1) / SegmentSection.pageBytes)
            if seen[first / 64] & (1 << UInt64(first % 64)) == 0 || first != last {
                try check(first...last, seen, reader)
            }
        }
        return start + offset
    }

    private func malformed(_ reader: SegmentReader) -> EventStoreError {
        section(of: reader).map { reader.fault($0, "is malformed").error }
            ?? SegmentFault(file: reader.name, section: "\(kind)", offset: 0, reason: "is not there").error
    }

    private func section(of reader: SegmentReader) -> SegmentSection? {
        reader.section(kind, Field(rawValue: field))
    }

    private func check(_ pages: ClosedRange<Int>, _ seen: UnsafeMutablePointer<UInt64>, _ reader: SegmentReader) throws
    {
        guard let section = section(of: reader) else { throw malformed(reader) }
        for page in pages where seen[page / 64] & (1 << UInt64(page % 64)) == 0 {
            let first = page * SegmentSection.pageBytes
            _ = try reader.checked(section, first..<min(first + SegmentSection.pageBytes, count))
            seen[page / 64] |= 1 << UInt64(page % 64)
        }
    }
}
