/// What a CI system tells a job of itself in its environment.
///
/// GitHub Actions: docs.github.com, "Variables reference". GitLab: docs.gitlab.com, "Predefined CI/CD variables reference". Jenkins:
/// "Using environment variables" of the handbook. Buildkite and CircleCI: their lists of environment variables.
struct BuildIdentity: Equatable {
    /// The members of the event, in order.
    private(set) var members: [(name: String, value: String)] = []

    private static let systems: [(name: String, sign: String, variables: [(member: String, variable: String)])] = [
        (
            "github-actions", "GITHUB_ACTIONS",
            [
                ("repo", "GITHUB_REPOSITORY"), ("commit", "GITHUB_SHA"), ("ref", "GITHUB_REF"),
                ("pipeline", "GITHUB_WORKFLOW"),
                ("run_id", "GITHUB_RUN_ID"), ("run_attempt", "GITHUB_RUN_ATTEMPT"), ("job", "GITHUB_JOB"),
                ("runner", "RUNNER_NAME"), ("actor", "GITHUB_ACTOR"), ("actor_id", "GITHUB_ACTOR_ID"),
            ]
        ),
        (
            "gitlab-ci", "GITLAB_CI",
            [
                ("repo", "CI_PROJECT_PATH"), ("commit", "CI_COMMIT_SHA"), ("ref", "CI_COMMIT_REF_NAME"),
                ("pipeline", "CI_PROJECT_PATH"), ("run_id", "CI_PIPELINE_ID"), ("job", "CI_JOB_NAME"),
                ("runner", "CI_RUNNER_DESCRIPTION"), ("actor", "GITLAB_USER_LOGIN"), ("actor_id", "GITLAB_USER_ID"),
                ("environment", "CI_ENVIRONMENT_NAME"),
            ]
        ),
        (
            "jenkins", "JENKINS_URL",
            [
                ("repo", "GIT_URL"), ("commit", "GIT_COMMIT"), ("ref", "GIT_BRANCH"), ("pipeline", "JOB_NAME"),
                ("run_id", "BUILD_NUMBER"), ("job", "STAGE_NAME"), ("runner", "NODE_NAME"), ("actor", "BUILD_USER_ID"),
            ]
        ),
        (
            "buildkite", "BUILDKITE",
            [
                ("repo", "BUILDKITE_REPO"), ("commit", "BUILDKITE_COMMIT"), ("ref", "BUILDKITE_BRANCH"),
                ("pipeline", "BUILDKITE_PIPELINE_SLUG"), ("run_id", "BUILDKITE_BUILD_ID"), ("job", "BUILDKITE_LABEL"),
                ("runner", "BUILDKITE_AGENT_NAME"), ("actor", "BUILDKITE_BUILD_CREATOR"),
            ]
        ),
        (
            "circleci", "CIRCLECI",
            [
                ("repo", "CIRCLE_REPOSITORY_URL"), ("commit", "CIRCLE_SHA1"), ("ref", "CIRCLE_BRANCH"),
                ("pipeline", "CIRCLE_PROJECT_REPONAME"), ("run_id", "CIRCLE_WORKFLOW_ID"), ("job", "CIRCLE_JOB"),
                ("actor", "CIRCLE_USERNAME"),
            ]
        ),
    ]

    /// What the environment tells; empty outside a CI system.
    init(environment: [String: String]) {
        guard let system = Self.systems.first(where: { environment[$0.sign]?.isEmpty == false }) else {
            if let user = environment["USER"], !user.isEmpty { members = [("actor", user)] }
            return
        }
        members = [("ci_system", system.name)]
        for (member, variable) in system.variables {
            guard let value = environment[variable], !value.isEmpty, value != "HEAD" else { continue }
            members.append((member, value))
        }
    }

    static func == (left: BuildIdentity, right: BuildIdentity) -> Bool {
        left.members.map(\.name) == right.members.map(\.name) && left.members.map(\.value) == right.members.map(\.value)
    }

    subscript(name: String) -> String? { members.first { $0.name == name }?.value }
}
