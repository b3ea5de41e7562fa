import EventModel

/// Lays out one segment: header, aligned sections with page checksums, directory. docs/format/segment.md §1.
///
/// Sections are written one after the other; the composer holds one page of them at a time.
final class SegmentComposer {
    private let sink: any SegmentSink
    private var offset = 0
    private var sections: [SegmentSection] = []
    private var pageChecksums: [UInt64] = []
    private let page = SegmentMemory(capacity: SegmentSection.pageBytes)
    private var open: SegmentSection?

    init(_ sink: any SegmentSink) throws {
        self.sink = sink
        try write(zeros: SegmentHeader.bytes)
    }

    /// Writes one section; `body` appends its bytes with ``append(_:)`` and returns how many items they are.
    func section(
        _ kind: SectionKind, field: Field? = nil, width: Int = 0, _ body: () throws -> Int
    ) throws {
        precondition(open == nil)
        try align()
        let start = offset
        let hasPages = kind != .records
        var section = SegmentSection(
            kind: kind, field: field?.rawValue ?? 0, width: UInt8(width),
            firstPage: hasPages ? UInt32(pageChecksums.count) : SegmentSection.noPages,
            offset: UInt64(start), length: 0, itemCount: 0)
        open = section
        section.itemCount = UInt64(try body())
        if page.count > 0 { try closePage(page.bytes) }
        page.removeAll()
        section.length = UInt64(offset - start)
        sections.append(section)
        open = nil
    }

    /// Appends bytes to the open section.
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        guard open?.firstPage != SegmentSection.noPages else { return try write(bytes) }
        var position = 0
        while position < bytes.count {
            let room = SegmentSection.pageBytes - page.count
            let part = bytes.slice(position..<min(bytes.count, position + room))
            position += part.count
            // A whole page is summed where it lies; anything less waits for its rest.
            if part.count == SegmentSection.pageBytes {
                try closePage(part)
            } else {
                page.append(part)
                if page.count == SegmentSection.pageBytes {
                    try closePage(page.bytes)
                    page.removeAll()
                }
            }
        }
    }

    func append<Number: BitwiseCopyable>(numbers: UnsafeBufferPointer<Number>) throws {
        try append(UnsafeRawBufferPointer(numbers))
    }

    /// Writes directory and header. `header` needs only what the rows say; the composer adds the layout.
    @discardableResult
    func finish(_ header: SegmentHeader) throws -> SegmentHeader {
        try align()
        var directory = LittleEndianBytes()
        for section in sections { section.append(to: &directory) }
        for checksum in pageChecksums { directory.append(checksum) }
        var header = header
        header.sectionCount = sections.count
        header.directoryOffset = UInt64(offset)
        header.directoryBytes = UInt64(directory.bytes.count)
        header.directoryChecksum = Checksum.of(directory.bytes)
        try directory.bytes.withUnsafeBytes { try write($0) }
        header.fileBytes = UInt64(offset)
        try sink.patchHeader(header.encoded())
        return header
    }

    private func closePage(_ bytes: UnsafeRawBufferPointer) throws {
        pageChecksums.append(Checksum.of(bytes))
        try write(bytes)
    }

    private func align() throws {
        let rest = offset % SegmentSection.alignment
        if rest > 0 { try write(zeros: SegmentSection.alignment - rest) }
    }

    private func write(zeros count: Int) throws {
        try [UInt8](repeating: 0, count: count).withUnsafeBytes { try write($0) }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws {
        try sink.append(bytes)
        offset += bytes.count
    }
}
