import AccessControl
import Connectors
import Logging
import Synchronization

/// The tables in force, read again when their files change: as ``LiveConnectors``.
final class LiveEnrichment: Sendable {
    enum Outcome: Equatable {
        /// Nothing changed, or files were still being written.
        case unchanged
        case reloaded(tables: Int, rows: Int)
        /// What is wrong, with file and line; told once for each state of the files.
        case refused(reason: String)
    }

    private struct State {
        var enrichment: Enrichment
        var files: SettledFiles
        var reloads = 0
        /// Why the files as they are now were refused; nil when they are in force.
        var refusal: String?
        var failures = 0
    }

    private let directories: [String]
    private let state: Mutex<State>

    /// - Throws: ``ConnectorError`` with file, line and reason: a server does not start with tables it cannot read.
    init(directories: [String]) throws {
        self.directories = directories
        let files = SettledFiles(directories: directories, fingerprint: { Enrichment.fingerprint(ofFilesIn: $0) })
        let enrichment = try directories.isEmpty ? Enrichment.none : Enrichment(directories: directories)
        state = Mutex(State(enrichment: enrichment, files: files))
    }

    var current: Enrichment { state.withLock { $0.enrichment } }
    var refusal: String? { state.withLock { $0.refusal } }

    /// Reads the files again when they changed and have looked the same at two looks, so that none is half written. Files that
    /// cannot be tables change nothing.
    ///
    /// - Complexity: One look at each file's attributes; reading all of them when something changed.
    func reloadIfChanged() -> Outcome {
        guard let look = state.withLock({ $0.files.due() }) else { return .unchanged }
        let result = Result { try Enrichment(directories: directories) }
        return state.withLock { state in
            state.files.wereRead(look)
            switch result {
            case .success(let enrichment):
                state.enrichment = enrichment
                state.refusal = nil
                state.reloads += 1
                return .reloaded(tables: enrichment.tables.count, rows: enrichment.rowCount)
            case .failure(let error):
                let reason = (error as? ConnectorError)?.description ?? String(describing: error)
                state.refusal = reason
                state.failures += 1
                return .refused(reason: reason)
            }
        }
    }

    var samples: [ServerMetrics.Sample] {
        let (enrichment, reloads, failures) = state.withLock { ($0.enrichment, $0.reloads, $0.failures) }
        return [
            .init(
                .gauge, "custody_enrichment_tables", "Tables that events are enriched from.",
                Double(enrichment.tables.count)),
            .init(.gauge, "custody_enrichment_rows", "Rows of these tables.", Double(enrichment.rowCount)),
            .init(
                .counter, "custody_enrichment_reloads_total", "Times that changed tables were taken over.",
                Double(reloads)),
            .init(
                .counter, "custody_enrichment_reload_failures_total",
                "Times that changed tables were refused; those before them stay in force.", Double(failures)),
        ]
    }
}

extension Enrichment {
    var rowCount: Int { tables.reduce(0) { $0 + $1.rowCount } }
}

/// Looks every few seconds whether tables changed, and puts on record what came of it.
struct EnrichmentReloader: Sendable {
    let state: ServerState

    /// Runs until the task is cancelled; returns at once when no directory is configured.
    func run() async {
        guard !state.configuration.enrichmentDirectories.isEmpty else { return }
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(ConnectorReloader.seconds))
            reload()
        }
    }

    func reload() {
        let reason: String?
        switch state.enrichment.reloadIfChanged() {
        case .unchanged: return
        case .reloaded(let tables, let rows):
            reason = nil
            state.logger.info("tables were read again", metadata: ["tables": "\(tables)", "rows": "\(rows)"])
        case .refused(let text):
            reason = text
            state.logger.error("changed tables were refused; those before stay", metadata: ["reason": "\(text)"])
        }
        do {
            try state.audit.record(
                AuditEntry(
                    "enrichment.reload", activity: "update", outcome: reason == nil ? "success" : "failure",
                    reason: reason, actor: .system,
                    resource: ("tables", state.configuration.enrichmentDirectories.first)))
        } catch {
            state.logger.error("the reload could not be put on record", metadata: ["error": "\(error)"])
        }
    }
}
