import Detection
import Synchronization

/// The known incidents in force: the built-in ones and those of the configured directories, read again when their files change.
final class LiveIncidentPack: Sendable {
    private struct State {
        var pack: IncidentPack
        var files: SettledFiles
    }

    private let directories: [String]
    private let state: Mutex<State>

    /// - Throws: ``DetectionError`` for a directory that cannot be listed. Files with faults are left out and named in the
    ///   pack's errors.
    init(directories: [String]) throws {
        self.directories = directories
        let files = SettledFiles(directories: directories)
        state = Mutex(State(pack: try IncidentPack.load(directories: directories), files: files))
    }

    var current: IncidentPack { state.withLock { $0.pack } }

    /// Reads the files again when they changed and have looked the same at two looks, so that none is half written. A directory
    /// that cannot be listed any more changes nothing.
    func reloadIfChanged() {
        guard !directories.isEmpty else { return }
        guard let look = state.withLock({ $0.files.due() }),
            let pack = try? IncidentPack.load(directories: directories)
        else { return }
        state.withLock { state in
            state.files.wereRead(look)
            state.pack = pack
        }
    }
}
