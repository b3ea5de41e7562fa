import Foundation

/// What the watcher saw, as one event for the server: the payload of the connector `kubernetes-watch`.
///
/// `id` is made of what happened and not of when it was noticed, so that a list after an interruption, which shows the same
/// things again, makes the same events again and the server keeps one of each.
struct ClusterObservation: Encodable, Equatable, Sendable {
    struct Cluster: Codable, Equatable, Sendable {
        var name: String
        /// Of the namespace `kube-system`: the nearest thing to an identity that a cluster has.
        var uid: String?
    }

    struct Pod: Codable, Equatable, Sendable {
        var name: String
        var uid: String
        var node: String?
        var serviceAccount: String?
        var owner: KubernetesObjects.Owner?
    }

    struct Container: Encodable, Equatable, Sendable {
        var name: String
        var id: String
        /// `container`, `init` or `ephemeral`.
        var type: String
        var image: String?
        var imageID: String?
        /// `sha256:…` of the manifest that runs, when the runtime says it.
        var digest: String?
        var restarts: Int?
        var startedAt: String?
    }

    struct End: Encodable, Equatable, Sendable {
        var exitCode: Int?
        var signal: Int?
        var reason: String?
        var finishedAt: String?
        /// Nobody said that the container ended, but its pod is gone.
        var inferred: Bool?
    }

    struct Workload: Encodable, Equatable, Sendable {
        var kind: String
        var name: String
        var uid: String
        var generation: Int?
        var replicas: Int?
        var images: [String]
        var previousImages: [String]?
        /// Who changed the specification last, in the words of the object's managed fields: `kubectl-client-side-apply`.
        var manager: String?
        var changeCause: String?
    }

    var id: String
    var kind: String
    /// `started`, `ended`; `created`, `updated`, `deleted`.
    var change: String
    var time: String?
    var observedAt: String
    var cluster: Cluster
    var namespace: String?
    var pod: Pod?
    var container: Container?
    var end: End?
    var workload: Workload?

    static let containerKind = "custody.kubernetes.container/v1"
    static let workloadKind = "custody.kubernetes.workload/v1"

    /// One line of NDJSON with its newline; keys are sorted, so that the same observation is the same bytes.
    var line: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            encoder.keyEncodingStrategy = .convertToSnakeCase
            return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
        }
    }

    /// The manifest's digest in an `imageID`: behind the `@` of `docker.io/library/nginx@sha256:…`. An `imageID` that is a
    /// digest alone is that of the image's configuration, under which no registry finds it.
    static func digest(ofImageID imageID: String?) -> String? {
        guard let imageID, let at = imageID.lastIndex(of: "@") else { return nil }
        let digest = imageID[imageID.index(after: at)...]
        return digest.wholeMatch(of: #/sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}/#) == nil ? nil : String(digest)
    }
}
