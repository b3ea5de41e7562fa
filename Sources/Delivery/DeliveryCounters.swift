package import Synchronization

/// What became of notifications since the start; the server shows these as metrics.
package final class DeliveryCounters: Sendable {
    package let delivered = Atomic<Int>(0)
    /// Attempts that failed and will be made again.
    package let retried = Atomic<Int>(0)
    /// Messages given up for good.
    package let failed = Atomic<Int>(0)
    /// Messages never written, because too many waited already.
    package let dropped = Atomic<Int>(0)

    /// Changes of alerts that a silence kept from every destination.
    package let silenced = Atomic<Int>(0)

    package init() {}
}
