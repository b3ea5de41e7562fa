import AccessControl
import EventModel
import EventStore
import Foundation
import HTTPTypes
import Hummingbird
import Ledger
import QueryLanguage

/// `/v1/search`, `/v1/fields`, `/v1/fields/F/values`.
struct SearchRoutes {
    /// Values offered at most for one field.
    static let maximumValues = 1_000
    /// Events of one answer that bring their proofs: each is about 2 KiB of text and a few tiles to read.
    static let maximumProofs = 1_000

    private struct Body: Decodable {
        var q: String?
        var since: String?
        var until: String?
        var limit: Int?
        var cursor: String?
        var order: String?
        var explain: Bool?
        var proofs: Bool?
        var reading: String?
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/search", use: search)
        router.post("/v1/search", use: search)
        router.get("/v1/fields", use: fields)
        router.get("/v1/fields/:field/values", use: values)
    }

    @Sendable private func search(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let wanted = try await Self.wanted(request, context)
        let now = state.now()
        let query = try Query(parsing: wanted.q ?? "", now: now)
        let authorized = try Authorizer.authorize(
            query, since: Self.time(wanted.since, "since", now), until: Self.time(wanted.until, "until", now),
            for: principal, now: now)
        try state.audit.record(
            state.auditEntry(
                "search.run", activity: "read", context, resource: ("event", nil), query: query.canonical))
        let order: SearchOptions.Order =
            switch wanted.order {
            case nil, "newest", "desc": .newestFirst
            case "oldest", "asc": .oldestFirst
            default: throw Problem.badRequest("invalid_order", "order is newest or oldest")
            }
        let options = SearchOptions(
            limit: wanted.limit, cursor: wanted.cursor.flatMap { $0.isEmpty ? nil : $0 }, order: order,
            explains: wanted.explain ?? false, reading: try Self.reading(wanted.reading))
        let result = try await context.whileConnected { [store = state.store] in
            try await store.search(authorized, options)
        }
        return Self.response(result, proofs: try proofs(of: result, wanted))
    }

    /// The proofs of an answer's events by their index, when they are wanted; an event that no checkpoint covers yet has none.
    private func proofs(of result: QueryResult, _ wanted: Body) throws -> [UInt64: TlogProof]? {
        guard wanted.proofs ?? false else { return nil }
        guard result.kind == .events, result.events.count <= Self.maximumProofs else {
            throw Problem.badRequest(
                "no_proofs", "proofs are for answers of at most \(Self.maximumProofs) events: set limit")
        }
        return try state.ledger.tlogProofs(of: result.events.map(\.index.rawValue))
    }

    @Sendable private func fields(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let now = state.now()
        let query = try Query(parsing: request.uri.queryParameters["q"].map(String.init) ?? "", now: now)
        let authorized = try Authorizer.authorize(query, for: principal, now: now)
        let reading = try Self.reading(request.uri.queryParameters["reading"].map(String.init))
        try state.audit.recordRepeated(
            state.auditEntry("field.complete", activity: "read", context, resource: ("field", nil)))
        let summary = try await context.whileConnected { [store = state.store] in
            try await store.fields(authorized, reading)
        }
        var json = JSONWriter()
        json.object { json in
            json.member("fields") { json in
                json.array { json in
                    for entry in summary.entries {
                        json.object { json in
                            json.member("name", entry.name)
                            json.member("type", "\(entry.type)")
                            json.member("events", Int64(entry.events))
                        }
                    }
                }
            }
            json.member("sampled_events", Int64(summary.sampledEvents))
        }
        return json.response()
    }

    @Sendable private func values(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let name = try context.parameters.require("field").removingPercentEncoding ?? ""
        let now = state.now()
        let parameters = request.uri.queryParameters
        // Naming the field in the query is what asks for leave to see it.
        let scope = parameters["q"].map(String.init) ?? ""
        let presence = try Query(parsing: "\(name):*", now: now)
        guard case .field(let reference, _) = presence.filter else {
            throw Problem.badRequest("unknown_field", "there is no field \(name)")
        }
        let query = scope.isEmpty ? presence : try Query(parsing: "(\(scope)) \(name):*", now: now)
        let authorized = try Authorizer.authorize(query, for: principal, now: now)
        try state.audit.recordRepeated(
            state.auditEntry("field.complete", activity: "read", context, resource: ("field", name)))
        let limit = try request.count("limit", in: 1...Self.maximumValues) ?? 20
        let reading = try Self.reading(parameters["reading"].map(String.init))
        let prefix = parameters["prefix"].map(String.init) ?? ""
        let summary = try await context.whileConnected { [store = state.store] in
            try await store.values(of: reference, prefix: prefix, limit: limit, authorized, reading)
        }
        var json = JSONWriter()
        json.object { json in
            json.member("field", name)
            json.member("values") { json in
                json.array { json in
                    for entry in summary.entries {
                        json.object { json in
                            json.member("value", entry.value)
                            json.member("events", Int64(entry.events))
                        }
                    }
                }
            }
            json.member("exact", summary.isExact)
        }
        return json.response()
    }

