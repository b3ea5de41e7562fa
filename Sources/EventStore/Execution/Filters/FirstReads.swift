import EventModel
import QueryLanguage

/// What the first look at a segment reads for a filter, so that the disk brings it while another segment is looked at.
struct FirstReads: Sendable {
    private var fields: Set<Field> = []
    private var readsTokens = false

    /// Cost: linear in the filter; whoever asks many segments makes it once.
    init(_ filter: CompiledFilter) { add(filter) }

    private mutating func add(_ filter: CompiledFilter) {
        switch filter {
        case .constant, .time, .index, .payload, .extension: break
        case .and(let members), .or(let members): for member in members { add(member) }
        case .not(let member): add(member)
        case .field(let test): fields.formUnion(test.fields.lazy.filter(\.isColumnar))
        case .text(let test):
            // Where no token can be looked up, blocks of records are read, which go ahead by themselves.
            if test.requiredTokens.allSatisfy({ !$0.isEmpty }) { readsTokens = true }
        }
    }

    /// Says that a segment is asked soon. Cost: of what was read before, a look at that; else a system call for each section.
    func announce(to segment: SegmentReader) {
        for field in fields { segment.willReadColumn(field) }
        if readsTokens { segment.willRead([.noted, .wordBlocks, .words, .identifierBlocks]) }
    }
}
