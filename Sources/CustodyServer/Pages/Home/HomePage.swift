import AccessControl
import Detection
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import Intake
import Ledger
import QueryLanguage

/// `GET /`: for a person, what to do next and how things stand; for a program, what Elasticsearch's clients ask.
struct HomePage {
    /// Alerts and sources that are listed here.
    static let shown = 8

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/", use: show)
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        guard request.wantsPage else { return await ElasticsearchRoutes(state: state).about(request, context) }
        return try await state.page(request, context) { principal in
            try Authorizer.check(.search, for: principal, now: state.now())
            try state.audit.record(state.auditEntry("home.read", activity: "read", context, resource: ("page", "home")))
            let mayConfigure = (try? Authorizer.check(.readConfiguration, for: principal, now: state.now())) != nil
            let health = await state.figures.current(state, for: principal, within: state.configuration.pageCounts)
            var data = try data(
                health, mayConfigure: mayConfigure, hasSeenExposure: try await state.exposure.memory.wasSeen())
            data["exposed"] = try await exposed(principal)
            return Page(title: "Home", place: .home, template: "home", data: data)
        }
    }

    /// The known incidents that the events show, for who may see all of them; nil when there are none.
    private func exposed(_ principal: Principal) async throws -> PageData? {
        guard ExposurePage.seesEverything(principal, now: state.now()) else { return nil }
        let answers = try await state.exposure.memory.answers()
        let found = state.exposure.pack.current.incidents.filter {
            answers[$0.id] == ExposureReport.Answer.yes.rawValue
        }
        return found.isEmpty ? nil : ["titles": found.map(\.title).joined(separator: ", ")]
    }

    private func data(_ health: SourceHealth?, mayConfigure: Bool, hasSeenExposure: Bool) throws -> PageData {
        let now = state.now()
        let alerts = try state.alerts.list(.toDo, limit: Self.shown).alerts
        let census = try state.alerts.census()
        let open = census.open.values.reduce(0, +)
        let steps = NextSteps(
            hasEvents: health.map { !$0.isEmpty } ?? (state.ledger.size > 0), hasSeenExposure: hasSeenExposure,
            hasAlerts: open > 0 || census.signals > 0,
            hasDestinations: !state.notifications.destinations.list().isEmpty,
            verification: state.verification.last, isVerificationOff: state.configuration.verificationInterval == 0)
        let rows = mayConfigure ? state.sourceRows(health) : []
        let silent = rows.count { $0["state"] as? String == "quiet" }
        return .of([
            "steps": steps.data, "steps_left": steps.left > 0 ? steps.left : nil,
            "vkey": state.ledgerKey.verifierKey.description,
            "events": health.map { PageNumber.text($0.events) }, "has_events": health?.isEmpty == false ? true : nil,
            "leaves": PageNumber.text(state.intake.committer.end.rawValue),
            "open_alerts": PageNumber.text(open), "has_open": open > 0 ? true : nil,
            "severities": census.open.sorted { $0.key > $1.key }.filter { $0.value > 0 }.map {
                severity, count -> PageData in
                [
                    "name": severity.rawValue, "count": PageNumber.text(count),
                    "kind": AlertData.kind(of: severity),
                ]
            },
            "alerts": alerts.map { AlertData.row($0, now: now) }, "has_alerts": alerts.isEmpty ? nil : true,
            "sources": Array(rows.prefix(Self.shown)), "has_sources": rows.isEmpty ? nil : true,
            "more_sources": rows.count > Self.shown ? PageNumber.text(rows.count - Self.shown) : nil,
            "quiet": silent > 0 ? PageTime.count(Int64(silent), "source") : nil,
            "rules": PageNumber.text(state.engine.ruleSet.rules.count),
            "integrity": integrity(now),
        ])
    }

    /// The state of the ledger in one line.
    private func integrity(_ now: Timestamp) -> PageData {
        if case .refused(let error) = state.publication.hindrance {
            return ["kind": "bad", "text": "publication has stopped: \(error.reason)"]
        }
        guard let last = state.verification.last else {
            return ["kind": "plain", "text": "not verified since the start"]
        }
        if let fault = last.fault { return ["kind": "bad", "text": "verification failed: \(fault)"] }
        return ["kind": "good", "text": "verified \(PageTime.distance(last.time, now: now))"]
    }
}
