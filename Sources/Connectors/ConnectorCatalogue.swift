internal import Foundation

/// The connectors that are known by name.
package struct ConnectorCatalogue: Sendable {
    package let connectors: [Connector]
    package let recogniser: Recogniser
    /// Takes what nobody else recognises.
    package let generic: Connector
    private let byName: [String: Connector]

    /// The connectors that come with the program.
    package static let builtIn: ConnectorCatalogue = {
        do {
            return try ConnectorCatalogue(
                builtInFiles.map { try ConnectorFile.compile(String(decoding: $0.bytes, as: UTF8.self), file: $0.name) }
            )
        } catch {
            // Files of our own, compiled by every test run.
            preconditionFailure("built-in connector: \(error)")
        }
    }()

    /// The files of `Catalogue/`, in the order in which recognition prefers them when scores are equal.
    static let builtInFiles: [(name: String, bytes: [UInt8])] = [
        ("github-webhook.yaml", PackageResources.github_webhook_yaml),
        ("github-audit-log.yaml", PackageResources.github_audit_log_yaml),
        ("kubernetes-audit.yaml", PackageResources.kubernetes_audit_yaml),
        ("gitlab-webhook.yaml", PackageResources.gitlab_webhook_yaml),
        ("oci-distribution-notification.yaml", PackageResources.oci_distribution_notification_yaml),
        ("aws-cloudtrail.yaml", PackageResources.aws_cloudtrail_yaml),
        ("argocd.yaml", PackageResources.argocd_yaml),
        ("generic.yaml", PackageResources.generic_yaml),
    ]

    /// - Throws: ``ConnectorError`` when two connectors bear one name or `generic` is missing.
    init(_ connectors: [Connector]) throws {
        var byName: [String: Connector] = [:]
        for connector in connectors {
            guard byName.updateValue(connector, forKey: connector.name) == nil else {
                throw ConnectorError(.invalidConnector, "two connectors are named \(connector.name)")
            }
        }
        guard let generic = byName["generic"] else {
            throw ConnectorError(.unknownConnector, "the catalogue has no connector generic")
        }
        self.connectors = connectors
        self.byName = byName
        self.generic = generic
        recogniser = Recogniser(connectors)
    }

    /// This catalogue and the connectors of a directory's `*.yaml` files, which replace those of the same name.
    /// - Throws: ``ConnectorError`` that names file, line and reason.
    package func adding(filesIn directory: String) throws -> ConnectorCatalogue {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        } catch {
            throw ConnectorError(.unreadableFile, "the directory cannot be read", file: directory)
        }
        var added: [Connector] = []
        for name in names where name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
            let path = directory + "/" + name
            guard let data = FileManager.default.contents(atPath: path) else {
                throw ConnectorError(.unreadableFile, "the file cannot be read", file: path)
            }
            added.append(try ConnectorFile.compile(String(decoding: data, as: UTF8.self), file: path))
        }
        let replaced = Set(added.map(\.name))
        return try ConnectorCatalogue(connectors.filter { !replaced.contains($0.name) } + added)
    }

    /// - Throws: ``ConnectorError`` `unknownConnector`; the reason names those that exist.
    package func connector(named name: String) throws -> Connector {
        guard let connector = byName[name] else {
            let known = (connectors.map(\.name) + ["auto"]).sorted().joined(separator: ", ")
            throw ConnectorError(.unknownConnector, "no connector \"\(name)\"; there are: \(known)")
        }
        return connector
    }
}
