/// How much a protocol's reader may make of one delivery: what it writes down anew counts like what was sent.
package struct ProtocolLimits: Sendable {
    package let events: Int
    package let bytes: Int
    package let eventBytes: Int

    package init(_ limits: IntakeLimits) {
        events = limits.eventsPerDelivery
        bytes = limits.deliveryBytes
        eventBytes = limits.eventBytes
    }

    /// - Throws: ``IntakeError`` `tooManyEvents` when one more event would be too many.
    func check(events count: Int) throws {
        guard count < events else {
            throw IntakeError(.tooManyEvents, "a delivery has at most \(events) events")
        }
    }

    /// - Throws: ``IntakeError`` `tooLarge`.
    func check(bytes count: Int) throws {
        guard count <= bytes else {
            throw IntakeError(.tooLarge, "the delivery becomes more than \(bytes) bytes of events")
        }
    }
}
