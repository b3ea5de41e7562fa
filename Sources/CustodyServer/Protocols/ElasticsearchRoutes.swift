import Connectors
import EventModel
import HTTPTypes
import Hummingbird
import Intake
import NIOCore

/// What senders to Elasticsearch need: `_bulk`, and the questions that they ask before they send.
///
/// Of the bulk API's actions only those that add are taken: events are never changed. Templates, policies and data streams are
/// said to be there, since there is nothing to set up.
struct ElasticsearchRoutes {
    /// Senders compare versions with their own and want one that knows data streams and templates that are composed.
    static let version = "8.19.0"
    private static let product = HTTPField.Name("X-Elastic-Product")
    /// What clients of a version ask for; the answer bears the same name.
    private static let mediaTypes = ["8", "9"].map { "application/vnd.elasticsearch+json;compatible-with=\($0)" }
    /// Kinds of things that senders look for, and set up when they are missing.
    private static let setUp = [
        "_index_template", "_component_template", "_template", "_ilm/policy", "_data_stream", "_alias",
        "_ingest/pipeline",
    ]

    let state: ServerState
    private var requests: DeliveryRequests { DeliveryRequests(state: state) }

    init(state: ServerState) { self.state = state }

    func register(on router: Router<CustodyRequestContext>) {
        for path in ["/_bulk", "/:index/_bulk"] {
            router.post(RouterPath(path)) { await bulk($0, $1) }
            router.put(RouterPath(path)) { await bulk($0, $1) }
        }
        question("/_license", on: router) { $0.license() }
        question("/_xpack", on: router) { $0.features() }
        question("/_cluster/health", on: router) { $0.health() }
        question("/_nodes/http", on: router) { $0.nodes() }
        question("/_cat/health", on: router) { _ in }
        question("/_cat/indices", on: router) { _ in }
        for kind in Self.setUp {
            question("/\(kind)/:name", on: router) { _ in }
            router.put(RouterPath("/\(kind)/:name")) { request, context in
                await answering(request, context) {
                    Self.response(request, json: { $0.object { $0.member("acknowledged", true) } })
                }
            }
        }
    }

    private func question(
        _ path: String, on router: Router<CustodyRequestContext>,
        _ members: @escaping @Sendable (inout ElasticsearchAnswer) -> Void
    ) {
        router.get(RouterPath(path)) { await answer($0, $1, members) }
    }

    /// `GET /` of a program: senders ask what this is before they send.
    func about(_ request: Request, _ context: CustodyRequestContext) async -> Response {
        await answer(request, context) { $0.about() }
    }

    private func answer(
        _ request: Request, _ context: CustodyRequestContext, _ members: (inout ElasticsearchAnswer) -> Void
    ) async -> Response {
        await answering(request, context) {
            var answer = ElasticsearchAnswer()
            members(&answer)
            return Self.response(request, json: { $0.object { answer.write(to: &$0) } })
        }
    }

    private func answering(
        _ request: Request, _ context: CustodyRequestContext, _ body: () async throws -> Response
    ) async -> Response {
        await state.answering(request, context, in: { Self.response(request, $0) }) {
            _ = try context.requirePrincipal()
            return try await body()
        }
    }

    // MARK: Bulk

    private func bulk(_ request: Request, _ context: CustodyRequestContext) async -> Response {
        let start = ContinuousClock.now
        return await answering(request, context) {
            try await requests.withSource(named: requests.sourceName(request, context), context) { source in
                var delivery = try await requests.delivery(request)
                guard !delivery.body.isEmpty else { throw Problem.badRequest("malformed", "request body is required") }
                let limits = ProtocolLimits(state.configuration.intake)
                let bulk = try delivery.body.withUnsafeBytes {
                    try BulkRequest($0, index: context.parameters.get("index"), limits: limits)
                }
                delivery.frames = bulk.frames
                let answer = try await requests.submit(
                    delivery, from: requests.pushSource(source, context), deliveryID: nil)
                let took = (ContinuousClock.now - start).components
                let milliseconds = took.seconds * 1_000 + took.attoseconds / 1_000_000_000_000_000
                return Self.response(request, json: { Self.write(bulk, answer, milliseconds, to: &$0) })
            }
        }
    }

