import EventModel
import TestSupport
import Testing

@testable import EventStore

struct IdentitySectionTests {
    private static let shapes: [[RowIdentity]] = [
        [.none], Array(repeating: .none, count: 3), counting(from: 7, 10_000, part: 1),
        counting(from: .max - 5, 9, part: 0),
        (0..<9_000).map { row in
            let delivery = UInt64(row / 250)
            let id = EventID(
                high: 0x0192_F4A5_58CC_7ABC &+ delivery << 16, low: delivery &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(row))
            return RowIdentity(id: id, part: UInt32(row % 250 + 1))
        },
        (0..<4_097).map { row in
            let id = EventID(high: UInt64(row) &* 0x9E37_79B9_7F4A_7C15, low: UInt64(row) &* 0xD1B5_4A32_D192_ED03)
            return RowIdentity(id: id, part: UInt32(truncatingIfNeeded: row &* 0x9E37_79B9))
        },
        counting(from: 0, 4_096, part: 0),
        counting(from: 0, 4_095, part: .max) + [RowIdentity(id: EventID(high: 1, low: 1), part: 3)]
            + counting(from: 9, 2, part: 1) + counting(from: 11, 5, part: 0),
    ]

    private static func counting(from low: UInt64, _ count: Int, part: UInt32) -> [RowIdentity] {
        (0..<count).map {
            RowIdentity(
                id: EventID(high: 0x0192_F4A5_58CC_7ABC, low: low &+ UInt64($0)),
                part: part == 0 ? 0 : part &+ UInt32($0))
        }
    }

    @Test("Identities come back, in order, from the end and here and there", arguments: 0..<8)
    func roundTrip(shape: Int) throws {
        let ids = Self.shapes[shape]
        try encoded(ids).withUnsafeBytes {
            var cursor = try #require(IdentityCursor($0, rowCount: ids.count))
            for row in ids.indices { #expect(cursor.identity(ofRow: row) == ids[row]) }
            for row in ids.indices.reversed().filter({ $0 % 97 == 0 }) {
                #expect(cursor.identity(ofRow: row) == ids[row])
            }
            for row in ids.indices.filter({ $0 % 131 == 0 }) { #expect(cursor.identity(ofRow: row) == ids[row]) }
            #expect(cursor.identity(ofRow: ids.count) == nil && cursor.identity(ofRow: -1) == nil)
        }
    }

    @Test("Ids of deliveries take next to nothing, others little more than their random bits")
    func sizes() throws {
        #expect(try encoded(Self.shapes[2]).count < 120)
        #expect(try encoded(Self.shapes[4]).count < 9_000 / 250 * 16 + 200)
        #expect(try encoded(Self.shapes[5]).count < 4_097 * 25)
    }

    @Test("Bytes that are no identities are refused, not read beyond")
    func malformed() throws {
        var samples = SealedSamples(seed: 5)
        for sound in [try encoded(Self.shapes[4]), try encoded(Self.shapes[5])] {
            for _ in 0..<300 {
                var bytes = sound
                for _ in 0...samples.number(below: 3) {
                    bytes[samples.number(below: bytes.count)] = UInt8(samples.number(below: 256))
                }
                bytes.withUnsafeBytes {
                    guard var cursor = IdentityCursor($0, rowCount: 4_097) else { return }
                    for row in 0..<4_097 where cursor.identity(ofRow: row) == nil { break }
                    _ = cursor.identity(ofRow: 9)
                }
            }
        }
        try encoded(Self.shapes[2]).withUnsafeBytes {
            #expect(IdentityCursor($0, rowCount: 1 << 30) == nil)
            #expect(IdentityCursor(UnsafeRawBufferPointer(rebasing: $0.dropLast()), rowCount: 10_000) == nil)
            var short = try #require(IdentityCursor($0, rowCount: 9_999))
            #expect(short.identity(ofRow: 9_000) == nil)
        }
    }

    private func encoded(_ ids: [RowIdentity]) throws -> [UInt8] {
        var encoder = IdentityEncoder()
        defer { encoder.free() }
        for id in ids { encoder.append(id) }
        let memory = SegmentMemory(capacity: 4_096)
        try encoder.write(to: SegmentComposer(memory))
        return withExtendedLifetime(memory) { Array(memory.bytes.dropFirst(SegmentHeader.bytes)) }
    }

    @Test(
        "A part is a number in its shortest form",
        arguments: [
            ("1", 1), ("4294967295", .max), ("10", 10), ("0", nil), ("01", nil), ("", nil), ("4294967296", nil),
            ("/Records/3", nil), ("+1", nil), ("99999999999", nil),
        ] as [(String, UInt32?)])
    func parts(text: String, part: UInt32?) {
        #expect(Array(text.utf8).withUnsafeBytes { RowIdentity.part($0) } == part)
    }
}
