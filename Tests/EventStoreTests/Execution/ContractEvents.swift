import EventModel

/// Forty events of a small company, made so that each example of the contract has hits and near misses.
enum ContractEvents {
    static let digest = "sha256:9f2c51b0aa0000000000000000000000000000000000000000000000000000001"
    static let otherDigest = "sha256:77aa51b0aa0000000000000000000000000000000000000000000000000000002"

    static let all: [Sample] = github + deploys + tokens + others

    private static let github: [Sample] = [
        Sample(
            1, "2026-11-02T09:00:00Z",
            [
                (.sourceKind, "github-audit-log"), (.sourceName, "acme"), (.action, "repo.destroy"),
                (.actorName, "octocat"), (.vcsRepo, "acme/api"), (.outcome, "success"), (.clientIP, "10.1.2.3"),
            ], payload: #"{"action":"repo.destroy","org":"acme"}"#),
        Sample(
            2, "2026-10-31T23:59:59Z",
            [
                (.sourceKind, "github-audit-log"), (.action, "repo.create"), (.actorName, "octocat"),
                (.vcsRepo, "acme/api"), (.outcome, "success"),
            ]),
        Sample(
            3, "2026-11-03T09:00:00Z",
            [
                (.sourceKind, "github-webhook"), (.action, "repo.visibility_change"), (.actorName, "dependabot[bot]"),
                (.vcsRepo, "acme/api"), (.outcome, "success"), (.clientIP, "192.168.1.1"),
            ]),
        Sample(
            4, "2026-11-03T09:00:01Z",
            [
                (.sourceKind, "github-webhook"), (.action, "protected_branch.destroy"), (.actorID, "OctoCat"),
                (.vcsRepo, "acme/web"), (.outcome, "success"), (.clientIP, "10.255.255.255"),
            ], payload: #"{"message":"removed branch protection of main"}"#),
        Sample(
            5, "2026-11-03T09:00:02Z",
            [
                (.sourceKind, "github-webhook"), (.action, "protected_branch.destroyed"), (.actorEmail, "octocat"),
                (.vcsRepo, "acme/api"), (.outcome, "failure"), (.outcomeReason, "Branch  protection"),
            ], payload: #"{"message":"branch\nprotection"}"#),
        Sample(
            6, "2026-11-03T09:00:03Z",
            [
                (.sourceKind, "githubby"), (.action, "repository.create"), (.actorName, "mallory"),
                (.outcome, "success"),
            ], payload: #"{"note":"Branch Protection"}"#),
    ]

    private static let deploys: [Sample] = (0..<12).map { number in
        let action = number % 4 == 3 ? "deployment.start" : number % 2 == 0 ? "deploy.finish" : "deploy.start"
        return Sample(
            UInt64(10 + number), "2026-11-20T0\(number / 2):\(number % 2 == 0 ? "05" : "59"):00Z",
            [
                (.sourceKind, number % 3 == 0 ? "jenkins" : "argocd"), (.action, action), (.appEnv, "prod"),
                (.outcome, number % 5 == 0 ? "failure" : "success"), (.actorName, "svc-deploy"),
                (.clientIP, "10.0.0.\(number)"), (.apiStatus, "\(200 + number * 50)"),
            ], lists: [(.artifactDigest, number % 2 == 0 ? [digest, otherDigest] : [otherDigest])],
            payload:
                #"{"requestObject":{"spec":{"hostNetwork":\#(number % 2 == 0),"replicas":\#(number)}},"a.b":{"c":"x\#(number)"}}"#
        )
    }

    private static let tokens: [Sample] = (0..<14).map { number in
        let actor = number < 7 ? "ana" : number < 13 ? "ben" : "cem"
        return Sample(
            UInt64(30 + number), "2026-11-21T10:00:\(10 + number)Z",
            [
                (.sourceKind, "kubernetes-audit"), (.action, "token.create"), (.actorName, actor),
                (.clientIP, "172.16.0.\(number % 3)"), (.outcome, number == 13 ? "denied" : "success"),
                (.resourceName, "token-\(number)"),
            ])
    }

    private static let others: [Sample] = [
        Sample(
            50, "2026-11-23T01:00:00Z",
            [
                (.sourceKind, "gitlab-webhook"), (.action, "change.merge"), (.actorName, "svc-merge"),
                (.outcome, "denied"), (.vcsCommit, "9f2c51b0aa3344"), (.resourceID, "r-1"),
            ], lists: [(.clientChain, ["203.0.113.9", "10.9.9.9"])], extensions: [("ticket", "OPS-12")]),
        Sample(
            51, "2026-11-22T11:59:59Z", received: "2026-11-22T13:00:00Z",
            [(.sourceName, "late"), (.action, "api.call"), (.actorName, "svc-1"), (.outcome, "failure")],
            payload: "plain text, no json: 10.0.0.1 Kelvin \u{212A}elvin"),
        Sample(
            52, "2026-11-22T11:00:00Z",
            [(.sourceName, "old"), (.action, "api.call"), (.actorName, "svc-lower"), (.outcome, "failure")],
            payload: #"{"items":[{"name":"a"},{"name":"b"}],"n":10,"flag":true,"nothing":null,"empty":[]}"#),
        Sample(
            53, "2026-11-23T11:00:00Z",
            [
                (.sourceName, "custody"), (.sourceKind, "custody"), (.action, "search.run"), (.actorName, "ana"),
                (.outcome, "denied"),
            ]),
        Sample(
            54, "2026-11-23T11:30:00Z",
            [
                (.sourceKind, "oci-distribution-notification"), (.action, "artifact.publish"),
                (.actorName, "svc-push"), (.outcome, "denied"), (.appEnv, "staging"),
            ],
            lists: [
                (.artifactName, ["acme/api"]), (.artifactPURL, ["pkg:oci/acme-api@1.2"]),
                (.artifactDigest, [otherDigest]),
            ]),
    ]
}
