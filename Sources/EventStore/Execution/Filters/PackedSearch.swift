import EventModel

/// Looks for one of several needles in packed text.
struct PackedSearch: Sendable {
    let needles: [PackedNeedle]
    /// By byte, the needles that a stretch may have a part of which ends or begins with it, a bit each.
    private let ends: [UInt32]
    private let starts: [UInt32]
    /// Those of which two marks may stand for all.
    private let divided: UInt32

    /// - Parameter fragments: at most ``RequiredBytes/maximumFragments``.
    /// - Returns: nil when one of them cannot be looked for so.
    init?(_ fragments: [[UInt8]]) {
        precondition(fragments.count <= UInt32.bitWidth)
        let needles = fragments.compactMap(PackedNeedle.init)
        guard needles.count == fragments.count else { return nil }
        var ends = [UInt32](repeating: 0, count: 256)
        var starts = ends
        var divided: UInt32 = 0
        for (number, needle) in needles.enumerated() {
            for cut in needle.cuts {
                ends[Int(needle.bytes[cut - 1])] |= 1 << number
                starts[Int(needle.bytes[cut])] |= 1 << number
                divided |= 1 << number
            }
        }
        // Letters in either case.
        for byte in Int(UInt8(ascii: "a"))...Int(UInt8(ascii: "z")) {
            ends[byte & ~0x20] = ends[byte]
            starts[byte & ~0x20] = starts[byte]
        }
        self.needles = needles
        self.ends = ends
        self.starts = starts
        self.divided = divided
    }

    /// Whether marks may stand for a part of a needle somewhere.
    var mayBeDivided: Bool { divided != 0 }

    /// Whether a record's packed text has one of the needles, or may have one of which marks stand for a part.
    func mayBe(in stored: UnsafeRawBufferPointer) -> Bool {
        needles.contains { $0.searcher.firstIndex(in: stored) != nil } || mayBeDivided(in: stored)
    }

    /// Whether a record's packed text may have a needle of which marks stand for a part.
    func mayBeDivided(in stored: UnsafeRawBufferPointer) -> Bool {
        guard divided != 0 else { return false }
        return PackedRuns.contains(stored) { run in
            var possible: UInt32 = 0
            if let first = run.text.first, let last = run.text.last {
                if run.precedesMark { possible |= ends[Int(last)] }
                if run.followsMark { possible |= starts[Int(first)] }
            } else if run.followsMark, run.precedesMark {
                return true
            }
            while possible != 0 {
                if needles[possible.trailingZeroBitCount].isBegun(in: run) { return true }
                possible &= possible - 1
            }
            return false
        }
    }
}
