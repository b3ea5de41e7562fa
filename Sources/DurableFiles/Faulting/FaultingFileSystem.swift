import Synchronization
package import SystemPackage

/// A disk in memory that fails where a test tells it to, deterministically from a seed.
///
/// It has a page cache and a disk: bytes reach the disk only by ``File/synchronizeData()``, names only by
/// ``synchronizeDirectory(_:)``. Operations that change something are counted; a ``Fault`` strikes at its number.
/// ``restartProcess()`` keeps the page cache (`kill -9`), ``restartMachine()`` loses it (power loss) and leaves torn,
/// zero-filled or missing pages of what was not synchronised, as the seed has it. Reads do not count and do not fail.
package final class FaultingFileSystem: FileSystem {
    struct State: Sendable {
        var disk = SimulatedDisk()
        var generator: SeededGenerator
        var faults: [Fault] = []
        var operations = 0
        var capacity = Int.max
        var isPowerLost = false
        /// Files opened before the last restart belong to a process that is gone.
        var generation = 0
        var locked: Set<FilePath> = []
        /// The disk before each counted operation, with a part of what that operation would have written; nil when
        /// nobody wants it.
        var recorded: [SimulatedDisk]?
    }

    let state: Mutex<State>

    /// - Parameter seed: decides all that the faults leave open.
    package init(seed: UInt64) {
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
    }

    private init(disk: SimulatedDisk, seed: UInt64) {
        state = Mutex(State(disk: disk, generator: SeededGenerator(seed: seed)))
    }

    /// The number of operations that changed something since the last ``setFaults(_:)`` or restart.
    package var operationCount: Int { state.withLock { $0.operations } }

    /// Sets what will go wrong, and counts operations from 1 again.
    package func setFaults(_ faults: [Fault]) {
        state.withLock {
            $0.faults = faults
            $0.operations = 0
        }
    }

    /// Keeps the disk as each later operation finds it, so that one run gives every moment at which it could have ended:
    /// see ``disk(beforeOperation:seed:)``. Counts operations from 1 again.
    package func recordOperations() {
        state.withLock {
            $0.operations = 0
            $0.recorded = []
        }
    }

    /// A new machine whose disk and page cache are as the counted operation found them, a write half done. Restart its
    /// process or the machine before using it.
    ///
    /// - Parameter operation: From 1 to ``operationCount`` of a recording; one more is the state after the last.
    /// - Parameter seed: Decides what power loss leaves of what was not synchronised.
    package func disk(beforeOperation operation: Int, seed: UInt64) -> FaultingFileSystem {
        let disk = state.withLock { state in
            let recorded = state.recorded ?? []
            return operation <= recorded.count ? recorded[operation - 1] : state.disk
        }
        return FaultingFileSystem(disk: disk, seed: seed)
    }

    /// Another machine with the same disk and page cache as this one has now.
    package func copy(seed: UInt64) -> FaultingFileSystem {
        FaultingFileSystem(disk: state.withLock { $0.disk }, seed: seed)
    }

    /// A digest of every name and byte that programs see: equal for disks that a restart cannot tell apart. Within one process.
    package var fingerprint: Int { state.withLock { $0.disk.fingerprint } }

    /// Limits the bytes of all files together; a write beyond stores what fits and fails with `diskFull`.
    package func setCapacity(_ bytes: Int) {
        state.withLock { $0.capacity = bytes }
    }

    /// The process ends, however it ended, and another one starts: the page cache stays. Clears all faults.
    package func restartProcess() {
        state.withLock { $0.restart() }
    }

    /// The machine loses power and starts again. Clears all faults.
    package func restartMachine() {
        state.withLock {
            $0.disk.losePower(&$0.generator)
            $0.restart()
        }
    }

    /// Changes bytes of a file behind everybody's back, in cache and on disk: what an intruder or a bad disk does.
    package func alter(_ path: FilePath, _ change: (inout [UInt8]) -> Void) {
        state.withLock {
            guard case .file(let number)? = $0.disk.node(path) else { return }
            var bytes = $0.disk.files[number].cached
            change(&bytes)
            $0.disk.files[number] = SimulatedFile()
            $0.disk.files[number].write(bytes, at: 0)
            $0.disk.files[number].synchronize()
        }
    }

    package func open(_ path: FilePath, _ mode: OpenMode) throws -> any File {
        let (number, generation) = try state.withLock { state in
            guard !state.isPowerLost else { throw State.powerLost(path) }
            return (try state.open(path, mode), state.generation)
        }
        return FaultingFile(path: path, number: number, generation: generation, owner: self)
    }

    package func makeDirectory(_ path: FilePath, permissions: FilePermissions) throws {
        try state.withLock {
            try $0.count(path)
            guard $0.disk.node(path) == nil else { throw DurableFilesError(.fileExists, path, during: "mkdir") }
            guard $0.disk.parentExists(of: path) else { throw State.missing(path, "mkdir") }
            $0.disk.addDirectory(path)
        }
    }

    package func list(_ directory: FilePath) throws -> [String] {
        try state.withLock {
            guard !$0.isPowerLost else { throw State.powerLost(directory) }
            guard $0.disk.node(directory) == .directory else { throw State.missing(directory, "opendir") }
            return $0.disk.children(of: directory)
        }
    }

    package func exists(_ path: FilePath) throws -> Bool {
        try state.withLock {
            guard !$0.isPowerLost else { throw State.powerLost(path) }
            return $0.disk.node(path) != nil
        }
    }

    package func remove(_ path: FilePath) throws {
        try state.withLock {
            try $0.count(path)
            _ = try $0.file(path, "unlink")
            $0.disk.remove(path)
        }
    }

    package func rename(_ source: FilePath, to target: FilePath) throws {
        try state.withLock {
            try $0.count(source)
            _ = try $0.file(source, "rename")
            $0.disk.move(source, to: target)
        }
    }

    package func synchronizeDirectory(_ path: FilePath) throws {
        try state.withLock {
            try $0.count(path, isSync: true)
            $0.disk.synchronizeNames(in: path)
        }
    }

    package func freeBytes(at path: FilePath) throws -> UInt64 {
        state.withLock { UInt64(max(0, $0.capacity - $0.disk.usedBytes)) }
    }

    package func volumeBytes(at path: FilePath) throws -> UInt64 { state.withLock { UInt64($0.capacity) } }

    package func map(_ path: FilePath) throws -> MappedFile {
        let bytes = try state.withLock { state in
            guard !state.isPowerLost else { throw State.powerLost(path) }
            return state.disk.files[try state.file(path, "open")].cached
        }
        return MappedFile(copying: bytes, path: path)
    }

    package func lock(directory: FilePath) throws -> DirectoryLock {
        let generation = try state.withLock { state in
            guard !state.isPowerLost else { throw State.powerLost(directory) }
            guard state.locked.insert(directory).inserted else {
                throw DirectoryLock.heldError(directory: directory, holder: nil)
            }
            return state.generation
        }
        return DirectoryLock(directory: directory) { [self] in
            // A lock of an earlier process must not give back the one of its successor.
            state.withLock { if $0.generation == generation { $0.locked.remove(directory) } }
        }
    }
}
