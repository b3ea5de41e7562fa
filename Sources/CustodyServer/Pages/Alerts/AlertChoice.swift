import Detection
import Hummingbird

/// Which alerts a list is asked for; all of it stands in the address.
struct AlertChoice {
    /// nil for what asks for a person: open and acknowledged.
    let status: String?
    let severity: String?
    let rule: String?
    let entity: String?

    init(_ request: Request) {
        let parameters = request.uri.queryParameters
        func text(_ name: Substring) -> String? { parameters[name].flatMap { $0.isEmpty ? nil : String($0) } }
        status = text("status")
        severity = text("severity")
        rule = text("rule")
        entity = text("entity")
    }

    var isNarrowed: Bool { severity != nil || rule != nil || entity != nil }

    func path(status: String?? = nil, severity: String?? = nil, cursor: String? = nil) -> String {
        PagePath.with(
            "/alerts",
            [
                "status": status ?? self.status, "severity": severity ?? self.severity, "rule": rule, "entity": entity,
                "cursor": cursor,
            ])
    }

    var statuses: [PageData] {
        [(nil, "To do"), ("open", "Open"), ("acknowledged", "Acknowledged"), ("closed", "Closed"), ("all", "All")].map {
            value, label in
            .of(["label": label, "path": path(status: .some(value)), "is_chosen": value == status ? true : nil])
        }
    }

    var severities: [PageData] {
        [(nil, "any severity"), ("medium", "medium and above"), ("high", "high and above"), ("critical", "critical")]
            .map {
                value, label in
                .of(["label": label, "path": path(severity: .some(value)), "is_chosen": value == severity ? true : nil])
            }
    }
}

extension AlertFilter {
    /// What asks for a person.
    static var toDo: AlertFilter {
        var filter = AlertFilter()
        filter.statuses = [.open, .acknowledged]
        return filter
    }
}
