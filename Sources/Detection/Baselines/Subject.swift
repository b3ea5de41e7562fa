/// What is remembered of one value that a subject has had.
struct SubjectMember {
    /// What one takes in memory and, about that, in a snapshot.
    static let byteCount = 48

    let hash: UInt64
    /// When it was had last, in nanoseconds.
    var last: Int64
    /// The leaf of that.
    var leaf: UInt64
    /// When it raised; 0 for a value that is usual. A value that raised does not become usual.
    var raised: Int64
    var count: UInt32
}

/// What is remembered of one subject.
struct Subject {
    /// What one takes in memory besides its members: the record, its place in the order of use and in the table.
    static let byteCount = 160

    var first: Int64
    var last: Int64
    /// Events that were learned from.
    var total: UInt32 = 0
    /// Events (bursts: of the current window) so far.
    var current: UInt32 = 0
    /// The current window.
    var window: Int64 = 0
    /// Whether the current window must not become usual.
    var isTainted = false
    var mean = 0.0
    var variance = 0.0
    var members: [SubjectMember] = []

    init(first: Int64) {
        self.first = first
        last = first
    }

    var byteCount: Int { Self.byteCount + members.count * SubjectMember.byteCount }

    func member(_ hash: UInt64) -> Int? { members.firstIndex { $0.hash == hash } }

    /// Makes room among the members: the one that was had the longest ago goes. Returns whether one had to.
    mutating func makeRoom(keeping limit: Int) -> Bool {
        guard members.count >= limit,
            let oldest = members.indices.min(by: {
                (members[$0].last, members[$0].leaf, members[$0].hash)
                    < (members[$1].last, members[$1].leaf, members[$1].hash)
            })
        else { return false }
        members.swapAt(oldest, members.count - 1)
        members.removeLast()
        return true
    }

    func write(to encoder: inout StateEncoder) {
        encoder.write(first)
        encoder.write(last)
        encoder.write(UInt64(total))
        encoder.write(UInt64(current))
        encoder.write(window)
        encoder.write(isTainted)
        encoder.write(mean)
        encoder.write(variance)
        encoder.write(count: members.count)
        for member in members {
            encoder.write(fixed: member.hash)
            encoder.write(member.last)
            encoder.write(member.leaf)
            encoder.write(member.raised)
            encoder.write(UInt64(member.count))
        }
    }

    init(from decoder: inout StateDecoder) throws {
        first = try decoder.readInt64()
        last = try decoder.readInt64()
        total = UInt32(clamping: try decoder.readUInt64())
        current = UInt32(clamping: try decoder.readUInt64())
        window = try decoder.readInt64()
        isTainted = try decoder.readBool()
        mean = try decoder.readDouble()
        variance = try decoder.readDouble()
        for _ in 0..<(try decoder.readCount(bytesEach: 26)) {
            members.append(
                SubjectMember(
                    hash: try decoder.readFixed(), last: try decoder.readInt64(), leaf: try decoder.readUInt64(),
                    raised: try decoder.readInt64(), count: UInt32(clamping: try decoder.readUInt64())))
        }
    }
}
