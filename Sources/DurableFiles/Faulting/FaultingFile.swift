import Synchronization
import SystemPackage

/// A file of a ``FaultingFileSystem``.
final class FaultingFile: File {
    let path: FilePath
    private let number: Int
    private let generation: Int
    private let owner: FaultingFileSystem

    init(path: FilePath, number: Int, generation: Int, owner: FaultingFileSystem) {
        self.path = path
        self.number = number
        self.generation = generation
        self.owner = owner
    }

    func size() throws -> UInt64 {
        try owner.state.withLock { state in
            try requireAlive(state)
            return UInt64(state.disk.files[number].cached.count)
        }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws -> Int {
        try owner.state.withLock { state in
            try requireAlive(state)
            return state.disk.files[number].cached.withUnsafeBytes { bytes in
                guard offset < UInt64(bytes.count) else { return 0 }
                let rest = bytes[Int(offset)...].prefix(buffer.count)
                UnsafeMutableRawBufferPointer(rebasing: buffer[..<rest.count])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest))
                return rest.count
            }
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws {
        // The pointer must not enter the lock's closure as sent state; a copy may.
        let content = Array(bytes)
        try owner.state.withLock { state in
            try requireAlive(state)
            let effect = try state.countFault(path)
            switch effect {
            case nil:
                state.recordPart(of: content, to: number, at: Int(offset))
                try state.write(content, to: number, at: Int(offset), path)
            case .error(let errno): throw DurableFilesError(errno, path, during: "simulated fault")
            case .shortWrite(let errno):
                try state.writePart(content, to: number, at: Int(offset), path)
                throw DurableFilesError(errno, path, during: "simulated fault")
            case .powerLoss:
                try? state.writePart(content, to: number, at: Int(offset), path)
                state.isPowerLost = true
                throw FaultingFileSystem.State.powerLost(path)
            }
        }
    }

    func synchronizeData() throws {
        try owner.state.withLock { state in
            try requireAlive(state)
            do {
                try state.count(path, isSync: true)
            } catch let error as DurableFilesError where error.code == .syncFailed {
                state.disk.files[number].failSynchronizing()
                throw error
            }
            state.disk.files[number].synchronize()
        }
    }

    func truncate(to size: UInt64) throws {
        try owner.state.withLock { state in
            try requireAlive(state)
            try state.count(path)
            state.disk.files[number].truncate(to: Int(size))
        }
    }

    private func requireAlive(_ state: borrowing FaultingFileSystem.State) throws {
        guard !state.isPowerLost, state.generation == generation else {
            throw FaultingFileSystem.State.powerLost(path)
        }
    }
}

extension FaultingFileSystem.State {
    /// Writes all bytes, or those that fit, and then throws `diskFull`.
    mutating func write(_ bytes: [UInt8], to number: Int, at offset: Int, _ path: FilePath) throws {
        let growth = max(0, offset + bytes.count - disk.files[number].cached.count)
        let missing = capacity == .max ? 0 : max(0, growth - max(0, capacity - disk.usedBytes))
        disk.files[number].write(Array(bytes.dropLast(missing)), at: offset)
        guard missing == 0 else { throw DurableFilesError(.noSpace, path, during: "pwrite") }
    }

    /// Lets the disk that was recorded for this operation have a part of what it writes.
    mutating func recordPart(of bytes: [UInt8], to number: Int, at offset: Int) {
        guard recorded != nil else { return }
        let part = Int.random(in: 0..<max(1, bytes.count), using: &generator)
        recorded?[operations - 1].files[number].write(Array(bytes.prefix(part)), at: offset)
    }

    /// Writes a part of the bytes that is never all of them.
    mutating func writePart(_ bytes: [UInt8], to number: Int, at offset: Int, _ path: FilePath) throws {
        let part = Int.random(in: 0..<max(1, bytes.count), using: &generator)
        try write(Array(bytes.prefix(part)), to: number, at: offset, path)
    }
}
