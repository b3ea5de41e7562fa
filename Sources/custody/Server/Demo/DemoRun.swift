import EventModel
import Foundation
import Ledger

/// Sends the day, and tells what Custody made of it. Every part says what failed; an empty list is success.
struct DemoRun {
    /// Ordinary events between two of the attack go together; no request takes more.
    private static let batch = 200
    /// Alerts come within milliseconds; a machine under load may take longer.
    private static let alertLimit = Duration.seconds(10)

    let server: BenchServer
    let day: DemoDay
    let console: Console
    private let client: ServerClient

    init(server: BenchServer, day: DemoDay, console: Console) throws {
        self.server = server
        self.day = day
        self.console = console
        client = ServerClient(address: try ServerAddress(server.url), credential: .token(server.token))
    }

    func run() async throws -> [String] {
        try console.lines([
            console.bold("A day at Larkspur"),
            "Six systems of a made-up company report to Custody: GitHub and its audit log, GitLab, a package proxy,",
            "a container registry and a Kubernetes cluster. Somewhere in an ordinary day hides an attack.", "",
        ])
        var failures = try await send()
        failures += try await showAlerts()
        failures += try await search()
        failures += try await DemoEvidence(client: client, console: console).show()
        return failures
    }

    private func send() async throws -> [String] {
        let start = ContinuousClock.now
        var accepted = 0
        var sent = 0
        var waiting: [DemoEvent] = []
        for event in day.events {
            // Steps of the attack go alone, so that what follows them can be told apart.
            if event.step != nil || waiting.count >= Self.batch {
                accepted += try await push(waiting)
                sent += waiting.count
                waiting = []
                progress(sent)
            }
            guard event.step != nil else {
                waiting.append(event)
                continue
            }
            accepted += try await push([event])
            sent += 1
        }
        accepted += try await push(waiting)
        progress(day.events.count, isLast: true)
        let took = (ContinuousClock.now - start).milliseconds / 1_000
        try console.line("\(accepted) events were sealed in the ledger in \(String(format: "%.1f", took)) s.")
        return accepted == day.events.count ? [] : ["\(day.events.count - accepted) events were not accepted"]
    }

    /// One request for each source.
    private func push(_ events: [DemoEvent]) async throws -> Int {
        var accepted = 0
        for (source, events) in Dictionary(grouping: events, by: \.source).sorted(by: {
            $0.key.rawValue < $1.key.rawValue
        }) {
            let body = Array((events.map(\.body).joined(separator: "\n") + "\n").utf8)
            let answer = try await client.call(
                .post, "/v1/events", query: [("source", source.rawValue)], body: body)
            accepted += try JSONDocument.read(answer) { Int($0["accepted"]?.int64 ?? 0) }
        }
        return accepted
    }

    private func progress(_ sent: Int, isLast: Bool = false) {
        guard console.showsProgress else { return }
        console.writeError(Array("\r\(sent) of \(day.events.count) events sent\(isLast ? "\n" : "")".utf8))
    }

    private func showAlerts() async throws -> [String] {
        let deadline = ContinuousClock.now + Self.alertLimit
        var alerts = try await alerts()
        while !missing(alerts).isEmpty, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
            alerts = try await self.alerts()
        }
        var table = TextTable([
            .init(title: "severity", isRigid: true), .init(title: "alert"), .init(title: "about"),
            .init(title: "after", isNumber: true, isRigid: true),
        ])
        for alert in alerts { table.add([alert.severity, alert.title, alert.entity, try await delay(alert)]) }
        try console.lines(["", console.bold("The alerts"), "`after` is how soon each followed the event it is about."])
        let lines = table.lines(console)
        try console.lines(lines.map { $0.hasPrefix("critical") ? console.bold($0) : $0 })
        for alert in alerts where alert.severity == "critical" {
            try console.lines(["", console.bold("Critical: \(VisibleText.of("\(alert.title), by \(alert.entity)")).")])
        }
        return missing(alerts).map { "the rule `\($0)` raised no alert" }
    }

    private func missing(_ alerts: [DemoAlert]) -> [String] {
        DemoAttack.rules.filter { rule in !alerts.contains { $0.title == rule } }
    }

    private func alerts() async throws -> [DemoAlert] {
        try JSONDocument.read(try await client.call(.get, "/v1/alerts")) { json in
            // Newest first comes from the server; a story is told the other way round.
            (json["alerts"].map { $0.elements.map(DemoAlert.init) } ?? []).reversed()
        }
    }

    /// The time between receiving an alert's first event and raising the alert.
    private func delay(_ alert: DemoAlert) async throws -> String {
        let answer = try await client.call(.get, "/v1/alerts/\(alert.id)")
        guard let index = try JSONDocument.read(answer, { $0["evidence"]?[0]?.int64 }) else { return "" }
        let event = try await client.call(.get, "/v1/events/\(index)")
        let received = try JSONDocument.read(event) { Timestamp(parsing: $0.text("received")) }
        guard let received, let created = alert.created else { return "" }
        return "\(max(0, created.milliseconds - received.milliseconds)) ms"
    }

    private func search() async throws -> [String] {
        try console.lines(["", console.bold("What the attacker did"), "custody search '\(DemoAttack.query)'", ""])
        var request = JSONObject()
        request.add("q", DemoAttack.query)
        let answer = try await client.call(.post, "/v1/search", body: request.text)
        let table = try JSONDocument.read(answer) { json in
            let titles = json["columns"]?.elements.compactMap(\.scalarText) ?? []
            var table = TextTable(titles.map { .init(title: $0, isRigid: $0 == "time") })
            for row in json["rows"].map({ Array($0.elements) }) ?? [] {
                table.add(row.elements.map { EventColumns.seconds($0.scalarText ?? "") })
            }
            return table
        }
        try console.lines(table.lines(console))
        try console.lines(["", "Step by step:"] + steps)
        let text = String(decoding: answer, as: UTF8.self)
        let found = text.contains(DemoAttack.actor) && text.contains("secrets.list")
        return found ? [] : ["the search did not find the attack"]
    }

    private var steps: [String] {
        day.events.filter { $0.step != nil }.map { "  \($0.time.text.dropFirst(11).prefix(5))  \($0.step ?? "")" }
    }
}

/// What the demo shows of an alert.
private struct DemoAlert: Sendable {
    let id: String
    let title: String
    let severity: String
    let entity: String
    let created: Timestamp?

    init(_ json: JSONValue) {
        id = json.text("id")
        title = json.text("title")
        severity = json.text("severity")
        entity = json.text("entity")
        created = Timestamp(parsing: json.text("created"))
    }
}
