import EventModel
import Foundation
import Testing

@testable import custody

struct BatchReaderTests {
    /// Reads text through a pipe, all at once.
    private func batches(_ text: String) throws -> [PushBatch] { try batches(Array(text.utf8)) }

    private func batches(_ bytes: some Sequence<UInt8>) throws -> [PushBatch] {
        let directory = try TemporaryDirectory()
        let path = try directory.file("input", "")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let handle = try #require(FileHandle(forReadingAtPath: path))
        var reader = BatchReader(
            descriptor: handle.fileDescriptor, file: "input", newKey: { "key" }, now: { Timestamp(seconds: 0) })
        var batches: [PushBatch] = []
        while let batch = try reader.next() { batches.append(batch) }
        try handle.close()
        return batches
    }

    private func body(_ batch: PushBatch) -> String { String(decoding: batch.body, as: UTF8.self) }

    @Test("Lines go as they are, without blank ones, and keep their numbers")
    func lines() throws {
        let read = try batches("{\"a\":1}\n\n  \n{\"a\":2}\n{\"a\":3}")
        #expect(read.map(body) == ["{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n"])
        #expect(read.first?.origin?.numbers == [1, 4, 5])
        #expect(read.first?.form == .lines)
    }

    @Test("A line that is broken, or no JSON at all, is the server's to judge")
    func brokenLines() throws {
        #expect(try batches("{\"a\":1}\n{\"a\":\n{\"a\":3}\n").map(\.entries) == [3])
        #expect(try batches("10.0.0.1 - - GET /\n10.0.0.2 - - GET /\n").map(\.entries) == [2])
        #expect(try batches("[2026-11-24] started\n[2026-11-24] stopped\n").map(\.entries) == [2])
    }

    @Test("A batch holds at most 1,000 entries and 4 MiB")
    func limits() throws {
        let many = String(repeating: "{\"a\":1}\n", count: 2_500)
        #expect(try batches(many).map(\.entries) == [1_000, 1_000, 500])
        let large = String(repeating: "{\"a\":\"" + String(repeating: "x", count: 900_000) + "\"}\n", count: 9)
        let read = try batches(large)
        #expect(read.map(\.entries) == [4, 4, 1])
        #expect(read.allSatisfy { $0.body.count <= BatchReader.maximumBytes })
        #expect(read.last?.origin?.numbers == [9])
    }

    @Test("One document in many lines goes as it is")
    func document() throws {
        let text = "{\n  \"kind\": \"EventList\",\n  \"items\": [\n    {\"a\": 1}\n  ]\n}\n"
        let read = try batches(text)
        #expect(read.map(body) == [text])
        #expect(read.first?.form == .document)
    }

    @Test("An array goes as it is, and in parts when it is large")
    func array() throws {
        #expect(try batches("[{\"a\":1},\n {\"a\":2}]\n").map(body) == ["[{\"a\":1},\n {\"a\":2}]\n"])
        let elements = (1...2_100).map { "{\"a\": \($0)}" }
        let read = try batches("[\n" + elements.joined(separator: ",\n") + "\n]\n")
        #expect(read.map(\.entries) == [1_000, 1_000, 100])
        #expect(read.map { $0.origin?.numbers.first } == [1, 1_001, 2_001])
        let parts: [ArraySlice<String>] = [elements[..<1_000], elements[1_000..<2_000], elements[2_000...]]
        let expected: [String] = parts.map { "[" + $0.joined(separator: ",") + "]" }
        #expect(read.map(body) == expected)
    }

    @Test("Documents in many lines, one after another, are told apart")
    func concatenated() throws {
        let read = try batches("{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n")
        #expect(read.map(\.entries) == [2])
    }

    @Test("Nothing, and nothing but white space, is no batch", arguments: ["", "\n", "  \n\n", "\u{FEFF}"])
    func nothing(text: String) throws {
        #expect(try batches(text).isEmpty)
    }

    @Test("A file of Event Hubs' Capture gives the messages in it; a damaged one is refused by name")
    func capture() throws {
        let schema = #"{"type":"record","name":"E","fields":[{"name":"Body","type":["null","bytes"]}]}"#
        let text = #"{"records":[]}"#
        let record = [2, UInt8(text.utf8.count * 2)] + Array(text.utf8)
        // A map of one entry: its key, and its value, whose length takes two bytes.
        let length = [UInt8(schema.utf8.count * 2 & 0x7F) | 0x80, UInt8((schema.utf8.count * 2) >> 7)]
        let head = Array("Obj\u{1}".utf8) + [2, 22] + Array("avro.schema".utf8) + length + Array(schema.utf8) + [0]
        let sync = [UInt8](repeating: 7, count: 16)
        let file = head + sync + [2, UInt8(record.count * 2)] + record + sync
        let batch = try #require(try batches(file).first)
        #expect(body(batch) == text + "\n" && batch.form == .lines)
        let error = #expect(throws: CommandFailure.self) { try batches(file.dropLast()) }
        #expect(error?.reason?.contains("cut off") == true)
    }
}
