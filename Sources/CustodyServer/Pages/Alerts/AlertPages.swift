import AccessControl
import Detection
import EventModel
import EventStore
import HTTPTypes
import Hummingbird

/// `/alerts`: the queue, and each alert with why it fired, its events and what was done about it.
struct AlertPages {
    /// Alerts on a page.
    static let pageSize = 50
    /// Events of an alert that its page lists.
    static let shownEvidence = 50

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/alerts", use: list)
        router.get("/alerts/:id", use: show)
        router.post("/alerts/:id/:act", use: change)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            try Authorizer.check(.search, for: principal, now: state.now())
            let choice = AlertChoice(request)
            var filter = try AlertRoutes.filter(request)
            if filter.statuses.isEmpty, choice.status == nil { filter.statuses = AlertFilter.toDo.statuses }
            let page = try state.alerts.list(filter, before: request.cursor(), limit: Self.pageSize)
            try state.audit.record(state.auditEntry("alert.list", activity: "read", context, resource: ("alert", nil)))
            let now = state.now()
            return Page(
                title: "Alerts", place: .alerts, template: "alerts",
                data: .of([
                    "alerts": page.alerts.map { AlertData.row($0, now: now) },
                    "has_alerts": page.alerts.isEmpty ? nil : true, "statuses": choice.statuses,
                    "severities": choice.severities, "is_narrowed": choice.isNarrowed ? true : nil,
                    "next": page.next.map { choice.path(cursor: String($0)) },
                    "rules": state.engine.ruleSet.rules.count,
                    "may_configure": (try? Authorizer.check(.readConfiguration, for: principal, now: now)) == nil
                        ? nil : true,
                ]))
        }
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { try await page(context, $0) }
    }

    private func page(_ context: CustodyRequestContext, _ principal: Principal, error: String? = nil) async throws
        -> Page
    {
        try Authorizer.check(.search, for: principal, now: state.now())
        let id = try context.parameters.require("id")
        let alert = try state.alerts.alert(id)
        let leaves = try state.alerts.evidence(of: id, limit: Self.shownEvidence)
        try state.audit.record(state.auditEntry("alert.read", activity: "read", context, resource: ("alert", id)))
        let now = state.now()
        let read = try Authorizer.authorizeRead(of: [.envelope], for: principal, now: now)
        var events: [PageData] = []
        let parser = JSONParser()
        for leaf in leaves {
            if let event = try await state.store.event(at: leaf, read) {
                events.append(EventSummary(index: leaf, json: event.json, parser: parser).data(now: now))
            } else {
                events.append(["index": String(leaf.rawValue), "is_gone": true])
            }
        }
        let mayChange = (try? Authorizer.check(.triageAlerts, for: principal, now: now)) != nil
        var data = AlertData.row(alert, now: now)
        data.merge(AlertData.details(alert, rule: rule(of: alert), now: now)) { $1 }
        data["events"] = events
        data["unlisted"] = alert.count > Int64(events.count) ? PageNumber.text(alert.count - Int64(events.count)) : nil
        data["activity"] = try state.alerts.activity(of: id).map { AlertData.activity($0, now: now) }
        data["may_change"] = mayChange ? true : nil
        data["me"] = principal.name
        data["error"] = error
        return Page(
            title: alert.ruleTitle, place: .alerts, template: "alert", data: data,
            status: error == nil ? .ok : .badRequest)
    }

    private func rule(of alert: Alert) -> SigmaRule? { state.engine.ruleSet.rules.first { $0.key == alert.ruleKey } }

    @Sendable private func change(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        var context = context
        let form = try await PageForm.read(request, &context)
        let id = try context.parameters.require("id")
        let comment = form["comment"].isEmpty ? nil : form["comment"]
        do {
            switch try context.parameters.require("act") {
            case "ack": _ = try await state.changeAlert(context) { try state.alerts.acknowledge($0, by: $1) }
            case "assign":
                let assignee = form["assignee"].isEmpty ? nil : form["assignee"]
                _ = try await state.changeAlert(context) { try state.alerts.assign($0, to: assignee, by: $1) }
            case "comment":
                _ = try await state.changeAlert(context) { try state.alerts.comment($0, form["comment"], by: $1) }
            case "close":
                guard let verdict = Alert.Verdict(rawValue: form["verdict"]) else {
                    throw Problem.badRequest("invalid_verdict", "say what it turned out to be")
                }
                _ = try await state.changeAlert(context) {
                    try state.alerts.close($0, verdict: verdict, comment: comment, by: $1)
                }
            case "reopen":
                _ = try await state.changeAlert(context) { try state.alerts.reopen($0, reason: comment, by: $1) }
            default: throw Problem.notFound("there is no such change of an alert")
            }
        } catch let error as DetectionError where error.code != .unknownAlert {
            // Somebody else was faster, or a field is wrong: the alert as it is now says more than an error would.
            let page = try await page(context, context.requirePrincipal(), error: Page.sentence(error.reason))
            return state.pages.response(page, request, context)
        } catch let problem as Problem where problem.code == "invalid_verdict" {
            let page = try await page(context, context.requirePrincipal(), error: Page.sentence(problem.detail))
            return state.pages.response(page, request, context)
        }
        return PagePath.redirect(to: "/alerts/\(PagePath.encoded(id))")
    }
}
