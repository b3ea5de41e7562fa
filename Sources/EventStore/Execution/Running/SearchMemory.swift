import Synchronization

/// The memory that all searches together may hold.
final class SearchMemory: Sendable {
    let limit: Int
    private let held = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    var bytes: Int { held.load(ordering: .relaxed) }

    /// Takes bytes; false, and nothing has changed, when there are not so many.
    func take(_ bytes: Int) -> Bool {
        let sum = held.add(bytes, ordering: .relaxed).newValue
        guard sum > limit, bytes > 0 else { return true }
        held.subtract(bytes, ordering: .relaxed)
        return false
    }

    func give(_ bytes: Int) { held.subtract(bytes, ordering: .relaxed) }
}

/// The memory that one search holds. It is estimated from what is kept, not measured; it is given back with this object.
final class SearchAllowance: Sendable {
    private let pool: SearchMemory
    private let limit: Int
    private let held = Atomic<Int>(0)

    /// - Parameter limit: bytes that this search may hold.
    init(_ pool: SearchMemory, limit: Int) {
        self.pool = pool
        self.limit = limit
    }

    deinit { pool.give(held.load(ordering: .relaxed)) }

    var bytes: Int { held.load(ordering: .relaxed) }

    /// Notes that the search is about to hold so many bytes more.
    ///
    /// - Throws: ``EventStoreError`` (`tooMuchMemory`) when that is more than one search may hold, `searchesHoldMemory` when
    ///   the others leave too little.
    func take(_ bytes: Int) throws {
        guard bytes > 0 else { return }
        let sum = held.add(bytes, ordering: .relaxed).newValue
        guard sum <= limit else {
            held.subtract(bytes, ordering: .relaxed)
            throw EventStoreError(
                .tooMuchMemory,
                "the search needs more than \(limit >> 20) MiB of memory; narrow it, group by less or ask for fewer rows"
            )
        }
        guard pool.take(bytes) else {
            held.subtract(bytes, ordering: .relaxed)
            throw EventStoreError(
                .searchesHoldMemory, "other searches hold the memory that this one needs; try again in a moment")
        }
    }

    /// Notes that so many bytes are no longer held.
    func give(_ bytes: Int) {
        guard bytes > 0 else { return }
        held.subtract(bytes, ordering: .relaxed)
        pool.give(bytes)
    }
}

/// What one growing structure holds: takes the difference when it has grown.
struct HeldBytes {
    private let allowance: SearchAllowance
    private var noted = 0

    var bytes: Int { noted }

    init(_ allowance: SearchAllowance) { self.allowance = allowance }

    /// - Throws: as ``SearchAllowance/take(_:)``.
    mutating func note(_ bytes: Int) throws {
        guard bytes != noted else { return }
        if bytes > noted { try allowance.take(bytes - noted) } else { allowance.give(noted - bytes) }
        noted = bytes
    }

    /// What was noted is no longer held.
    mutating func release() {
        allowance.give(noted)
        noted = 0
    }
}
