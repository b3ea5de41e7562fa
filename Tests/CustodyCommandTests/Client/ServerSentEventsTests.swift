import Testing

@testable import custody

struct ServerSentEventsTests {
    private static let stream =
        ": following\n\nid: 7\ndata: {\"a\":1}\n\nevent: dropped\r\ndata: {\"dropped\":3}\r\n\r\n: still here\n\nid: 8\ndata: {\"b\":\ndata: 2}\n\n"

    @Test("A stream reads the same however it is cut into chunks", arguments: 1...12)
    func chunks(size: Int) throws {
        var events = ServerSentEvents()
        var messages: [ServerSentEvents.Message] = []
        let bytes = Array(Self.stream.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            messages += try events.feed(bytes[start..<min(start + size, bytes.count)])
        }
        #expect(
            messages == [
                .init(id: "7", data: Array(#"{"a":1}"#.utf8)),
                .init(event: "dropped", data: Array(#"{"dropped":3}"#.utf8)),
                .init(id: "8", data: Array("{\"b\":\n2}".utf8)),
            ])
    }

    @Test("A line without end is refused instead of filling the memory")
    func endlessLine() {
        var events = ServerSentEvents()
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        #expect(throws: CommandFailure.self) {
            for _ in 0...17 { _ = try events.feed(chunk) }
        }
    }
}
