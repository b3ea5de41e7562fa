import AccessControl
import Connectors
import Detection
import EventModel
import Hummingbird

/// `/exposure`: were you hit? Each known incident with its answer, those that the events show before all others.
///
/// What stands here was found by the server's own check, which sees everything; so it is shown to those alone who may see
/// everything, too. Whoever may see a part only has a check made with their rights, and gets its answer at once.
struct ExposurePage {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/exposure", use: show)
        router.post("/exposure/check", use: check)
        router.get("/exposure/progress", use: progress)
    }

    /// Whether the answers of the server's own check are the answers that somebody's own rights would give.
    static func seesEverything(_ principal: Principal, now: Timestamp) -> Bool {
        let all = Set(FieldGroup.allCases)
        guard let read = try? Authorizer.authorizeRead(of: all, for: principal, now: now) else { return false }
        return read.restriction == nil && read.visibleGroups == all
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            _ = try Authorizer.authorizeRead(for: principal, now: state.now())
            try record("read", context)
            guard Self.seesEverything(principal, now: state.now()) else { return page(nil, isOwn: true) }
            let status = state.exposure.current
            if status.report != nil {
                try await state.exposure.memory.markSeen()
            } else if status.failure == nil, !state.exposure.isDue {
                // A start without news checks nothing; the first who looks has it checked.
                state.exposure.request(.asked)
            }
            return page(status.report, isOwn: false)
        }
    }

    /// Checks again: by the server for who may see everything, else here and now.
    @Sendable private func check(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var context = context
        _ = try await PageForm.read(request, &context)
        let principal = try context.requirePrincipal()
        _ = try Authorizer.authorizeRead(for: principal, now: state.now())
        try record("execute", context)
        guard !Self.seesEverything(principal, now: state.now()) else {
            if !state.exposure.isDue { state.exposure.request(.asked) }
            return PagePath.redirect(to: "/exposure")
        }
        let check = state.exposure.check(state.store, for: principal, now: state.now)
        let report = try await context.whileConnected { try await check.run() }
        return state.pages.response(page(report.shortened, isOwn: true), request, context)
    }

    /// How far the check is that runs now, for the page's script.
    @Sendable private func progress(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        _ = try Authorizer.authorizeRead(for: principal, now: state.now())
        guard Self.seesEverything(principal, now: state.now()) else {
            throw Problem.forbidden("the server's own check sees more than you may")
        }
        try state.audit.recordRepeated(
            state.auditEntry("exposure.read", activity: "read", context, resource: ("incidents", nil)))
        let progress = state.exposure.current.progress
        var json = JSONWriter()
        json.object { json in
            json.member("running", state.exposure.isDue)
            json.member("answered", Int64(progress?.answered ?? 0))
            json.member("total", Int64(progress?.total ?? state.exposure.pack.current.incidents.count))
            json.member("found", Int64(progress?.found ?? 0))
        }
        return json.response()
    }

    private func record(_ activity: String, _ context: CustodyRequestContext) throws {
        try state.audit.record(
            state.auditEntry("exposure.read", activity: activity, context, resource: ("incidents", nil)))
    }

    /// - Parameter isOwn: Whether the reader's own rights bound what was looked at.
    func page(_ report: ExposureReport?, isOwn: Bool) -> Page {
        let pack = state.exposure.pack.current
        let status = state.exposure.current
        let now = state.now()
        let systems = ExposureData(
            guides: ConnectGuide.all,
            titles: Dictionary(state.catalogue.connectors.map { ($0.name, $0.title) }) { first, _ in first })
        var data = report.map { systems.data($0, now: now) } ?? [:]
        data.merge(
            .of([
                "count": PageNumber.text(pack.incidents.count), "is_own": isOwn ? true : nil,
                "pack_errors": pack.errors.isEmpty ? nil : pack.errors.map(\.description),
                "failure": isOwn ? nil : status.failure,
                "running": isOwn || !state.exposure.isDue
                    ? nil
                    : [
                        "answered": status.progress?.answered ?? 0,
                        "total": status.progress?.total ?? pack.incidents.count,
                    ] as PageData,
            ])
        ) { $1 }
        return Page(
            title: "Were you hit?", place: .exposure, template: "exposure", data: data, scripts: ["exposure.js"])
    }
}
