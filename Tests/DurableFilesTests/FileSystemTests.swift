import DurableFiles
import Foundation
import SystemPackage
import Testing

/// What both file systems promise, checked on both.
@Suite("File systems")
final class FileSystemTests {
    enum Kind: CaseIterable { case real, simulated }

    private let root = FilePath(FileManager.default.temporaryDirectory.path)
        .appending("durable-files-\(UUID().uuidString)")

    deinit { try? FileManager.default.removeItem(atPath: root.string) }

    private func make(_ kind: Kind) throws -> any FileSystem {
        let system: any FileSystem =
            switch kind {
            case .real: RealFileSystem()
            case .simulated: FaultingFileSystem(seed: 1)
            }
        try system.createDirectory(root.appending("deep"))
        return system
    }

    private func code(_ body: () throws -> Void) -> DurableFilesError.Code? {
        (#expect(throws: DurableFilesError.self) { try body() })?.code
    }

    @Test("Bytes are read where they were written, and reads end at the end", arguments: Kind.allCases)
    func readsAndWrites(kind: Kind) throws {
        let system = try make(kind)
        let file = try system.open(root.appending("a"), .createNew(.privateFile))
        try file.write([1, 2, 3], at: 0)
        try file.write([9], at: 5)
        try file.append([7])
        try file.synchronizeData()
        #expect(try file.size() == 7)
        #expect(try system.contents(of: file.path) == [1, 2, 3, 0, 0, 9, 7])
        #expect(try file.read(at: 1, count: 2) == [2, 3])
        #expect(code { _ = try file.read(at: 5, count: 3) } == .endOfFile)
        try file.truncate(to: 2)
        try file.truncate(to: 3)
        #expect(try system.contents(of: file.path) == [1, 2, 0])
        #expect(try file.read(at: 100, count: 0) == [])
    }

    @Test("Names can be made, listed in order, renamed and removed", arguments: Kind.allCases)
    func names(kind: Kind) throws {
        let system = try make(kind)
        for name in ["b", "a", "B"] { _ = try system.open(root.appending(name), .openOrCreate(.privateFile)) }
        #expect(try system.list(root) == ["B", "a", "b", "deep"])
        try system.rename(root.appending("a"), to: root.appending("b"))
        try system.remove(root.appending("B"))
        try system.synchronizeDirectory(root)
        #expect(try system.list(root) == ["b", "deep"])
        #expect(try system.exists(root.appending("b")) && !system.exists(root.appending("a")))
        #expect(try system.freeBytes(at: root) > 0)
    }

    @Test("What is missing or in the way has an error of its own", arguments: Kind.allCases)
    func errors(kind: Kind) throws {
        let system = try make(kind)
        let path = root.appending("x")
        #expect(code { _ = try system.open(path, .read) } == .notFound)
        #expect(code { _ = try system.open(path, .write) } == .notFound)
        #expect(code { try system.remove(path) } == .notFound)
        #expect(code { try system.rename(path, to: path) } == .notFound)
        #expect(code { _ = try system.list(path) } == .notFound)
        #expect(code { _ = try system.map(path) } == .notFound)
        #expect(code { _ = try system.open(path.appending("y"), .createNew(.privateFile)) } == .notFound)
        _ = try system.open(path, .createNew(.privateFile))
        #expect(code { _ = try system.open(path, .createNew(.privateFile)) } == .alreadyExists)
        #expect(code { try system.makeDirectory(root, permissions: .privateDirectory) } == .alreadyExists)
        try system.createDirectory(root)
    }

    @Test("An atomic write replaces the whole file, over a temporary one left behind too", arguments: Kind.allCases)
    func atomicWrite(kind: Kind) throws {
        let system = try make(kind)
        let path = root.appending("settings")
        _ = try system.open(root.appending("settings.tmp"), .createNew(.privateFile))
        try system.writeAtomically([1, 2, 3], to: path)
        try system.writeAtomically([4], to: path)
        #expect(try system.contents(of: path) == [4])
        #expect(try system.list(root) == ["deep", "settings"])
    }

    @Test("A mapped file shows the file's bytes, even after the file was removed", arguments: Kind.allCases)
    func mapping(kind: Kind) throws {
        let system = try make(kind)
        let path = root.appending("mapped")
        try system.writeAtomically(Array(0..<200), to: path)
        try system.writeAtomically([], to: root.appending("empty"))
        let mapped = try system.map(path)
        try system.remove(path)
        #expect(mapped.withUnsafeBytes { Array($0) } == Array(0..<200))
        for range in [0..<200, 3..<7, 0..<0, 200..<200] {
            mapped.release(range)
            #expect(mapped.withUnsafeBytes { Array($0) } == Array(0..<200))
        }
        #expect(try system.map(root.appending("empty")).count == 0)
    }

    @Test(
        "A mapped file reads the same after its memory was given back", arguments: Kind.allCases)
    func releasing(kind: Kind) throws {
        let system = try make(kind)
        let path = root.appending("mapped")
        let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try system.writeAtomically(content, to: path)
        let mapped = try system.map(path)
        try system.remove(path)
        #expect(mapped.withUnsafeBytes { Array($0) } == content)
        mapped.release(5_000..<5_000)
        mapped.release(5_000..<70_001)
        mapped.release(0..<content.count)
        #expect(mapped.withUnsafeBytes { Array($0) } == content)
    }

    @Test(
        "A mapped file reads the same after it was read ahead, and what was read is in memory", arguments: Kind.allCases
    )
    func prefetchedMapping(kind: Kind) throws {
        let system = try make(kind)
        let path = root.appending("mapped")
        let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        try system.writeAtomically(content, to: path)
        let mapped = try system.map(path)
        for range in [0..<0, 5_000..<70_001, 0..<content.count, content.count..<content.count] {
            mapped.prefetch(range)
        }
        #expect(mapped.withUnsafeBytes { Array($0) } == content)
        for range in [0..<0, 5_000..<70_001, 99_999..<100_000] { #expect(mapped.isResident(range)) }
    }

    @Test("A part of a mapped file of which only the ends were read, with what is beside it, is not in memory")
    func residentEnds() throws {
        let system = try make(.real)
        let path = root.appending("mapped")
        try system.writeAtomically([UInt8](repeating: 7, count: 100_000), to: path)
        let descriptor = open(path.string, O_RDONLY)
        defer { close(descriptor) }
        #expect(posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0)
        let mapped = try system.map(path)
        // A file system in memory has it whatever it is told.
        guard !mapped.isResident(0..<1) else { return }
        #expect(mapped.withUnsafeBytes { $0[0] &+ $0[99_999] } == 14)
        #expect(mapped.isResident(0..<1) && mapped.isResident(99_990..<100_000))
        #expect(!mapped.isResident(128..<100_000) && !mapped.isResident(0..<99_990))
    }

    @Test("A directory has one holder at a time, and the error names the directory", arguments: Kind.allCases)
    func locking(kind: Kind) throws {
        let system = try make(kind)
        do {
            let lock = try system.lock(directory: root)
            #expect(lock.directory == root)
            let error = #expect(throws: DurableFilesError.self) { _ = try system.lock(directory: root) }
            #expect(error?.code == .directoryLocked && error?.path == root)
            if kind == .real {
                #expect(error?.description.contains("process \(ProcessInfo.processInfo.processIdentifier)") == true)
            }
            withExtendedLifetime(lock) {}
        }
        _ = try system.lock(directory: root)
    }

    @Test("What Custody makes is private to its account")
    func permissions() throws {
        let system = try make(.real)
        try system.writeAtomically([1], to: root.appending("secret"))
        let mode = { try FileManager.default.attributesOfItem(atPath: $0)[.posixPermissions] as? Int }
        #expect(try mode(root.appending("secret").string) == 0o600)
        #expect(try mode(root.appending("deep").string) == 0o700)
    }

    @Test(
        "A device without space is an error of its own",
        .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func fullDevice() throws {
        let file = try RealFileSystem().open("/dev/full", .write)
        #expect(code { try file.write([1], at: 0) } == .diskFull)
    }
}
