import EventModel

/// Texts of one event one behind the other, in memory that is kept from event to event.
struct ValueSpans {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    var count: Int { ends.count }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }

    mutating func append(_ value: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: value)
        ends.append(bytes.count)
    }

    /// Lets `body` see the value at a place; the bytes are valid inside of it only.
    @inline(__always)
    func withValue<Result>(_ place: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let start = place == 0 ? 0 : ends[place - 1]
        return bytes.withUnsafeBytes { body($0.slice(start..<ends[place])) }
    }
}
