import DurableFiles
import EventModel
import Foundation
import Synchronization
import SystemPackage

/// Counts the lines that need not be remembered any more, from the first on without a gap: batches are acknowledged in any
/// order.
final class KeptLines: Sendable {
    private let state: Mutex<(count: Int, ahead: Set<Int>)> = Mutex((0, []))

    var count: Int { state.withLock(\.count) }

    /// Lines by their numbers, from 1.
    func add(_ numbers: [Int]) {
        state.withLock { state in
            state.ahead.formUnion(numbers)
            while state.ahead.remove(state.count + 1) != nil { state.count += 1 }
        }
    }
}

/// Carries observations to the push, in order, and keeps the memory on disk behind what has been sent or spooled.
///
/// The memory on disk never knows more than the server or the spool: after a crash something is told twice, under the same
/// ids, and nothing is told never.
actor ClusterJournal {
    /// A large cluster's memory is some megabytes; it is not written for each pod.
    static let saveNanoseconds: Int64 = 5_000_000_000

    private var observer: ClusterObserver
    private let memoryPath: FilePath
    private let write: @Sendable ([UInt8], @escaping @Sendable () -> Void) -> Void
    private let context: CommandContext

    private let kept: KeptLines
    private var written = 0
    /// What is true once the first `lines` lines are kept.
    private var snapshot: (lines: Int, memory: ClusterMemory)?
    private var isDirty = false
    private var lastSave: Int64?
    private var hasFailed = false

    /// - Parameter write: Takes whole lines, in the order of the calls; calls back when there is room for more.
    init(
        observer: ClusterObserver, memoryPath: FilePath, kept: KeptLines, context: CommandContext,
        write: @escaping @Sendable ([UInt8], @escaping @Sendable () -> Void) -> Void
    ) {
        self.observer = observer
        self.memoryPath = memoryPath
        self.kept = kept
        self.context = context
        self.write = write
    }

    /// The memory of an earlier run; empty when there is none.
    ///
    /// - Throws: ``CommandFailure`` `refused` for a file that cannot be read: starting over without saying so would hide the
    ///   ends of containers.
    static func memory(at path: FilePath, _ context: CommandContext) throws -> ClusterMemory {
        do {
            guard try context.fileSystem.exists(path) else { return ClusterMemory() }
            return try ClusterMemory(json: try context.fileSystem.contents(of: path))
        } catch {
            throw CommandFailure(
                .refused, "\(path) holds no memory of a watch: \(error); remove it to begin anew")
        }
    }

    /// Lets the observer look at something and sends what it makes of it.
    func record(_ look: @Sendable (inout ClusterObserver, String) -> [ClusterObservation]) async {
        let before = observer.memory.pods.count
        let seen = look(&observer, context.now().text)
        isDirty = isDirty || !seen.isEmpty || observer.memory.pods.count != before
        var lines: [UInt8] = []
        for observation in seen {
            // Nothing in an observation can fail to be encoded.
            guard let line = try? observation.line else { continue }
            lines += line
            written += 1
        }
        takeSnapshot()
        if !lines.isEmpty {
            // Handed over before anything else can be recorded: the push numbers lines in the order in which they come.
            await withCheckedContinuation { room in write(lines) { room.resume() } }
        }
        save()
    }

    /// After the last observation and the end of the push: writes the memory when everything has been kept.
    func finish() {
        // Once for the snapshot that waits, once for what came after it.
        for _ in 0..<2 {
            lastSave = nil
            save()
        }
    }

    private func takeSnapshot() {
        // Copied at its next change: one at a time.
        guard snapshot == nil, isDirty else { return }
        snapshot = (written, observer.memory)
        isDirty = false
    }

    private func save() {
        takeSnapshot()
        guard let (lines, memory) = snapshot, kept.count >= lines else { return }
        let now = context.now().nanoseconds
        if let lastSave, now - lastSave < Self.saveNanoseconds { return }
        do {
            try context.fileSystem.createDirectory(memoryPath.removingLastComponent())
            try context.fileSystem.writeAtomically(try memory.json, to: memoryPath)
            hasFailed = false
        } catch {
            if !hasFailed { context.console.note("note: \(memoryPath) cannot be written: \(error)") }
            hasFailed = true
        }
        lastSave = now
        snapshot = nil
    }
}
