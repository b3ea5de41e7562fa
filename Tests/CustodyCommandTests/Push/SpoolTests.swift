import DurableFiles
import EventModel
import SystemPackage
import Testing

@testable import custody

struct SpoolTests {
    private func spool(_ disk: any FileSystem, source: String? = "ci") -> Spool {
        Spool(root: "/spool", server: "http://127.0.0.1:8400", source: source, fileSystem: disk)
    }

    private func batch(_ number: Int) -> PushBatch {
        PushBatch(
            body: Array("{\"n\":\(number)}\n".utf8), form: .lines, entries: 1,
            read: Timestamp(seconds: 1_795_478_400 + Int64(number)), key: "key\(number)", origin: nil)
    }

    @Test("Batches come back whole, in the order they were read, with their keys")
    func order() throws {
        let spool = spool(FaultingFileSystem(seed: 1))
        for number in [3, 1, 2] { try spool.add(batch(number)) }
        let pending = try spool.pending()
        #expect(pending.map(\.key) == ["key1", "key2", "key3"])
        #expect(try pending.map { try spool.batch($0).body } == [1, 2, 3].map { batch($0).body })
    }

    @Test("Each server and source has a spool of its own")
    func targets() throws {
        let disk = FaultingFileSystem(seed: 1)
        try spool(disk).add(batch(1))
        #expect(try spool(disk, source: "other").pending().isEmpty)
        #expect(try spool(disk, source: nil).pending().isEmpty)
    }

    @Test("What was kept survives power loss at any later moment, and a half-written batch is none")
    func powerLoss() throws {
        for operation in 1...200 {
            let disk = FaultingFileSystem(seed: UInt64(operation))
            let spool = spool(disk)
            disk.setFaults([Fault(atOperation: operation, .powerLoss)])
            var kept: [String] = []
            for number in 1...4 {
                guard (try? spool.add(batch(number))) != nil else { break }
                kept.append("key\(number)")
            }
            disk.restartMachine()
            let pending = try spool.pending()
            #expect(Array(pending.map(\.key).prefix(kept.count)) == kept, "power lost at operation \(operation)")
            #expect(pending.count <= kept.count + 1)
            for entry in pending {
                #expect(try String(decoding: spool.batch(entry).body, as: UTF8.self).hasSuffix("}\n"))
            }
            if kept.count == 4 { return }
        }
        Issue.record("four batches take more operations than expected")
    }

    @Test("A disk that cannot keep a batch is told as such, with status 69")
    func diskFull() throws {
        let disk = FaultingFileSystem(seed: 1)
        disk.setCapacity(4)
        #expect { try spool(disk).add(batch(1)) } throws: { ($0 as? CommandFailure)?.code == .unreachable }
    }

    @Test("A batch that is set aside waits no longer, and is kept")
    func setAside() throws {
        let disk = FaultingFileSystem(seed: 1)
        let spool = spool(disk)
        try spool.add(batch(1))
        let path = try spool.setAside(try #require(try spool.pending().first))
        #expect(try spool.pending().isEmpty)
        #expect(try disk.contents(of: path) == batch(1).body)
    }
}
