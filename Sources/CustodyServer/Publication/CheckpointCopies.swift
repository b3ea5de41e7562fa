import DurableFiles
import Foundation
import Ledger
import NIOHTTP1
import Synchronization
import SystemPackage

/// Copies the published checkpoint to places out of this server's reach, on a schedule: a directory (an object store's mount, a
/// disk of another machine) or an HTTP address.
///
/// Each place has a pace of its own and is tried again at that pace. A copy that fails is counted and shown; nothing waits
/// for it. Runs until its task is cancelled.
final class CheckpointCopies: Sendable {
    /// How long an address may take.
    static let timeout = Duration.seconds(10)

    struct Status: Sendable {
        let target: String
        /// The size of the checkpoint that was copied last.
        var size: UInt64 = 0
        var failures = 0
        /// Why the last attempt failed; nil when it did not.
        var failure: String?
    }

    /// Sends a body to an address and returns the answer's status.
    typealias Put = @Sendable (_ body: [UInt8], _ url: String) async throws -> Int

    private let copies: [ServerConfiguration.CheckpointCopy]
    private let fileSystem: any FileSystem
    private let put: Put
    private let sleep: @Sendable (Duration) async throws -> Void
    private let state: Mutex<[Status]>

    init(
        _ copies: [ServerConfiguration.CheckpointCopy], fileSystem: any FileSystem,
        put: @escaping Put = { try await HTTPWitnessTransport.send(.PUT, $1, $0, timeout).status },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.copies = copies
        self.fileSystem = fileSystem
        self.put = put
        self.sleep = sleep
        state = Mutex(
            copies.map {
                switch $0.target {
                case .directory(let path): Status(target: path.string)
                case .url(let url): Status(target: url)
                }
            })
    }

    /// How each place does, in the configuration's order.
    var statuses: [Status] { state.withLock { $0 } }

    func run(_ latest: @escaping @Sendable () -> SignedCheckpoint?) async {
        await withTaskGroup(of: Void.self) { group in
            for place in copies.indices { group.addTask { await self.run(place, latest) } }
        }
    }

    private func run(_ place: Int, _ latest: @Sendable () -> SignedCheckpoint?) async {
        while !Task.isCancelled {
            if let signed = latest(), signed.checkpoint.size != state.withLock({ $0[place].size }) {
                await copy(signed, to: place)
            }
            guard (try? await sleep(.seconds(copies[place].seconds))) != nil else { return }
        }
    }

    /// Makes one copy and notes how it went.
    func copy(_ signed: SignedCheckpoint, to place: Int) async {
        var failure: String?
        do {
            switch copies[place].target {
            case .directory(let directory):
                try write(signed, to: directory)
            case .url(let url):
                let status = try await put(signed.note.bytes, url)
                if !(200..<300).contains(status) { failure = "it answered \(status)" }
            }
        } catch {
            failure = "\(error)"
        }
        state.withLock { [failure] state in
            state[place].failure = failure
            if failure == nil { state[place].size = signed.checkpoint.size } else { state[place].failures += 1 }
        }
    }

    /// A file of each size is never replaced: what was copied before stays where it was put.
    private func write(_ signed: SignedCheckpoint, to directory: FilePath) throws {
        try fileSystem.createDirectory(directory)
        let file = directory.appending("checkpoint.\(signed.checkpoint.size)")
        if try !fileSystem.exists(file) {
            try fileSystem.writeAtomically(signed.note.bytes, to: file, permissions: .publicFile)
        }
        try fileSystem.writeAtomically(
            signed.note.bytes, to: directory.appending("checkpoint"), permissions: .publicFile)
    }
}

extension FilePermissions {
    /// 0644: what is for others to read.
    fileprivate static let publicFile: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
}
