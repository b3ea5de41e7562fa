/// What a redacted value was. The raw value stands in its place, as `[redacted:github-token:0123456789abcdef]`.
package enum SecretKind: String, CaseIterable, Hashable, Sendable {
    case github = "github-token"
    case gitlab = "gitlab-token"
    case npm = "npm-token"
    case pypi = "pypi-token"
    case slack = "slack-token"
    case google = "google-key"
    case azureSignature = "azure-sas"
    case stripe = "stripe-key"
    case docker = "docker-token"
    case terraform = "terraform-token"
    case vault = "vault-token"
    case doppler = "doppler-token"
    case databricks = "databricks-token"
    case sendgrid = "sendgrid-key"
    case openai = "openai-key"
    case anthropic = "anthropic-key"
    case digitalocean = "digitalocean-token"
    case atlassian = "atlassian-token"
    case telegram = "telegram-token"
    case discord = "discord-webhook"
    case custody = "custody-token"
    /// Providers of whom few people have heard; together, so that the list of kinds stays readable.
    case provider = "provider-token"
    case jwt = "jwt"
    case privateKey = "private-key"
    case urlPassword = "url-password"
    case authorization = "authorization"
    /// A value under a name that tells of a password.
    case password = "password"
    /// A value under a name that tells of another secret.
    case named = "secret"
    /// A value of a Kubernetes Secret.
    case kubernetes = "kubernetes-secret"

    /// Whether the shape alone promises so much randomness that a keyed fingerprint does not help to guess the value.
    var hasFingerprint: Bool {
        switch self {
        case .urlPassword, .authorization, .password, .named, .kubernetes: false
        default: true
        }
    }
}
