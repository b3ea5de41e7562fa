import EventModel
import QueryLanguage

/// What the first look at a segment reads for a filter, so that the disk brings it while another segment is looked at.
struct FirstReads: Sendable {
    private(set) var fields: Set<Field> = []
    private(set) var sections: Set<SectionKind> = []

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
            guard !test.requiredTokens.contains(where: \.isEmpty) else { return }
            for token in test.requiredTokens.joined() { sections.formUnion(Self.sections(for: token)) }
        }
    }

    /// What ``TokenIndex`` reads whole for a token.
    private static func sections(for token: TextPredicate.RequiredToken) -> [SectionKind] {
        token.bytes.withUnsafeBytes { bytes in
            let classes = TokenScanner.classes(of: bytes)
            if token.startsToken, token.endsToken {
                let isWord = TokenScanner.kind(classes, length: bytes.count) == .word
                return isWord ? [.wordBlocks, .words] : [.identifierBlocks]
            }
            let ofParts: [SectionKind] = [.noted, .wordBlocks, .words]
            guard TokenScanner.canBeInsideIdentifier(bytes) else { return ofParts }
            return token.startsToken && TokenScanner.hasLetter(classes) ? ofParts + [.identifierBlocks] : []
        }
    }

    /// Says that a segment is asked soon. Cost: of what was read before, a look at that; else a system call for each section.
    func announce(to segment: SegmentReader) {
        for field in fields { segment.willReadColumn(field) }
        segment.willRead(Array(sections))
    }
}
