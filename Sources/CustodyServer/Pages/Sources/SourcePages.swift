import AccessControl
import Connectors
import HTTPTypes
import Hummingbird
import Identity

/// `/sources`: what is connected, and whether it still sends.
struct SourcePages {

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/sources", use: list)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            try Authorizer.check(.readConfiguration, for: principal, now: state.now())
            try state.audit.record(
                state.auditEntry("source.list", activity: "read", context, resource: ("source", nil)))
            let health = await state.figures.current(state, for: principal, within: state.configuration.pageCounts)
            return Page(
                title: "Sources", place: .sources, template: "sources",
                data: .of([
                    "sources": state.sourceRows(health), "has_figures": health == nil ? nil : true,
                ]))
        }
    }
}

extension ServerState {
    /// The configured sources as a table shows them.
    func sourceRows(_ health: SourceHealth?) -> [PageData] {
        let titles = Dictionary(catalogue.connectors.map { ($0.name, $0.title) }) { first, _ in first }
        let now = now()
        return sources.list().map { source in
            let title = source.connector == SourceStore.automatic ? "any, by shape" : titles[source.connector]
            let condition = CompletenessReport(source, self).condition.words
            let state =
                condition ?? health?.state(of: source, now: now)
                ?? (source.isEnabled ? "enabled" : "disabled", "plain")
            return .of([
                "name": source.name, "connector": title ?? source.connector, "state": state.0, "kind": state.1,
                "path": "/sources/\(PagePath.encoded(source.name))",
                "count": health.map { PageNumber.text($0[source.name]?.events ?? 0) },
                "last": health?[source.name].map { PageData.time($0.last, now: now) },
            ])
        }
    }
}

extension CompletenessReport.Condition {
    /// What a page says of a source that is not as it is expected to be; nil for any other.
    fileprivate var words: (text: String, kind: String)? {
        switch self {
        case .quiet: ("quiet", "warn")
        case .gaps: ("has gaps", "warn")
        case .disabled, .waiting, .ok: nil
        }
    }
}
