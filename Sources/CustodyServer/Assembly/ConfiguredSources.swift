import AccessControl
import Connectors
import EventModel
import Identity

/// The sources that the configuration names, for listeners and pulls.
struct ConfiguredSources {
    private let state: ServerState

    init(_ state: ServerState) { self.state = state }

    /// Makes those that are not there yet, each on record. What is there is left as it is.
    ///
    /// - Throws: ``ConfigurationError`` for a name or a connector that cannot be.
    func make(_ configuration: ServerConfiguration) async throws {
        var wanted: [(name: String, connector: String)] = configuration.pulls.filter { !$0.source.isEmpty }
            .map { ($0.source, $0.connector) }
        wanted += configuration.github.map { ($0.source, GitHubJoin.webhook) }
        for listener in configuration.syslog {
            let names = [listener.source].compactMap(\.self) + listener.peers.map(\.source)
            wanted += names.map { ($0, SourceStore.automatic) }
        }
        for (name, connector) in wanted where state.sources.source(named: name) == nil {
            do {
                if connector != SourceStore.automatic { _ = try state.catalogue.connector(named: connector) }
                _ = try state.sources.add(name: name, connector: connector, now: state.now())
            } catch {
                throw ConfigurationError("source \(name): \(error)")
            }
            try await state.audit.recordDurably(
                AuditEntry(
                    "source.add", activity: "create", actor: Principal.system, resource: ("source", name),
                    details: [("connector", connector), ("by", "configuration")]))
        }
    }
}
