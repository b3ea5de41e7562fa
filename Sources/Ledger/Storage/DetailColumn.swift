/// The column of everything in an entry but its root: one byte for most entries, at most 14.
///
/// Entries of a bundle are coded one after the other, each from the one before; a bundle starts from kind 0, class 0,
/// time 0. A byte from 0x00 to 0x7F: the same kind and class, received that many milliseconds later. 0x80: the same kind
/// and class, and the difference follows. 0x81: kind (1 byte), class (2, big-endian) and the difference follow. A
/// difference is modulo 2^64, zigzag-coded, in groups of seven bits, lowest first, the high bit set on all but the last.
/// Each entry has one code, the shortest, so the column is a function of the entries and a part of a bundle's code is
/// the beginning of the whole.
struct DetailColumn {
    /// The most bytes that an entry takes.
    static let maximumCodeSize = 14

    private static let sameKind: UInt8 = 0x80
    private static let newKind: UInt8 = 0x81
    private static let largestShortDelta: UInt64 = 0x7f

    private var kind: UInt8 = 0
    private var retentionClass: UInt16 = 0
    private var received: UInt64 = 0

    /// Adds the code of the bundle's next entry.
    mutating func encode(_ entry: LeafEntry, to bytes: inout [UInt8]) {
        let delta = entry.received &- received
        received = entry.received
        if entry.kind.rawValue != kind || entry.retentionClass != retentionClass {
            kind = entry.kind.rawValue
            retentionClass = entry.retentionClass
            bytes += [Self.newKind, kind, UInt8(retentionClass >> 8), UInt8(truncatingIfNeeded: retentionClass)]
            Self.encode(delta, to: &bytes)
        } else if delta <= Self.largestShortDelta {
            bytes.append(UInt8(delta))
        } else {
            bytes.append(Self.sameKind)
            Self.encode(delta, to: &bytes)
        }
    }

    /// Reads the bundle's next entry, whose root is known, from `bytes` at `offset`, and moves on.
    ///
    /// - Throws: ``LedgerError/Code/malformed`` for a code that ``encode(_:to:)`` does not write.
    mutating func decode(_ bytes: [UInt8], at offset: inout Int, root: TreeHash) throws -> LeafEntry {
        let start = offset
        let code = try Self.next(bytes, &offset)
        switch code {
        case ...UInt8(Self.largestShortDelta):
            received &+= UInt64(code)
        case Self.sameKind:
            let delta = try Self.decode(bytes, &offset)
            guard delta > Self.largestShortDelta else { throw Self.malformed(start) }
            received &+= delta
        case Self.newKind:
            let newKind = try Self.next(bytes, &offset)
            let newClass = try UInt16(Self.next(bytes, &offset)) << 8 | UInt16(Self.next(bytes, &offset))
            guard newKind != kind || newClass != retentionClass else { throw Self.malformed(start) }
            kind = newKind
            retentionClass = newClass
            received &+= try Self.decode(bytes, &offset)
        default:
            throw Self.malformed(start)
        }
        return LeafEntry(
            kind: LeafKind(rawValue: kind), retentionClass: retentionClass, received: received, root: root)
    }

    private static func encode(_ delta: UInt64, to bytes: inout [UInt8]) {
        let signed = Int64(bitPattern: delta)
        var rest = UInt64(bitPattern: (signed << 1) ^ (signed >> 63))
        while rest > 0x7f {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func decode(_ bytes: [UInt8], _ offset: inout Int) throws -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try next(bytes, &offset)
            // The tenth group has one bit left, and a last group of zero would be a second spelling.
            guard shift < 63 || byte <= 1, byte != 0 || shift == 0 else { throw malformed(start) }
            value |= UInt64(byte & 0x7f) << shift
            guard byte & 0x80 != 0 else { break }
            shift += 7
        }
        return (value >> 1) ^ (0 &- (value & 1))
    }

    private static func next(_ bytes: [UInt8], _ offset: inout Int) throws -> UInt8 {
        guard offset < bytes.count else { throw LedgerError(.malformed, "detail column ends at byte \(offset)") }
        defer { offset += 1 }
        return bytes[offset]
    }

    private static func malformed(_ offset: Int) -> LedgerError {
        LedgerError(.malformed, "detail column has a code that is never written, at byte \(offset)")
    }
}
