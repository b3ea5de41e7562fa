import DurableFiles
import SystemPackage
import Testing

@testable import Ledger

@Suite("The signer's guard")
struct SignerGuardTests {
    private let disk = FaultingFileSystem(seed: 1)
    private let key: LedgerKey

    init() throws { key = try LedgerKey(name: "custody/0123abcd", seed: Array(0..<32)) }

    private func open(_ directory: FilePath, guard place: FilePath = "/guard") throws -> LedgerWriter {
        let memory = try SignerGuard(directory: place, fileSystem: disk, key: key.verifierKey)
        return try LedgerWriter(directory: directory, fileSystem: disk, signer: key, memory: memory)
    }

    private func memory() throws -> SignerGuard.Memory? {
        try SignerGuard.memory(of: key.verifierKey.name, in: "/guard", fileSystem: disk)
    }

    /// A ledger without a guard of the standard entries, as a copy or backup of a data directory is.
    private func copy(_ path: FilePath, size: UInt64) throws {
        let writer = try LedgerWriter(directory: path, fileSystem: disk, signer: key)
        try writer.append(TreeOfLeaves.entries(0..<size), at: 0)
        try writer.publish()
    }

    @Test("What is signed is remembered first, over restarts too")
    func remembers() throws {
        for size in [10, 300, 700] as [UInt64] {
            let writer = try open("/data")
            try writer.append(TreeOfLeaves.entries(writer.size..<size), at: writer.size)
            try writer.publish()
            #expect(try memory()?.checkpoint == writer.reader.latest?.checkpoint)
        }
    }

    @Test("A restored backup signs nothing, until it has what was signed before")
    func restoredBackup() throws {
        do {
            let writer = try open("/data")
            try writer.append(TreeOfLeaves.entries(0..<700), at: 0)
            try writer.publish()
        }
        try copy("/backup", size: 300)
        let writer = try open("/backup")
        #expect(throws: LedgerError(.rollback, "a tree of 700 leaves was signed before; this one has 300")) {
            try writer.checkGuard()
        }
        try writer.append(TreeOfLeaves.entries(300..<500), at: 300)
        #expect(throws: LedgerError.self) { try writer.publish() }
        #expect(writer.reader.size == 300)
        // The entries are taken all the same; those that were there before, and more, bring it back.
        try writer.append(TreeOfLeaves.entries(500..<900), at: 500)
        #expect(try writer.publish().checkpoint.size == 900)
    }

    @Test("A backup that went on with other events is a fork, and signs nothing ever")
    func forkedBackup() throws {
        do {
            let writer = try open("/data")
            try writer.append(TreeOfLeaves.entries(0..<700), at: 0)
            try writer.publish()
        }
        try copy("/backup", size: 300)
        let writer = try open("/backup")
        try writer.append(TreeOfLeaves.entries(2300..<2900), at: 300)
        let error = #expect(throws: LedgerError.self) { try writer.publish() }
        #expect(error?.code == .fork)
        #expect(try writer.synchronize() == 900)
        #expect(throws: LedgerError.self) { try writer.prepare() }
        #expect(try memory()?.checkpoint.size == 700)
    }

    @Test("A data directory that was begun anew with the old key signs nothing, not even the empty tree")
    func begunAnew() throws {
        do {
            let writer = try open("/data")
            try writer.append(TreeOfLeaves.entries(0..<5), at: 0)
            try writer.publish()
        }
        let writer = try open("/other")
        try writer.append(TreeOfLeaves.entries(0..<3), at: 0)
        #expect(throws: LedgerError.self) { try writer.publish() }
        #expect(try !disk.exists("/other/checkpoint"))
    }

    @Test("A copied directory on a machine whose guard knows nothing signs nothing; so does a lost guard")
    func lostGuard() throws {
        try copy("/data", size: 300)
        let writer = try open("/data")
        try writer.append(TreeOfLeaves.entries(300..<310), at: 300)
        let error = #expect(throws: LedgerError.self) { try writer.publish() }
        #expect(error?.code == .guardLost)
        #expect(try memory() == nil)
    }

    @Test("Two servers on copies of one directory: the second one signs nothing while the first one runs")
    func twoServers() throws {
        let first = try open("/data")
        try first.append(TreeOfLeaves.entries(0..<300), at: 0)
        try first.publish()
        try copy("/copy", size: 300)
        let second = try open("/copy")
        try second.append(TreeOfLeaves.entries(300..<301), at: 300)
        let error = #expect(throws: LedgerError.self) { try second.publish() }
        #expect(error?.code == .guardLost && error?.reason.contains("two servers") == true)
        try first.append(TreeOfLeaves.entries(300..<310), at: 300)
        #expect(try first.publish().checkpoint.size == 310)
    }

    @Test("A damaged memory is none, and is not overwritten")
    func damagedMemory() throws {
        do { try open("/data").publish() }
        let file = SignerGuard.directory(of: key.verifierKey.name, in: "/guard").appending("signed")
        let good = try disk.contents(of: file)
        for bad in [[], Array(good.dropLast(3)), Array("x".utf8) + good, Array(good.dropFirst(20))] {
            try disk.writeAtomically(bad, to: file)
            let writer = try open("/data")
            try writer.append(TreeOfLeaves.entries(0..<1), at: 0)
            let error = #expect(throws: LedgerError.self) { try writer.publish() }
            #expect(error?.code == .guardLost)
            #expect(try disk.contents(of: file) == bad)
        }
    }

    @Test("After power loss at any operation, the ledger goes on, and no signature is outside the guard's memory")
    func crash() throws {
        var operation = 1
        while true {
            let disk = FaultingFileSystem(seed: UInt64(operation))
            func open() throws -> LedgerWriter {
                try LedgerWriter(
                    directory: "/data", fileSystem: disk, signer: key,
                    memory: SignerGuard(directory: "/guard", fileSystem: disk, key: key.verifierKey))
            }
            disk.setFaults([Fault(atOperation: operation, .powerLoss)])
            var signed: Checkpoint?
            var isFinished = false
            do {
                let writer = try open()
                for size in [3, 256, 300] as [UInt64] {
                    try writer.append(TreeOfLeaves.entries(writer.size..<size), at: writer.size)
                    signed = try writer.prepare()?.checkpoint
                    try writer.publish()
                }
                isFinished = true
            } catch {
                // The fault struck; what was signed up to here counts.
            }
            disk.restartMachine()
            let memory = try SignerGuard.memory(of: key.verifierKey.name, in: "/guard", fileSystem: disk)
            #expect(memory?.checkpoint.size ?? 0 >= signed?.size ?? 0, "operation \(operation)")
            let writer = try open()
            try writer.append(TreeOfLeaves.entries(writer.size..<310), at: writer.size)
            #expect(try writer.publish().checkpoint.root == TreeOfLeaves(size: 310).root(310))
            if isFinished { break }
            operation += 1
        }
        #expect(operation > 40)
    }
}
