import AccessControl
import EventModel
import Foundation
import Identity
import Synchronization

/// The registrations of GitHub Apps that were begun and whose answer is awaited (docs.github.com, "Registering a GitHub App from a
/// manifest"). In memory: GitHub's code is good for an hour, and who restarts the server in between begins again.
final class GitHubRegistrations: Sendable {
    static let seconds: Int64 = 3_600
    static let maximumCount = 100

    struct Registration: Sendable {
        /// Unguessable: who brings it back is the browser that was given it.
        let state: String
        let source: String
        let organization: String
        let api: String
        /// Where the browser sees Custody.
        let url: String
        /// Where GitHub sends to.
        let hookURL: String
        let name: String
        let by: Principal
        let expires: Int64

        /// Where the manifest is posted to.
        var action: String {
            "\(GitHubSettings.web(api))/organizations/\(organization)/settings/apps/new?state=\(state)"
        }

        /// What the App may read, and what it is told. Nothing may be written.
        static let permissions: [(String, String)] = [
            ("actions", "read"), ("administration", "read"), ("contents", "read"), ("deployments", "read"),
            ("members", "read"), ("metadata", "read"), ("organization_administration", "read"), ("packages", "read"),
            ("pull_requests", "read"), ("secret_scanning_alerts", "read"), ("security_events", "read"),
            ("vulnerability_alerts", "read"),
        ]
        static let events = [
            "branch_protection_rule", "code_scanning_alert", "create", "delete", "dependabot_alert", "deploy_key",
            "deployment", "deployment_review", "deployment_status", "fork", "member", "membership", "organization",
            "public", "pull_request", "pull_request_review", "push", "registry_package", "release", "repository",
            "repository_ruleset", "secret_scanning_alert", "team", "team_add", "workflow_dispatch", "workflow_job",
            "workflow_run",
        ]

        /// The manifest, as GitHub reads it.
        func write(to json: inout JSONWriter) {
            json.object { json in
                json.member("name", name)
                json.member("url", url)
                json.member("description", "Reads what happens in \(organization) into Custody. It changes nothing.")
                json.member("public", false)
                json.member("redirect_url", "\(url)/connect/github/callback")
                json.member("hook_attributes") { json in
                    json.object { json in
                        json.member("url", hookURL)
                        json.member("active", true)
                    }
                }
                json.member("default_permissions") { json in
                    json.object { json in for (name, value) in Self.permissions { json.member(name, value) } }
                }
                json.member("default_events") { json in
                    json.array { json in for event in Self.events { json.value(event) } }
                }
            }
        }
    }

    private let waiting = Mutex<[String: Registration]>([:])

    func add(_ registration: Registration, now: Int64) {
        waiting.withLock { waiting in
            waiting = waiting.filter { $0.value.expires > now }
            if waiting.count >= Self.maximumCount, let oldest = waiting.values.min(by: { $0.expires < $1.expires }) {
                waiting[oldest.state] = nil
            }
            waiting[registration.state] = registration
        }
    }

    /// A registration that is still awaited.
    func registration(_ state: String, now: Int64) -> Registration? {
        waiting.withLock { $0[state] }.flatMap { $0.expires > now ? $0 : nil }
    }

    /// Takes a registration out: each is answered once.
    func take(_ state: String, now: Int64) -> Registration? {
        let taken = waiting.withLock { $0.removeValue(forKey: state) }
        return taken.flatMap { $0.expires > now ? $0 : nil }
    }
}

/// What GitHub answers to the code of a manifest.
struct GitHubConversion: Sendable {
    let appID: Int64
    let pem: String
    let webhookSecret: String?
    let page: String?

    init?(_ body: [UInt8]) {
        let read = try? JSONParser().withDocument(body) { root in
            (root["id"]?.int64, root.text("pem"), root.text("webhook_secret"), root.text("html_url"))
        }
        guard let read, let id = read.0, let pem = read.1 else { return nil }
        appID = id
        self.pem = pem
        webhookSecret = read.2
        page = read.3
    }
}
