import EventModel

/// Looks for one of several needles in packed text.
///
/// A class, as ``PackedNeedle`` is: it is asked of every record, and copies of a structure of arrays would count their references each time.
final class PackedSearch: Sendable {
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
    ///
    /// - Parameter value: gives what a mark of a field stands for, nil where that cannot be told. One is asked for at a time.
    func mayBe(
        in stored: UnsafeRawBufferPointer, value: (PackedMark) throws -> UnsafeRawBufferPointer?
    ) rethrows -> Bool {
        if needles.contains(where: { $0.searcher.firstIndex(in: stored) != nil }) { return true }
        return try mayBeDivided(in: stored, value: value)
    }

    /// Whether a record's packed text may have a needle of which marks stand for a part.
    func mayBeDivided(
        in stored: UnsafeRawBufferPointer, value: (PackedMark) throws -> UnsafeRawBufferPointer?
    ) rethrows -> Bool {
        guard divided != 0 else { return false }
        return try PackedRuns.contains(stored) { run in
            var possible = possible(at: run)
            while possible != 0 {
                if try needles[possible.trailingZeroBitCount].isDivided(at: run, value: value) { return true }
                possible &= possible - 1
            }
            return false
        }
    }

    /// The needles that a stretch may have a part of.
    @inline(__always)
    private func possible(at run: PackedRun) -> UInt32 {
        guard let first = run.text.first, let last = run.text.last else {
            return run.followsMark && run.precedesMark ? divided : 0
        }
        return (run.precedesMark ? ends[Int(last)] : 0) | (run.followsMark ? starts[Int(first)] : 0)
    }
}
