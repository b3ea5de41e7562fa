import CZstd
import DurableFiles
package import EventModel
package import Journal
import Synchronization

/// One segment, in memory or mapped from a file: the rows that queries read.
///
/// Opening checks header and directory. Every section is checked when it is first read (page checksums and its shape, so
/// that wrong numbers cannot lead outside of it), every block of records each time it is decompressed.
package final class SegmentReader: EventRows {
    /// The name of the file, relative to the store's directory; how errors name the segment.
    package let name: String
    let header: SegmentHeader
    let storage: SegmentStorage
    let sections: [SegmentSection]
    private let pageTable: Range<Int>
    private struct SectionState {
        /// Whether it was checked. Segments that this process built itself need no check.
        var isChecked: Bool
        /// Whether it was read since the pages were last let go.
        var isTouched = false
    }

    private let states: Mutex<[SectionState]>
    private let touched: TouchedPages
    /// One bit for each page that was checked by itself; empty until one was.
    private let checkedPages = Mutex<[UInt64]>([])
    /// Sections that are read in another form than they are stored in, in that form.
    private let decodedSections = Mutex<[UInt32: SegmentMemory]>([:])
    /// Packed values of columns that were asked for.
    private let unpackedColumns = Mutex<[UInt8: UnpackedBlocks]>([:])
    private let madeBundleMap = Mutex<BundleMap?>(nil)
    private let readPathIndex = Mutex<PathIndex?>(nil)
    let madeTimeZones = Mutex<[Field: [ClosedRange<Int64>]]>([:])
    /// What searches remember.
    let facts = DerivedFacts()
    /// The position in `sections` by kind and field.
    private let positions: [UInt32: Int]

    /// - Parameter isTrusted: the bytes were made by this process in memory; nothing is checked then.
    /// - Throws: `damaged` or `unknownVersion`.
    init(_ storage: SegmentStorage, name: String, isTrusted: Bool = false) throws {
        self.storage = storage
        self.name = name
        let bytes = storage.bytes
        touched = TouchedPages(fileBytes: bytes.count)
        let header = try SegmentHeader(bytes, file: name)
        self.header = header
        let start = Int(header.directoryOffset)
        let directory = bytes.slice(start..<start + Int(header.directoryBytes))
        storage.prefetch(start..<start + directory.count)
        func damaged(_ reason: String) -> EventStoreError {
            SegmentFault(file: name, section: "directory", offset: UInt64(start), reason: reason).error
        }
        guard Checksum.of(directory) == header.directoryChecksum else { throw damaged("checksum mismatch") }
        guard header.sectionCount <= directory.count / SegmentSection.bytes else { throw damaged("is too short") }
        var reader = LittleEndianReader(directory)
        var sections: [SegmentSection] = []
        var positions: [UInt32: Int] = [:]
        var pages = 0
        var end = UInt64(SegmentHeader.bytes)
        for position in 0..<header.sectionCount {
            guard let section = SegmentSection(&reader) else { throw damaged("names a section of an unknown kind") }
            let (sectionEnd, overflow) = section.offset.addingReportingOverflow(section.length)
            guard !overflow, section.offset >= end, sectionEnd <= header.directoryOffset,
                section.offset % UInt64(SegmentSection.alignment) == 0
            else { throw damaged("places \(section.name) outside of its room") }
            guard (section.kind == .records) == (section.firstPage == SegmentSection.noPages),
                section.firstPage == SegmentSection.noPages || Int(section.firstPage) == pages,
                positions.updateValue(position, forKey: Self.key(section.kind, section.field)) == nil
            else { throw damaged("contradicts itself about \(section.name)") }
            pages += section.pageCount
            end = sectionEnd
            sections.append(section)
        }
        let tableStart = start + sections.count * SegmentSection.bytes
        pageTable = tableStart..<Int(header.fileBytes)
        guard pageTable.count == pages * 8 else { throw damaged("has a wrong number of page checksums") }
        self.sections = sections
        self.positions = positions
        states = Mutex([SectionState](repeating: SectionState(isChecked: isTrusted), count: sections.count))
    }

    package var partition: JournalPartition { header.partition }
    package var rowCount: Int { header.rowCount }
    package var byteCount: Int { Int(header.fileBytes) }
    /// The checksum in the header, which through directory and page checksums covers the whole segment.
    var headerChecksum: UInt64 { storage.bytes.number(at: SegmentHeader.bytes - 8, as: UInt64.self) }
    package var isFile: Bool { storage.isFile }
    package var indexes: ClosedRange<LeafIndex> { LeafIndex(header.firstIndex)...LeafIndex(header.lastIndex) }
    package var timeBounds: ClosedRange<Timestamp> {
        Timestamp(rawValue: header.earliestTime)...Timestamp(rawValue: header.latestTime)
    }
    package var receivedBounds: ClosedRange<Timestamp> {
        Timestamp(rawValue: header.earliestReceived)...Timestamp(rawValue: header.latestReceived)
    }
    /// Whether leaf indexes have no gaps, so that row and index differ by a constant.
    package var isDense: Bool { header.lastIndex - header.firstIndex == UInt64(header.rowCount - 1) }

    // MARK: Sections

    func section(_ kind: SectionKind, _ field: Field? = nil) -> SegmentSection? {
        positions[Self.key(kind, field?.rawValue ?? 0)].map { sections[$0] }
    }

    /// The bytes of a section, checked; nil when the segment has none.
    func bytes(_ kind: SectionKind, _ field: Field? = nil) throws -> UnsafeRawBufferPointer? {
        guard let position = positions[Self.key(kind, field?.rawValue ?? 0)] else { return nil }
        let section = sections[position]
        let (isChecked, isFirst) = states.withLock { states in
            let isFirst = !states[position].isTouched
            if isFirst {
                states[position].isTouched = true
                noteTouched(section.range)
            }
            return (states[position].isChecked, isFirst)
        }
        storage.willRead(section.range, isFirst: isFirst)
        if !isChecked {
            // Two threads may check at once; both come to the same end.
            if let fault = firstFault(in: section) { throw fault.error }
            states.withLock { $0[position].isChecked = true }
        }
        return storage.bytes.slice(section.range)
    }

    /// Says that some sections are read now, so that the disk is waited for once.
    func willRead(_ kinds: [SectionKind], _ field: Field? = nil) {
        guard isFile else { return }
        for kind in kinds {
            guard let position = positions[Self.key(kind, field?.rawValue ?? 0)],
                !states.withLock({ $0[position].isTouched })
            else { continue }
            storage.willRead(sections[position].range, isFirst: true)
        }
    }

    /// The bytes of a section that a segment like this one must have.
    func required(_ kind: SectionKind, _ field: Field? = nil) throws -> UnsafeRawBufferPointer {
        guard let bytes = try bytes(kind, field) else {
            throw SegmentFault(file: name, section: "\(kind)", offset: 0, reason: "is not there").error
        }
        return bytes
    }

    /// Gives back the memory of a section that was read whole and is not read again soon, so that a walk over all segments
    /// does not hold all of them. Whoever reads it meanwhile or later gets it again.
    func release(_ kind: SectionKind, _ field: Field? = nil) {
        decodedSections.withLock { $0[Self.key(kind, field?.rawValue ?? 0)] = nil }
        if kind == .values, let field { unpackedColumns.withLock { $0[field.rawValue] = nil } }
        if let section = section(kind, field) { storage.release(section.range) }
    }

    /// A section in the form that it is read in, which is made when it is not here. Whoever has it keeps it, whatever is
    /// released.
    func decoded(
        _ kind: SectionKind, _ field: Field? = nil, _ make: () throws -> SegmentMemory
    ) rethrows -> SegmentMemory {
        let key = Self.key(kind, field?.rawValue ?? 0)
        if let known = decodedSections.withLock({ $0[key] }) { return known }
        // Two threads may make it at once; both make the same.
        let made = try make()
        if isFile { touched.add(made.count) }
        decodedSections.withLock { $0[key] = made }
        return made
    }

    /// The packed values of a column, of which those that were asked for are kept unpacked until the section is released.
    func unpackedBlocks(_ dictionary: PackedDictionary, of field: Field) -> UnpackedBlocks {
        unpackedColumns.withLock { columns in
            if let known = columns[field.rawValue] { return known }
            let made = UnpackedBlocks(dictionary, owner: storage.owner) { [touched] bytes in touched.add(bytes) }
            columns[field.rawValue] = made
            return made
        }
    }

    /// Some bytes of a section, counted from its beginning, of which only the pages are checked that hold them: for
    /// sections that are large and read in few places. Their shape is not checked: readers heed it themselves.
    func checked(_ section: SegmentSection, _ range: Range<Int>) throws -> UnsafeRawBufferPointer {
        let position = positions[Self.key(section.kind, section.field)] ?? 0
        let start = Int(section.offset)
        noteTouched(start + range.lowerBound..<start + range.upperBound)
        storage.willRead(start + range.lowerBound..<start + range.upperBound)
        if !range.isEmpty, !states.withLock({ $0[position].isChecked }) {
            let pages = range.lowerBound / SegmentSection.pageBytes...(range.upperBound - 1) / SegmentSection.pageBytes
            for page in pages where !isPageChecked(Int(section.firstPage) + page) {
                storage.prefetch(section.range(ofPage: page))
                if let fault = pageFault(page, of: section) { throw fault.error }
                notePage(Int(section.firstPage) + page)
            }
        }
        return storage.bytes.slice(start + range.lowerBound..<start + range.upperBound)
    }

    // MARK: Pages

    /// Bytes of a mapped file that were read since its pages were last let go, roughly; 0 for a segment in memory.
    var touchedBytes: Int { isFile ? touched.bytes : 0 }

    func noteTouched(_ range: Range<Int>) {
        if isFile { touched.insert(range) }
    }

    /// Gives back the memory of the whole segment, as ``release(_:_:)`` does of a section.
    package func release() {
        guard case .file(let file) = storage else { return }
        states.withLock { states in
            for position in states.indices { states[position].isTouched = false }
        }
        decodedSections.withLock { $0.removeAll() }
        unpackedColumns.withLock { $0.removeAll() }
        touched.removeAll()
        file.release(0..<file.count)
    }

    private func isPageChecked(_ page: Int) -> Bool {
        checkedPages.withLock { !$0.isEmpty && $0[page / 64] & (1 << UInt64(page % 64)) != 0 }
    }

    private func notePage(_ page: Int) {
        checkedPages.withLock { words in
            if words.isEmpty { words = [UInt64](repeating: 0, count: pageTable.count / 8 / 64 + 1) }
            words[page / 64] |= 1 << UInt64(page % 64)
        }
    }

    /// The first page of a section that is not what was written, or what is wrong with the section's shape.
    func firstFault(in section: SegmentSection) -> SegmentFault? {
        storage.willRead(section.range)
        for page in 0..<section.pageCount {
            if let fault = pageFault(page, of: section) { return fault }
        }
        return shapeFault(of: section)
    }

    private func pageFault(_ page: Int, of section: SegmentSection) -> SegmentFault? {
        let bytes = storage.bytes
        let range = section.range(ofPage: page)
        let stored = bytes.number(at: pageTable.lowerBound + (Int(section.firstPage) + page) * 8, as: UInt64.self)
        guard Checksum.of(bytes.slice(range)) == stored else {
            return fault(section, at: UInt64(range.lowerBound), "checksum mismatch")
        }
        return nil
    }

    // MARK: The index of tokens and paths

    /// The bundles of the rows. Cost: constant but for the first call where leaf indexes have gaps.
    func bundleMap() throws -> BundleMap {
        if let map = madeBundleMap.withLock({ $0 }) { return map }
        let map = try BundleMap(self)
        madeBundleMap.withLock { $0 = map }
        return map
    }

    /// The paths of the payloads. Cost: constant but for the first call.
    func pathIndex() throws -> PathIndex {
        if let index = readPathIndex.withLock({ $0 }) { return index }
        let wide = try bytes(.wideRows).map { Array($0.bindMemory(to: UInt32.self)) } ?? []
        guard let data = section(.pathData),
            let index = PathIndex(
                try required(.paths), dataBytes: Int(data.length), wideRows: wide, rowCount: rowCount)
        else { throw malformedPaths }
        readPathIndex.withLock { $0 = index }
        return index
    }

    /// One path's rows and values. Cost: constant but for the first call.
    func pathColumn(_ entry: PathIndex.Entry) throws -> PathColumn {
        try facts.pathColumn(entry.number) {
            guard let section = section(.pathData),
                let column = PathColumn(
                    entry, try checked(section, entry.data), rowCount: rowCount, owner: storage.owner)
            else { throw malformedPaths }
            return column
        }
    }

    private var malformedPaths: EventStoreError {
        SegmentFault(
            file: name, section: "paths", offset: section(.paths)?.offset ?? 0, reason: "is malformed"
        ).error
    }

    func fault(_ section: SegmentSection, at offset: UInt64? = nil, _ reason: String) -> SegmentFault {
        SegmentFault(file: name, section: section.name, offset: offset ?? section.offset, reason: reason)
    }

    private static func key(_ kind: SectionKind, _ field: UInt8) -> UInt32 {
        UInt32(kind.rawValue) << 8 | UInt32(field)
    }
}
