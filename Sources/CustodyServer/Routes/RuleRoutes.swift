import AccessControl
import Detection
import Foundation
import Hummingbird

/// `/v1/rules`: what is in force, and what was refused and why.
struct RuleRoutes {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/v1/rules", use: list)
        router.post("/v1/rules/reload", use: reload)
    }

    @Sendable private func list(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.readConfiguration, for: context.requirePrincipal(), now: state.now())
        try state.audit.record(state.auditEntry("rule.list", activity: "read", context, resource: ("rule", nil)))
        return Self.response(state.engine.ruleSet)
    }

    @Sendable private func reload(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let fresh = try RuleDirectories.load(state.configuration.ruleDirectories)
        state.engine.replace(with: fresh)
        try await state.audit.recordDurably(
            state.auditEntry(
                "rule.reload", activity: "update", context, resource: ("rule", nil),
                details: [("rules", String(fresh.rules.count)), ("refused", String(fresh.errors.count))]))
        return Self.response(fresh)
    }

    private static func response(_ ruleSet: RuleSet) -> Response {
        var json = JSONWriter()
        json.object { json in
            json.member("rules") { json in
                json.array { json in for rule in ruleSet.rules { write(rule, to: &json) } }
            }
            json.member("refused") { json in
                json.array { json in for error in ruleSet.errors { json.value(error.description) } }
            }
            json.member("warnings") { json in
                json.array { json in for error in ruleSet.warnings { json.value(error.description) } }
            }
        }
        return json.response()
    }

    private static func write(_ rule: SigmaRule, to json: inout JSONWriter) {
        json.object { json in
            json.member("id", rule.key)
            json.member("title", rule.title)
            json.member("severity", rule.severity.rawValue)
            json.member("status", rule.status?.rawValue)
            json.member("dormant", rule.route.isDormant)
            json.member("sha256", rule.hash)
            json.member("file", rule.file)
            json.member("tags") { json in json.array { json in for tag in rule.tags { json.value(tag) } } }
        }
    }
}

/// The built-in pack and the operator's directories, as one set.
enum RuleDirectories {
    /// - Throws: When a directory cannot be read. What is wrong with single rules is in the set's errors.
    static func load(_ directories: [String]) throws -> RuleSet {
        try directories.reduce(BuiltInRules.load()) { set, directory in
            set.adding(try RuleSet.load(URL(fileURLWithPath: directory)))
        }
    }
}
