/// The connectors that are known by name.
package struct ConnectorCatalogue: Sendable {
    package let connectors: [Connector]
    package let recogniser: Recogniser
    /// Those that know forms of lines, in the order in which they are asked.
    let lineConnectors: [Connector]
    /// Takes what nobody else recognises.
    package let generic: Connector
    /// Reads the heads of syslog messages whose words no other connector knows.
    let syslog: Connector?
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
        ("github-api.yaml", PackageResources.github_api_yaml),
        ("kubernetes-audit.yaml", PackageResources.kubernetes_audit_yaml),
        ("kubernetes-watch.yaml", PackageResources.kubernetes_watch_yaml),
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
        ("git-hook.yaml", PackageResources.git_hook_yaml),
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
        ("1password-events.yaml", PackageResources._password_events_yaml),
        ("aqua-syslog.yaml", PackageResources.aqua_syslog_yaml),
        ("aws-cloudtrail-eventbridge.yaml", PackageResources.aws_cloudtrail_eventbridge_yaml),
        ("aws-codesuite-eventbridge.yaml", PackageResources.aws_codesuite_eventbridge_yaml),
        ("aws-ecr-eventbridge.yaml", PackageResources.aws_ecr_eventbridge_yaml),
        ("aws-other-event.yaml", PackageResources.aws_other_event_yaml),
        ("azure-activity-log.yaml", PackageResources.azure_activity_log_yaml),
        ("azure-key-vault-audit.yaml", PackageResources.azure_key_vault_audit_yaml),
        ("cdevents.yaml", PackageResources.cdevents_yaml),
        ("cloudflare-audit-log.yaml", PackageResources.cloudflare_audit_log_yaml),
        ("cyberark-audit.yaml", PackageResources.cyberark_audit_yaml),
        ("databricks-audit.yaml", PackageResources.databricks_audit_yaml),
        ("delinea-pra-syslog.yaml", PackageResources.delinea_pra_syslog_yaml),
        ("dependency-track-notification.yaml", PackageResources.dependency_track_notification_yaml),
        ("doppler-activity-log.yaml", PackageResources.doppler_activity_log_yaml),
        ("duo-auth-log.yaml", PackageResources.duo_auth_log_yaml),
        ("entra-id-audit-signin.yaml", PackageResources.entra_id_audit_signin_yaml),
        ("gcp-audit-log.yaml", PackageResources.gcp_audit_log_yaml),
        ("gcp-cloudbuild-event.yaml", PackageResources.gcp_cloudbuild_event_yaml),
        ("gcp-gke-log.yaml", PackageResources.gcp_gke_log_yaml),
        ("gcp-pubsub-push.yaml", PackageResources.gcp_pubsub_push_yaml),
        ("gitee-webhook.yaml", PackageResources.gitee_webhook_yaml),
        ("gitlab-log.yaml", PackageResources.gitlab_log_yaml),
        ("haproxy-log.yaml", PackageResources.haproxy_log_yaml),
        ("harbor-audit-syslog.yaml", PackageResources.harbor_audit_syslog_yaml),
        ("harness-code-webhook.yaml", PackageResources.harness_code_webhook_yaml),
        ("jenkins-audit-trail.yaml", PackageResources.jenkins_audit_trail_yaml),
        ("jenkins-cloudevents.yaml", PackageResources.jenkins_cloudevents_yaml),
        ("jfrog-platform-log.yaml", PackageResources.jfrog_platform_log_yaml),
        ("jumpcloud-directory-insights.yaml", PackageResources.jumpcloud_directory_insights_yaml),
        ("keycloak-events.yaml", PackageResources.keycloak_events_yaml),
        ("mongodb-atlas-event.yaml", PackageResources.mongodb_atlas_event_yaml),
        ("nexus-audit-log.yaml", PackageResources.nexus_audit_log_yaml),
        ("nexus-webhook.yaml", PackageResources.nexus_webhook_yaml),
        ("panther-audit.yaml", PackageResources.panther_audit_yaml),
        ("slack-audit-log.yaml", PackageResources.slack_audit_log_yaml),
        ("snyk-audit-log.yaml", PackageResources.snyk_audit_log_yaml),
        ("sym-audit-log.yaml", PackageResources.sym_audit_log_yaml),
        ("tailscale-log.yaml", PackageResources.tailscale_log_yaml),
        ("teamcity-webhook.yaml", PackageResources.teamcity_webhook_yaml),
        ("tekton-cloudevent.yaml", PackageResources.tekton_cloudevent_yaml),
        ("teleport-audit.yaml", PackageResources.teleport_audit_yaml),
        ("tines-audit.yaml", PackageResources.tines_audit_yaml),
        ("vercel-log.yaml", PackageResources.vercel_log_yaml),
        ("wiz-audit-log.yaml", PackageResources.wiz_audit_log_yaml),
        ("jfrog-request-log.yaml", PackageResources.jfrog_request_log_yaml),
        ("jfrog-audit-log.yaml", PackageResources.jfrog_audit_log_yaml),
        ("syslog-stream.yaml", PackageResources.syslog_stream_yaml),
        ("syslog-rfc5424.yaml", PackageResources.syslog_rfc5424_yaml),
        ("syslog-rfc3164.yaml", PackageResources.syslog_rfc3164_yaml),
        ("cloudevents-spec.yaml", PackageResources.cloudevents_spec_yaml),
        ("otlp-log.yaml", PackageResources.otlp_log_yaml),
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
        syslog = byName[SyslogMessage.connectorName]
        recogniser = Recogniser(connectors)
        lineConnectors = connectors.filter(\.readsLines)
    }

    /// What the connector files of directories look like, without reading them: it differs when one was changed, came or went.
    package static func fingerprint(ofFilesIn directories: [String]) -> [String] {
        directories.flatMap { ConnectorDirectory.fingerprint($0) }
    }

    /// This catalogue and the connectors of a directory's `*.yaml` files, which replace those of the same name.
    /// - Throws: ``ConnectorError`` that names file, line and reason.
    package func adding(filesIn directory: String) throws -> ConnectorCatalogue {
        let files = try ConnectorDirectory.read(directory)
        let siblings = Dictionary(files.map { ($0.stem, ($0.path, $0.text)) }) { first, _ in first }
        let added = try files.map { try ConnectorFile.compile($0.text, file: $0.path, siblings: siblings) }
        let replaced = Set(added.map(\.name))
        return try ConnectorCatalogue(connectors.filter { !replaced.contains($0.name) } + added)
    }

    /// Only these connectors, and the two that take what nobody else recognises.
    package func limited(to names: Set<String>) throws -> ConnectorCatalogue {
        let always = [generic.name, SyslogMessage.connectorName]
        return try ConnectorCatalogue(connectors.filter { names.contains($0.name) || always.contains($0.name) })
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
