import AccessControl
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Intake

/// Connects sources to GitHub: with a credential that there is, or with an App that GitHub registers from a manifest.
struct GitHubRoutes {
    private struct Beginning: Decodable {
        enum CodingKeys: String, CodingKey {
            case source, organization, url, api, name
            case hookURL = "hook_url"
        }
        var source: String
        var organization: String
        /// Where the browser sees Custody.
        var url: String
        /// Where GitHub reaches Custody; without it, nowhere.
        var hookURL: String?
        var api: String?
        var name: String?
    }

    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.put("/v1/sources/:name/github", use: connect)
        router.delete("/v1/sources/:name/github", use: disconnect)
        router.post("/v1/connect/github", use: begin)
        router.get("/connect/github/start", use: start)
        router.get("/connect/github/callback", use: finish)
    }

    @Sendable private func connect(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let name = try context.parameters.require("name")
        guard state.sources.source(named: name) != nil else { throw Problem.notFound("there is no source \(name)") }
        let entry: GitHubSettings.Entry = try await RequestJSON.decode(request, context)
        let connection = try configured { try state.github.set(entry, source: name, now: state.now()) }
        try await state.audit.recordDurably(
            state.auditEntry(
                "source.connect", activity: "update", context, resource: ("source", name),
                details: Self.details(connection.settings)))
        return try await shown(name)
    }

    @Sendable private func disconnect(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        try Authorizer.check(.changeConfiguration, for: context.requirePrincipal(), now: state.now())
        let name = try context.parameters.require("name")
        guard try configured({ try state.github.remove(name) }) else {
            throw Problem.notFound("the source \(name) is not connected to GitHub")
        }
        try await state.audit.recordDurably(
            state.auditEntry("source.disconnect", activity: "update", context, resource: ("source", name)))
        return Response(status: .noContent)
    }

    // MARK: The manifest

    @Sendable private func begin(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        try Authorizer.check(.changeConfiguration, for: principal, now: state.now())
        let wanted: Beginning = try await RequestJSON.decode(request, context)
        try SourceName.check(wanted.source)
        guard GitHubSettings.isName(wanted.organization) else {
            throw Problem.badRequest(
                "invalid_github", "organization is the name in its URL, as acme in github.com/acme")
        }
        let api = try configured { try GitHubSettings.address(wanted.api, "github") }
        let url = try Self.base(wanted.url, "url")
        let hook = try wanted.hookURL.map { try Self.base($0, "hook_url") }
        let registration = GitHubRegistrations.Registration(
            state: state.sources.newSecret(), source: wanted.source, organization: wanted.organization, api: api,
            url: url,
            // A name that nobody can ever own (RFC 6761): nobody gets what GitHub cannot deliver here, and it keeps it for us.
            hookURL: (hook ?? "https://custody.invalid") + "/v1/hooks/\(wanted.source)",
            name: wanted.name ?? "Custody for \(wanted.organization)", by: principal,
            expires: state.now().seconds + GitHubRegistrations.seconds)
        state.github.registrations.add(registration, now: state.now().seconds)
        try await state.audit.recordDurably(
            state.auditEntry(
                "source.register_app", activity: "create", context, resource: ("source", wanted.source),
                details: [("organization", wanted.organization)]))
        var json = JSONWriter()
        json.object { json in
            json.member("action", registration.action)
            json.member("state", registration.state)
            json.member("start", "\(url)/connect/github/start?state=\(registration.state)")
            json.member("expires", Timestamp(seconds: registration.expires).text)
            json.member("manifest") { registration.write(to: &$0) }
        }
        return json.response(status: .created)
    }

    /// A page with one button, which posts the manifest to GitHub: the way that GitHub wants it.
    @Sendable private func start(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        guard
            let registration = state.github.registrations.registration(
                Self.parameter(request, "state"), now: state.now().seconds)
        else { throw Self.unknownState }
        var manifest = JSONWriter()
        registration.write(to: &manifest)
        return GitHubPage.start(registration, manifest: String(decoding: manifest.bytes, as: UTF8.self))
    }

    /// Where GitHub sends the browser back to, with the code that gets the App's key. The browser brings no token; that it
    /// brings the state, which only the page of an administrator was given, is what counts.
    @Sendable private func finish(_ request: Request, context: CustodyRequestContext) async throws -> Response {
        let now = state.now()
        guard let registration = state.github.registrations.take(Self.parameter(request, "state"), now: now.seconds)
        else {
            throw Self.unknownState
        }
        let code = Self.parameter(request, "code")
        guard (1...200).contains(code.utf8.count),
            code.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) })
        else { throw Problem.badRequest("invalid_code", "GitHub's code is missing") }
        let conversion = try await convert(code, registration)
        try keepSecret(conversion.webhookSecret, registration, now)
        var entry = GitHubSettings.Entry(organization: registration.organization)
        entry.appID = conversion.appID
        entry.privateKey = conversion.pem
        entry.api = registration.api
        let connection = try configured { try state.github.set(entry, source: registration.source, now: now) }
        try await state.audit.recordDurably(
            AuditEntry(
                "source.connect", activity: "update", actor: registration.by, client: context.clientAddress,
                resource: ("source", registration.source), path: context.endpointPath, requestID: context.id,
                details: Self.details(connection.settings) + [("by", "manifest")]))
        return GitHubPage.finish(registration, app: conversion.page)
    }

    private func convert(_ code: String, _ registration: GitHubRegistrations.Registration) async throws
        -> GitHubConversion
    {
        let request = GitHubRequest(
            method: "POST", url: "\(registration.api)/app-manifests/\(code)/conversions",
            headers: [("Accept", "application/vnd.github+json"), ("X-GitHub-Api-Version", "2022-11-28")])
        let reply: PullReply
        do {
            reply = try await state.github.transport.send(request, limit: RequestJSON.maximumBytes)
        } catch let error as PullError {
            throw Problem(.badGateway, "github_unavailable", "GitHub does not answer: \(error.reason)")
        }
        guard reply.status == 201, let conversion = GitHubConversion(reply.body) else {
            throw Problem(
                .badGateway, "github_refused",
                "GitHub gives no App for this code (status \(reply.status)): \(GitHubReply.message(reply.body))")
        }
        return conversion
    }

    /// The webhook's secret becomes the source's, which is made when it is not there.
    private func keepSecret(
        _ secret: String?, _ registration: GitHubRegistrations.Registration, _ now: Timestamp
    ) throws {
        if state.sources.source(named: registration.source) == nil {
            _ = try state.sources.add(
                name: registration.source, connector: GitHubJoin.webhook, secret: secret, now: now)
        } else if let secret {
            try state.sources.rotate(name: registration.source, to: secret, now: now)
        }
    }

    // MARK: Small parts

    private static let unknownState = Problem.forbidden(
        "this registration is not awaited: it was answered, an hour has passed, or it was not begun here")

    private static func parameter(_ request: Request, _ name: String) -> String {
        request.uri.queryParameters[Substring(name)].map(String.init) ?? ""
    }

    private static func details(_ settings: GitHubSettings) -> [(String, String)] {
        [
            ("organization", settings.organization), ("credential", settings.isApp ? "app" : "token"),
            ("streams", settings.streams.map(\.rawValue).joined(separator: " ")),
        ]
    }

    /// An address without path, to which paths are added.
    private static func base(_ text: String, _ name: String) throws -> String {
        var text = text
        while text.hasSuffix("/") { text.removeLast() }
        guard text.utf8.count <= 500, let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty,
            ["http", "https"].contains(parts.scheme), parts.query == nil, parts.fragment == nil, parts.user == nil
        else { throw Problem.badRequest("invalid_github", "\(name) is an http(s) URL, as https://custody.example") }
        return text
    }

    private func configured<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as ConfigurationError {
            throw Problem.badRequest("invalid_github", error.description)
        }
    }

    private func shown(_ name: String) async throws -> Response {
        var json = JSONWriter()
        let status = await state.github.status(of: name)
        json.object { json in
            json.member("name", name)
            if let status { json.member("github") { status.write(to: &$0) } }
        }
        return json.response()
    }
}
