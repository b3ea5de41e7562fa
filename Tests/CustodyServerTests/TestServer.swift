import DurableFiles
import EventModel
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import SystemPackage
import Testing

@testable import CustodyServer

/// A whole server on a directory of its own, driven through its router.
struct TestServer {
    static let adminToken = "test-admin-token-0123456789-0123456789"

    let directory: URL
    let service: CustodyService

    var client: some ApplicationProtocol { Application(router: CustodyApplication(service.state).router()) }

    /// Runs `body` against a fresh server and stops it afterwards.
    static func run(
        _ configure: (inout ServerConfiguration) -> Void = { _ in }, in directory: URL? = nil,
        fileSystem: any FileSystem = RealFileSystem(), now: @escaping @Sendable () -> Timestamp = WallClock.now,
        fetchKeys: (@Sendable (URL, Int) async throws -> [UInt8])? = nil,
        _ body: @escaping @Sendable (TestServer, any TestClientProtocol) async throws -> Void
    ) async throws {
        try await ServerGate.shared.run {
            try await runNow(configure, in: directory, fileSystem: fileSystem, now: now, fetchKeys: fetchKeys, body)
        }
    }

    private static func runNow(
        _ configure: (inout ServerConfiguration) -> Void, in directory: URL?, fileSystem: any FileSystem,
        now: @escaping @Sendable () -> Timestamp, fetchKeys: (@Sendable (URL, Int) async throws -> [UInt8])?,
        _ body: @escaping @Sendable (TestServer, any TestClientProtocol) async throws -> Void
    ) async throws {
        let place =
            directory ?? FileManager.default.temporaryDirectory.appendingPathComponent("custody-\(UUID().uuidString)")
        var configuration = ServerConfiguration()
        configuration.dataDirectory = FilePath(place.path)
        configuration.adminToken = adminToken
        // On a busy machine a count may take long, and what a page shows is not to depend on that.
        configuration.pageCounts = .seconds(60)
        configuration.startPatience = .seconds(60)
        configure(&configuration)
        // One that keeps its metadata: requests over a socket have their id there.
        var logger = Logger(label: "test") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .critical
        let service = try CustodyService(
            configuration, fileSystem: fileSystem, logger: logger, now: now, fetchKeys: fetchKeys,
            onFatal: { Issue.record("fatal: \($0)") })
        let server = TestServer(directory: place, service: service)
        do {
            try await server.client.test(.router) { try await body(server, $0) }
        } catch {
            await service.stop()
            throw error
        }
        await service.stop()
        if directory == nil { try? FileManager.default.removeItem(at: place) }
    }
}

/// An answer with its body read as JSON.
struct Answer {
    let status: Int
    let text: String
    let headers: HTTPFields

    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) ?? [:]
    }

    subscript(key: String) -> Any? { json[key] }
    var code: String? { json["code"] as? String }
}

extension TestClientProtocol {
    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: String = "", token: String? = TestServer.adminToken,
        headers: HTTPFields = [:]
    ) async throws -> Answer {
        try await send(method, path, bytes: Array(body.utf8), token: token, headers: headers)
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, bytes: [UInt8], token: String? = TestServer.adminToken,
        headers: HTTPFields = [:]
    ) async throws -> Answer {
        var headers = headers
        if let token { headers[.authorization] = "Bearer \(token)" }
        return try await execute(
            uri: path, method: method, headers: headers, body: bytes.isEmpty ? nil : ByteBuffer(bytes: bytes)
        ) { response in
            Answer(
                status: response.status.code, text: String(buffer: response.body), headers: response.headers)
        }
    }

    /// Searches until as many events are found, which takes a quarter of a second at most after their acknowledgement.
    func search(_ query: String, expecting count: Int) async throws -> [[String: Any]] {
        var found: [[String: Any]] = []
        let deadline = ContinuousClock.now + .seconds(60)
        repeat {
            let allowed = CharacterSet.alphanumerics
            let encoded = query.addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
            let answer = try await send(.get, "/v1/search?since=2000-01-01&q=\(encoded)")
            #expect(answer.status == 200, "\(answer.text)")
            found = answer["events"] as? [[String: Any]] ?? []
            if found.count >= count { break }
            // Asked again and again by a dozen tests at once, the answer would come later.
            try await Task.sleep(for: .milliseconds(20))
        } while ContinuousClock.now < deadline
        return found
    }
}
