import Delivery
import Detection
import EventModel
import Foundation

/// Destinations as the pages show them: what they are, how they fare, what was given up.
struct DestinationData {
    /// Messages that are listed of each state; how many there are in all is told.
    static let shown = 50

    /// What adds a destination that runs a program: in the configuration file alone, since it runs as the server.
    private static let command = """
        notifications:
          - name: ticket
            kind: command
            command: [/usr/local/bin/make-ticket, --queue, security]
        """

    let state: ServerState

    // MARK: All of them

    func list(mayChange: Bool, wasRemoved: Bool) throws -> PageData {
        let now = state.now()
        let outbox = state.notifications.outbox
        let census = try outbox.census()
        let entries = state.notifications.destinations.list()
        let rows = try entries.map { entry -> PageData in
            let name = entry.destination.name
            let summary = try outbox.summary(of: name)
            let failed = census.failed[name] ?? 0
            let tag = Self.tag(summary, failed: failed)
            return .of([
                "name": name, "path": "/destinations/\(PagePath.encoded(name))",
                "kind": Self.title(of: entry.destination.kind), "address": entry.destination.address,
                "last": summary.delivered.map { PageData.time($0, now: now) },
                "waiting": PageNumber.text(census.pending[name] ?? 0), "given_up": PageNumber.text(failed),
                "state": tag.text, "state_kind": tag.kind, "error": summary.problem?.lastError.map(Page.sentence),
            ])
        }
        let known = Set(entries.map(\.destination.name))
        let orphans = census.failed.filter { !known.contains($0.key) }.sorted { $0.key < $1.key }
        return .of([
            "destinations": rows, "has_destinations": rows.isEmpty ? nil : true,
            "may_change": mayChange ? true : nil, "was_removed": wasRemoved ? true : nil,
            "kinds": DestinationForm.all.map { form -> PageData in
                ["title": form.title, "about": form.about, "path": "/new-destination/\(form.kind.rawValue)"]
            },
            "command": Self.command,
            "orphans": orphans.isEmpty
                ? nil : orphans.map { ["name": $0.key, "count": PageNumber.text($0.value)] as PageData },
        ])
    }

    private static func tag(_ summary: DestinationSummary, failed: Int) -> (text: String, kind: String) {
        if summary.problem?.state == .pending { return ("trying again", "warn") }
        if failed > 0 { return ("gave up", "bad") }
        return summary.delivered == nil ? ("nothing sent yet", "plain") : ("delivers", "good")
    }

    static func title(of kind: Destination.Kind) -> String {
        DestinationForm.all.first { $0.kind == kind }?.title ?? "Command"
    }

    // MARK: One of them

    func page(of entry: DestinationStore.Entry, mayChange: Bool, mayTriage: Bool) throws -> PageData {
        let now = state.now()
        let outbox = state.notifications.outbox
        let name = entry.destination.name
        let census = try outbox.census()
        let summary = try outbox.summary(of: name)
        let (pending, failed) = (census.pending[name] ?? 0, census.failed[name] ?? 0)
        let tag = Self.tag(summary, failed: failed)
        let given = failed > 0 ? try outbox.list(.failed, destination: name, limit: Self.shown) : []
        let waiting = pending > 0 ? try outbox.list(.pending, destination: name, limit: Self.shown) : []
        return .of([
            "name": name, "path": "/destinations/\(PagePath.encoded(name))",
            "kind": Self.title(of: entry.destination.kind), "address": entry.destination.address,
            "state": tag.text, "state_kind": tag.kind,
            "is_of_file": entry.origin == .file ? true : nil,
            "is_of_api": entry.origin == .api ? true : nil,
            "last": summary.delivered.map { PageData.time($0, now: now) },
            "sends": Self.sends(entry), "grouping": entry.destination.grouping.map(Self.words),
            "may_change": mayChange ? true : nil, "may_triage": mayTriage ? true : nil,
            "may_remove": mayChange && entry.origin == .api ? true : nil,
            "may_resend_all": mayTriage && failed > 1 ? true : nil,
            "failed": failed == 0 ? nil : PageNumber.text(failed),
            "given_up": try given.map { try message($0, now: now) },
            "more_failed": failed > given.count ? PageNumber.text(failed - given.count) : nil,
            "pending": pending == 0 ? nil : PageNumber.text(pending),
            "waiting": try waiting.map { try message($0, now: now) },
            "more_pending": pending > waiting.count ? PageNumber.text(pending - waiting.count) : nil,
        ])
    }

