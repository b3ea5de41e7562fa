import AccessControl
import EventModel
import EventStore
import Foundation
import HTTPTypes
import Hummingbird
import Intake
import Ledger
import QueryLanguage

/// `/events/INDEX`: what happened in a sentence, the fields, the payload, the proof, what is around it.
struct EventPage {
    /// Events before and after it that are listed.
    static let neighbours: UInt64 = 5
    /// Bytes of a payload that are shown; all of it is one click away.
    static let shownPayload = 1 << 18
    /// Seconds before and after it in which other events of the same actor and so on are looked for.
    static let surroundings: Int64 = 300

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/events/:index", use: show)
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try await state.page(request, context) { principal in
            let index = try EventRoutes.index(context)
            let showsPayload = request.uri.queryParameters["show"] == "payload"
            let groups: Set<FieldGroup> = showsPayload ? [.envelope, .raw] : [.envelope]
            let event = try await state.event(at: index, groups, context)
            let entry = state.auditEntry(
                showsPayload ? "event.read_raw" : "event.read", activity: "read", context,
                resource: ("event", String(index.rawValue)))
            // A payload is shown only after it is on record that it was.
            if showsPayload { try await state.audit.recordDurably(entry) } else { try state.audit.record(entry) }
            let now = state.now()
            let summary = EventSummary(index: index, json: event.json, parser: JSONParser())
            let read = try Authorizer.authorizeRead(of: [.envelope], for: principal, now: now)
            let around = try await state.neighbours(of: index, reach: Self.neighbours, read)
            var data = summary.data(now: now)
            let fields = EventFields(event.json)
            data["fields"] = fields.groups(now: now)
            if let overlay = event.overlay {
                let reading = EventFields(overlay)
                data["overlay"] = PageData.of([
                    "by": reading.value("norm.overlay"), "fields": fields.differences(in: reading, now: now),
                ])
            }
            data["around"] = around.map { neighbour -> PageData in
                let other = EventSummary(index: neighbour.index, json: neighbour.json, parser: JSONParser())
                return other.data(now: now).merging(neighbour.index == index ? ["is_this": true] : [:]) { $1 }
            }
            data["same"] = same(fields, summary)
            data["sealed"] = proof(of: index)
            data["vkey"] = state.ledgerKey.verifierKey.description
            if showsPayload { data["payload"] = Self.payload(event.payload) }
            data["previous"] = index.rawValue > 0 ? "/events/\(index.rawValue - 1)" : nil
            data["following"] =
                index.rawValue + 1 < state.intake.committer.end.rawValue ? "/events/\(index.rawValue + 1)" : nil
            return Page(
                title: "\(summary.action) · event \(index.rawValue)", place: .search, template: "event", data: data,
                scripts: ["event.js"])
        }
    }

    /// Searches for other events of the same actor and so on, around the same time.
    private func same(_ fields: EventFields, _ summary: EventSummary) -> [PageData] {
        guard let time = summary.time else { return [] }
        let reach = Self.surroundings * 1_000_000_000
        let (since, until) = (time.advanced(byNanoseconds: -reach), time.advanced(byNanoseconds: reach))
        let asked: [(label: String, field: String, path: String)] = [
            ("actor", "actor", "actor.name"), ("address", "ip", "client.ip"), ("resource", "resource", "resource.name"),
            ("repository", "repo", "vcs.repo"), ("commit", "commit", "vcs.commit"), ("run", "run", "ci.run"),
            ("artifact", "artifact", "artifact.digest"), ("session", "session", "corr.session"),
        ]
        return asked.compactMap { label, field, path in
            guard let value = fields.value(path),
                let query = Query(filter: .all).adding(field, value, now: state.now())
            else { return nil }
            return [
                "label": label, "value": value,
                "path": PagePath.with("/search", ["q": query.boxText, "since": since.text, "until": until.text]),
            ]
        }
    }

    private func proof(of index: LeafIndex) -> PageData {
        guard let latest = state.ledger.latest, latest.checkpoint.size > index.rawValue else {
            return ["is_waiting": true]
        }
        return .of([
            "size": PageNumber.text(latest.checkpoint.size), "origin": state.ledgerKey.verifierKey.name,
            "path": "/v1/events/\(index.rawValue)/proof",
        ])
    }

    /// A payload as text; JSON is laid out.
    private static func payload(_ bytes: [UInt8]?) -> PageData {
        guard let bytes else { return ["is_gone": true] }
        var text = String(decoding: bytes, as: UTF8.self)
        if let value = try? JSONSerialization.jsonObject(with: Data(bytes)),
            let laidOut = try? JSONSerialization.data(
                withJSONObject: value, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        {
            text = String(decoding: laidOut, as: UTF8.self)
        }
        let isCut = text.utf8.count > shownPayload
        return .of([
            "text": isCut ? String(text.prefix(shownPayload)) : text, "is_cut": isCut ? true : nil,
            "size": PageNumber.text(bytes.count),
        ])
    }
}
