import Synchronization

/// The memory of large batches that every view is done with, for batches to come: for each new one the system would have to make
/// its pages one by one, and take them back afterwards.
package final class BatchMemory: Sendable {
    /// Smaller batches come from the allocator's own pools.
    package static let smallest = 256 << 10
    /// Kept at most; more is rarely in flight at once, and it bounds what stays with the process.
    package static let keptBytes = 16 << 20

    private struct State {
        var free: [[UInt8]] = []
        var bytes = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Bytes that are kept.
    package var freeBytes: Int { state.withLock(\.bytes) }

    /// An empty array with room for so many bytes.
    func take(_ capacity: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        if capacity >= Self.smallest {
            state.withLock { state in
                let fitting = state.free.indices.last { state.free[$0].capacity >= capacity }
                guard let place = fitting else { return }
                bytes = state.free.remove(at: place)
                state.bytes -= bytes.capacity
            }
            // Only memory that nobody else holds any more is kept.
            bytes.removeAll(keepingCapacity: true)
        }
        bytes.reserveCapacity(capacity)
        return bytes
    }

    /// Takes the memory of a batch back.
    func give(_ bytes: [UInt8]) {
        guard bytes.capacity >= Self.smallest else { return }
        state.withLock { state in
            guard state.bytes + bytes.capacity <= Self.keptBytes else { return }
            state.bytes += bytes.capacity
            state.free.append(bytes)
        }
    }

    /// Gives everything to the system that is kept, when there is nothing to do.
    package func releaseAll() { state.withLock { $0 = State() } }
}
