import EventModel
import EventStore
import Foundation

/// What a row of a list says about an event, and the sentence at the top of its page.
struct EventSummary {
    let index: UInt64
    let time: Timestamp?
    let action: String
    let actor: String?
    let resource: String?
    let source: String
    let outcome: String?
    let address: String?

    /// - Parameter json: an event's JSON object, with what its reader may see.
    init(index: LeafIndex, json: [UInt8], parser: JSONParser) {
        self.index = index.rawValue
        let read = try? parser.withDocument(json) { root -> [String?] in
            func first(_ object: StaticString, _ names: [StaticString]) -> String? {
                guard let object = root[object] else { return nil }
                return names.lazy.compactMap { object[$0]?.scalarText }.first
            }
            return [
                root["time"]?.scalarText, root["action"]?.scalarText, first("actor", ["name", "id", "email"]),
                first("resource", ["name", "id"]), first("source", ["name"]), root["outcome"]?.scalarText,
                first("client", ["ip"]),
            ]
        }
        let values = read ?? [String?](repeating: nil, count: 7)
        time = values[0].flatMap { Timestamp(parsing: $0) }
        action = values[1] ?? "event"
        (actor, resource, source) = (values[2], values[3], values[4] ?? "")
        (outcome, address) = (values[5], values[6])
    }

    /// Whether a person should look twice: it failed or was refused.
    var isBad: Bool { outcome == "failure" || outcome == "denied" }

    func data(now: Timestamp) -> PageData {
        .of([
            "index": String(index), "path": "/events/\(index)", "action": action, "actor": actor, "resource": resource,
            "source": source, "outcome": outcome, "outcome_kind": isBad ? "bad" : outcome == nil ? "none" : "plain",
            "address": address, "is_bad": isBad ? true : nil,
            "time": time.map { PageData.time($0, now: now) },
        ])
    }

    static func rows(_ hits: [EventHit], now: Timestamp) -> [PageData] {
        let parser = JSONParser()
        return hits.map { EventSummary(index: $0.index, json: $0.json, parser: parser).data(now: now) }
    }
}
