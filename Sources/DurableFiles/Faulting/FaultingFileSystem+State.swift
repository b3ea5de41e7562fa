import SystemPackage

extension FaultingFileSystem.State {
    static func powerLost(_ path: FilePath) -> DurableFilesError {
        DurableFilesError(.powerLost, path, "the simulated machine has lost power")
    }

    static func missing(_ path: FilePath, _ call: String) -> DurableFilesError {
        DurableFilesError(.noSuchFileOrDirectory, path, during: call)
    }

    /// Counts an operation that changes something, and throws what a fault has in store for it.
    mutating func count(_ path: FilePath, isSync: Bool = false) throws {
        switch try countFault(path) {
        case nil: return
        case .powerLoss:
            isPowerLost = true
            throw Self.powerLost(path)
        case .error(let errno), .shortWrite(let errno):
            guard isSync else { throw DurableFilesError(errno, path, during: "simulated fault") }
            throw DurableFilesError(.syncFailed, path, "simulated fault", errno: errno)
        }
    }

    /// Counts an operation and returns the fault that strikes it.
    mutating func countFault(_ path: FilePath) throws -> Fault.Effect? {
        guard !isPowerLost else { throw Self.powerLost(path) }
        operations += 1
        recorded?.append(disk)
        return faults.first { $0.operation == operations }?.effect
    }

    mutating func open(_ path: FilePath, _ mode: OpenMode) throws -> Int {
        switch mode {
        case .read, .write: return try file(path, "open")
        case .openOrCreate where disk.node(path) != nil: return try file(path, "open")
        case .createNew where disk.node(path) != nil: throw DurableFilesError(.fileExists, path, during: "open")
        case .createNew, .openOrCreate:
            try count(path)
            guard disk.parentExists(of: path) else { throw Self.missing(path, "open") }
            return disk.addFile(path)
        }
    }

    func file(_ path: FilePath, _ call: String) throws -> Int {
        switch disk.node(path) {
        case .file(let number): return number
        case .directory: throw DurableFilesError(.isDirectory, path, during: call)
        case nil: throw Self.missing(path, call)
        }
    }

    mutating func restart() {
        faults = []
        operations = 0
        isPowerLost = false
        generation += 1
        locked = []
    }
}