    /// What became of each action, in their order; `_seq_no` is the leaf index.
    private static func write(
        _ bulk: BulkRequest, _ answer: IntakeAnswer, _ took: Int64, to json: inout JSONWriter
    ) {
        let outcomes = Dictionary(
            answer.outcomes.map { ($0.position, $0.outcome) }, uniquingKeysWith: { first, _ in first })
        let reasons = Dictionary(
            answer.rejected.map { ($0.position, $0.reason) }, uniquingKeysWith: { first, _ in first })
        let hasErrors = !reasons.isEmpty || bulk.items.contains { $0.frame == nil }
        json.object { json in
            json.member("took", took)
            json.member("errors", hasErrors)
            json.member("items") { json in
                json.array { json in
                    for item in bulk.items {
                        json.object { json in
                            json.member(item.action.rawValue) { json in
                                json.object { json in
                                    json.member("_index", item.index ?? "custody")
                                    let outcome = item.frame.flatMap { outcomes[$0] }
                                    write(item, outcome, item.frame.flatMap { reasons[$0] }, to: &json)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private static func write(
        _ item: BulkRequest.Item, _ outcome: CommitOutcome?, _ reason: String?, to json: inout JSONWriter
    ) {
        guard let outcome else {
            json.member("_id", item.identifier)
            json.member("status", 400)
            json.member("error") { json in
                json.object { json in
                    let isAction = item.frame == nil
                    json.member("type", isAction ? "illegal_argument_exception" : "document_parsing_exception")
                    json.member(
                        "reason",
                        isAction ? "events are never changed: index and create are taken" : reason ?? "not an event")
                }
            }
            return
        }
        let index: LeafIndex
        let isNew: Bool
        switch outcome {
        case .accepted(let accepted): (index, isNew) = (accepted, true)
        case .duplicate(let original): (index, isNew) = (original, false)
        }
        json.member("_id", item.identifier ?? String(index.rawValue))
        json.member("_version", 1)
        json.member("result", isNew ? "created" : "noop")
        json.member("_shards") { json in
            json.object { json in
                json.member("total", 1)
                json.member("successful", 1)
                json.member("failed", 0)
            }
        }
        json.member("_seq_no", Int64(index.rawValue))
        json.member("_primary_term", 1)
        json.member("status", isNew ? 201 : 200)
    }

    // MARK: Answers

    private static func response(
        _ request: Request, status: HTTPResponse.Status = .ok, json body: (inout JSONWriter) -> Void
    ) -> Response {
        var json = JSONWriter()
        body(&json)
        var response = json.response(status: status)
        if let product { response.headers[product] = "Elasticsearch" }
        let asked = (request.headers[.accept] ?? "").filter { $0 != " " }
        if let type = mediaTypes.first(where: asked.contains) { response.headers[.contentType] = type }
        return response
    }

    private static func response(_ request: Request, _ problem: Problem) -> Response {
        let type =
            switch problem.status {
            case .unauthorized, .forbidden: "security_exception"
            case .notFound: "index_not_found_exception"
            case .contentTooLarge: "content_too_long_exception"
            case .tooManyRequests: "es_rejected_execution_exception"
            case .badRequest, .unsupportedMediaType: "illegal_argument_exception"
            case .serviceUnavailable: "cluster_block_exception"
            default: "exception"
            }
        func cause(_ json: inout JSONWriter) {
            json.member("type", type)
            json.member("reason", problem.detail)
        }
        return response(request, status: problem.status) { json in
            json.object { json in
                json.member("error") { json in
                    json.object { json in
                        json.member("root_cause") { json in json.array { $0.object(cause) } }
                        cause(&json)
                    }
                }
                json.member("status", Int64(problem.status.code))
            }
        }
    }
}

/// The answers to senders' questions, in the shapes in which they look for them.
struct ElasticsearchAnswer {
    private var members: [(String, String)] = []

    func write(to json: inout JSONWriter) { for (name, value) in members { json.member(name, raw: value) } }

    mutating func about() {
        members = [
            ("name", #""custody""#), ("cluster_name", #""custody""#), ("cluster_uuid", #""custody""#),
            (
                "version",
                #"{"number":"\#(ElasticsearchRoutes.version)","build_flavor":"default","build_type":"tar","#
                    + #""build_hash":"custody","build_snapshot":false,"lucene_version":"9.12.2","#
                    + #""minimum_wire_compatibility_version":"7.17.0","minimum_index_compatibility_version":"7.0.0"}"#
            ),
            ("tagline", #""You Know, for Search""#),
        ]
    }

    /// Beats send only to what has a license in force.
    mutating func license() {
        members = [
            ("license", #"{"status":"active","uid":"custody","type":"basic","mode":"basic","issued_to":"custody"}"#)
        ]
    }

    mutating func features() {
        license()
        members.append(("features", "{}"))
    }

    mutating func health() {
        members = [
            ("cluster_name", #""custody""#), ("status", #""green""#), ("timed_out", "false"), ("number_of_nodes", "1"),
            ("number_of_data_nodes", "1"),
        ]
    }

    /// Senders that look for further nodes keep to the address that they know.
    mutating func nodes() { members = [("cluster_name", #""custody""#), ("nodes", "{}")] }
}
