import AsyncHTTPClient
import Crypto
import DurableFiles
import EventModel
import Foundation
import NIOCore
import NIOHTTP1
import SystemPackage

/// The identity that the place gives where a command runs: a job of GitHub Actions, a job of GitLab CI, a pod of Kubernetes. Its token
/// is exchanged for a session of the server's, and again when that ends.
actor WorkloadCredential {
    /// Where tokens come from.
    enum Origin: Sendable, Equatable {
        /// A file that somebody renews, as the kubelet does; read whenever a token is needed.
        case file(String)
        /// A variable's text, as of GitLab's `id_tokens`.
        case text(String)
        /// GitHub's endpoint for the job (docs.github.com, "OpenID Connect reference"), which makes a token each time.
        case github(url: String, token: String)
    }

    /// The variables that name a token for all commands that send.
    static let tokenVariable = "CUSTODY_ID_TOKEN"
    static let fileVariable = "CUSTODY_ID_TOKEN_FILE"
    /// The audience that GitHub is asked for; the server's URL without it.
    static let audienceVariable = "CUSTODY_AUDIENCE"

    /// How long before its end a session is renewed, so that none ends on its way; of short ones half their life.
    private static let marginSeconds: Int64 = 60
    private static let answerBytes = 65_536
    private static let timeout = TimeAmount.seconds(30)
    private static let http = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10))))

    private struct Session: Codable {
        var token: String
        /// Seconds since 1970.
        var expires: Int64
        var begun: Int64

        func isGood(_ now: Timestamp) -> Bool {
            now.seconds + min(WorkloadCredential.marginSeconds, (expires - begun) / 2) < expires
        }
    }

    private let origin: Origin
    private let context: CommandContext
    private var session: Session?
    /// The renewal under way: two requests at a time need one session.
    private var renewal: Task<Session, any Error>?

    init(_ origin: Origin, context: CommandContext) {
        self.origin = origin
        self.context = context
    }

    /// Where this environment has a token; nil outside all of them.
    static func origin(_ context: CommandContext) -> Origin? {
        if let file = context.variable(fileVariable) { return .file(file) }
        if let text = context.variable(tokenVariable) { return .text(text) }
        guard let url = context.variable("ACTIONS_ID_TOKEN_REQUEST_URL"),
            let token = context.variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
        else { return nil }
        return .github(url: url, token: token)
    }

    /// What to present to a server.
    ///
    /// - Throws: ``CommandFailure``: `denied` when there is no token or the server does not take it, `unreachable`.
    func bearer(for server: ServerAddress) async throws -> String {
        if let session, session.isGood(context.now()) { return session.token }
        if let renewal { return try await renewal.value.token }
        let task = Task { try await self.renew(server) }
        renewal = task
        defer { renewal = nil }
        do {
            let fresh = try await task.value
            session = fresh
            return fresh.token
        } catch {
            // A job's one token gives no second session; the first is good to its last second.
            guard let session, context.now().seconds < session.expires else { throw error }
            return session.token
        }
    }

    /// Forgets a session that the server no longer takes.
    func drop(_ token: String, for server: ServerAddress) {
        guard session?.token == token else { return }
        session = nil
        if let path = try? cachePath(for: server) { try? context.fileSystem.remove(path) }
    }

    private func renew(_ server: ServerAddress) async throws -> Session {
        if let kept = kept(for: server), kept.isGood(context.now()) { return kept }
        let token = try await token(for: server)
        let client = ServerClient(address: server, credential: .token(token))
        let answer = try await client.send(.post, "/v1/identities/session")
        guard answer.isSuccess else { throw client.failure(answer) }
        let session = try JSONDocument.read(answer.body) { json -> Session in
            guard let text = json["token"]?.string?.text, let expires = Timestamp(parsing: json.text("expires")) else {
                throw CommandFailure(.unreachable, "\(server.text) answered, and not as Custody does")
            }
            return Session(token: text, expires: expires.seconds, begun: context.now().seconds)
        }
        keep(session, for: server)
        return session
    }

    // MARK: Tokens

    private func token(for server: ServerAddress) async throws -> String {
        switch origin {
        case .file(let path):
            guard let data = FileManager.default.contents(atPath: path) else {
                throw CommandFailure(.denied, "\(Self.fileVariable): \(path) cannot be read")
            }
            return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        case .text(let text): return text
        case .github(let url, let token):
            let audience = context.variable(Self.audienceVariable) ?? server.text
            return try await Self.githubToken(url, token, audience)
        }
    }

    private static func githubToken(_ url: String, _ token: String, _ audience: String) async throws -> String {
        let separator = url.contains("?") ? "&" : "?"
        var request = HTTPClientRequest(url: url + separator + "audience=" + ServerAddress.encoded(audience))
        request.headers.add(name: "Authorization", value: "Bearer \(token)")
        request.headers.add(name: "Accept", value: "application/json")
        let failure = { (reason: String) in
            CommandFailure(
                .unreachable,
                "GitHub gave no token for this job (\(reason)); does it have `permissions: id-token: write`?")
        }
        let body: [UInt8]
        do {
            let response = try await http.execute(request, timeout: timeout)
            guard response.status == .ok else { throw failure("status \(response.status.code)") }
            body = Array(try await response.body.collect(upTo: answerBytes).readableBytesView)
        } catch let error as CommandFailure {
            throw error
        } catch {
            throw failure("no answer")
        }
        let value = try? JSONDocument.read(body) { $0["value"]?.string?.text }
        guard let value = value ?? nil else { throw failure("an answer without one") }
        return value
    }

    // MARK: Between commands

    // A token that is good once serves several commands of one job: what it was exchanged for is kept beside what else commands
    // remember, for this account alone. GitHub makes a token for whoever asks, so nothing of it need be kept.

    private func cachePath(for server: ServerAddress) throws -> FilePath? {
        let token: String
        switch origin {
        case .github: return nil
        case .text(let text): token = text
        case .file(let path):
            guard let data = FileManager.default.contents(atPath: path) else { return nil }
            token = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let digest = SHA256.hash(data: Data((server.text + "\n" + token).utf8))
        let name = digest.prefix(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return context.stateDirectory?.appending("sessions").appending(name + ".json")
    }

    private func kept(for server: ServerAddress) -> Session? {
        guard let path = try? cachePath(for: server), let bytes = try? context.fileSystem.contents(of: path) else {
            return nil
        }
        return try? JSONDecoder().decode(Session.self, from: Data(bytes))
    }

    /// Without a place to keep it in, the next command has to bring a token of its own.
    private func keep(_ session: Session, for server: ServerAddress) {
        guard let path = try? cachePath(for: server), let bytes = try? JSONEncoder().encode(session) else { return }
        let directory = path.removingLastComponent()
        let files = context.fileSystem
        try? files.createDirectory(directory)
        for name in (try? files.list(directory)) ?? [] where name.hasSuffix(".json") {
            let old = directory.appending(name)
            guard let text = try? files.contents(of: old),
                let other = try? JSONDecoder().decode(Session.self, from: Data(text)),
                other.expires < context.now().seconds
            else { continue }
            try? files.remove(old)
        }
        try? files.writeAtomically(Array(bytes), to: path, permissions: .privateFile)
    }
}
