/// The redaction groups of a sealed event, which are its field classes too: one list for both, so that what a person may
/// see and what can be disclosed or redacted alone never drift apart. The raw values are part of the sealed format.
package enum FieldGroup: UInt8, CaseIterable, Sendable {
    /// Time, source, action, activity, category, outcome, payload hash.
    case envelope = 0
    /// Who did it.
    case actor = 1
    /// From where: the client.
    case network = 2
    /// To what: resource, targets, application, API, artifacts, version control, CI, correlation.
    case resource = 3
    /// Free text: reasons, warnings, extensions.
    case text = 4
    /// The payload itself, byte for byte.
    case raw = 5

    package static let count = 6

    package var name: String {
        switch self {
        case .envelope: "envelope"
        case .actor: "actor"
        case .network: "network"
        case .resource: "resource"
        case .text: "text"
        case .raw: "raw"
        }
    }
}
