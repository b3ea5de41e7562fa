import AccessControl
import Delivery
import EventModel
import HTTPTypes
import Hummingbird

/// `/destinations`: where alerts go, and whether they arrive there. `/new-destination/KIND`: another one.
///
/// Whoever may see the set-up sees how destinations fare; adding, testing and removing needs an administrator.
struct DestinationPages {
    let state: ServerState
    private var changes: DestinationChanges { DestinationChanges(state: state) }
    private var data: DestinationData { DestinationData(state: state) }

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/destinations", use: list)
        router.get("/destinations/:name", use: show)
        router.post("/destinations/:name/test", use: test)
        router.post("/destinations/:name/resend", use: resend)
        router.post("/destinations/:name/remove", use: remove)
        router.get("/new-destination/:kind", use: begin)
        router.post("/new-destination/:kind", use: add)
    }

    // MARK: Looking

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            try Authorizer.check(.readConfiguration, for: principal, now: state.now())
            try state.audit.record(
                state.auditEntry("destination.list", activity: "read", context, resource: ("destination", nil)))
            return Page(
                title: "Where alerts go", place: .alerts, template: "destinations",
                data: try data.list(
                    mayChange: mayChange(principal), wasRemoved: request.uri.queryParameters["removed"] != nil),
                scripts: ["copy.js"])
        }
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { try page(try DestinationRoutes.name(context), context, $0) }
    }

    private func mayChange(_ principal: Principal) -> Bool {
        (try? Authorizer.check(.changeConfiguration, for: principal, now: state.now())) != nil
    }

    private func page(
        _ name: String, _ context: CustodyRequestContext, _ principal: Principal, _ extra: PageData = [:]
    ) throws -> Page {
        try Authorizer.check(.readConfiguration, for: principal, now: state.now())
        let entry = try state.notifications.destinations.entry(named: name)
        try state.audit.record(
            state.auditEntry("destination.list", activity: "read", context, resource: ("destination", name)))
        let mayTriage = (try? Authorizer.check(.triageAlerts, for: principal, now: state.now())) != nil
        return Page(
            title: name, place: .alerts, template: "destination",
            data: try data.page(of: entry, mayChange: mayChange(principal), mayTriage: mayTriage)
                .merging(extra) { $1 }, scripts: ["copy.js"])
    }

    // MARK: Changing

    @Sendable private func test(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var context = context
        _ = try await PageForm.read(request, &context)
        let name = try DestinationRoutes.name(context)
        let failure = try await changes.test(name, context)
        var result: PageData = ["is_good": true]
        if let failure {
            result = .of([
                "reason": Page.sentence(failure.reason),
                "allowance": failure.code == .forbiddenAddress
                    ? data.host(of: try state.notifications.destinations.entry(named: name)).map {
                        "allowed_targets: [\"\($0)\"]"
                    } : nil,
            ])
        }
        let page = try page(name, context, context.requirePrincipal(), ["tested": result])
        return state.pages.response(page, request, context)
    }

    @Sendable private func resend(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var context = context
        let form = try await PageForm.read(request, &context)
        let name = try DestinationRoutes.name(context)
        if form["message"].isEmpty {
            _ = try await changes.resendAll(to: name, context)
        } else {
            try await changes.resend(form["message"], context)
        }
        return PagePath.redirect(to: "/destinations/\(PagePath.encoded(name))")
    }

    @Sendable private func remove(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var context = context
        _ = try await PageForm.read(request, &context)
        let name = try DestinationRoutes.name(context)
        try await changes.remove(name, context)
        return PagePath.redirect(to: "/destinations?removed=1")
    }

    // MARK: Adding

    @Sendable private func begin(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            try Authorizer.check(.changeConfiguration, for: principal, now: state.now())
            return form(try kind(context), PageForm(parsing: ""))
        }
    }

    @Sendable private func add(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var context = context
        let given = try await PageForm.read(request, &context)
        let kind = try kind(context)
        do {
            let settings = kind.settings(given)
            let entry = try await changes.add(settings, context)
            let isMade = kind.kind == .webhook && given["secret"].isEmpty
            let page = try page(
                entry.destination.name, context, context.requirePrincipal(),
                .of(["is_added": true, "secret": isMade ? settings.secret : nil]))
            return state.pages.response(page, request, context)
        } catch let error as DeliveryError {
            return state.pages.response(form(kind, given, error: Page.sentence(error.reason)), request, context)
        }
    }

    private func kind(_ context: CustodyRequestContext) throws -> DestinationForm {
        let name = try context.parameters.require("kind")
        guard let form = DestinationForm.of(name) else { throw Problem.notFound("no form adds a \(name)") }
        return form
    }

    private func form(_ kind: DestinationForm, _ given: PageForm, error: String? = nil) -> Page {
        Page(
            title: "Alerts to \(kind.title)", place: .alerts, template: "destination-form",
            data: data.form(kind, given, error: error), status: error == nil ? .ok : .badRequest)
    }
}
