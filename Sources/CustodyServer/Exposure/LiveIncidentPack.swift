import Connectors
import Detection
import Synchronization

/// The known incidents in force: the built-in ones and those of the configured directories, read again when their files change.
final class LiveIncidentPack: Sendable {
    private struct State {
        var pack: IncidentPack
        /// What the files looked like when they were last read.
        var read: [String]
        /// What they looked like at the last look.
        var seen: [String]
    }

    private let directories: [String]
    private let state: Mutex<State>

    /// - Throws: ``DetectionError`` for a directory that cannot be listed. Files with faults are left out and named in the
    ///   pack's errors.
    init(directories: [String]) throws {
        self.directories = directories
        let fingerprint = ConnectorCatalogue.fingerprint(ofFilesIn: directories)
        state = Mutex(
            State(pack: try IncidentPack.load(directories: directories), read: fingerprint, seen: fingerprint))
    }

    var current: IncidentPack { state.withLock { $0.pack } }

    /// Reads the files again when they changed and have looked the same at two looks, so that none is half written. A directory
    /// that cannot be listed any more changes nothing.
    func reloadIfChanged() {
        guard !directories.isEmpty else { return }
        let fingerprint = ConnectorCatalogue.fingerprint(ofFilesIn: directories)
        let isSettled = state.withLock { state in
            defer { state.seen = fingerprint }
            return fingerprint != state.read && fingerprint == state.seen
        }
        guard isSettled, let pack = try? IncidentPack.load(directories: directories) else { return }
        state.withLock { state in
            state.read = fingerprint
            state.pack = pack
        }
    }
}
