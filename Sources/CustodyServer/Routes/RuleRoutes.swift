import AccessControl
import Detection
import EventModel
import EventStore
import Foundation
import Hummingbird
import SystemPackage

/// `/v1/rules`: what is in force and what was refused and why; add, reload, versions, explain, backtest.
struct RuleRoutes {
    /// Files in one request: a few hundred kilobytes.
    static let maximumUploads = 500

    private struct Addition: Decodable {
        var files: [RuleUpload]
        /// Only say what would become of them.
        var check: Bool?
        /// Whether they are in force at once; the last request of many is enough for all.
        var reload: Bool?
    }
    private struct Question: Decodable {
        var rule: String?
        var id: String?
        var index: UInt64
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/rules", use: list)
        router.post("/v1/rules", use: add)
        router.post("/v1/rules/reload", use: reload)
        router.post("/v1/rules/explain", use: explain)
        router.post("/v1/rules/backtest", use: BacktestRoute(state: state).run)
        router.get("/v1/rules/:id/versions", use: versions)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.record(state.auditEntry("rule.list", activity: "read", context, resource: ("rule", nil)))
        return try response(state.engine.ruleSet)
    }

    @Sendable private func reload(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        return try response(try await putInForce(context))
    }

    private func putInForce(_ context: CustodyRequestContext) async throws -> RuleSet {
        let fresh = try RuleDirectories.load(state.configuration.allRuleDirectories, state.catalogue)
        try state.alerts.register(fresh.rules)
        state.engine.replace(with: fresh)
        try await state.audit.recordDurably(
            state.auditEntry(
                "rule.reload", activity: "update", context, resource: ("rule", nil),
                details: [("rules", String(fresh.rules.count)), ("refused", String(fresh.errors.count))]))
        return fresh
    }

