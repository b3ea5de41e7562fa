import Dispatch
import Foundation
import Synchronization

/// Reads inputs one after another on a thread of its own, so that a silent pipe blocks nothing else.
final class InputLane: Sendable {
    private struct State {
        var files: ArraySlice<String>
        var reader: BatchReader?
        var descriptor: Int32?
    }

    private let queue = DispatchQueue(label: "custody.push.input")
    private let state: Mutex<State>
    private let interrupted = Atomic<Bool>(false)
    private let context: CommandContext

    /// - Parameter files: Paths; `-` is standard input.
    init(files: [String], context: CommandContext) {
        self.context = context
        state = Mutex(State(files: files[...]))
    }

    /// Ends the input after what has been read and what a pipe holds: it is still handed out.
    func interrupt() { interrupted.store(true, ordering: .relaxed) }

    /// Leaves files alone from here on, and ends a pipe after what it holds: that is nowhere else.
    ///
    /// Not to be called while a ``next()`` runs.
    ///
    /// - Returns: Whether there is a pipe, so that ``next()`` may have more.
    func keepPipes() throws -> Bool {
        interrupt()
        return try state.withLock { state in
            if state.reader == nil, state.files.contains("-") { try open("-", &state) }
            state.files = []
            if state.reader?.canBeReadAgain == true { state.reader = nil }
            return state.reader != nil
        }
    }

    /// The next batch of the inputs; nil at their end.
    ///
    /// - Throws: ``CommandFailure`` `refused` when an input cannot be opened or read.
    func next() async throws -> PushBatch? {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try self.read() }) }
        }
    }

    private func read() throws -> PushBatch? {
        try state.withLock { state in
            while !interrupted.load(ordering: .relaxed) || state.reader != nil {
                if state.reader == nil {
                    guard let file = state.files.popFirst() else { return nil }
                    try open(file, &state)
                }
                if let batch = try state.reader?.next() { return batch }
                state.reader = nil
                if let descriptor = state.descriptor { close(descriptor) }
                state.descriptor = nil
            }
            return nil
        }
    }

    private func open(_ file: String, _ state: inout State) throws {
        var descriptor = context.standardInput
        if file != "-" {
            descriptor = Foundation.open(file, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw CommandFailure(.refused, "\(file): \(String(cString: strerror(errno)))")
            }
            state.descriptor = descriptor
        }
        state.reader = BatchReader(
            descriptor: descriptor, file: file, newKey: context.newKey, now: context.now,
            isInterrupted: { [weak self] in self?.interrupted.load(ordering: .relaxed) ?? true })
    }
}
