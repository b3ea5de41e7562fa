import Synchronization

/// How much of a mapped file was read since its memory was given back, each part counted once however often it is read.
final class TouchedPages: Sendable {
    /// What is counted as a whole: a file of some hundred megabytes has a few thousand.
    private static let chunkBytes = 64 << 10

    private struct State {
        /// One bit a chunk.
        var chunks: [UInt64]
        var bytes = 0
    }

    private let state: Mutex<State>

    init(fileBytes: Int) {
        state = Mutex(State(chunks: [UInt64](repeating: 0, count: fileBytes / Self.chunkBytes / 64 + 1)))
    }

    /// Bytes of the file, and of what was added beside.
    var bytes: Int { state.withLock(\.bytes) }

    /// Notes that a part of the file is read.
    func insert(_ range: Range<Int>) {
        guard !range.isEmpty else { return }
        state.withLock { state in
            for chunk in range.lowerBound / Self.chunkBytes...(range.upperBound - 1) / Self.chunkBytes
            where state.chunks[chunk / 64] & (1 << UInt64(chunk % 64)) == 0 {
                state.chunks[chunk / 64] |= 1 << UInt64(chunk % 64)
                state.bytes += Self.chunkBytes
            }
        }
    }

    /// Notes memory that is held as long as the file's.
    func add(_ bytes: Int) { state.withLock { $0.bytes += bytes } }

    func removeAll() {
        state.withLock { state in
            for word in state.chunks.indices { state.chunks[word] = 0 }
            state.bytes = 0
        }
    }
}
