import EventModel
import Testing

@testable import EventStore

/// What of packed text is taken for a possible match: only there a record is made, which costs a hundred times as much.
@Suite("Searching packed text")
struct PackedSearchTests {
    /// A part of a payload: text that stands for itself, or a mark.
    private enum Part {
        case text(String)
        case field(Field)
        case element(Field, UInt8)
        case digits
    }

    private static func stored(_ parts: [Part]) -> [UInt8] {
        [RecordForm.residue | RecordForm.isPacked, RecordForm.end]
            + parts.flatMap { part -> [UInt8] in
                switch part {
                case .text(let text): Array(text.utf8)
                case .field(let field): [TextMark.value, field.rawValue]
                case .element(let field, let element): [TextMark.element, field.rawValue, element]
                case .digits: [TextMark.digits, 4]
                }
            }
    }

    private static func mayBe(_ fragment: String, in parts: [Part], _ values: [Field: String]) throws -> Bool {
        let search = try #require(PackedSearch([Array(fragment.utf8)]))
        let memory = values.mapValues { text in
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
            bytes.copyBytes(from: text.utf8)
            return UnsafeRawBufferPointer(bytes)
        }
        defer { memory.values.forEach { $0.deallocate() } }
        return stored(parts).withUnsafeBytes { stored in
            search.mayBe(in: stored) { mark in mark.field.flatMap(Field.init).flatMap { memory[$0] } }
        }
    }

    @Test(
        "A value beside a stretch is compared",
        arguments: [
            ("mrigzebra", true), ("MrigZebra", true), ("mrigzebra today, and", true), ("said mrigzebra", true),
            ("xmrigzebra", false), ("mrigzebras", false), ("alice", false), ("", true),
        ])
    func beside(value: String, isPossible: Bool) throws {
        let parts: [Part] = [.text("she said "), .field(.actorName), .text(" today")]
        #expect(try Self.mayBe("said mrigzebra today", in: parts, [.actorName: value]) == isPossible)
    }

    @Test("A value that cannot be told may be anything")
    func unknown() throws {
        let parts: [Part] = [.text("she said "), .element(.actorName, 3), .text(" today")]
        #expect(try Self.mayBe("said mrigzebra today", in: parts, [:]))
        #expect(try !Self.mayBe("said mrigzebra today", in: [.text("she said alice today")], [:]))
    }

    @Test("A separator between two values is a match only where both go on")
    func between() throws {
        let parts: [Part] = [.field(.actorName), .text("/"), .field(.resourceName)]
        let needle = "mrigzebra/today"
        #expect(try Self.mayBe(needle, in: parts, [.actorName: "a mrigzebra", .resourceName: "today or later"]))
        #expect(try Self.mayBe(needle, in: parts, [.actorName: "mrigzebra", .resourceName: "tod"]))
        #expect(try !Self.mayBe(needle, in: parts, [.actorName: "alice", .resourceName: "today"]))
        #expect(try !Self.mayBe(needle, in: parts, [.actorName: "mrigzebra", .resourceName: "now"]))
    }

    @Test("Nothing may stand between two values")
    func adjacent() throws {
        let parts: [Part] = [.field(.actorName), .field(.resourceName)]
        #expect(try Self.mayBe("mrigzebra/today", in: parts, [.actorName: "mrigzebra/", .resourceName: "today"]))
        #expect(try Self.mayBe("mrigzebra/today", in: parts, [.actorName: "mrigzebra", .resourceName: "/today"]))
        #expect(try !Self.mayBe("mrigzebra/today", in: parts, [.actorName: "mrigzebra", .resourceName: "today"]))
    }

    @Test("Digits begin and end with digits")
    func digits() throws {
        #expect(try Self.mayBe("run 9f86d08 of mrigzebra", in: [.text("run "), .digits, .text(" of mrigzebra")], [:]))
        #expect(try !Self.mayBe("run x of mrigzebra", in: [.text("run "), .digits, .text(" of mrigzebra")], [:]))
    }
}
