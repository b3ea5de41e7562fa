import Synchronization

/// The memory of large batches, or of large bodies, that nobody needs any more, for those to come: for each new one the system would
/// have to make its pages one by one, and take them back afterwards.
package final class BatchMemory: Sendable {
    /// Smaller batches come from the allocator's own pools.
    package static let smallest = 256 << 10
    /// Kept at most; more is rarely in flight at once, and it bounds what stays with the process.
    package static let keptBytes = 24 << 20

    private struct State {
        var free: [[UInt8]] = []
        var bytes = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// Bytes that are kept.
    package var freeBytes: Int { state.withLock(\.bytes) }

    /// An empty array with room for so many bytes, and in a large one for some more: so it fits another that is much the same.
    package func take(_ wanted: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        let capacity = wanted < Self.smallest ? wanted : (wanted / Self.smallest + 1) * Self.smallest
        if capacity >= Self.smallest {
            state.withLock { state in
                // The smallest that will do, so that the large ones are there for those who need them.
                let fitting = state.free.indices.filter { state.free[$0].capacity >= capacity }
                guard let place = fitting.min(by: { state.free[$0].capacity < state.free[$1].capacity }) else { return }
                bytes = state.free.remove(at: place)
                state.bytes -= bytes.capacity
            }
            // Only memory that nobody else holds any more is kept.
            bytes.removeAll(keepingCapacity: true)
        }
        bytes.reserveCapacity(capacity)
        return bytes
    }

    /// Takes the memory of a batch or body back.
    package func give(_ bytes: [UInt8]) {
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
