import DurableFiles
import Foundation
import Ledger
import SystemPackage
import Testing

@testable import CustodyServer

/// Everything that somebody can do who may write the files: nothing passes verification with a remembered checkpoint.
@Suite("Tampering with stored files")
struct TamperTests {
    /// A directory with journal, ledger and segments; the same directory earlier; and one of the same key with another
    /// history, all of whose checksums and signatures are right.
    private struct Directories {
        let now: FaultingFileSystem
        let earlier: FaultingFileSystem
        let forked: FaultingFileSystem
    }

    private static let made = Result { () -> Directories in
        /// Returns the disk as it was in the middle.
        func run(_ seed: UInt64, _ disk: FaultingFileSystem, steps: Int) throws -> FaultingFileSystem {
            let record = WritePathRecord(disk)
            var path = try WritePath(disk, detected: 0, seed: 1)
            var earlier = disk
            for number in 0..<steps {
                if number == 6 { earlier = disk.copy(seed: 4) }
                try path.commit([WritePathHistory.delivery(["\(seed)-\(number)", "\(seed)-\(number)b"])], record)
                try path.tick(record)
            }
            // The last events stay in the journal alone.
            try path.publish()
            return earlier
        }
        let (now, forked) = (FaultingFileSystem(seed: 1), FaultingFileSystem(seed: 3))
        let earlier = try run(1, now, steps: 9)
        _ = try run(2, forked, steps: 11)
        return Directories(now: now, earlier: earlier, forked: forked)
    }

    private let made: Directories
    private let key = WritePath.keys.ledger.verifierKey

    init() throws { made = try Self.made.get() }

    private func files(_ disk: FaultingFileSystem, under directory: FilePath = WritePath.directory) throws -> [FilePath]
    {
        try disk.list(directory).flatMap { name -> [FilePath] in
            let path = directory.appending(name)
            return (try? files(disk, under: path)) ?? [path]
        }
    }

    private func copy() -> FaultingFileSystem {
        let copy = made.now.copy(seed: 9)
        copy.restartProcess()
        return copy
    }

    private enum Verdict { case found, nothingLost, missed }

    /// What verification, with what was seen before in mind, says. The journal holds some events that are in segments too:
    /// without its copy of those, nothing is lost, and there is nothing to find.
    private func verdict(_ disk: FaultingFileSystem) async -> Verdict {
        do {
            let verifier = DataDirectoryVerifier(directory: WritePath.directory, fileSystem: disk, key: key)
            let report = try await verifier.verify()
            guard report.isIntact else { return .found }
            let memory = CheckpointMemory(directory: "/memory", fileSystem: FaultingFileSystem(seed: 1))
            let (ledger, known) = (WritePath.configuration.ledger, made.now)
            _ = try await memory.compare(LedgerReader(directory: ledger, fileSystem: known, key: key), key: key)
            _ = try await memory.compare(LedgerReader(directory: ledger, fileSystem: disk, key: key), key: key)
            let size = try LedgerReader(directory: ledger, fileSystem: known, key: key).size
            return report.counts.verified == size ? .nothingLost : .missed
        } catch {
            return .found
        }
    }

    private func expectFound(
        _ disk: FaultingFileSystem, _ what: String, at path: FilePath? = nil, mayBeRedundant: Bool = false
    ) async {
        let verdict = await verdict(disk)
        let mayBeRedundant = mayBeRedundant || path.map { isOnlyLonger($0, disk) } ?? false
        #expect(verdict == .found || (mayBeRedundant && verdict == .nothingLost), "\(what): \(verdict)")
    }

    /// Whether a file that grows has all of its bytes, and more: that is what the next write of a running server looks like.
    private func isOnlyLonger(_ path: FilePath, _ disk: FaultingFileSystem) -> Bool {
        guard path.string.contains("/ledger/entries/"), let before = try? made.now.contents(of: path),
            let bytes = try? disk.contents(of: path)
        else { return false }
        return bytes.starts(with: before)
    }

    @Test("The untouched directory passes")
    func untouched() async throws {
        #expect(await verdict(copy()) == .nothingLost)
        let files = try files(made.now).map(\.string)
        for kind in ["/journal/", "/ledger/entries/", "/ledger/checkpoint", "/segments/", "/segments/manifest"] {
            #expect(files.contains { $0.contains(kind) }, "\(kind)")
        }
    }

    @Test("A flipped, inserted or dropped byte, a cut end, exchanged parts: found in every file, wherever it is")
    func bytes() async throws {
        for path in try files(made.now) {
            let size = try made.now.contents(of: path).count
            guard size > 0 else { continue }
            let isJournal = path.string.contains("/journal/")
            for part in 0..<12 {
                let at = min(size - 1, size * part / 12)
                let changes: [(String, (inout [UInt8]) -> Void)] = [
                    ("flipped", { $0[at] ^= 1 << UInt8(part % 8) }),
                    ("cut", { $0.removeSubrange(at...) }),
                    ("inserted", { $0.insert(0, at: at) }),
                    ("dropped", { $0.remove(at: at) }),
                ]
                for (number, change) in changes.enumerated() where number == part % 4 || number == 0 {
                    let disk = copy()
                    disk.alter(path, change.1)
                    await expectFound(
                        disk, "\(path), byte \(at) \(change.0)", at: path,
                        mayBeRedundant: isJournal && change.0 == "cut")
                }
            }
            let disk = copy()
            disk.alter(path) { bytes in
                let half = bytes.count / 2
                let swapped = Array(bytes[half...]) + bytes[..<half]
                bytes = swapped == bytes ? bytes + [0] : swapped
            }
            await expectFound(disk, "\(path), halves exchanged")
            // In the journal and the ledger that is what the next write of a running server looks like.
            if path.string.contains("/segments/") || path.string.hasSuffix("/checkpoint") {
                let grown = copy()
                grown.alter(path) { $0 += [UInt8](repeating: 0, count: 64) }
                await expectFound(grown, "\(path), zeros appended")
            }
            let gone = copy()
            try gone.remove(path)
            await expectFound(gone, "\(path) removed", mayBeRedundant: isJournal)
        }
    }

    @Test("Files of an earlier moment or of another history, one by one and by directory, with all checksums right")
    func splices() async throws {
        for (other, isEarlier) in [(made.earlier, true), (made.forked, false)] {
            for path in try files(made.now) {
                guard let bytes = try? other.contents(of: path), try bytes != made.now.contents(of: path) else {
                    continue
                }
                let disk = copy()
                disk.alter(path) { $0 = bytes }
                await expectFound(disk, "\(path)", at: path, mayBeRedundant: isEarlier)
            }
            for parts in [
                ["journal"], ["ledger"], ["segments"], ["journal", "segments"], ["ledger", "segments"],
                ["journal", "ledger"],
                ["journal", "ledger", "segments"],
            ] {
                let disk = copy()
                for part in parts { try replace(WritePath.directory.appending(part), on: disk, with: other) }
                await expectFound(
                    disk, parts.joined(separator: ", "), mayBeRedundant: isEarlier && !parts.contains("ledger"))
            }
        }
    }

    private func replace(_ directory: FilePath, on disk: FaultingFileSystem, with other: FaultingFileSystem) throws {
        for path in try files(disk, under: directory) { try disk.remove(path) }
        for path in try files(other, under: directory) {
            try disk.createDirectory(path.removingLastComponent())
            try disk.writeAtomically(other.contents(of: path), to: path)
        }
    }
}
