internal import EventModel

/// The closed vocabularies of EVENT.md and the words that sources use for their members.
enum Vocabulary {
    static let activities: Set<String> = [
        "create", "read", "update", "delete", "execute", "login", "logout", "grant", "revoke", "approve", "deny",
        "other",
    ]
    static let categories: Set<String> = [
        "scm", "ci", "artifact", "dependency", "deploy", "identity", "secret", "session", "config", "finding", "other",
    ]
    static let outcomes: Set<String> = ["success", "failure", "denied", "pending", "cancelled", "unknown"]
    static let actorTypes: Set<String> = ["user", "service", "bot", "agent", "system", "anonymous", "unknown"]

    /// The members that a field may take; nil for open fields.
    static func members(of field: Field) -> Set<String>? {
        switch field {
        case .activity: activities
        case .category: categories
        case .outcome: outcomes
        case .actorType: actorTypes
        default: nil
        }
    }

    static let outcomeWords = WordTable([
        "success": [
            "success", "succeeded", "successful", "ok", "pass", "passed", "true", "completed", "complete", "allow",
            "allowed", "granted", "approved", "synced", "healthy", "fixed", "merged", "neutral", "permit",
        ],
        "failure": [
            "failure", "failed", "fail", "error", "errored", "false", "timed_out", "timeout", "unstable", "broken",
            "invalid", "startup_failure", "degraded", "fault", "failing", "critical", "unsuccessful", "exception",
        ],
        "denied": [
            "denied", "deny", "forbidden", "unauthorized", "unauthenticated", "blocked", "rejected", "refused",
            "accessdenied", "challenge", "disallowed", "permission_denied",
        ],
        "pending": [
            "pending", "queued", "running", "in_progress", "started", "waiting", "created", "preparing", "scheduled",
            "requested", "waiting_for_resource", "waiting_for_callback", "manual", "progressing", "initiated",
        ],
        "cancelled": ["cancelled", "canceled", "canceling", "aborted", "skipped", "stopped", "stale", "superseded"],
        "unknown": ["unknown", "action_required", "none"],
    ])

    static let actorTypeWords = WordTable([
        "user": [
            "user", "iamuser", "federateduser", "person", "human", "member", "samluser", "webidentityuser", "root",
            "identitycenteruser", "customer",
        ],
        "service": [
            "service", "serviceaccount", "service_account", "assumedrole", "awsservice", "awsaccount", "application",
            "organization", "principal", "serviceprincipal", "role",
        ],
        "bot": ["bot", "robot", "mannequin"],
        "agent": ["agent"],
        "system": ["system"],
        "anonymous": ["anonymous", "unauthenticated"],
    ])

