import DurableFiles
import SystemPackage
import Testing

@Suite("The faulting file system")
struct FaultingFileSystemTests {
    private let path: FilePath = "/data/file"

    private func make(seed: UInt64) throws -> (disk: FaultingFileSystem, file: any File) {
        let disk = FaultingFileSystem(seed: seed)
        try disk.createDirectory("/data")
        let file = try disk.open(path, .createNew(.privateFile))
        try file.write([UInt8](repeating: 1, count: 3_000), at: 0)
        try file.synchronizeData()
        try disk.synchronizeDirectory("/data")
        disk.setFaults([])
        return (disk, file)
    }

    private func code(_ body: () throws -> Void) -> DurableFilesError.Code? {
        (#expect(throws: DurableFilesError.self) { try body() })?.code
    }

    @Test("Synchronised bytes survive power loss; later ones whole, in part, as zeros or not at all")
    func powerLoss() throws {
        var outcomes: Set<String> = []
        for seed in 0..<UInt64(60) {
            let (disk, file) = try make(seed: seed)
            try file.write([UInt8](repeating: 2, count: 6_000), at: 3_000)
            disk.restartMachine()
            let left = try disk.contents(of: path)
            #expect(left.prefix(3_000).allSatisfy { $0 == 1 })
            let rest = left.dropFirst(3_000)
            #expect(rest.allSatisfy { $0 == 2 || $0 == 0 })
            outcomes.insert(
                rest.isEmpty ? "nothing" : rest.contains(0) ? "zeros" : rest.count < 6_000 ? "part" : "whole")
        }
        #expect(outcomes == ["nothing", "zeros", "part", "whole"])
    }

    @Test("A name is durable only after its directory was synchronised")
    func directoryNames() throws {
        var survived = 0
        for seed in 0..<UInt64(40) {
            let (disk, _) = try make(seed: seed)
            let other = try disk.open("/data/other", .createNew(.privateFile))
            try other.synchronizeData()
            try disk.rename(path, to: "/data/renamed")
            disk.restartMachine()
            let names = try disk.list("/data")
            #expect([["file"], ["file", "other"], ["other", "renamed"]].contains(names))
            survived += names.contains("other") ? 1 : 0
        }
        #expect(survived > 0 && survived < 40)
    }

    @Test("A failed synchronisation loses its pages for good, though they can still be read")
    func failedSynchronisation() throws {
        let (disk, file) = try make(seed: 3)
        disk.setFaults([Fault(atOperation: 2, .error(.ioError))])
        try file.write([5], at: 0)
        #expect(code { try file.synchronizeData() } == .syncFailed)
        #expect(try file.read(at: 0, count: 1) == [5])
        try file.synchronizeData()
        disk.restartMachine()
        #expect(try disk.contents(of: path).first == 1)
    }

    @Test("Bytes survive the end of a process without synchronisation; its files do not work any more")
    func processEnd() throws {
        let (disk, file) = try make(seed: 3)
        try file.write([5], at: 0)
        disk.restartProcess()
        #expect(code { try file.write([6], at: 0) } == .powerLost)
        #expect(try disk.contents(of: path).first == 5)
    }

    @Test("The operation that a fault names fails, in the way it says, and others do not")
    func faults() throws {
        let (disk, file) = try make(seed: 9)
        disk.setFaults([
            Fault(atOperation: 2, .error(.ioError)), Fault(atOperation: 3, .shortWrite(.noSpace)),
            Fault(atOperation: 5, .powerLoss),
        ])
        try file.append([1])
        #expect(code { try file.append([2]) } == .failed)
        #expect(try file.size() == 3_001)
        #expect(code { try file.append([UInt8](repeating: 3, count: 100)) } == .diskFull)
        #expect(try (3_001..<3_101).contains(file.size()))
        try file.truncate(to: 3_001)
        #expect(code { try file.append([4]) } == .powerLost)
        #expect(code { _ = try file.size() } == .powerLost)
        #expect(code { _ = try disk.list("/data") } == .powerLost)
        #expect(disk.operationCount == 5)
    }

    @Test("A full disk takes what fits and says so")
    func capacity() throws {
        let (disk, file) = try make(seed: 1)
        disk.setCapacity(3_010)
        #expect(try disk.freeBytes(at: "/") == 10)
        #expect(code { try file.append([UInt8](repeating: 8, count: 11)) } == .diskFull)
        #expect(try file.size() == 3_010)
        try file.write([9], at: 0)
    }

    @Test("Power loss during an atomic write leaves the old file or the new one, whole", arguments: 1...5)
    func atomicWrite(operation: Int) throws {
        for seed in 0..<UInt64(20) {
            let (disk, _) = try make(seed: seed)
            let (old, new) = (try disk.contents(of: path), [UInt8](repeating: 7, count: 5_000))
            disk.setFaults([Fault(atOperation: operation, .powerLoss)])
            #expect(code { try disk.writeAtomically(new, to: path) } == .powerLost)
            disk.restartMachine()
            let left = try disk.contents(of: path)
            #expect(left == old || left == new)
            try disk.writeAtomically(new, to: path)
            disk.restartMachine()
            #expect(try disk.contents(of: path) == new)
        }
    }

    @Test("The same seed gives the same disk")
    func determinism() throws {
        func left(_ seed: UInt64) throws -> [UInt8] {
            let (disk, file) = try make(seed: seed)
            try file.write([UInt8](repeating: 2, count: 20_000), at: 100)
            disk.restartMachine()
            return try disk.contents(of: path)
        }
        for seed in 0..<UInt64(10) { #expect(try left(seed) == left(seed)) }
    }
}
