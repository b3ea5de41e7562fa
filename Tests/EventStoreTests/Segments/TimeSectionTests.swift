import EventModel
import TestSupport
import Testing

@testable import EventStore

struct TimeSectionTests {
    private static let shapes: [[Int64]] = [
        [0], [Int64.min, .max, 0, .max, .min, -1, 1], Array(repeating: 1_795_000_000_123_456_789, count: 9_000),
        (0..<10_000).map { 1_795_000_000_000_000_000 + Int64($0) * 3_000_000 },
        (0..<8_193).map { Int64($0 / 700) * 1_000_000_000 - 5_000_000_000 },
        (0..<4_096).map { Int64($0 % 2) * 7_000 }, (0..<4_097).map { -Int64($0) },
    ]

    @Test("Times come back, whatever they are", arguments: 0..<7)
    func roundTrip(shape: Int) throws {
        let times = Self.shapes[shape]
        try encoded(times).withUnsafeBytes {
            let decoder = try #require(TimeDecoder($0, rowCount: times.count))
            #expect(decoder.endsWithLastChunk)
            #expect(decoded(decoder) == times)
        }
    }

    @Test("Regular times take little: rows of one batch nothing, a row each three milliseconds a byte")
    func sizes() throws {
        #expect(try encoded(Self.shapes[2]).count < 100)
        #expect(try encoded(Self.shapes[3]).count < 10_100)
        // One time of nanoseconds makes the differences of its chunk long, and of no other.
        #expect(try encoded([1] + Self.shapes[3]).count < 4_096 * 5 + 6_200)
        let exponents = [Self.shapes[2], Self.shapes[3], Self.shapes[4], Self.shapes[5]].map { times in
            times.withUnsafeBufferPointer { TimeSection.exponent(of: $0) }
        }
        #expect(exponents == [0, 6, 9, 3])
    }

    @Test("Bytes that are no times are refused, not read beyond")
    func malformed() throws {
        var samples = SealedSamples(seed: 3)
        let sound = try encoded(Self.shapes[3])
        for _ in 0..<300 {
            var bytes = sound
            for _ in 0...samples.number(below: 3) {
                bytes[samples.number(below: bytes.count)] = UInt8(samples.number(below: 256))
            }
            bytes.withUnsafeBytes {
                guard let decoder = TimeDecoder($0, rowCount: 10_000) else { return }
                _ = decoded(decoder)
            }
        }
        sound.withUnsafeBytes {
            #expect(TimeDecoder($0, rowCount: 1 << 30) == nil)
            #expect(TimeDecoder($0, rowCount: 9_999).flatMap(decoded) == nil)
        }
    }

    private func encoded(_ times: [Int64]) throws -> [UInt8] {
        var encoder = TimeEncoder()
        defer { encoder.free() }
        for time in times { encoder.append(time) }
        let memory = SegmentMemory(capacity: 4_096)
        try encoder.write(to: SegmentComposer(memory), .times)
        return withExtendedLifetime(memory) { Array(memory.bytes.dropFirst(SegmentHeader.bytes)) }
    }

    private func decoded(_ decoder: TimeDecoder) -> [Int64]? {
        var times: [Int64] = []
        var chunk = [Int64](repeating: 0, count: TimeSection.chunkRows)
        for number in 0..<decoder.chunkCount {
            guard chunk.withUnsafeMutableBufferPointer({ decoder.decode(number, into: $0.baseAddress!) }) else {
                return nil
            }
            times += chunk.prefix(decoder.rows(of: number).count)
        }
        return times
    }
}
