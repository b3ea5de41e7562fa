import AccessControl
import Connectors
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import Identity

/// `/v1/sources`: list, add, rotate, enable and disable.
struct SourceRoutes {
    private struct Creation: Decodable {
        enum CodingKeys: String, CodingKey {
            case name, connector, secret
            case generatesSecret = "generate_secret"
            case retentionClass = "retention_class"
        }
        var name: String
        var connector: String?
        /// The provider's secret; one is made when it is `true` in `generate_secret`.
        var secret: String?
        var generatesSecret: Bool?
        /// Which policy decides how long its events are kept.
        var retentionClass: UInt16?
    }

    private struct Rotation: Decodable {
        var secret: String?
    }

    private struct Change: Decodable {
        var enabled: Bool
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/sources", use: list)
        router.post("/v1/sources", use: add)
        router.get("/v1/sources/:name", use: show)
        router.patch("/v1/sources/:name", use: change)
        router.post("/v1/sources/:name/rotate", use: rotate)
        router.get("/v1/connectors", use: connectors)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.record(state.auditEntry("source.list", activity: "read", context, resource: ("source", nil)))
        var connections: [String: GitHubStatus] = [:]
        for connection in state.github.list() {
            connections[connection.settings.source] = await state.github.status(of: connection.settings.source)
        }
        var json = JSONWriter()
        json.object { json in
            json.member("sources") { json in
                json.array { json in
                    for source in state.sources.list() {
                        Self.write(
                            source, secret: nil, pull: connections[source.name]?.summary,
                            condition: CompletenessReport(source, state).condition, to: &json)
                    }
                }
            }
        }
        return json.response()
    }

    @Sendable private func show(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        let name = try context.parameters.require("name")
        guard let source = state.sources.source(named: name) else {
            throw Problem.notFound("there is no source \(name)")
        }
        try state.audit.record(state.auditEntry("source.read", activity: "read", context, resource: ("source", name)))
        let github = await state.github.status(of: name)
        var json = JSONWriter()
        Self.write(
            source, secret: nil, pull: github?.summary, github: github, completeness: CompletenessReport(source, state),
            to: &json)
        return json.response()
    }

    @Sendable private func add(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let wanted: Creation = try await RequestJSON.decode(request, context)
        let connector = wanted.connector ?? SourceStore.automatic
        if connector != SourceStore.automatic { _ = try state.catalogue.connector(named: connector) }
        let generated = wanted.generatesSecret == true ? state.sources.newSecret() : nil
        let source = try state.sources.add(
            name: wanted.name, connector: connector, secret: wanted.secret ?? generated,
            retentionClass: wanted.retentionClass ?? RetentionClass.standard, now: state.now())
        try await state.audit.recordDurably(
            state.auditEntry(
                "source.add", activity: "create", context, resource: ("source", source.name),
                details: [("connector", connector), ("retention_class", String(source.retentionClass))]))
        var json = JSONWriter()
        Self.write(source, secret: generated, to: &json)
        return json.response(status: .created)
    }

    @Sendable private func change(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let name = try context.parameters.require("name")
        let wanted: Change = try await RequestJSON.decode(request, context)
        try state.sources.setEnabled(wanted.enabled, name: name)
        try await state.audit.recordDurably(
            state.auditEntry(
                wanted.enabled ? "source.enable" : "source.disable", activity: "update", context,
                resource: ("source", name)))
        return try response(for: name, secret: nil)
    }

    @Sendable private func rotate(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let name = try context.parameters.require("name")
        let wanted: Rotation = try await RequestJSON.decode(request, context)
        let secret = wanted.secret ?? state.sources.newSecret()
        try state.sources.rotate(name: name, to: secret, now: state.now())
        try await state.audit.recordDurably(
            state.auditEntry("source.rotate", activity: "update", context, resource: ("source", name)))
        return try response(for: name, secret: wanted.secret == nil ? secret : nil)
    }

    @Sendable private func connectors(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        _ = try context.requirePrincipal()
        var json = JSONWriter()
        json.object { json in
            json.member("connectors") { json in
                json.array { json in
                    for connector in state.catalogue.connectors {
                        json.object { json in
                            json.member("name", connector.name)
                            json.member("title", connector.title)
                            json.member("version", Int64(connector.version))
                        }
                    }
                }
            }
        }
        return json.response()
    }

    private func response(for name: String, secret: String?) throws -> Response {
        guard let source = state.sources.source(named: name) else {
            throw Problem.notFound("there is no source \(name)")
        }
        var json = JSONWriter()
        Self.write(source, secret: secret, to: &json)
        return json.response()
    }

    /// The secret is shown only when Custody has just made it.
    private static func write(
        _ source: Source, secret: String?, pull: String? = nil, github: GitHubStatus? = nil,
        completeness: CompletenessReport? = nil, condition: CompletenessReport.Condition? = nil,
        to json: inout JSONWriter
    ) {
        json.object { json in
            json.member("name", source.name)
            json.member("connector", source.connector)
            json.member("retention_class", Int64(source.retentionClass))
            json.member("enabled", source.isEnabled)
            json.member("has_secret", source.secret != nil)
            json.member("created", source.created.text)
            json.member("hook", "/v1/hooks/\(source.name)")
            json.member("secret", secret)
            json.member("pull", pull)
            json.member("condition", condition?.rawValue)
            if let github { json.member("github") { github.write(to: &$0) } }
            if let completeness { json.member("completeness") { completeness.write(to: &$0) } }
        }
    }
}
