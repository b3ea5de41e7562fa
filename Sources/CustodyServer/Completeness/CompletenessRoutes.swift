import AccessControl
import HTTPTypes
import Hummingbird
import Identity
import Intake
import QueryLanguage

/// `/v1/sources/NAME/completeness` and `/v1/sources/NAME/expectations`: what is missing of a source, and what is expected of it.
struct CompletenessRoutes {
    private struct Wanted: Decodable {
        enum CodingKeys: String, CodingKey {
            case every, sequence, partition, grace
            case quietHours = "quiet_hours"
        }
        /// Durations as in queries: `2h`.
        var every: String?
        var quietHours: String?
        var sequence: String?
        var partition: String?
        var grace: String?
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/sources/:name/completeness", use: show)
        router.put("/v1/sources/:name/expectations", use: expect)
        router.delete("/v1/sources/:name/expectations", use: expectNothing)
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        let source = try source(context)
        try state.audit.record(
            state.auditEntry("source.read", activity: "read", context, resource: ("source", source.name)))
        return response(source)
    }

    @Sendable private func expect(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let source = try source(context)
        let wanted: Wanted = try await RequestJSON.decode(request, context)
        let expectations = try Self.expectations(wanted)
        try state.completeness.expect(expectations, of: source.name, now: state.now())
        try await state.audit.recordDurably(
            state.auditEntry(
                "source.expect", activity: "update", context, resource: ("source", source.name),
                details: Self.details(expectations)))
        return response(source)
    }

    @Sendable private func expectNothing(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let source = try source(context)
        guard state.completeness.expected(of: source.name) != nil else {
            throw Problem.notFound("nothing is expected of the source \(source.name)")
        }
        try state.completeness.expect(nil, of: source.name, now: state.now())
        try await state.audit.recordDurably(
            state.auditEntry("source.expect_nothing", activity: "delete", context, resource: ("source", source.name)))
        return Response(status: .noContent)
    }

    private func response(_ source: Source) -> Response {
        var json = JSONWriter()
        CompletenessReport(source, state).write(to: &json)
        return json.response()
    }

    private func source(_ context: CustodyRequestContext) throws -> Source {
        let name = try context.parameters.require("name")
        guard let source = state.sources.source(named: name) else {
            throw Problem.notFound("there is no source \(name)")
        }
        return source
    }

    // MARK: What is wanted

    private static func expectations(_ wanted: Wanted) throws -> SourceExpectations {
        var expectations = SourceExpectations()
        expectations.everySeconds = try wanted.every.map {
            try seconds($0, "every", in: SourceExpectations.heartbeatSeconds)
        }
        if let text = wanted.quietHours {
            guard expectations.everySeconds != nil else { throw refusal("quiet_hours belong to every") }
            guard let hours = QuietHours(text) else {
                throw refusal("quiet_hours is two times of the day in UTC, as 22:00-06:00")
            }
            expectations.quietHours = hours
        }
        if let text = wanted.sequence {
            expectations.sequence = .init(
                field: try field(text, "sequence"), partition: try wanted.partition.map { try field($0, "partition") },
                graceSeconds: try wanted.grace.map { try seconds($0, "grace", in: SourceExpectations.graceSeconds) }
                    ?? SourceExpectations.usualGraceSeconds)
        } else if wanted.partition != nil || wanted.grace != nil {
            throw refusal("partition and grace belong to sequence")
        }
        guard expectations != SourceExpectations() else { throw refusal("expect something: every or sequence") }
        return expectations
    }

    private static func seconds(_ text: String, _ name: String, in range: ClosedRange<Int64>) throws -> Int64 {
        guard let duration = QueryDuration(parsing: text), range.contains(duration.nanoseconds / 1_000_000_000) else {
            throw refusal("\(name) is a duration from \(range.lowerBound)s to \(range.upperBound)s, as 2h")
        }
        return duration.nanoseconds / 1_000_000_000
    }

    private static func field(_ text: String, _ name: String) throws -> EventFieldPath {
        guard let field = EventFieldPath(text) else {
            throw refusal("\(name) is a field: raw.PATH, ext.KEY or a canonical one, as raw.sequence")
        }
        return field
    }

    private static func refusal(_ reason: String) -> Problem { .badRequest("invalid_expectation", reason) }

    private static func details(_ expectations: SourceExpectations) -> [(String, String)] {
        let sequence = expectations.sequence
        let all: [(String, String?)] = [
            ("every_seconds", expectations.everySeconds.map { String($0) }),
            ("quiet_hours", expectations.quietHours?.text), ("sequence", sequence?.field.text),
            ("partition", sequence?.partition?.text), ("grace_seconds", sequence.map { String($0.graceSeconds) }),
        ]
        return all.compactMap { name, value in value.map { (name, $0) } }
    }
}
