import DurableFiles
import EventModel
import EventStore
import Foundation
import HTTPTypes
import HummingbirdTesting
import Ledger
import SystemPackage
import Testing

@testable import CustodyServer

@Suite("Verification of a data directory")
struct DataDirectoryVerifierTests {
    @Test("After a checkpoint that was verified, only what came since is compared, and what is wrong there is found")
    func incremental() async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        func send(_ ids: Range<Int>) async throws {
            try await TestServer.run(in: place) { _, client in
                let lines = ids.map { #"{"id":"\#($0)","actor":"a\#($0)","action":"x.y"}"# }
                let answer = try await client.send(.post, "/v1/events", lines.joined(separator: "\n"))
                #expect(answer.status == 200)
            }
        }
        try await send(0..<300)
        let path = FilePath(place.path)
        let verifier = DataDirectoryVerifier(
            directory: path, key: try #require(DataDirectoryVerifier.ownKey(of: path)))
        let all = try await verifier.verify()
        let known = try #require(all.checkpoint?.checkpoint)
        #expect(all.isIntact && all.counts.verified == known.size)
        try await send(300..<400)
        let news = try await verifier.verify(after: known)
        #expect(news.isIntact, "\(news.faults)")
        #expect(news.counts.verified == (news.checkpoint?.checkpoint.size ?? 0) - known.size)
        #expect(news.notes.contains { $0.contains("verified before were not compared again") })
        // Without the segments that hold what is new, it is missing.
        let segments = path.appending("segments")
        let stored = try SegmentInspection(directory: segments, fileSystem: RealFileSystem()).segments
        let newest = try #require(stored.max { $0.indexes.upperBound < $1.indexes.upperBound })
        try FileManager.default.removeItem(atPath: segments.appending(newest.name).string)
        for name in try FileManager.default.contentsOfDirectory(atPath: place.path + "/journal") {
            let journal = place.appendingPathComponent("journal/" + name)
            try Data().write(to: journal)
        }
        #expect(try await !verifier.verify(after: known).isIntact)
    }

    /// A stopped server's directory with 700 events and their audit.
    private func withDirectory(_ body: (FilePath, DataDirectoryVerifier) async throws -> Void) async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        try await TestServer.run(in: place) { _, client in
            for start in [0, 350] {
                let lines = (start..<start + 350).map { #"{"id":"\#($0)","actor":"a\#($0 % 7)","action":"x.y"}"# }
                let answer = try await client.send(.post, "/v1/events", lines.joined(separator: "\n"))
                #expect(answer.status == 200)
            }
        }
        let path = FilePath(place.path)
        let key = try #require(DataDirectoryVerifier.ownKey(of: path))
        try await body(path, DataDirectoryVerifier(directory: path, key: key))
    }

    private func files(_ path: FilePath, _ folder: String, _ suffix: String) throws -> [String] {
        let walk = try #require(FileManager.default.enumerator(atPath: path.appending(folder).string))
        return walk.compactMap { $0 as? String }.filter { $0.hasSuffix(suffix) }
            .map { path.appending(folder).string + "/" + $0 }.sorted()
    }

    /// Names, lengths and times of change of everything there.
    private func state(_ path: FilePath) throws -> [String] {
        let walk = try #require(FileManager.default.enumerator(atPath: path.string))
        return try walk.compactMap { $0 as? String }.map { name in
            let attributes = try FileManager.default.attributesOfItem(atPath: path.string + "/" + name)
            return "\(name) \(attributes[.size] ?? "") \(attributes[.modificationDate] ?? "")"
        }.sorted()
    }

    @Test("Verification writes nothing, not even a manifest where there is none")
    func writesNothing() async throws {
        try await withDirectory { path, verifier in
            let before = try state(path)
            #expect(try await verifier.verify().isIntact)
            #expect(try state(path) == before)
            try FileManager.default.removeItem(atPath: path.appending("segments").string)
            _ = try await verifier.verify()
            #expect(!FileManager.default.fileExists(atPath: path.appending("segments").string))
        }
    }

    @Test("A journal that was cut is found by its missing leaves, and the first is named")
    func cutJournal() async throws {
        try await withDirectory { path, verifier in
            let file = try #require(try files(path, "journal", ".journal").last)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: file))
            for segments in try files(path, "segments", ".segment") {
                try FileManager.default.removeItem(atPath: segments)
            }
            let report = try await verifier.verify()
            #expect(!report.isIntact && report.counts.missing > 0)
            #expect(report.faults.contains { $0.hasPrefix("leaf ") })
        }
    }

    @Test("A journal that lost its last bytes is named, though every event lies in a segment")
    func tornJournal() async throws {
        try await withDirectory { path, verifier in
            let file = try #require(try files(path, "journal", ".journal").last)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            try bytes.prefix(bytes.count - 7).write(to: URL(fileURLWithPath: file))
            let report = try await verifier.verify()
            #expect(report.counts.missing == 0)
            #expect(report.faults.contains { $0.hasPrefix("journal: it ends at leaf ") })
        }
    }

    @Test("The events of a segment that cannot be read any more count as altered, the others as verified")
    func unreadableRows() async throws {
        try await withDirectory { path, verifier in
            let size = try await verifier.verify().counts.verified
            let file = try #require(try files(path, "segments", ".segment").first)
            var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            var most: UInt64 = 0
            for part in 1..<8 {
                bytes[bytes.count * part / 8] ^= 1
                try bytes.write(to: URL(fileURLWithPath: file))
                let counts = try await verifier.verify().counts
                #expect(counts.verified + counts.altered == size)
                most = max(most, counts.altered)
                bytes[bytes.count * part / 8] ^= 1
            }
            #expect(most > 0)
        }
    }

    @Test("A segment that is gone is named")
    func missingSegment() async throws {
        try await withDirectory { path, verifier in
            for file in try files(path, "segments", ".segment") {
                let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
                try FileManager.default.removeItem(atPath: file)
                let report = try await verifier.verify()
                #expect(!report.isIntact)
                #expect(report.faults.contains { $0.contains((file as NSString).lastPathComponent) })
                try bytes.write(to: URL(fileURLWithPath: file))
            }
            #expect(try await verifier.verify().isIntact)
        }
    }

    @Test("A flipped bit anywhere in journal or segments is named with its file")
    func flippedBits() async throws {
        try await withDirectory { path, verifier in
            for file in try files(path, "journal", ".journal") + files(path, "segments", ".segment") {
                let url = URL(fileURLWithPath: file)
                let original = try Data(contentsOf: url)
                for part in 0..<8 {
                    var altered = original
                    altered[original.count * part / 8] ^= 1
                    try altered.write(to: url)
                    let report = try await verifier.verify()
                    #expect(!report.isIntact, "\(file), part \(part)")
                    #expect(report.faults.contains { $0.contains((file as NSString).lastPathComponent) })
                }
                try original.write(to: url)
            }
        }
    }
}
