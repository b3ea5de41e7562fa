import Crypto
import EventModel

/// What a group's or a value's texts come to: 128 bits of SHA-256. Two groups that an attacker made up cannot be one.
struct ValueDigest: Hashable, Comparable, Sendable {
    let high: UInt64
    let low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter parts: In folded case. Their lengths keep them apart.
    init(_ parts: [[UInt8]]) {
        var hash = SHA256()
        for part in parts { part.withUnsafeBytes { Self.add($0, to: &hash) } }
        self.init(hash)
    }

    /// - Parameter places: Of values in folded case. Their lengths keep them apart.
    init(_ values: ValueSpans, _ places: some Sequence<Int>) {
        var hash = SHA256()
        for place in places { values.withValue(place) { Self.add($0, to: &hash) } }
        self.init(hash)
    }

    private init(_ hash: SHA256) {
        (high, low) = hash.finalize().withUnsafeBytes { bytes in
            (
                bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self).bigEndian,
                bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self).bigEndian
            )
        }
    }

    private static func add(_ part: UnsafeRawBufferPointer, to hash: inout SHA256) {
        withUnsafeBytes(of: UInt64(part.count).littleEndian) { hash.update(bufferPointer: $0) }
        hash.update(bufferPointer: part)
    }

    /// The high half is half a digest already: as good as any hash.
    func hash(into hasher: inout Hasher) { hasher.combine(high) }

    static func < (left: ValueDigest, right: ValueDigest) -> Bool { (left.high, left.low) < (right.high, right.low) }
}

/// One event (or one value of one) in a group: 24 bytes.
struct CorrelationEntry: Hashable, Sendable {
    /// Input of an entry that is evidence and nothing else: the events behind a finding that came along a chain.
    static let evidenceInput = 63

    private static let leafBits: UInt64 = 48
    private static let isNamedBit: UInt64 = 1 << 54
    private static let isMetBit: UInt64 = 1 << 55
    private static let hasValueBit: UInt64 = 1 << 56
    private static let isOpenBit: UInt64 = 1 << 57

    /// Event time in nanoseconds.
    let time: Int64
    /// Leaf (48 bits), input (6 bits) and marks.
    private(set) var packed: UInt64
    /// A value's digest, or a number's bits.
    let value: UInt64

    init(time: Int64, leaf: LeafIndex, input: Int, value: UInt64?) {
        self.time = time
        packed = leaf.rawValue & (1 << Self.leafBits - 1) | UInt64(input) << Self.leafBits
        if value != nil { packed |= Self.hasValueBit }
        self.value = value ?? 0
    }

    init(time: Int64, packed: UInt64, value: UInt64) {
        self.time = time
        self.packed = packed
        self.value = value
    }

    var leaf: LeafIndex { LeafIndex(packed & (1 << Self.leafBits - 1)) }
    var input: Int { Int(packed >> Self.leafBits & 63) }
    var hasValue: Bool { packed & Self.hasValueBit != 0 }
    var number: Double { Double(bitPattern: value) }
    var isEvidenceOnly: Bool { input == Self.evidenceInput }

    /// Whether a finding has named the leaf as evidence.
    var isNamed: Bool {
        get { packed & Self.isNamedBit != 0 }
        set { packed = newValue ? packed | Self.isNamedBit : packed & ~Self.isNamedBit }
    }

    /// Whether the window that ends here has met the condition.
    var isMet: Bool {
        get { packed & Self.isMetBit != 0 }
        set { packed = newValue ? packed | Self.isMetBit : packed & ~Self.isMetBit }
    }

    /// Whether the window that begins here is still to be judged.
    var isOpen: Bool {
        get { packed & Self.isOpenBit != 0 }
        set { packed = newValue ? packed | Self.isOpenBit : packed & ~Self.isOpenBit }
    }
}

/// The events of one group, by time and, within one time, by arrival.
struct CorrelationGroup: Sendable {
    /// Bytes of a group without its entries: its place in the table at the usual load, and the head of its array.
    static let fixedBytes = 144

    var entries: [CorrelationEntry] = []
    /// The group's values, when a finding may come without an event to take them from.
    var names: [String] = []
    /// The time of receipt when it was last looked at.
    var touched: Int64 = 0

    var bytes: Int {
        Self.fixedBytes + entries.capacity * MemoryLayout<CorrelationEntry>.stride
            + names.reduce(0) { $0 + 16 + max($1.utf8.count, 16) }
    }

    /// The first place whose time is not below (or, with `after`, above) a time.
    func place(of time: Int64, after: Bool = false) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].time < time || after && entries[middle].time == time {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// Puts an entry behind those of the same time. Returns its place.
    mutating func insert(_ entry: CorrelationEntry) -> Int {
        // Small groups grow by a few places: doubling would take more than a usual group is allowed (512 bytes).
        if entries.count == entries.capacity, entries.count < 15 { entries.reserveCapacity(min(entries.count + 4, 15)) }
        guard let last = entries.last, last.time > entry.time else {
            entries.append(entry)
            return entries.count - 1
        }
        let place = place(of: entry.time, after: true)
        entries.insert(entry, at: place)
        return place
    }
}
