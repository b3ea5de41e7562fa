import DurableFiles
import Synchronization
import SystemPackage

/// Which frame of which file holds an index. Shared by the writer, which adds, and readers, which look up.
final class JournalCatalogue: Sendable {
    struct Frame: Sendable, Hashable {
        let firstIndex: UInt64
        let offset: UInt64
        let length: UInt32
    }

    struct File: Sendable {
        let firstIndex: UInt64
        let file: any DurableFiles.File
        var frames: [Frame] = []
    }

    /// A frame that was found, with all that is needed to read it. The file stays open while this lives.
    struct Location: Sendable {
        let file: any DurableFiles.File
        let frame: Frame
    }

    private struct State: Sendable {
        var files: [File]
        var nextIndex: UInt64
    }

    private let state: Mutex<State>

    init(files: [File], nextIndex: UInt64) {
        state = Mutex(State(files: files, nextIndex: nextIndex))
    }

    /// The indexes that are in the journal.
    var indexes: Range<UInt64> {
        state.withLock { ($0.files.first?.firstIndex ?? $0.nextIndex)..<$0.nextIndex }
    }

    /// Finds the frame that holds an index; nil when it is not in the journal.
    func locate(_ index: UInt64) -> Location? {
        state.withLock { state in
            guard index < state.nextIndex else { return nil }
            let fileNumber = state.files.partitioningIndex { $0.firstIndex > index } - 1
            guard fileNumber >= 0 else { return nil }
            let file = state.files[fileNumber]
            let frameNumber = file.frames.partitioningIndex { $0.firstIndex > index } - 1
            guard frameNumber >= 0 else { return nil }
            return Location(file: file.file, frame: file.frames[frameNumber])
        }
    }

    func beginFile(_ file: File) {
        state.withLock { $0.files.append(file) }
    }

    /// Adds a frame that is durable to the newest file.
    func append(_ frame: Frame, nextIndex: UInt64) {
        state.withLock {
            $0.files[$0.files.count - 1].frames.append(frame)
            $0.nextIndex = nextIndex
        }
    }

    /// Takes the oldest file out when all its indexes are below a bound and it is not the newest.
    func removeOldest(before bound: UInt64) -> FilePath? {
        state.withLock { state in
            guard state.files.count > 1, state.files[1].firstIndex <= bound else { return nil }
            return state.files.removeFirst().file.path
        }
    }
}

extension Array {
    /// The first position whose element satisfies a condition that holds for all elements after it.
    fileprivate func partitioningIndex(where isAfter: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isAfter(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
