/// Values of packed dictionaries that were unpacked lately, for those who go from row to row: rows near each other often have the same.
///
/// A bounded table without chains: a value takes the place of another. Used by one task at a time. Its owner calls ``free()``.
struct UnpackedValues {
    private struct Slot: BitwiseCopyable {
        /// The column and the code above it, so that no value has 0.
        var key: UInt64 = 0
        var start: UInt32 = 0
        var count: UInt32 = 0
    }

    private static let slotBits = 13
    private static let slotCount = 1 << slotBits
    /// Bytes of all values; when they are full, all are forgotten.
    static let arenaBytes = 512 << 10
    /// Longer values are few, and not kept.
    static let longestValue = 1_024

    /// So many values are not kept: who looks at a few records is done before the memory is made.
    static let ignoredValues = 256

    private struct Memory: BitwiseCopyable {
        let slots: UnsafeMutablePointer<Slot>
        let arena: UnsafeMutableRawPointer
    }

    private var memory: Memory?
    private var ignored = 0
    private var used = 0

    func free() {
        memory?.slots.deallocate()
        memory?.arena.deallocate()
    }

    /// - Parameters:
    ///   - column: a number of the column.
    ///   - code: 1 or more.
    /// - Returns: The value, valid until the next ``insert(_:_:_:)``; nil when it is not here.
    @inline(__always)
    func value(_ column: Int, _ code: Int) -> UnsafeRawBufferPointer? {
        guard let memory else { return nil }
        let key = Self.key(column, code)
        let slot = memory.slots + Self.place(key)
        guard slot.pointee.key == key else { return nil }
        return UnsafeRawBufferPointer(start: memory.arena + Int(slot.pointee.start), count: Int(slot.pointee.count))
    }

    /// Keeps a value that is not here.
    mutating func insert(_ column: Int, _ code: Int, _ value: UnsafeRawBufferPointer) {
        guard value.count <= Self.longestValue, let source = value.baseAddress else { return }
        guard let memory = memory ?? made() else { return }
        if used + value.count > Self.arenaBytes {
            memory.slots.update(repeating: Slot(), count: Self.slotCount)
            used = 0
        }
        let key = Self.key(column, code)
        memory.slots[Self.place(key)] = Slot(key: key, start: UInt32(used), count: UInt32(value.count))
        (memory.arena + used).copyMemory(from: source, byteCount: value.count)
        used += value.count
    }

    /// The memory, once there were values enough.
    private mutating func made() -> Memory? {
        ignored += 1
        guard ignored > Self.ignoredValues else { return nil }
        let made = Memory(
            slots: .allocate(capacity: Self.slotCount), arena: .allocate(byteCount: Self.arenaBytes, alignment: 8))
        made.slots.initialize(repeating: Slot(), count: Self.slotCount)
        memory = made
        return made
    }

    @inline(__always)
    private static func key(_ column: Int, _ code: Int) -> UInt64 { UInt64(column) << 32 | UInt64(code) }

    @inline(__always)
    private static func place(_ key: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - slotBits))
    }
}
