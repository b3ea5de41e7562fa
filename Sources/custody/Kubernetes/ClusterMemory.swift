import Foundation

/// What the watcher has told already: kept on disk, so that what ended while nobody watched is told at the next start.
///
/// Bounded by the cluster: an entry for each pod that exists and each workload, about 300 bytes a container.
struct ClusterMemory: Codable, Equatable, Sendable {
    struct Container: Codable, Equatable, Sendable {
        var name: String
        var type: String
        var image: String?
        var imageID: String?
        var startedAt: String?
        var ended = false
    }

    struct Pod: Codable, Equatable, Sendable {
        var namespace: String?
        var pod: ClusterObservation.Pod
        var containers: [String: Container] = [:]
    }

    struct Workload: Codable, Equatable, Sendable {
        var kind: String
        var namespace: String?
        var name: String
        var generation: Int?
        var images: [String]
    }

    static let currentVersion = 1

    var version = currentVersion
    /// Of another cluster's uid nothing here is true.
    var cluster: String?
    /// By uid.
    var pods: [String: Pod] = [:]
    var workloads: [String: Workload] = [:]

    init() {}

    /// - Throws: `DecodingError` for what is no memory of this version.
    init(json: [UInt8]) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(json))
        guard version == Self.currentVersion else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: [], debugDescription: "version \(version), not \(Self.currentVersion)"))
        }
    }

    var json: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            return Array(try encoder.encode(self))
        }
    }
}
