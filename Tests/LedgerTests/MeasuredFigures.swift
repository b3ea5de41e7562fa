import DurableFiles
import Foundation
import SystemPackage
import Testing

@testable import Ledger

/// Figures for people, on request only: `CUSTODY_MEASURE=1 swift test -c release --filter MeasuredFigures`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["CUSTODY_MEASURE"] != nil), .serialized)
struct MeasuredFigures {
    private static let entries: UInt64 = 1_000_000

    @Test("Hashing, appending, publishing, proving and verifying take this long")
    func measure() async throws {
        let clock = ContinuousClock()
        func report(_ name: String, per count: UInt64, _ time: Duration) {
            let nanoseconds = Double(time.components.attoseconds) / 1e9 + Double(time.components.seconds) * 1e9
            print("measured: \(name): \(nanoseconds / Double(count)) ns each, \(nanoseconds / 1e6) ms in all")
        }
        let node = TreeOfLeaves.entry(1).root
        var chain = node
        report(
            "node hash", per: Self.entries,
            clock.measure {
                for _ in 0..<Self.entries { chain = MerkleHashing.node(chain, node) }
            })
        commitments(clock, report)

        let fixture = try LedgerFixture()
        let writer = try fixture.open()
        let entries = TreeOfLeaves.entries(0..<Self.entries)
        report("append", per: Self.entries, try clock.measure { try writer.append(entries, at: 0) })
        report("publish 1,000,000 entries", per: 1, try clock.measure { try writer.publish() })
        try writer.append(TreeOfLeaves.entries(Self.entries..<Self.entries + 1000), at: Self.entries)
        report("publish 1,000 entries more", per: 1, try clock.measure { try writer.publish() })
        report("open", per: 1, try clock.measure { _ = try fixture.open() })

        let reader = writer.reader
        let size = reader.size
        report(
            "inclusion proof", per: 1000,
            try clock.measure {
                for step in 0..<1000 as Range<UInt64> { _ = try reader.inclusionProof(of: step * 991 % size, in: size) }
            })
        report(
            "consistency proof", per: 1000,
            try clock.measure {
                for step in 1...1000 as ClosedRange<UInt64> {
                    _ = try reader.consistencyProof(from: step * 977 % size, to: size)
                }
            })
        report(
            "level-0 tile", per: 1000,
            try clock.measure {
                for step in 0..<1000 as Range<UInt64> { _ = try reader.tile(level: 0, index: step * 3) }
            })
        let verifier = LedgerVerifier(source: reader, key: fixture.key.verifierKey)
        var result: LedgerVerification?
        report("full verification", per: size, try await clock.measure { result = try await verifier.verify() })
        #expect(result?.isIntact == true)
        let files = try FileManager.default.subpathsOfDirectory(atPath: fixture.directory.string)
        let bytes = try files.reduce(0) {
            let path = fixture.directory.appending($1).string
            return try $0 + (FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0)
        }
        print("measured: disk: \(Double(bytes) / Double(size)) bytes an entry")
    }

    private func commitments(_ clock: ContinuousClock, _ report: (String, UInt64, Duration) -> Void) {
        let sizes = [220, 60, 70, 180, 50, 1120]
        let groups = sizes.map { [UInt8](repeating: 0x61, count: $0) }
        let salts = [UInt8](repeating: 7, count: 96)
        var root = TreeHash.zero
        let time = clock.measure {
            for _ in 0..<200_000 {
                withBuffers(groups) { buffers in
                    let committed = CommittedGroups(
                        envelope: buffers[0], actor: buffers[1], network: buffers[2], resource: buffers[3],
                        text: buffers[4], raw: buffers[5])
                    salts.withUnsafeBytes { salts in
                        root.withUnsafeMutableBytes { EventCommitment.root(of: committed, salts: salts, into: $0) }
                    }
                }
            }
        }
        report("commitment of 1,700 bytes", 200_000, time)
    }

    private func withBuffers(_ groups: [[UInt8]], _ body: ([UnsafeRawBufferPointer]) -> Void) {
        groups[0].withUnsafeBytes { a in
            groups[1].withUnsafeBytes { b in
                groups[2].withUnsafeBytes { c in
                    groups[3].withUnsafeBytes { d in
                        groups[4].withUnsafeBytes { e in
                            groups[5].withUnsafeBytes { f in body([a, b, c, d, e, f]) }
                        }
                    }
                }
            }
        }
    }
}
