import EventModel
import Testing

@testable import Intake

@Suite("Files of Event Hubs' Capture")
struct CapturedMessagesTests {
    /// The schema that Capture writes, with its unions and maps.
    private static let schema = #"""
        {"type":"record","name":"EventData","namespace":"Microsoft.ServiceBus.Messaging","fields":[
        {"name":"SequenceNumber","type":"long"},{"name":"Offset","type":"string"},{"name":"EnqueuedTimeUtc","type":"string"},
        {"name":"SystemProperties","type":{"type":"map","values":["long","double","string","bytes"]}},
        {"name":"Properties","type":{"type":"map","values":["long","double","string","bytes","null"]}},
        {"name":"Body","type":["null","bytes"]}]}
        """#
    private static let sync = [UInt8](repeating: 0x5A, count: 16)

    private static func number(_ value: Int64) -> [UInt8] {
        var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
        var bytes: [UInt8] = []
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private static func text(_ text: String) -> [UInt8] { number(Int64(text.utf8.count)) + text.utf8 }

    private static func message(_ sequence: Int64, _ body: String?) -> [UInt8] {
        // One system property of each kind, in two blocks, the second with its size.
        let system =
            number(1) + text("x-opt-enqueued-time") + number(0) + number(-7) + number(-1) + number(9) + text("d")
            + number(1) + [0, 0, 0, 0, 0, 0, 0xF0, 0x3F] + number(0)
        return number(sequence) + text("4711") + text("11/20/2026 10:00:00 AM") + system + number(0)
            + (body.map { number(1) + text($0) } ?? number(0))
    }

    private static func file(
        _ blocks: [[[UInt8]]], schema: String = schema, codec: String? = nil, sync: [UInt8] = sync
    ) -> [UInt8] {
        var file: [UInt8] = [0x4F, 0x62, 0x6A, 1]
        file += number(codec == nil ? 1 : 2) + text("avro.schema") + text(schema)
        if let codec { file += text("avro.codec") + text(codec) }
        file += number(0) + Self.sync
        for records in blocks {
            let data = records.flatMap(\.self)
            file += number(Int64(records.count)) + number(Int64(data.count)) + data + sync
        }
        return file
    }

    private func read(_ file: [UInt8], maximumBytes: Int = 1 << 20) throws -> String {
        let messages = try file.withUnsafeBytes {
            try CapturedMessages($0, maximumBytes: maximumBytes) { Array($0.reversed()) }
        }
        return String(decoding: messages.body, as: UTF8.self)
    }

    @Test("Bodies come in their order, whatever else stands in the records; what is empty is left out")
    func bodies() throws {
        let file = Self.file([
            [Self.message(1, #"{"records":[1]}"#), Self.message(2, nil)],
            [Self.message(3, "plain"), Self.message(4, " ")],
        ])
        #expect(CapturedMessages.begins(file) && !CapturedMessages.begins([0x7B]))
        #expect(try read(file) == "{\"records\":[1]}\nplain\n")
        #expect(try read(Self.file([])).isEmpty)
        // The stand-in for deflate turns bytes around.
        let packed = Self.file([[Array(Self.message(1, "x").reversed())]], codec: "deflate")
        #expect(try read(packed) == "x\n")
    }

    @Test("A file that is cut anywhere, damaged, of another schema or codec, or too large is refused with the reason")
    func refusals() throws {
        let file = Self.file([[Self.message(1, "abc")]])
        let whole = Self.file([]).count
        for end in 1..<file.count where end != whole {
            #expect(throws: IntakeError.self, "cut at \(end)") { try read(Array(file[..<end])) }
        }
        for bad in [
            Self.file([[Self.message(1, "abc")]], sync: [UInt8](repeating: 1, count: 16)),
            Self.file([[Self.message(1, "abc")]], codec: "snappy"), Self.file([], schema: "{"),
            Self.file([], schema: #"{"type":"record","name":"a","fields":[{"name":"b","type":"int"}]}"#),
            Self.file([[Self.message(1, "abc") + [0]]]),
        ] { #expect(throws: IntakeError.self) { try read(bad) } }
        let error = #expect(throws: IntakeError.self) { try read(file, maximumBytes: 3) }
        #expect(error?.code == .tooLarge)
    }

    @Test("A schema that names itself and a count without end come to an end")
    func bounds() throws {
        let node =
            #"{"type":"record","name":"n","fields":[{"name":"x","type":"n"},{"name":"Body","type":"bytes"}]}"#
        #expect(throws: IntakeError.self) { try read(Self.file([[[0]]], schema: node)) }
        let nulls =
            #"{"type":"record","name":"n","fields":[{"name":"x","type":{"type":"array","items":"null"}},{"name":"Body","type":"bytes"}]}"#
        #expect(throws: IntakeError.self) {
            try read(Self.file([[Self.number(1 << 60) + Self.number(0) + Self.text("a")]], schema: nulls))
        }
    }
}
