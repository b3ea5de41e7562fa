import EventModel
import QueryLanguage
import Testing

@testable import EventStore

@Suite("What is read first of the next segments")
struct FirstReadsTests {
    private static func reads(_ text: String) throws -> FirstReads {
        FirstReads(EventPredicate(try Query(parsing: text, now: SampleStore.now).filter).filter)
    }

    @Test(
        "The disk is told of what a search for text looks up, and of no more",
        arguments: [
            ("api", [.wordBlocks, .words]),
            ("1d6a4bfc26696d7c6b5f58097e329f034a930a614075851acdc70fb469181da3", [.identifierBlocks]),
            ("*repos*", [.noted, .wordBlocks, .words]),
            ("1d6a4bfc26*", [.noted, .wordBlocks, .words, .identifierBlocks]),
            // Any identifier may have it, so that records are read.
            ("*1d6a4bfc26*", []),
            ("index:7", []),
        ] as [(String, Set<SectionKind>)])
    func text(query: String, sections: Set<SectionKind>) throws {
        let reads = try Self.reads(query)
        #expect(reads.sections == sections && reads.fields.isEmpty)
    }

    @Test("And of the columns of all conditions, wherever they stand")
    func columns() throws {
        let reads = try Self.reads("(action:push OR -outcome:success) AND id:7 AND api")
        #expect(reads.fields.isSuperset(of: [.action, .outcome]) && reads.fields.allSatisfy(\.isColumnar))
        #expect(reads.sections.isSuperset(of: [.words]))
        #expect(try Self.reads("*").fields.isEmpty)
    }
}