    /// Verbs of actions (the last words of `noun.verb`), by the activity that they are.
    static let activityWords = WordTable([
        "create": [
            "create", "created", "add", "added", "open", "opened", "publish", "published", "upload", "push", "pushed",
            "register", "insert", "put", "submit", "submitted", "clone_create", "import", "new", "fork", "generate",
            "init", "invite", "invited", "install", "installed", "request", "requested", "star", "send",
        ],
        "read": [
            "read", "get", "list", "watch", "pull", "pulled", "download", "downloaded", "fetch", "clone", "view",
            "describe",
            "lookup", "head", "query", "search", "select", "export", "scan", "scanned", "download_zip", "batch", "show",
        ],
        "update": [
            "update", "updated", "edit", "edited", "patch", "modify", "modified", "change", "changed", "set", "rename",
            "renamed", "transfer", "transferred", "merge", "merged", "reopen", "reopened", "close", "closed", "move",
            "moved", "enable", "enabled", "disable", "disabled", "archive", "archived", "unarchived", "write", "label",
            "labeled", "unlabeled", "assigned", "unassigned", "synchronize", "resolve", "resolved", "reintroduced",
            "dismiss", "dismissed", "fixed", "locked", "unlocked", "pinned", "unpinned", "attach", "detach", "tag",
            "untag", "override", "access", "promote", "promoted", "demote", "restore", "restored", "rotate", "rotated",
            "publicize", "privatize", "publicized", "privatized", "replace", "stop", "publicly", "unpublished",
            "suspend",
            "unsuspend", "policy_override",
        ],
        "delete": [
            "delete", "deleted", "destroy", "destroyed", "remove", "removed", "purge", "purged", "drop", "terminate",
            "deletecollection", "unregister", "cancel", "cancelled", "uninstall", "unblock", "unblocked",
        ],
        "execute": [
            "execute", "exec", "run", "start", "started", "finish", "finished", "sync", "rollback", "invoke",
            "dispatch",
            "trigger", "completed", "complete", "queued", "build", "deploy", "deployed", "rerequested", "sign",
            "decrypt",
            "encrypt", "prepared", "connect", "proxy", "bind", "eviction", "in_progress", "ping",
        ],
        "login": ["login", "logon", "signin", "authenticate", "authenticated", "assume", "consolelogin", "assumerole"],
        "logout": ["logout", "logoff", "signout"],
        "grant": ["grant", "granted", "authorize", "authorized", "access_granted", "allow", "escalate"],
        "revoke": ["revoke", "revoked", "deauthorize", "block", "blocked"],
        "approve": ["approve", "approved", "approval", "accept", "accepted"],
        "deny": ["deny", "denied", "reject", "rejected", "unapproved", "unapproval", "decline", "declined"],
    ])

    /// What an HTTP status says of an outcome (RFC 9110 §15): refusals are `denied`; nil when it is none.
    static func outcome(ofHTTPStatus status: [UInt8]) -> String? {
        guard status.count == 3, status.allSatisfy({ $0 &- UInt8(ascii: "0") < 10 }) else { return nil }
        switch status[0] {
        case UInt8(ascii: "1"), UInt8(ascii: "2"), UInt8(ascii: "3"): return "success"
        case UInt8(ascii: "4"), UInt8(ascii: "5"): break
        default: return nil
        }
        let isRefusal =
            status.elementsEqual("401".utf8) || status.elementsEqual("403".utf8)
            || status.elementsEqual("407".utf8)
        return isRefusal ? "denied" : "failure"
    }

    /// The activity that an action's verb tells: the whole verb, else its first word, else its last.
    static func activity(ofAction action: UnsafeRawBufferPointer) -> [UInt8]? {
        var start = 0
        for position in action.indices {
            let byte = action[position]
            if byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "/") {
                start = position + 1
            }
        }
        let verb = action.slice(start..<action.count)
        guard !verb.isEmpty else { return nil }
        if let known = activityWords[verb] { return known }
        // `remove_member` and `DeleteBucket` alike: a word ends before an underscore, a dash, a space or a capital.
        var end = 1
        while end < verb.count, verb[end] &- UInt8(ascii: "a") < 26 { end += 1 }
        if let known = activityWords[verb.slice(0..<end)] { return known }
        guard let separator = verb.lastIndex(where: { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }) else {
            return nil
        }
        return activityWords[verb.slice(separator + 1..<verb.count)]
    }
}

/// Words to members of a vocabulary, looked up without regard to ASCII case and without allocation.
struct WordTable: Sendable {
    private let table: ByteTable
    private let members: [[UInt8]]

    init(_ words: [String: [String]]) {
        let pairs = words.flatMap { member, spellings in spellings.map { (Array($0.utf8), Array(member.utf8)) } }
        table = ByteTable(pairs.map(\.0))
        members = pairs.map(\.1)
    }

    subscript(word: UnsafeRawBufferPointer) -> [UInt8]? {
        guard !word.isEmpty, word.count <= 32 else { return nil }
        var folded = InlineArray<32, UInt8>(repeating: 0)
        for position in 0..<word.count { folded[position] = CaseFolding.fold(word[position]) }
        let number = withUnsafeBytes(of: &folded) { table[$0.slice(0..<word.count)] }
        return number.map { members[$0] }
    }
}
