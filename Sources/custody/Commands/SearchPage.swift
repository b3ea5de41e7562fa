import EventModel

/// The server's answer to a search: its events apart from the rest, so that none of them, and no number of them, can keep
/// the others from being read.
struct SearchPage {
    /// The answer without its events.
    let envelope: [UInt8]
    private let body: [UInt8]
    private let events: [Range<Int>]

    init(_ body: [UInt8]) {
        self.body = body
        var ranges: [Range<Int>] = []
        var list: Range<Int>?
        body.withUnsafeBytes { bytes in
            let splitter = JSONSplitter(bytes)
            let name: StaticString = "events"
            let key = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
            guard let start = splitter.offset(ofMember: key), let elements = splitter.elements(ofArrayAt: start) else {
                return
            }
            ranges = elements
            list = splitter.value(at: start)
        }
        events = ranges
        envelope = list.map { body[..<$0.lowerBound] + Array("[]".utf8) + body[$0.upperBound...] } ?? body
    }

    /// Hands every event to `body`, in order.
    func forEachEvent(_ take: (JSONValue) throws -> Void) throws {
        let parser = JSONParser(limits: JSONLimits(bytes: 1 << 26, depth: 128, keys: 65_534))
        try body.withUnsafeBytes { bytes in
            for range in events { try parser.withDocument(bytes.slice(range), take) }
        }
    }
}
