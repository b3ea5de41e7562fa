/// What a relay takes. It faces the internet, and its disk is all it has.
package struct RelayLimits: Sendable {
    /// Bytes of one delivery as it was sent: what the server takes of one.
    package var deliveryBytes = 32 << 20
    /// Bytes of the spool. A day of webhooks of a large organisation is some hundred MiB.
    package var spoolBytes = 1 << 30
    /// Deliveries that wait: each has about 64 bytes of memory.
    package var deliveries = 1_000_000
    /// The part of the spool that deliveries for one name may fill, so that a flood leaves room for the others.
    package var shareOfOne = 0.5
    /// Bytes of the disk that stay free, so that the machine stays usable.
    package var reservedDiskBytes: UInt64 = 256 << 20
    /// Bytes of one file of the spool, which goes as a whole.
    package var fileBytes = 8 << 20
    /// Bytes of bodies that are in memory at once.
    package var memoryBytes = 128 << 20
    /// Requests a second of one address in the mean, and how many at once. Providers send bursts from few addresses.
    package var requestsPerSecond = 100.0
    package var burst = 1_000.0
    /// Addresses that are remembered; the one unused longest goes first.
    package var addresses = 50_000
    /// Bytes of the answer to a drain, and of its request.
    package var drainBytes = 8 << 20
    package var drainRequestBytes = 4 << 20
    /// Seconds that the clocks of relay and server may differ.
    package var clockSkewSeconds: Int64 = 300

    package init() {}
}

/// How many requests each address has left: a bucket of ``RelayLimits/burst`` that fills at ``RelayLimits/requestsPerSecond``.
struct FloodGuard: Sendable {
    private struct Bucket {
        var left: Double
        var filled: Double
    }

    private let limits: RelayLimits
    private var buckets: [String: Bucket] = [:]

    init(_ limits: RelayLimits) { self.limits = limits }

    /// Takes one request of an address, at a moment in seconds that only goes forward.
    ///
    /// - Returns: Seconds to wait when there is none left; nil when the request may pass.
    mutating func take(_ address: String, at moment: Double) -> Int? {
        if buckets.count >= limits.addresses, buckets[address] == nil { forget(moment) }
        var bucket = buckets[address] ?? Bucket(left: limits.burst, filled: moment)
        bucket.left = min(limits.burst, bucket.left + max(0, moment - bucket.filled) * limits.requestsPerSecond)
        bucket.filled = moment
        defer { buckets[address] = bucket }
        guard bucket.left >= 1 else {
            return max(1, Int(((1 - bucket.left) / limits.requestsPerSecond).rounded(.up)))
        }
        bucket.left -= 1
        return nil
    }

    /// Those whose bucket is full again are as if they were new; of the others half go, the longest unused first.
    private mutating func forget(_ moment: Double) {
        let rate = limits.requestsPerSecond
        let burst = limits.burst
        buckets = buckets.filter { $0.value.left + (moment - $0.value.filled) * rate < burst }
        guard buckets.count >= limits.addresses else { return }
        let middle = buckets.values.map(\.filled).sorted()[buckets.count / 2]
        buckets = buckets.filter { $0.value.filled > middle }
    }

    var count: Int { buckets.count }
}