    /// Takes files of rules over, below `DATA/rules`, and puts them in force. A file of the same name is replaced. What is
    /// refused is told and kept out of force; a file all of whose documents are refused is not kept.
    @Sendable private func add(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let wanted: Addition = try await RequestJSON.decode(request, context)
        guard (1...Self.maximumUploads).contains(wanted.files.count) else {
            throw Problem.badRequest("invalid_limit", "a request holds 1 to \(Self.maximumUploads) files")
        }
        let directory = state.configuration.addedRules
        let paths = try wanted.files.map { try $0.path(in: directory) }
        var report = RuleSet()
        var kept: [(path: FilePath, text: String)] = []
        for (upload, path) in zip(wanted.files, paths) {
            let before = report.rules.count
            report.add(upload.text, file: upload.name)
            if report.rules.count > before { kept.append((path, upload.text)) }
        }
        report = report.knowing(kinds: state.catalogue.kinds)
        if wanted.check != true, !kept.isEmpty {
            for file in kept {
                let folder = file.path.removingLastComponent()
                try FileManager.default.createDirectory(
                    atPath: folder.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
                try Data(file.text.utf8).write(to: URL(fileURLWithPath: file.path.string), options: .atomic)
            }
            try await state.audit.recordDurably(
                state.auditEntry(
                    "rule.add", activity: "create", context, resource: ("rule", nil),
                    details: [
                        ("files", String(kept.count)), ("rules", String(report.rules.count)),
                        ("refused", String(report.errors.count)),
                    ]))
            guard wanted.reload != false else { return try response(report, errors: report.errors) }
            let inForce = try await putInForce(context)
            // Together with the others some may be refused that are sound by themselves: ids that are taken.
            let names = Set(wanted.files.map(\.name))
            let keys = Set(inForce.rules.filter { names.contains($0.file) }.map(\.key))
            let others = inForce.errors.filter { error in
                names.contains(error.file ?? "") && !report.errors.contains(error)
            }
            return try response(report.filter { keys.contains($0.key) }, errors: report.errors + others)
        }
        return try response(report, errors: report.errors)
    }

    @Sendable private func versions(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        let raw = try context.parameters.require("id")
        let id = raw.removingPercentEncoding ?? raw
        let versions = try state.alerts.versions(of: id)
        guard !versions.isEmpty else { throw Problem.notFound("there never was a rule \(id)") }
        try state.audit.record(state.auditEntry("rule.read", activity: "read", context, resource: ("rule", id)))
        var json = JSONWriter()
        json.object { json in
            json.member("rule", id)
            json.member("versions") { json in
                json.array { json in
                    for version in versions {
                        json.object { json in
                            json.member("version", version.version)
                            json.member("sha256", version.hash)
                            json.member("title", version.title)
                            json.member("first_loaded", version.firstLoaded.text)
                        }
                    }
                }
            }
        }
        return json.response()
    }

    /// Why a rule matches an event, or does not.
    @Sendable private func explain(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        _ = try Authorizer.authorizeRead(of: [.envelope, .raw], for: principal, now: state.now())
        let question: Question = try await RequestJSON.decode(request, context)
        let chosen = try Self.rules(question.rule, question.id, state)
        let rule = question.id.flatMap(chosen.rule) ?? chosen.rules[0]
        let read = try Authorizer.authorizeRead(of: rule.revealedGroups, for: principal, now: state.now())
        let index = LeafIndex(question.index)
        guard try await state.store.event(at: index, read) != nil,
            let record = try state.storeView.record(at: index)
        else { throw Problem.notFound("there is no event \(index)") }
        try await state.audit.recordDurably(
            state.auditEntry(
                "event.explain", activity: "read", context, resource: ("event", String(index.rawValue)),
                details: [("rule", rule.key)]))
        let explanation = try record.bytes.withUnsafeBytes { bytes in
            let view = try SealedView(bytes)
            guard let payload = view.payload, payload.first == UInt8(ascii: "{"),
                let explanation = try? JSONParser().withDocument(
                    payload, { RuleExplanation(rule, view: view, payload: $0) })
            else { return RuleExplanation(rule, view: view, payload: nil) }
            return explanation
        }
        return Self.response(explanation, of: rule, index)
    }

    private static func response(
        _ explanation: RuleExplanation, of rule: SigmaRule, _ index: LeafIndex
    ) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member("rule", rule.key)
            json.member("title", rule.title)
            json.member("index", Int64(bitPattern: index.rawValue))
            json.member("matches", explanation.holds && explanation.isRouted)
            json.member("routed", explanation.isRouted)
            json.member("holds", explanation.holds)
            json.member("correlation", explanation.hasMemory)
            json.member("predicates") { json in
                json.array { json in
                    for line in explanation.lines {
                        json.object { json in
                            json.member("text", line.text)
                            json.member("holds", line.holds)
                            json.member("negated", line.isNegated)
                            json.member("required", line.isRequired)
                            json.member("blocking", line.isBlocking)
                            json.member("values") { json in
                                json.array { json in for value in line.values { json.value(value) } }
                            }
                            if let others = line.comparedWith {
                                json.member("compared_with") { json in
                                    json.array { json in for value in others { json.value(value) } }
                                }
                            }
                            json.member("values_cut", line.isCut)
                        }
                    }
                }
            }
            json.member("cut", explanation.isCut)
        }
        return json.response()
    }

    /// The rule that a request brings along, or names.
    /// - Throws: ``DetectionError`` for one that is refused or unknown.
    static func rules(_ text: String?, _ id: String?, _ state: ServerState) throws -> RuleSet {
        if let text {
            guard id == nil else { throw Problem.badRequest("malformed", "give `rule` or `id`, not both") }
            var set = RuleSet()
            set.add(text, file: "rule")
            if let error = set.errors.first { throw error }
            guard !set.rules.isEmpty else { throw DetectionError(.malformedDocument, "the text holds no rule") }
            return set
        }
        guard let id else { throw Problem.badRequest("missing_member", "the member rule or id is missing") }
        return try state.engine.ruleSet.selecting(id)
    }

    private func response(_ ruleSet: RuleSet, errors: [DetectionError]? = nil) throws -> Response {
        let tallies = try state.alerts.tallies()
        let memories = state.engine.usageByRule
        var json = JSONWriter()
        json.object { json in
            json.member("rules") { json in
                json.array { json in
                    for rule in ruleSet.rules { Self.write(rule, tallies[rule.key], memories[rule.key], to: &json) }
                }
            }
            json.member("refused") { json in
                json.array { json in for error in errors ?? ruleSet.errors { json.value(error.description) } }
            }
            json.member("warnings") { json in
                json.array { json in for error in ruleSet.warnings { json.value(error.description) } }
            }
        }
        return json.response()
    }

    private static func write(
        _ rule: SigmaRule, _ tally: (alerts: Int64, signals: Int64, lastSeen: Timestamp)?, _ memory: StateUsage?,
        to json: inout JSONWriter
    ) {
        json.object { json in
            json.member("id", rule.key)
            json.member("title", rule.title)
            json.member("severity", rule.severity.rawValue)
            json.member("status", rule.status?.rawValue)
            json.member("dormant", rule.route.isDormant)
            json.member("signal", rule.raisesSignals)
            json.member("owner", rule.extensions.owner)
            json.member("logsource", rule.logSource.text)
            json.member("sha256", rule.hash)
            json.member("file", rule.file)
            json.member("tags") { json in json.array { json in for tag in rule.tags { json.value(tag) } } }
            json.member("alerts", tally?.alerts ?? 0)
            json.member("signals", tally?.signals ?? 0)
            json.member("last_seen", tally?.lastSeen.text)
            if let memory {
                json.member("memory") { json in
                    json.object { json in
                        json.member("entries", Int64(memory.entries))
                        json.member("bytes", Int64(memory.bytes))
                        json.member("limit_bytes", Int64(StateLimits().operatorBytes))
                        json.member("evictions", Int64(memory.evictions))
                        json.member("saturated", memory.saturated > 0)
                    }
                }
            }
        }
    }
}