    private func message(_ message: OutboxMessage, now: Timestamp) throws -> PageData {
        var alert = try? state.alerts.alert(message.subject)
        if alert == nil {
            var filter = AlertFilter()
            filter.incident = message.subject
            alert = try state.alerts.list(filter, limit: 1).alerts.first
        }
        return .of([
            "id": message.message, "title": alert?.ruleTitle ?? "an alert that is not here any more",
            "entity": alert?.entity, "alert": alert.map { "/alerts/\(PagePath.encoded($0.id))" },
            "created": PageData.time(message.created, now: now),
            "attempts": PageTime.count(Int64(message.attempts), "attempt"),
            "error": message.lastError.map(Page.sentence),
            "next": message.state == .pending && message.attempts > 0
                ? PageData.time(message.nextAttempt, now: now) : nil,
        ])
    }

    /// Which alerts are sent, in words.
    private static func sends(_ entry: DestinationStore.Entry) -> String {
        let settings = entry.settings
        var text = "alerts of severity \(settings.minimumSeverity ?? "medium") and above"
        let lists = [
            ("from", settings.sources), ("with the tag", settings.tags), ("of rules owned by", settings.owners),
            ("about", settings.entities), ("of the rules", settings.rules),
        ]
        for (word, members) in lists {
            if let members { text += ", \(word) \(members.joined(separator: " or "))" }
        }
        if let events = settings.events { text += ", when \(events.joined(separator: ", "))" }
        return text
    }

    private static func words(_ grouping: Destination.Grouping) -> String {
        func seconds(_ nanoseconds: Int64) -> String { PageTime.duration(nanoseconds / 1_000_000_000) }
        let first = grouping.wait == 0 ? "at once" : "\(seconds(grouping.wait)) after the first alert"
        let again =
            grouping.repetition == 0
            ? "never again" : "again every \(seconds(grouping.repetition)) until somebody acknowledges"
        return
            "what belongs together in one message, \(first); news at most every \(seconds(grouping.interval)); \(again)"
    }

    /// The host that a destination leads to; nil for commands.
    func host(of entry: DestinationStore.Entry) -> String? {
        if let url = entry.settings.url { return URL(string: url)?.host() }
        guard let server = entry.settings.smtp else { return nil }
        return server.hasPrefix("[")
            ? String(server.dropFirst().prefix { $0 != "]" }) : String(server.prefix { $0 != ":" })
    }

    // MARK: A new one

    func form(_ form: DestinationForm, _ given: PageForm, error: String?) -> PageData {
        let taken = Set(state.notifications.destinations.list().map(\.destination.name))
        let name = form.kind.rawValue
        let suggestions = [name] + (2...9).map { "\(name)-\($0)" }
        func filled(_ input: DestinationForm.Input) -> PageData {
            .of([
                "name": input.name, "label": input.label, "kind": input.kind.rawValue,
                "note": input.note.map { ["id": "note-\(input.name)", "text": $0] as PageData },
                "placeholder": input.placeholder, "is_required": input.isRequired ? true : nil,
                "value": input.isSecret ? "" : given[input.name],
                "is_typed_again": input.isSecret && !given[input.name].isEmpty ? true : nil,
            ])
        }
        func choices(_ values: [(String, String)], _ chosen: String) -> [PageData] {
            values.map { .of(["value": $0, "label": $1, "is_chosen": $0 == chosen ? true : nil]) }
        }
        let severity = given["minimum_severity"].isEmpty ? "medium" : given["minimum_severity"]
        let isNarrowed = DestinationForm.filters.contains { !given[$0.name].isEmpty }
        return .of([
            "title": form.title, "about": form.about, "kind": form.kind.rawValue, "error": error,
            "name": given["name"].isEmpty ? suggestions.first { !taken.contains($0) } ?? "" : given["name"],
            "inputs": form.inputs.map(filled), "filters": DestinationForm.filters.map(filled),
            "is_narrowed": isNarrowed ? true : nil,
            "severities": choices(DestinationForm.severities.map { ($0, $0) }, severity),
            "security": form.kind == .email
                ? ["choices": choices(DestinationForm.securities, given["security"])] as PageData : nil,
            "wait": given["wait"], "interval": given["interval"], "repeat": given["repeat"],
            "has_templates": form.hasTemplates ? true : nil,
            "title_template": given["title"], "text_template": given["text"],
            "has_own_words": ["wait", "interval", "repeat", "title", "text"].contains { !given[$0].isEmpty }
                ? true : nil,
        ])
    }
}
