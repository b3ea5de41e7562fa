import AccessControl
import Connectors
import Identity
import Logging
import Synchronization

/// The connectors in force: the built-in ones and those of the configured directories, read again when their files change.
///
/// A request takes the catalogue once and keeps it, so that no delivery is read half with one and half with another. Files that
/// do not compile, or without which a source would have no connector, change nothing: the catalogue before them stays.
final class LiveConnectors: Sendable {
    enum Outcome: Equatable {
        /// Nothing changed, or files were still being written.
        case unchanged
        case reloaded(connectors: Int)
        /// What is wrong, with file and line; told once for each state of the files.
        case refused(reason: String)
    }

    private struct State {
        var catalogue: ConnectorCatalogue
        var files: SettledFiles
        var reloads = 0
        var failures = 0
    }

    private let directories: [String]
    private let state: Mutex<State>

    /// - Throws: ``ConnectorError`` with file, line and reason: a server does not start with connectors it cannot read.
    init(directories: [String]) throws {
        self.directories = directories
        let files = SettledFiles(directories: directories)
        state = Mutex(State(catalogue: try Self.load(directories), files: files))
    }

    private static func load(_ directories: [String]) throws -> ConnectorCatalogue {
        try directories.reduce(ConnectorCatalogue.builtIn) { try $0.adding(filesIn: $1) }
    }

    var current: ConnectorCatalogue { state.withLock { $0.catalogue } }

    /// Reads the files again when they changed and have looked the same at two looks, so that none is half written.
    ///
    /// - Parameter needed: Connectors that sources name.
    /// - Complexity: One look at each file's attributes; a compilation of each when something changed.
    func reloadIfChanged(needed: @autoclosure () -> [String]) -> Outcome {
        guard let look = state.withLock({ $0.files.due() }) else { return .unchanged }
        let result = Result {
            let catalogue = try Self.load(directories)
            for name in needed() { _ = try catalogue.connector(named: name) }
            return catalogue
        }
        return state.withLock { state in
            state.files.wereRead(look)
            switch result {
            case .success(let catalogue):
                state.catalogue = catalogue
                state.reloads += 1
                return .reloaded(connectors: catalogue.connectors.count)
            case .failure(let error):
                state.failures += 1
                return .refused(reason: (error as? ConnectorError)?.description ?? String(describing: error))
            }
        }
    }

    var samples: [ServerMetrics.Sample] {
        let (count, reloads, failures) = state.withLock { ($0.catalogue.connectors.count, $0.reloads, $0.failures) }
        return [
            .init(.gauge, "custody_connectors", "Connectors in force.", Double(count)),
            .init(
                .counter, "custody_connector_reloads_total", "Times that changed connector files were taken over.",
                Double(reloads)),
            .init(
                .counter, "custody_connector_reload_failures_total",
                "Times that changed connector files were refused; those before them stay in force.", Double(failures)),
        ]
    }
}

/// Looks every few seconds whether the files of connectors changed. Puts on record what came of it: from then on events are read
/// in another way.
struct ConnectorReloader: Sendable {
    /// Somebody who writes a connector waits twice this long; a look costs a few microseconds a file.
    static let seconds: Int64 = 2

    let state: ServerState
    let sleep: @Sendable (Duration) async throws -> Void

    init(
        _ state: ServerState,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.state = state
        self.sleep = sleep
    }

    /// Runs until the task is cancelled; returns at once when no directory is configured.
    func run() async {
        guard !state.configuration.connectorDirectories.isEmpty else { return }
        while !Task.isCancelled {
            do {
                try await sleep(.seconds(Self.seconds))
            } catch {
                return
            }
            reload()
        }
    }

    func reload() {
        let names = { state.sources.list().map(\.connector).filter { $0 != SourceStore.automatic } }
        let reason: String?
        switch state.connectors.reloadIfChanged(needed: names()) {
        case .unchanged: return
        case .reloaded(let count):
            reason = nil
            state.logger.info("connectors were read again", metadata: ["connectors": "\(count)"])
        case .refused(let text):
            reason = text
            state.logger.error("changed connectors were refused; those before stay", metadata: ["reason": "\(text)"])
        }
        do {
            try state.audit.record(
                AuditEntry(
                    "connector.reload", activity: "update", outcome: reason == nil ? "success" : "failure",
                    reason: reason,
                    actor: .system, resource: ("connectors", state.configuration.connectorDirectories.first)))
        } catch {
            state.logger.error("the reload could not be put on record", metadata: ["error": "\(error)"])
        }
    }
}
