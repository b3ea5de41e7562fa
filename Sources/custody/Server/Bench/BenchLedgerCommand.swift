import ArgumentParser
import DurableFiles
import EventModel
import Foundation
import Intake
import Journal
import Ledger
import SystemPackage

/// `custody bench ledger`.
struct BenchLedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Leaves a second, proofs, verification and bytes of the ledger alone.",
        discussion: """
            Needs no server. Leaves are appended in groups, each made durable, with a checkpoint a second and the signer's \
            guard; proofs are of random leaves. What an event costs in groups, salts, leaf and tree is measured on sealed \
            events of the usual shapes, on one core.
            """)

    @Option(help: "Leaves to append.")
    var leaves: UInt64 = 1_000_000
    @Option(help: "Leaves of a group.")
    var group: UInt64 = 8_192
    @Option(help: ArgumentHelp("Where the throw-away directory is made.", valueName: "dir"))
    var directory = "/tmp"
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1_000...100_000_000).contains(leaves), (1...65_536).contains(group) else {
            throw ValidationError("leaves are 1,000 to 100,000,000, a group 1 to 65,536")
        }
    }

    func run() async throws {
        var report = BenchReport()
        let place = FilePath(directory).appending("custody-bench-ledger-\(ProcessInfo.processInfo.processIdentifier)")
        defer { try? FileManager.default.removeItem(atPath: place.string) }
        report.add("leaves", "\(leaves)")
        report.add("commit_us_per_event", BenchReport.number(try Self.commitment()))
        var generator = SystemRandomNumberGenerator()
        let key = try LedgerKey(name: "custody/bench", using: &generator)
        let fileSystem = RealFileSystem()
        let writer = try LedgerWriter(
            directory: place.appending("ledger"), fileSystem: fileSystem, signer: key,
            memory: SignerGuard(directory: place.appending("guard"), fileSystem: fileSystem, key: key.verifierKey))
        try append(to: writer, &report)
        let reader = writer.reader
        report.add("disk_bytes_per_leaf", BenchReport.number(Double(Self.bytes(below: place)) / Double(leaves)))
        try prove(reader, &report)
        let start = ContinuousClock.now
        let verified = try await LedgerVerifier(source: reader, key: key.verifierKey).verify()
        guard verified.isIntact else { throw CommandFailure(.integrity, "the ledger does not verify") }
        report.add("verify_tree_s", BenchReport.number((ContinuousClock.now - start) / .seconds(1)))
        report.print(asJSON: output.json)
    }

    private func append(to writer: LedgerWriter, _ report: inout BenchReport) throws {
        let clock = ContinuousClock()
        let start = clock.now
        var published = start
        var publications = BenchLatencies()
        while writer.size < leaves {
            let first = writer.size
            let now = UInt64(clamping: CommandContext.current.now().milliseconds)
            let entries = (first..<min(first + group, leaves)).map { index in
                LeafEntry(kind: .event, retentionClass: 0, received: now, root: Self.root(index))
            }
            try writer.append(entries, at: first)
            if clock.now - published >= .seconds(1) {
                published = clock.now
                try writer.publish()
                publications.add(clock.now - published)
            } else {
                try writer.synchronize()
            }
        }
        try writer.publish()
        report.add("leaves_per_second", BenchReport.number(Double(leaves) / ((clock.now - start) / .seconds(1))))
        report.add("publication_p50_ms", BenchReport.number(publications.percentile(50)))
    }

    private func prove(_ reader: LedgerReader, _ report: inout BenchReport) throws {
        let clock = ContinuousClock()
        var single = BenchLatencies()
        var sizes = BenchLatencies()
        for _ in 0..<1_000 {
            let index = UInt64.random(in: 0..<leaves)
            let start = clock.now
            _ = try reader.tlogProof(of: index).bytes
            let middle = clock.now
            single.add(middle - start)
            _ = try reader.consistencyProof(from: index + 1, to: leaves)
            sizes.add(clock.now - middle)
        }
        report.add("proof_p50_ms", BenchReport.number(single.percentile(50)))
        report.add("proof_p99_ms", BenchReport.number(single.percentile(99)))
        report.add("consistency_p50_ms", BenchReport.number(sizes.percentile(50)))
        let start = clock.now
        _ = try reader.tlogProofs(of: (0..<1_000).map { _ in UInt64.random(in: 0..<leaves) })
        report.add("batched_proof_ms", BenchReport.number((clock.now - start) / .milliseconds(1) / 1_000))
    }

    /// Microseconds for groups, salts, leaf and tree of one event.
    private static func commitment() throws -> Double {
        let sealing = EventSealing(received: CommandContext.current.now())
        var bytes: [UInt8] = []
        var ranges: [Range<Int>] = []
        let body = BenchEvents(count: 20_000, seed: 1, endingAt: Date(timeIntervalSince1970: 1_760_000_000))
            .body(firstID: 0)
        try body.withUnsafeBytes { body in
            for line in body.split(separator: UInt8(ascii: "\n")) {
                guard let event = try sealing.seal(UnsafeRawBufferPointer(rebasing: line)) else { continue }
                ranges.append(bytes.count..<bytes.count + event.count)
                bytes += event
            }
        }
        let partition = JournalPartition(day: 0, retentionClass: 0)
        var generator = SystemRandomNumberGenerator()
        var seeds = SeedTable()
        for bundle in JournalBundle.numbers(of: 0..<UInt64(ranges.count)) {
            seeds[bundle: bundle, partition] = SaltSeed(root: Bytes32(using: &generator))
        }
        let clock = ContinuousClock()
        var times: [Double] = []
        for _ in 0..<9 {
            let start = clock.now
            let entries = try bytes.withUnsafeBytes {
                try LeafEntries.make(
                    firstIndex: LeafIndex(0), partition: partition, bytes: $0, ranges: ranges, seeds: seeds)
            }
            // A tree of these leaves costs the leaf hashes and one node each.
            _ = MerkleHashing.root(entries.map(\.leafHash))
            times.append((clock.now - start) / .microseconds(1) / Double(ranges.count))
        }
        return times.sorted()[times.count / 2]
    }

    private static func root(_ index: UInt64) -> TreeHash {
        var root = TreeHash.zero
        root.withUnsafeMutableBytes { $0.storeBytes(of: index &* 0x9E37_79B9_7F4A_7C15, as: UInt64.self) }
        return root
    }

    private static func bytes(below path: FilePath) -> Int {
        let files = FileManager.default.enumerator(atPath: path.string)?.compactMap { $0 as? String } ?? []
        return files.reduce(0) { sum, name in
            let attributes = try? FileManager.default.attributesOfItem(atPath: path.appending(name).string)
            guard attributes?[.type] as? FileAttributeType == .typeRegular else { return sum }
            return sum + (attributes?[.size] as? Int ?? 0)
        }
    }
}
