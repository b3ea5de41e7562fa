import EventModel

/// Tells the disk of the sections that a filter reads whole of a segment, before its turn comes: so the disk works on the next segment
/// while the processor does on this one.
struct SectionPrefetch: Sendable {
    private let filter: CompiledFilter

    init(_ filter: CompiledFilter) { self.filter = filter }

    /// Cost: a look at each section's state; a system call for each that was not read before.
    func run(_ rows: any EventRows) {
        guard let reader = rows as? SegmentReader, reader.isFile else { return }
        for (kind, field) in Self.sections(of: filter) { reader.willRead([kind], field) }
    }

    /// What columns and times of a filter are in; what indexes of tokens and paths are asked for, they read page by page.
    static func sections(of filter: CompiledFilter) -> [(kind: SectionKind, field: Field?)] {
        switch filter {
        case .field(let test):
            let columns: [SectionKind] = [.values, .valueOffsets, .codes, .rowStarts]
            return test.fields.filter(\.isColumnar).flatMap { field in columns.map { ($0, field) } }
        case .time(let test): return [(test.field == .received ? .received : .times, nil)]
        case .and(let members), .or(let members): return members.flatMap(sections)
        case .not(let member): return sections(of: member)
        case .constant, .index, .payload, .extension, .text: return []
        }
    }
}
