import EventModel
import Testing

@testable import Connectors

/// Events inside events, batches below the top, and elements told by a member.
@Suite struct WrappingTests {
    private static func catalogue(_ file: String) throws -> ConnectorCatalogue {
        let generic = try ConnectorCatalogue.builtIn.connector(named: "generic")
        return try ConnectorCatalogue([try ConnectorFile.compile(file, file: "x.yaml"), generic])
    }

    @Test("A batch may lie below the top level; its events keep their bytes and say where they lay")
    func nestedBatch() throws {
        let body = #"{"type":"t","data":{"note":"[1]","events":[ {"id":"1","verb":"a"}, {"id":"2","verb":"b"} ]}}"#
        let catalogue = try Self.catalogue(
            "name: x\nversion: 1\nbatch: [data.events, events]\nrecognise: [{has: [id, verb]}]\nfields: {action: verb}\n"
        )
        for connector in ["x", nil] {
            let result = try ReadResult.reading(body, connector: connector, catalogue: catalogue)
            #expect(result.connectors == ["x", "x"])
            #expect(result.parts == ["/data/events/0", "/data/events/1"])
            #expect(result.payloads == [#"{"id":"1","verb":"a"}"#, #"{"id":"2","verb":"b"}"#])
            #expect(result.events.map { $0.text("action") } == ["a", "b"])
        }
    }

    @Test("A nested batch larger than one document may be is split before it is parsed")
    func nestedOversized() throws {
        let events = (0..<50).map { #"{"id":"\#($0)","verb":"a"}"# }.joined(separator: ",")
        let catalogue = try Self.catalogue(
            "name: x\nversion: 1\nbatch: [data.events]\nrecognise: [{has: [id, verb]}]\nfields: {action: verb}\n")
        var limits = JSONLimits()
        limits.bytes = 100
        let result = try ReadResult.reading(
            #"{"data":{"events":[\#(events)]}}"#, connector: "x", catalogue: catalogue, limits: limits)
        #expect(result.events.count == 50)
        #expect(result.parts.last == "/data/events/49")
    }

    @Test("A batch is a path of keys")
    func batchPaths() {
        for text in ["", ".", "a[0]", "a..b", "a[name=b].c"] { #expect(BatchPath(text) == nil, "\(text)") }
        #expect(BatchPath("data.events")?.pointer == "/data/events")
        #expect(BatchPath(#""a/b~c""#)?.pointer == "/a~1b~0c")
    }

    @Test(
        "An event inside base64, text or an object is read where it lies",
        arguments: [
            #"{"message":{"data":"eyJ2ZXJiIjoicHVzaCJ9"}}"#, #"{"message":{"data":"{\"verb\":\"push\"}"}}"#,
            #"{"message":{"data":{"verb":"push"}}}"#,
        ])
    func wrapped(_ body: String) throws {
        let catalogue = try Self.catalogue("name: x\nversion: 1\nwrapped: [message.data]\nfields: {action: verb}\n")
        let result = try ReadResult.reading(body, connector: "x", catalogue: catalogue)
        #expect(result.events.first?.text("action") == "push")
        #expect(result.payloads == [body])
    }

    @Test(
        "What looks like base64 of an object and is none leaves the event as it stands",
        arguments: ["eyJ2ZXJi", "e", "e===", "eA==", "eyJ2ZXJiIjoicHVzaCJ9!"])
    func notWrapped(_ data: String) throws {
        let catalogue = try Self.catalogue(
            "name: x\nversion: 1\nwrapped: [data]\nfields: {action: verb, resource.name: data}\n")
        let result = try ReadResult.reading(
            #"{"verb":"outer","data":"\#(data)"}"#, connector: "x", catalogue: catalogue)
        #expect(result.events.first?.text("action") == "outer")
        #expect(result.events.first?.text("resource.name") == data)
    }

    @Test("An element is found by a member: the first that has it, wherever it stands")
    func selectors() throws {
        let catalogue = try Self.catalogue(
            """
            name: x
            version: 1
            fields:
              action: "params[name=verb].value"
              resource.name: "params[name=repo].value.url"
              actor.name: "params[name=who].value"
            """)
        let body = #"""
            {"params":[1,{"name":1,"value":"no"},{"name":"repo","value":{"url":"u"}},{"name":"verb","value":"push"},
             {"name":"verb","value":"pull"}]}
            """#
        let event = try #require(try ReadResult.reading(body, connector: "x", catalogue: catalogue).events.first)
        #expect(event.text("action") == "push")
        #expect(event.text("resource.name") == "u")
        #expect(event.text("actor.name") == nil)
    }
}
