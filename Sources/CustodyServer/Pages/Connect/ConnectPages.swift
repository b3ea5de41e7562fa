import AccessControl
import Connectors
import Detection
import EventModel
import HTTPTypes
import Hummingbird
import Identity
import Ledger

/// `/connect`: choose a system, name the source, and get what to type where. `/sources/NAME`: the steps again, what arrives,
/// how far it comes, and the first alert.
///
/// What a system needs is shown once, in the answer to the form that made it. Whoever closes the browser then has another made.
struct ConnectPages {
    /// Alerts of the guide's rule that are shown, and those among which they are looked for.
    static let shownAlerts = 3
    static let consideredAlerts = 50

    let state: ServerState
    private var guides: [ConnectGuide] { ConnectGuide.all }

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/connect", use: choose)
        router.get("/connect/:guide", use: begin)
        router.post("/connect/:guide", use: make)
        router.get("/sources/:name", use: show)
        router.post("/sources/:name/renew", use: renew)
        router.post("/sources/:name/test", use: test)
    }

    // MARK: Choosing

    @Sendable private func choose(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            try Authorizer.check(.readConfiguration, for: principal, now: state.now())
            try state.audit.record(
                state.auditEntry("connector.list", activity: "read", context, resource: ("connector", nil)))
            return Page(
                title: "Connect a source", place: .sources, template: "connect",
                data: [
                    "guides": guides.map { guide -> PageData in
                        [
                            "title": guide.title, "about": guide.about, "path": "/connect/\(guide.id)",
                            "reach": guide.reach == .inbound ? "sends here" : "fetched, or pushed from there",
                        ]
                    }, "count": state.catalogue.connectors.count,
                ])
        }
    }

    @Sendable private func begin(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            try Authorizer.check(.changeConfiguration, for: principal, now: state.now())
            return form(try guide(context), connector: request.uri.queryParameters["connector"].map(String.init))
        }
    }

    private func guide(_ context: CustodyRequestContext) throws -> ConnectGuide {
        let id = try context.parameters.require("guide")
        guard let guide = guides.first(where: { $0.id == id }) else {
            throw Problem.notFound("there is no guide \(id)")
        }
        return guide
    }

    private func form(
        _ guide: ConnectGuide, name: String? = nil, connector: String? = nil, error: String? = nil
    ) -> Page {
        let taken = Set(state.sources.list().map(\.name))
        let suggestions = [guide.id] + (2...9).map { "\(guide.id)-\($0)" }
        let systems = state.catalogue.connectors.sorted { $0.title.lowercased() < $1.title.lowercased() }
        return Page(
            title: "Connect: \(guide.title)", place: .sources, template: "connect-form",
            data: .of([
                "guide": guide.id, "title": guide.title, "about": guide.about, "needs": guide.needs,
                "name": name ?? suggestions.first { !taken.contains($0) } ?? "", "error": error,
                "existing": error != nil && name.map(taken.contains) == true ? name : nil,
                "is_open": guide.isOpen ? true : nil,
                "systems": guide.isOpen
                    ? systems.map { system -> PageData in
                        .of([
                            "name": system.name, "title": system.title,
                            "is_chosen": system.name == connector ? true : nil,
                        ])
                    } : nil,
            ]), status: error == nil ? .ok : .badRequest)
    }

    // MARK: Making

    @Sendable private func make(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var context = context
        let form = try await PageForm.read(request, &context)
        let guide = try guide(context)
        let connector = form["connector"].isEmpty ? nil : form["connector"]
        do {
            let (source, made) = try await SourceConnection(state: state).make(
                guide, name: form["name"], connector: connector, context)
            return state.pages.response(page(of: source, guide, made, request), request, context)
        } catch let error as IdentityError {
            let again = self.form(
                guide, name: form["name"], connector: connector, error: Page.sentence(error.reason))
            return state.pages.response(again, request, context)
        }
    }

    @Sendable private func renew(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var context = context
        _ = try await PageForm.read(request, &context)
        let source = try source(context)
        let guide = ConnectGuide.of(source)
        let made = try await SourceConnection(state: state).renew(source, guide, context)
        return state.pages.response(page(of: source, guide, made, request), request, context)
    }

    /// Without JavaScript; the page's script asks `/v1/sources/NAME/test`.
    @Sendable private func test(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var context = context
        _ = try await PageForm.read(request, &context)
        _ = try await ConnectRoutes(state: state).sendTest(context)
        return PagePath.redirect(to: "/sources/\(try context.parameters.require("name"))")
    }

    // MARK: A source

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            try Authorizer.check(.readConfiguration, for: principal, now: state.now())
            let source = try source(context)
            try state.audit.record(
                state.auditEntry("source.read", activity: "read", context, resource: ("source", source.name)))
            return page(of: source, ConnectGuide.of(source), nil, request)
        }
    }

    private func source(_ context: CustodyRequestContext) throws -> Source {
        let name = try context.parameters.require("name")
        guard let source = state.sources.source(named: name) else {
            throw Problem.notFound("there is no source \(name)")
        }
        return source
    }

    private func page(
        of source: Source, _ guide: ConnectGuide, _ made: MadeCredential?, _ request: Request
    ) -> Page {
        let server = ServerAddress(request, isTLS: state.configuration.tlsCertificate != nil)
        let values = ConnectGuide.Values(
            name: source.name, server: server.text, secret: made?.secret, token: made?.token)
        let now = state.now()
        let size = state.ledger.latest?.checkpoint.size ?? 0
        let attempts = state.activity.attempts(of: source.name)
        let query = "source.name:=\(source.name)"
        let rule = guide.action.flatMap { action in state.engine.ruleSet.rules.first { $0.id == action.rule } }
        return Page(
            title: source.name, place: .sources, template: "source",
            data: .of([
                "name": source.name, "system": guide.isOpen ? source.connector : guide.title,
                "is_disabled": source.isEnabled ? nil : true,
                "is_new": made?.secret ?? made?.token,
                "has_credential": guide.credential == .none ? nil : true,
                "credential": guide.credential == .secret ? "secret" : "token",
                "unreachable": guide.reach == .inbound && server.isPrivate ? server.text : nil,
                "steps": guide.steps.enumerated().map { Self.step($1, number: $0 + 1, values) },
                "has_test": guide.delivery(for: source, id: "", now: now) == nil ? nil : true,
                "attempts": attempts.map { Self.row($0, size, now: now) },
                "has_attempts": attempts.isEmpty ? nil : true,
                "activity": "/v1/sources/\(source.name)/activity", "test": "/v1/sources/\(source.name)/test",
                // Alerts are records of Custody's own; which of them are of this source the page asks.
                "stream": PagePath.with("/v1/tail", ["q": "source:custody action:alert.open"]),
                "raised": rule.map { raised(by: $0.key, from: source) } ?? [],
                "search": PagePath.with("/search", ["q": query, "since": "-7d"]),
                "action": guide.action?.text, "rule": rule?.title ?? guide.action?.rule,
            ]), scripts: ["connect.js"])
    }

    /// The latest alerts of a rule about a source.
    private func raised(by rule: String, from source: Source) -> [PageData] {
        var filter = AlertFilter()
        filter.ruleKey = rule
        let alerts = (try? state.alerts.list(filter, limit: Self.consideredAlerts).alerts) ?? []
        return alerts.filter { $0.sourceName == source.name }.prefix(Self.shownAlerts).map { alert in
            ["path": "/alerts/\(PagePath.encoded(alert.id))", "title": alert.ruleTitle, "entity": alert.entity]
        }
    }

    /// A step with what is to be copied. A secret that was shown once has a word in its place, and nothing to copy.
    private static func step(_ step: ConnectGuide.Step, number: Int, _ values: ConnectGuide.Values) -> PageData {
        let filled = step.copy.map(values.filled)
        let known = filled?.replacing("{secret}", with: "SECRET").replacing("{token}", with: "TOKEN")
        return .of([
            "number": number, "text": values.filled(step.text), "link": step.link, "copy": known,
            "is_whole": known == filled ? true : nil,
        ])
    }

    private static func row(_ attempt: DeliveryAttempt, _ size: UInt64, now: Timestamp) -> PageData {
        .of([
            "received": PageData.time(attempt.received, now: now), "client": attempt.client,
            "index": attempt.indexes.map { String($0.lowerBound.rawValue) },
            "stages": attempt.stages(publishedSize: size).map { stage -> PageData in
                ["name": stage.stage.rawValue, "state": stage.state.rawValue, "detail": stage.detail]
            },
        ])
    }
}
