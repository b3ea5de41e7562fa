import Connectors
import EventModel
import Testing

@Suite struct SplittingTests {
    @Test("A bad entry between good ones is refused by position, the rest is kept")
    func badBetweenGood() throws {
        let result = try ReadResult.reading("{\"id\":\"1\"}\n{\"id\":\n{\"id\":\"3\"}\n", connector: "generic")
        #expect(result.payloads == ["{\"id\":\"1\"}", "{\"id\":\"3\"}"])
        #expect(result.parts == ["1", "3"])
        #expect(result.refusals.map(\.position) == [1])
        #expect(result.refusals.map(\.part) == ["2"])
    }

    @Test("A truncated last line costs only itself")
    func truncatedLast() throws {
        let result = try ReadResult.reading("{\"id\":\"1\"}\n{\"id\":\"2\"}\n{\"id\":\"3", connector: nil)
        #expect(result.events.count == 2)
        #expect(result.refusals.map(\.position) == [2])
    }

    @Test("A broken first line costs only itself")
    func brokenFirst() throws {
        let result = try ReadResult.reading("{\"id\":\"1\"\n{\"id\":\"2\"}\noops\n{\"id\":\"4\"}", connector: "generic")
        #expect(result.payloads == ["{\"id\":\"2\"}", "{\"id\":\"4\"}"])
        #expect(result.refusals.map(\.position) == [0, 2])
        let garbage = try ReadResult.reading("oops\n{\"id\":\"2\"}\n", connector: nil)
        #expect(garbage.events.count == 1)
        #expect(garbage.refusals.map(\.position) == [0])
    }

    @Test("A byte order mark and CRLF are stepped over")
    func markAndCRLF() throws {
        let result = try ReadResult.reading("\u{FEFF}{\"id\":\"1\"}\r\n\r\n{\"id\":\"2\"}\r\n", connector: nil)
        #expect(result.payloads == ["{\"id\":\"1\"}", "{\"id\":\"2\"}"])
        let array = try ReadResult.reading("\u{FEFF} [ {\"id\":\"1\"} ]", connector: nil)
        #expect(array.payloads == ["{\"id\":\"1\"}"])
    }

    @Test("Arrays give pointers; what is no object in them is refused")
    func arrays() throws {
        let result = try ReadResult.reading("[{\"id\":\"1\"}, 5, {\"id\":\"3\"}, {\"id\":}]", connector: nil)
        #expect(result.parts == ["/0", "/2"])
        #expect(result.refusals.map(\.part) == ["/1", "/3"])
        #expect(try ReadResult.reading("[]", connector: nil).events.isEmpty)
    }

    @Test("One object in several lines is one event, objects one after another are several")
    func prettyAndConcatenated() throws {
        let pretty = try ReadResult.reading("{\n  \"id\": \"1\",\n  \"n\": {\n \"a\": 1 }\n}\n", connector: nil)
        #expect(pretty.parts == [nil])
        let joined = try ReadResult.reading("{\"id\":\"1\"}{\"id\":\"2\"} {\"id\":\"3\"}", connector: nil)
        #expect(joined.payloads.count == 3)
        let prettyJoined = try ReadResult.reading("{\n\"id\":\"1\"\n}\n{\n\"id\":\"2\"\n}", connector: nil)
        #expect(prettyJoined.parts == ["/0", "/1"])
    }

    @Test("A batch inside an object gives each event its own bytes and pointer")
    func envelopes() throws {
        let body =
            #"{"Records":[{"eventSource":"s3.amazonaws.com","eventName":"A","eventTime":"2026-01-01T00:00:00Z"}, 7, {"eventSource":"s3.amazonaws.com","eventName":"B","eventTime":"2026-01-01T00:00:00Z"}]}"#
        let result = try ReadResult.reading(body, connector: nil)
        #expect(result.parts == ["/Records/0", "/Records/2"])
        #expect(result.payloads[1].hasPrefix(#"{"eventSource""#) && result.payloads[1].hasSuffix("}"))
        #expect(result.refusals.map(\.part) == ["/Records/1"])
        #expect(result.refusals.map(\.position) == [1])
        let lines = try ReadResult.reading(body + "\n" + body, connector: nil)
        #expect(lines.parts == ["1/Records/0", "1/Records/2", "2/Records/0", "2/Records/2"])
    }

    @Test("A batch larger than one document may be is split before it is parsed")
    func oversizedBatch() throws {
        let item =
            #"{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"a","verb":"get","stage":"x","requestURI":"/"}"#
        let body = #"{"kind":"EventList","items":["# + Array(repeating: item, count: 50).joined(separator: ",") + "]}"
        let limits = JSONLimits(bytes: 1_000, depth: 64, keys: 1_000)
        let result = try ReadResult.reading(body, connector: nil, limits: limits)
        #expect(result.events.count == 50)
        #expect(Set(result.connectors) == ["kubernetes-audit"])
        #expect(result.parts.last == "/items/49")
    }

    static let hostileBodies: [(EventModelError.Code, [UInt8])] = {
        let huge = "{\"a\":\"" + String(repeating: "x", count: 2_000_000) + "\"}"
        let deep = String(repeating: "{\"a\":", count: 100) + "1" + String(repeating: "}", count: 100)
        return [
            (.tooLarge, Array(huge.utf8)), (.tooDeep, Array(deep.utf8)),
            (.duplicateKey, Array("{\"a\":1,\"a\":2}".utf8)),
            (.notUTF8, [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]),
        ]
    }()

    @Test("Huge, deep, duplicate-keyed and non-UTF-8 documents are refused for what they are", arguments: hostileBodies)
    func hostile(_ code: EventModelError.Code, _ body: [UInt8]) throws {
        let result = try ReadResult.reading(body + Array("\n{\"id\":\"2\"}".utf8), connector: nil)
        #expect(result.refusals.map(\.code) == [code])
        #expect(result.payloads == ["{\"id\":\"2\"}"])
    }

    @Test("Lines of text are generic events; lines that are not UTF-8 are refused")
    func text() throws {
        let body = Array("<34>Nov 1 su: failed\n".utf8) + [0xFF, 0x0A] + Array("[2026-01-01] second".utf8)
        let result = try ReadResult.reading(body, connector: nil)
        #expect(result.payloads == ["<34>Nov 1 su: failed", "[2026-01-01] second"])
        #expect(result.connectors == ["generic", "generic"])
        #expect(result.refusals.map(\.code) == [.notUTF8])
        #expect(try ReadResult.reading("plain text", connector: "github-webhook").refusals.count == 1)
    }

    @Test("Nothing gives nothing", arguments: ["", "\n \r\n", "\u{FEFF}"])
    func nothing(_ body: String) throws {
        let result = try ReadResult.reading(body, connector: nil)
        #expect(result.events.isEmpty && result.refusals.isEmpty)
    }

    @Test("JSON inside a form field is read")
    func form() throws {
        let body = "payload=%7B%22zen%22%3A%22a+b%22%2C%22hook_id%22%3A1%7D"
        let result = try ReadResult.reading(body, connector: nil)
        #expect(result.payloads == [#"{"zen":"a b","hook_id":1}"#])
        #expect(result.connectors == ["github-webhook"])
    }

    @Test("Any truncation of a batch is read without a crash and without inventing events")
    func truncations() throws {
        let body = Array(#"{"events":[{"id":"1","action":"push","target":{"repository":"r","digest":"d"}}]}"#.utf8)
        for length in 0..<body.count {
            let result = try ReadResult.reading(Array(body[..<length]), connector: nil)
            #expect(result.events.isEmpty)
        }
    }
}
