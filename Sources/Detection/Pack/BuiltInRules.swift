/// The rules that come with Custody, embedded in the program.
package enum BuiltInRules {
    /// File names and contents; a test compares them with the folder `Rules`.
    static let files: [(name: String, text: [UInt8])] = [
        ("cloudtrail-logging-stopped.yml", PackageResources.cloudtrail_logging_stopped_yml),
        ("custody-access-denied.yml", PackageResources.custody_access_denied_yml),
        ("custody-evidence-changed.yml", PackageResources.custody_evidence_changed_yml),
        ("custody-token-created.yml", PackageResources.custody_token_created_yml),
        ("github-audit-evidence-disabled.yml", PackageResources.github_audit_evidence_disabled_yml),
        ("github-protection-weakened.yml", PackageResources.github_protection_weakened_yml),
        ("github-pull-request-shell-text.yml", PackageResources.github_pull_request_shell_text_yml),
        ("github-repository-published.yml", PackageResources.github_repository_published_yml),
        ("github-runner-registered.yml", PackageResources.github_runner_registered_yml),
        ("github-secret-found.yml", PackageResources.github_secret_found_yml),
        ("github-tag-moved.yml", PackageResources.github_tag_moved_yml),
        ("github-token-granted.yml", PackageResources.github_token_granted_yml),
        ("github-workflow-pushed.yml", PackageResources.github_workflow_pushed_yml),
        ("gitlab-tag-moved.yml", PackageResources.gitlab_tag_moved_yml),
        ("kubernetes-cluster-admin-bound.yml", PackageResources.kubernetes_cluster_admin_bound_yml),
        ("kubernetes-deploy-by-person.yml", PackageResources.kubernetes_deploy_by_person_yml),
        ("kubernetes-exec-into-pod.yml", PackageResources.kubernetes_exec_into_pod_yml),
        ("kubernetes-secret-read-by-person.yml", PackageResources.kubernetes_secret_read_by_person_yml),
        ("package-published-by-person.yml", PackageResources.package_published_by_person_yml),
        ("package-version-overwritten.yml", PackageResources.package_version_overwritten_yml),
        ("registry-artifact-deleted.yml", PackageResources.registry_artifact_deleted_yml),
        ("registry-push-interactive.yml", PackageResources.registry_push_interactive_yml),
    ]

    /// All of them, loaded. They are part of the program: a test shows that none is refused.
    package static func load() -> RuleSet {
        var set = RuleSet()
        for file in files { set.add(String(decoding: file.text, as: UTF8.self), file: "built-in/\(file.name)") }
        return set
    }
}
