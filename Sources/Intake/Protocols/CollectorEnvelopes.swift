package import Connectors
import EventModel

/// The envelopes of Splunk's HTTP Event Collector: `{"time":…,"host":…,"event":…}`, one after another, or in an array.
///
/// An event that is an object stands alone, as its product sent it, so that rules and queries find its members at the root; any
/// other keeps its envelope. The envelope's time and host count where the event has none of its own.
package struct CollectorEnvelopes: Sendable {
    /// What is wrong with an envelope, in Splunk's numbers.
    package enum Fault: Int, Sendable {
        case invalidDataFormat = 6
        case eventFieldRequired = 12
        case eventFieldBlank = 13

        package var text: String {
            switch self {
            case .invalidDataFormat: "Invalid data format"
            case .eventFieldRequired: "Event field is required"
            case .eventFieldBlank: "Event field cannot be blank"
            }
        }
    }

    package private(set) var frames: [DeliveryFrame] = []
    /// The first fault and the number of its envelope.
    package private(set) var fault: (Fault, number: Int)?

    /// - Throws: ``IntakeError`` `tooManyEvents`.
    /// - Complexity: One look at each byte, and one at the members of each envelope.
    package init(_ body: UnsafeRawBufferPointer, limits: ProtocolLimits) throws {
        var splitter = JSONSplitter(body)
        while let range = splitter.nextValue() {
            switch body[range.lowerBound] {
            case UInt8(ascii: "{"): try add(range, of: body, limits)
            case UInt8(ascii: "["):
                for element in JSONSplitter(body).elements(ofArrayAt: range.lowerBound) ?? [] {
                    try add(element, of: body, limits)
                }
            default:
                // Text between envelopes has no ends to find; it is refused as one.
                try limits.check(events: frames.count)
                refuse(range.lowerBound..<body.count, .invalidDataFormat)
                return
            }
        }
    }

    private mutating func add(_ range: Range<Int>, of body: UnsafeRawBufferPointer, _ limits: ProtocolLimits) throws {
        try limits.check(events: frames.count)
        let envelope = body.slice(range)
        guard envelope.first == UInt8(ascii: "{"), envelope.last == UInt8(ascii: "}") else {
            return refuse(range, .invalidDataFormat)
        }
        guard let event = Self.member("event", of: envelope) else { return refuse(range, .eventFieldRequired) }
        if envelope.slice(event).hasSameBytes(as: "\"\"") || envelope.slice(event).hasSameBytes(as: "null") {
            return refuse(range, .eventFieldBlank)
        }
        let isObject = envelope[event.lowerBound] == UInt8(ascii: "{")
        let base = range.lowerBound
        var frame = DeliveryFrame(
            range: isObject ? base + event.lowerBound..<base + event.upperBound : range, part: "/\(frames.count)")
        frame.time = Self.member("time", of: envelope).flatMap { Self.time(envelope.slice($0)) }
        frame.instance = Self.member("host", of: envelope).flatMap { Self.plainText(envelope.slice($0)) }
        frames.append(frame)
    }

    private mutating func refuse(_ range: Range<Int>, _ fault: Fault) {
        if self.fault == nil { self.fault = (fault, frames.count) }
        frames.append(DeliveryFrame(range: range, part: "/\(frames.count)", refusal: fault.text))
    }

    private static func member(_ name: StaticString, of object: UnsafeRawBufferPointer) -> Range<Int>? {
        let key = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        let splitter = JSONSplitter(object)
        return splitter.offset(ofMember: key).map { splitter.value(at: $0) }
    }

    /// A string without escapes; anything else is no name of a host.
    private static func plainText(_ value: UnsafeRawBufferPointer) -> String? {
        guard value.count > 2, value.count < 256, value.first == UInt8(ascii: "\""),
            !value.contains(UInt8(ascii: "\\"))
        else { return nil }
        return String(validating: value.dropFirst().dropLast(), as: UTF8.self)
    }

    /// Seconds since 1970, as a number or a text, with a fraction or without. Some senders give milliseconds.
    static func time(_ value: UnsafeRawBufferPointer) -> Timestamp? {
        let text = value.text.filter { $0 != "\"" }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (1...13).contains(parts[0].utf8.count),
            let whole = Int64(parts[0]), whole > 0
        else { return nil }
        if whole >= 100_000_000_000 { return Timestamp(milliseconds: whole) }
        guard whole < 9_000_000_000 else { return nil }
        let digits = parts.count == 2 ? String(parts[1].prefix(9)) : ""
        guard digits.utf8.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) else { return nil }
        let nanoseconds = Int64(digits.padding(9)) ?? 0
        return Timestamp(nanoseconds: whole * 1_000_000_000 + nanoseconds)
    }
}

extension String {
    fileprivate func padding(_ count: Int) -> String { self + String(repeating: "0", count: count - utf8.count) }
}