    private static func wanted(_ request: Request, _ context: CustodyRequestContext) async throws -> Body {
        guard request.method != .post else { return try await RequestJSON.decode(request, context) }
        let parameters = request.uri.queryParameters
        func text(_ name: Substring) -> String? { parameters[name].map(String.init) }
        var limit: Int?
        if let number = text("limit") {
            guard let value = Int(number) else { throw Problem.badRequest("invalid_limit", "limit is not a number") }
            limit = value
        }
        return Body(
            q: text("q"), since: text("since"), until: text("until"), limit: limit, cursor: text("cursor"),
            order: text("order"), explain: text("explain").map { $0 != "false" && $0 != "0" },
            proofs: text("proofs").map { $0 != "false" && $0 != "0" }, reading: text("reading"))
    }

    /// Which reading of events that were read again is searched.
    private static func reading(_ text: String?) throws -> SearchOptions.Reading {
        guard let text, !text.isEmpty else { return .current }
        guard let reading = SearchOptions.Reading(rawValue: text) else {
            throw Problem.badRequest("invalid_reading", "reading is current or sealed")
        }
        return reading
    }

    static func time(_ text: String?, _ name: String, _ now: Timestamp) throws -> Timestamp? {
        guard let text, !text.isEmpty else { return nil }
        guard let literal = TimeLiteral(parsing: text, now: now) else {
            throw Problem.badRequest(
                "invalid_time", "\(name) is no time: write 2026-11-23T10:00:00Z, 2026-11-23 or -24h")
        }
        return literal.start
    }
}

extension SearchRoutes {
    /// The contract's answer to a search.
    ///
    /// - Parameter proofs: The events' proofs by their index; nil when none were asked for.
    static func response(_ result: QueryResult, proofs: [UInt64: TlogProof]? = nil) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member("kind", result.kind.rawValue)
            json.member("canonical", result.canonical)
            if result.kind == .events {
                json.member("events") { json in
                    json.array { json in
                        for hit in result.events {
                            json.raw(proofs.map { event(hit.json, with: $0[hit.index.rawValue]) } ?? hit.json)
                        }
                    }
                }
            } else {
                json.member("columns") { json in
                    json.array { json in for column in result.columns { json.value(column.name) } }
                }
                json.member("rows") { json in json.array { json in for row in result.rows { write(row, to: &json) } } }
            }
            if let span = result.span { json.member("span_seconds", span / 1_000_000_000) }
            json.member("cursor", result.cursor)
            json.member("stats") { json in write(result.statistics, to: &json) }
            if let window = result.defaultedWindow {
                json.member("default_window") { json in
                    json.object { json in
                        json.member("since", window.since.text)
                        json.member("until", window.until.text)
                        if let outside = window.hitsOutside {
                            json.member("hits_outside", Int64(outside))
                            json.member("more_outside", window.hasMoreOutside)
                        }
                    }
                }
            }
            json.member("explain", result.explanation)
        }
        return json.response()
    }

    /// An event's JSON with its proof as the last member; `null` while no checkpoint covers it.
    private static func event(_ json: [UInt8], with proof: TlogProof?) -> [UInt8] {
        var bytes = Array(json.dropLast()) + Array(",\"proof\":".utf8)
        if let proof {
            JSONText.appendString(String(decoding: proof.bytes, as: UTF8.self), to: &bytes)
        } else {
            bytes += "null".utf8
        }
        return bytes + [UInt8(ascii: "}")]
    }

    private static func write(_ row: [QueryValue], to json: inout JSONWriter) {
        json.array { json in
            for value in row {
                var bytes: [UInt8] = []
                value.appendJSON(to: &bytes)
                json.raw(bytes)
            }
        }
    }

    private static func write(_ statistics: QueryResult.Statistics, to json: inout JSONWriter) {
        json.object { json in
            json.member("matched", Int64(statistics.matched))
            json.member("exact", statistics.exact)
            json.member("scanned_bytes", Int64(statistics.scannedBytes))
            json.member("took_ms", raw: JSONText.shortest(Double(statistics.tookNanoseconds / 1_000) / 1_000))
            json.member("segments", Int64(statistics.segments))
            json.member("segments_read", Int64(statistics.segmentsRead))
        }
    }
}
