import AccessControl
import Connectors
import EventModel
import HTTPTypes
import Hummingbird
import Identity
import Logging

/// `POST /v1/sources/NAME/renormalise`, and `/v1/renormalisation` for how far that is and for ending it.
struct RenormalisationRoutes {
    private struct Wanted: Decodable {
        enum CodingKeys: String, CodingKey {
            case since
            case isDryRun = "dry_run"
        }
        /// Events received from then on; all of them without.
        var since: String?
        /// Says what would read otherwise, and changes nothing.
        var isDryRun: Bool?
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.post("/v1/sources/:name/renormalise", use: start)
        router.get("/v1/renormalisation", use: show)
        router.delete("/v1/renormalisation", use: stop)
    }

    @Sendable private func start(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let name = try context.parameters.require("name")
        let wanted: Wanted = try await RequestJSON.decode(request, context)
        guard name != OwnAudit.source, let source = state.sources.source(named: name) else {
            throw Problem.notFound("there is no source \(name)")
        }
        let catalogue = state.catalogue
        let connector =
            source.connector == SourceStore.automatic ? nil : try catalogue.connector(named: source.connector)
        let work = Rereading(
            source: name, since: try SearchRoutes.time(wanted.since, "since", state.now()), catalogue: catalogue,
            connector: connector, limits: state.configuration.intake)
        let isDryRun = wanted.isDryRun ?? false
        try state.renormalisations.checkIdle()
        let details = [("dry_run", String(isDryRun)), ("since", work.since?.text ?? "")]
        try await state.audit.recordDurably(
            state.auditEntry(
                "source.renormalise", activity: isDryRun ? "read" : "update", context, resource: ("source", name),
                details: details))
        let status = try state.renormalisations.start(work, isDryRun: isDryRun) { [state] status in
            await Self.record(status, state)
        }
        return try response(status, context, .accepted)
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.recordRepeated(
            state.auditEntry("source.read", activity: "read", context, resource: ("source", nil)))
        return try response(try status(), context, .ok)
    }

    /// Answers when the run has ended, so that whoever stopped it sees what came of it.
    @Sendable private func stop(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        _ = try status()
        await state.renormalisations.stop()
        return try response(try status(), context, .ok)
    }

    private func status() throws -> RenormalisationStatus {
        guard let status = state.renormalisations.status else {
            throw Problem.notFound("no source was read again since the server started")
        }
        return status
    }

    /// What came of a run, as an event of its own.
    private static func record(_ status: RenormalisationStatus, _ state: ServerState) async {
        let counts = status.counts
        let outcome = status.phase == .done ? "success" : status.phase == .stopped ? "cancelled" : "failure"
        do {
            try await state.audit.recordDurably(
                AuditEntry(
                    "source.renormalised", activity: status.isDryRun ? "read" : "update", outcome: outcome,
                    reason: status.reason, actor: .system, resource: ("source", status.source),
                    details: [
                        ("dry_run", String(status.isDryRun)), ("since", status.since?.text ?? ""),
                        ("events", String(counts.events)), ("read", String(counts.read)),
                        ("differing", String(counts.differing)), ("unreadable", String(counts.unreadable)),
                        ("connectors", counts.connectors.keys.sorted().joined(separator: ", ")),
                    ]))
        } catch {
            state.logger.error("a reading could not be put on record", metadata: ["error": "\(error)"])
        }
    }

    /// Examples are of any events, so that only who may see every event sees them, in the classes that they may see.
    private func response(
        _ status: RenormalisationStatus, _ context: CustodyRequestContext, _ code: HTTPResponse.Status
    ) throws -> Response {
        let read = try? Authorizer.authorizeRead(for: context.requirePrincipal(), now: state.now())
        let visible = read.flatMap { $0.restriction == nil ? $0.visibleGroups : nil } ?? []
        var json = JSONWriter()
        status.write(visible: visible, to: &json)
        return json.response(status: code)
    }
}
