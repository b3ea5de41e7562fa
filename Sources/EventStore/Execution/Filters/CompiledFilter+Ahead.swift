import EventModel
import QueryLanguage

extension CompiledFilter {
    /// Says that a segment is asked soon, so that the disk brings what the first look at it reads while another is looked at.
    ///
    /// Cost: for what was read before, a look at that; else a system call for each section.
    func willAsk(_ segment: SegmentReader) {
        switch self {
        case .constant, .time, .index, .payload, .extension: break
        case .and(let members), .or(let members): for member in members { member.willAsk(segment) }
        case .not(let member): member.willAsk(segment)
        case .field(let test):
            for field in test.fields where field.isColumnar { segment.willReadColumn(field) }
        case .text(let test):
            // Where no token can be looked up, blocks of records are read, which go ahead by themselves.
            guard test.requiredTokens.allSatisfy({ !$0.isEmpty }) else { return }
            segment.willRead([.noted, .wordBlocks, .words, .identifierBlocks])
        }
    }
}
