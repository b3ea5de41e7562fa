/// What intake takes at most. Each limit bounds the memory or the time that one sender can cost.
package struct IntakeLimits: Sendable {
    /// Bytes of one delivery after decompression. Kubernetes sends batches of 400 audit events of up to some 100 KiB each.
    package var deliveryBytes = 32 << 20
    /// Bytes of one event. A leaf's payload is read, hashed and shown whole.
    package var eventBytes = 1 << 20
    /// Events of one delivery; they are committed together and get neighbouring indexes.
    package var eventsPerDelivery = 50_000
    /// Bytes that are admitted and not yet committed and indexed, over all deliveries. This is what bounds intake's
    /// memory: beyond it senders wait, and are then told to come back (429). Room for a delivery of the largest size. For how
    /// long an acknowledged event waits at saturation until it is found, see ``Admission/residence``.
    package var unfinishedBytes = 100 << 20
    /// Events committed with one `fdatasync`: enough to amortise it, few enough to answer soon.
    package var eventsPerCommit = 16_384
    /// Bytes of disk left free for audit events, logins and retention when everything else is refused (invariant 8); nil
    /// for what ``reservedBytes(ofVolume:)`` says.
    package var reservedDiskBytes: Int?
    /// Room for everything admitted, and more audit events than a day has.
    package static let reservedDiskBytes = 256 << 20
    /// A small volume keeps this part of itself in reserve instead, so that it can be used at all.
    package static let reservedShareOfVolume = 4
    /// How long a delivery's key is remembered (invariant 10).
    package var deduplicationSeconds: Int64 = 7 * 86_400
    /// Delivery keys kept in memory, 16 bytes each at a load of at most 3/4. Beyond it the oldest are forgotten early,
    /// which shows in a metric.
    package var deduplicationKeys = 24_000_000

    package init() {}

    /// What stays free on a volume of so many bytes.
    package func reservedBytes(ofVolume bytes: UInt64) -> Int {
        reservedDiskBytes ?? min(Self.reservedDiskBytes, Int(clamping: bytes) / Self.reservedShareOfVolume)
    }
}
