import Foundation

/// What the watcher reads of the objects that the API server sends; everything else in them is left alone.
///
/// Kubernetes API reference, v1: `ObjectMeta`, `PodStatus`, `ContainerStatus`, `WatchEvent`, `ListMeta`.
enum KubernetesObjects {
    struct Owner: Codable, Hashable, Sendable {
        var kind: String
        var name: String
        var controller: Bool?
    }

    struct ManagedField: Decodable, Sendable {
        var manager: String?
        var operation: String?
        var time: String?
        var subresource: String?
    }

    struct Metadata: Decodable, Sendable {
        var name: String?
        var namespace: String?
        var uid: String?
        var resourceVersion: String?
        var generation: Int?
        var creationTimestamp: String?
        var deletionTimestamp: String?
        var annotations: [String: String]?
        var ownerReferences: [Owner]?
        var managedFields: [ManagedField]?

        /// The owner that manages the object, or the first one.
        var owner: Owner? { ownerReferences?.first { $0.controller == true } ?? ownerReferences?.first }
    }

    struct ContainerState: Decodable, Sendable {
        struct Running: Decodable, Sendable { var startedAt: String? }
        struct Terminated: Decodable, Sendable {
            var containerID: String?
            var exitCode: Int?
            var signal: Int?
            var reason: String?
            var startedAt: String?
            var finishedAt: String?
        }
        var running: Running?
        var terminated: Terminated?
    }

    struct ContainerStatus: Decodable, Sendable {
        var name: String
        var image: String?
        var imageID: String?
        var containerID: String?
        var restartCount: Int?
        var state: ContainerState?
        var lastState: ContainerState?
    }

    struct PodStatus: Decodable, Sendable {
        var containerStatuses: [ContainerStatus]?
        var initContainerStatuses: [ContainerStatus]?
        var ephemeralContainerStatuses: [ContainerStatus]?
    }

    struct Container: Decodable, Sendable {
        var name: String
        var image: String?
    }

    struct PodSpec: Decodable, Sendable {
        var nodeName: String?
        var serviceAccountName: String?
        var containers: [Container]?
        var initContainers: [Container]?
    }

    struct Pod: Decodable, Sendable {
        var metadata: Metadata
        var spec: PodSpec?
        var status: PodStatus?
    }

    /// A deployment, stateful set, daemon set, job or cron job.
    struct Workload: Decodable, Sendable {
        struct Template: Decodable, Sendable { var spec: PodSpec? }
        struct JobTemplate: Decodable, Sendable {
            struct Spec: Decodable, Sendable { var template: Template? }
            var spec: Spec?
        }
        struct Spec: Decodable, Sendable {
            var replicas: Int?
            var suspend: Bool?
            var template: Template?
            var jobTemplate: JobTemplate?
        }
        var metadata: Metadata
        var spec: Spec?

        /// The images of its pods, in the order of the specification, init containers first.
        var images: [String] {
            let pod = spec?.template?.spec ?? spec?.jobTemplate?.spec?.template?.spec
            return ((pod?.initContainers ?? []) + (pod?.containers ?? [])).compactMap(\.image)
        }
    }

    /// A page of a list. Items bear neither kind nor version of their own.
    struct Page<Item: Decodable & Sendable>: Decodable, Sendable {
        struct Metadata: Decodable, Sendable {
            var resourceVersion: String?
            var `continue`: String?
        }
        var metadata: Metadata
        var items: [Item]
    }

    /// The body of an error, and the object of a watch event of the type `ERROR`.
    struct Status: Decodable, Sendable {
        var code: Int?
        var message: String?
        var reason: String?
    }

    /// A line of a watch.
    struct Event<Item: Decodable & Sendable>: Decodable, Sendable {
        enum Kind: String, Decodable { case added = "ADDED", modified = "MODIFIED", deleted = "DELETED" }
        enum Content: Sendable {
            case change(Kind, Item)
            /// Everything up to this version has been sent.
            case bookmark(version: String)
            case failure(Status)
            /// A type that does not exist yet.
            case other
        }

        private enum CodingKeys: String, CodingKey { case type, object }
        private struct Bookmark: Decodable { var metadata: KubernetesObjects.Metadata }

        var content: Content

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            let type = try fields.decode(String.self, forKey: .type)
            if let kind = Kind(rawValue: type) {
                content = .change(kind, try fields.decode(Item.self, forKey: .object))
            } else if type == "BOOKMARK" {
                content = .bookmark(
                    version: try fields.decode(Bookmark.self, forKey: .object).metadata.resourceVersion ?? "")
            } else if type == "ERROR" {
                content = .failure(try fields.decode(Status.self, forKey: .object))
            } else {
                content = .other
            }
        }
    }
}
