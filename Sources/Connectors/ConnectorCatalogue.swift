internal import Foundation

/// The connectors that are known by name.
package struct ConnectorCatalogue: Sendable {
    package let connectors: [Connector]
    package let recogniser: Recogniser
    /// Those that know forms of lines, in the order in which they are asked.
    let lineConnectors: [Connector]
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
        // These send GitHub's headers too, for compatibility, and one another's.
        ("forgejo-webhook.yaml", PackageResources.forgejo_webhook_yaml),
        ("gitea-webhook.yaml", PackageResources.gitea_webhook_yaml),
        ("gogs-webhook.yaml", PackageResources.gogs_webhook_yaml),
        ("github-webhook.yaml", PackageResources.github_webhook_yaml),
        ("github-audit-log.yaml", PackageResources.github_audit_log_yaml),
        ("kubernetes-audit.yaml", PackageResources.kubernetes_audit_yaml),
        ("gitlab-webhook.yaml", PackageResources.gitlab_webhook_yaml),
        ("oci-distribution-notification.yaml", PackageResources.oci_distribution_notification_yaml),
        ("aws-cloudtrail.yaml", PackageResources.aws_cloudtrail_yaml),
        ("argocd.yaml", PackageResources.argocd_yaml),
        ("azure-container-registry-webhook.yaml", PackageResources.azure_container_registry_webhook_yaml),
        ("azure-devops-service-hook.yaml", PackageResources.azure_devops_service_hook_yaml),
        ("bitbucket-cloud-webhook.yaml", PackageResources.bitbucket_cloud_webhook_yaml),
        ("bitbucket-dc-webhook.yaml", PackageResources.bitbucket_dc_webhook_yaml),
        ("buildkite-audit-api.yaml", PackageResources.buildkite_audit_api_yaml),
        ("buildkite-eventbridge.yaml", PackageResources.buildkite_eventbridge_yaml),
        ("buildkite-webhook.yaml", PackageResources.buildkite_webhook_yaml),
        ("circleci-webhook.yaml", PackageResources.circleci_webhook_yaml),
        ("docker-hub-webhook.yaml", PackageResources.docker_hub_webhook_yaml),
        ("flux-event.yaml", PackageResources.flux_event_yaml),
        ("gerrit-stream-event.yaml", PackageResources.gerrit_stream_event_yaml),
        ("gitlab-audit-stream.yaml", PackageResources.gitlab_audit_stream_yaml),
        ("gitlab-system-hook.yaml", PackageResources.gitlab_system_hook_yaml),
        ("harbor-webhook.yaml", PackageResources.harbor_webhook_yaml),
        ("hashicorp-vault-audit.yaml", PackageResources.hashicorp_vault_audit_yaml),
        ("hcp-terraform-audit-trail.yaml", PackageResources.hcp_terraform_audit_trail_yaml),
        ("hcp-terraform-notification.yaml", PackageResources.hcp_terraform_notification_yaml),
        ("hoop-webhook.yaml", PackageResources.hoop_webhook_yaml),
        ("jfrog-access-log.yaml", PackageResources.jfrog_access_log_yaml),
        ("jfrog-artifactory-webhook.yaml", PackageResources.jfrog_artifactory_webhook_yaml),
        ("nginx-access-log.yaml", PackageResources.nginx_access_log_yaml),
        ("octopus-subscription.yaml", PackageResources.octopus_subscription_yaml),
        ("okta-system-log.yaml", PackageResources.okta_system_log_yaml),
        ("openssh-syslog.yaml", PackageResources.openssh_syslog_yaml),
        ("quay-webhook.yaml", PackageResources.quay_webhook_yaml),
        ("travis-webhook.yaml", PackageResources.travis_webhook_yaml),
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
        lineConnectors = connectors.filter(\.readsLines)
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
