/// The log source that a rule is written for (specification: "Log source").
package struct LogSource: Hashable, Sendable {
    package let category: String?
    package let product: String?
    package let service: String?

    package init(category: String? = nil, product: String? = nil, service: String? = nil) {
        self.category = category
        self.product = product
        self.service = service
    }

    /// Whether everything that this one names is the same in the other: which rules a filter applies to.
    func covers(_ other: LogSource) -> Bool {
        (category == nil || category == other.category) && (product == nil || product == other.product)
            && (service == nil || service == other.service)
    }

    package var text: String {
        [("category", category), ("product", product), ("service", service)]
            .compactMap { name, value in value.map { "\(name): \($0)" } }.joined(separator: ", ")
    }
}

/// Which events a rule looks at, by the kind of their source (`source.kind`).
package enum SourceRoute: Hashable, Sendable {
    case everySource
    /// Kinds, each whole or ending in `*`. None: the rule is dormant.
    case kinds([String])

    package var isDormant: Bool { self == .kinds([]) }

    package func includes(_ kind: String) -> Bool {
        switch self {
        case .everySource: true
        case .kinds(let kinds):
            kinds.contains { $0.hasSuffix("*") ? kind.hasPrefix($0.dropLast()) : $0 == kind }
        }
    }
}

extension LogSource {
    /// Where the events of this log source come from. The names of Sigma's taxonomy lead to the connectors whose
    /// payloads have the fields that its rules name; `product: custody` means our own events, and `category:
    /// supply_chain` every source, for rules that name canonical fields. Anything else has no source here.
    package var route: SourceRoute {
        switch (product, service, category) {
        case (nil, nil, "supply_chain"?): .everySource
        case ("custody"?, _, _): .kinds(["custody"])
        case ("github"?, "audit"?, _): .kinds(["github-audit-log"])
        case ("github"?, "webhook"?, _): .kinds(["github-webhook"])
        case ("github"?, nil, _): .kinds(["github-audit-log", "github-webhook"])
        case ("gitlab"?, "audit"?, _): .kinds(["gitlab-audit-stream"])
        case ("gitlab"?, "webhook"?, _): .kinds(["gitlab-webhook", "gitlab-system-hook"])
        case ("gitlab"?, nil, _): .kinds(["gitlab-*"])
        case ("kubernetes"?, "audit"?, _): .kinds(["kubernetes-audit"])
        case ("aws"?, "cloudtrail"?, _): .kinds(["aws-cloudtrail", "aws-cloudtrail-eventbridge"])
        case ("azure"?, "activitylogs"?, _): .kinds(["azure-activity-log"])
        case ("azure"?, "auditlogs"?, _), ("azure"?, "signinlogs"?, _), ("azure"?, "riskdetection"?, _),
            ("azure"?, "pim"?, _):
            .kinds(["entra-id-audit-signin"])
        case ("gcp"?, "gcp.audit"?, _): .kinds(["gcp-audit-log"])
        case ("okta"?, _, _): .kinds(["okta-system-log"])
        case ("cisco"?, "duo"?, _): .kinds(["duo-auth-log"])
        case ("argocd"?, _, _): .kinds(["argocd"])
        case ("oci"?, _, _), (nil, "registry"?, _), (nil, nil, "registry"?):
            .kinds(["oci-distribution-notification", "harbor-webhook", "quay-webhook", "docker-hub-webhook"])
        case (_, "nginx"?, _): .kinds(["nginx-access-log"])
        case (nil, nil, "webserver"?): .kinds(["nginx-access-log", "haproxy-log"])
        default: .kinds([])
        }
    }
}

/// How a log source's field names are found in the payloads of our connectors.
struct FieldNaming: Sendable {
    let source: LogSource

    /// Short names that SigmaHQ's Kubernetes rules use for paths of the request object.
    private static let kubernetes = [
        "capabilities": "requestObject.spec.containers.securityContext.capabilities",
        "hostPath": "requestObject.spec.volumes.hostPath",
        "apiGroup": "objectRef.apiGroup",
    ]

    /// W3C's names of access logs, as SigmaHQ's rules have them, and our canonical fields.
    private static let webserver = [
        "cs-method": "api.method", "cs-uri": "api.path", "cs-uri-stem": "api.path", "cs-uri-query": "api.path",
        "sc-status": "api.status", "c-ip": "client.ip", "cs-user-agent": "client.agent", "c-useragent": "client.agent",
    ]

    func name(_ written: String) -> FieldName {
        if source.category == "webserver", let canonical = Self.webserver[written] {
            return FieldName(written, canonical: canonical)
        }
        switch source.product {
        case "kubernetes":
            return FieldName(written, spellings: [written] + (Self.kubernetes[written].map { [$0] } ?? []))
        case "gcp":
            return FieldName(written, spellings: [written] + Self.googleCloud(written))
        // Microsoft's own logs and SigmaHQ's rules disagree on the case of names (`ResultDescription`).
        case "azure", "m365": return FieldName(written, ignoresCase: true)
        default: return FieldName(written)
        }
    }

    private static func googleCloud(_ written: String) -> [String] {
        if written == "gcp.audit.method_name" { return ["protoPayload.methodName"] }
        return written.hasPrefix("data.") ? [String(written.dropFirst(5))] : []
    }
}
