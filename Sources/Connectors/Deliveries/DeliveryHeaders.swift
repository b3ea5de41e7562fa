import EventModel

/// The header lines of a delivery, looked up without regard to case.
package struct DeliveryHeaders: Sendable {
    private var lines: [(name: [UInt8], value: [UInt8])] = []
    /// For an event that is read again: its event type as it was sealed. The headers that it came with are gone.
    private(set) var sealedEventType: [UInt8]?

    package init() {}

    package init(_ lines: some Sequence<(String, String)>) {
        for (name, value) in lines { add(name, value) }
    }

    /// What is left of the headers of an event that was sealed.
    ///
    /// - Parameter sealedEventType: Its `source.event_type`; empty when it has none.
    package init(sealedEventType: [UInt8]) { self.sealedEventType = sealedEventType }

    package mutating func add(_ name: String, _ value: String) {
        lines.append((Self.lowercased(name), Array(value.utf8)))
    }

    package var isEmpty: Bool { lines.isEmpty }

    /// The first value of a header. Cost: linear in the number of header lines.
    package subscript(name: String) -> [UInt8]? { self[lowercased: Self.lowercased(name)] }

    /// Whether some header has exactly this value.
    package func hasValue(_ bytes: UnsafeRawBufferPointer) -> Bool {
        lines.contains { line in line.value.withUnsafeBytes { $0.hasSameBytes(as: bytes) } }
    }

    subscript(lowercased name: [UInt8]) -> [UInt8]? { lines.first { $0.name == name }?.value }

    /// Appends the first value of a header; false when there is none.
    func append(lowercased name: UnsafeRawBufferPointer, to output: inout [UInt8]) -> Bool {
        guard let position = position(ofLowercased: name) else { return false }
        output.append(contentsOf: lines[position].value)
        return true
    }

    func contains(lowercased name: UnsafeRawBufferPointer) -> Bool { position(ofLowercased: name) != nil }

    private func position(ofLowercased name: UnsafeRawBufferPointer) -> Int? {
        for position in lines.indices where lines[position].name.count == name.count {
            if lines[position].name.withUnsafeBytes({ $0.hasSameBytes(as: name) }) { return position }
        }
        return nil
    }

    static func lowercased(_ name: String) -> [UInt8] {
        name.utf8.map { $0 &- UInt8(ascii: "A") < 26 ? $0 | 0x20 : $0 }
    }
}
