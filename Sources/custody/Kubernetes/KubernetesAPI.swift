import AsyncHTTPClient
import DurableFiles
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import SystemPackage

/// Why a request to a cluster came to nothing.
enum KubernetesFailure: Error, Equatable, CustomStringConvertible {
    /// 410: the version asked for is forgotten; list again.
    case gone
    /// 401 and 403, with what the API server says.
    case denied(String)
    /// 429 and 5xx; seconds when the answer names them.
    case busy(String, retryAfter: Int?)
    /// No answer, or one that makes no sense.
    case failed(String)

    var description: String {
        switch self {
        case .gone: "the cluster has forgotten where the watch stood"
        case .denied(let reason), .busy(let reason, _), .failed(let reason): reason
        }
    }
}

/// Lists and watches the objects of a cluster: Kubernetes API concepts, "Efficient detection of changes", "Retrieving large
/// results sets in chunks".
struct KubernetesAPI: Sendable {
    /// Objects of a page: enough for few requests, little enough to be held.
    static let pageLimit = 500
    /// A watch is ended by the server after this, and begun again: a proxy that lost the connection is noticed then at last.
    static let watchSeconds = 290
    /// The server sends a bookmark about once a minute; a connection without any for so long is dead.
    static let silence = TimeAmount.seconds(180)
    /// A page of 500 objects, and one object in a watch: etcd refuses objects above 1.5 MiB.
    static let maximumPageBytes = 256 << 20
    static let maximumLineBytes = 8 << 20

    let access: KubernetesAccess
    private let http: HTTPClient
    private let context: CommandContext

    /// - Throws: ``CommandFailure`` `refused` when certificate, key or authorities cannot be read.
    init(_ access: KubernetesAccess, _ context: CommandContext) throws {
        self.access = access
        self.context = context
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(10), read: Self.silence))
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        var tls = TLSConfiguration.makeClientConfiguration()
        do {
            if let authorities = access.authorities {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authorities))
            }
            if case .certificate(let certificate, let key) = access.credential {
                tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(certificate).map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem))
            }
        } catch {
            throw CommandFailure(
                .refused, "the cluster's certificate authority, or the certificate, cannot be read: \(error)")
        }
        configuration.tlsConfiguration = tls
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func shutdown() async { try? await http.shutdown() }

    /// One object.
    func get<Item: Decodable & Sendable>(_ path: String, as type: Item.Type) async throws(KubernetesFailure) -> Item {
        try decode(type, await bytes(path), of: path)
    }

    /// Hands out all objects under a path, page by page.
    ///
    /// - Returns: The version from which to watch.
    func list<Item: Decodable & Sendable>(
        _ path: String, as type: Item.Type, _ page: ([Item]) async -> Void
    ) async throws(KubernetesFailure) -> String {
        var next: String?
        while true {
            var query = "?limit=\(Self.pageLimit)"
            if let next {
                query += "&continue=" + (next.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? next)
            }
            let answer = try decode(KubernetesObjects.Page<Item>.self, await bytes(path + query), of: path)
            await page(answer.items)
            next = answer.metadata.continue.flatMap { $0.isEmpty ? nil : $0 }
            guard next == nil else { continue }
            guard let version = answer.metadata.resourceVersion else {
                throw .failed("\(path): a list without a version")
            }
            return version
        }
    }

    /// Hands out what happens under a path after a version, until the server ends the watch.
    ///
    /// - Parameter event: Returns false to end it.
    func watch<Item: Decodable & Sendable>(
        _ path: String, from version: String, as type: Item.Type,
        _ event: (KubernetesObjects.Event<Item>.Content) async throws(KubernetesFailure) -> Bool
    ) async throws(KubernetesFailure) {
        let encoded = version.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? version
        let response = try await response(
            path + "?watch=1&allowWatchBookmarks=true&timeoutSeconds=\(Self.watchSeconds)&resourceVersion=\(encoded)")
        var line: [UInt8] = []
        var chunks = response.body.makeAsyncIterator()
        while let chunk = try await next(&chunks) {
            var rest = chunk.readableBytesView[...]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                line += rest[..<end]
                rest = rest[rest.index(after: end)...]
                let content = try decode(KubernetesObjects.Event<Item>.self, line, of: path).content
                line.removeAll(keepingCapacity: true)
                guard try await event(content) else { return }
            }
            line += rest
            guard line.count <= Self.maximumLineBytes else {
                throw .failed("\(path): an object of more than \(Self.maximumLineBytes >> 20) MiB")
            }
        }
    }

    // MARK: Requests

    private func next(
        _ chunks: inout HTTPClientResponse.Body.AsyncIterator
    ) async throws(KubernetesFailure) -> ByteBuffer? {
        do { return try await chunks.next() } catch { throw .failed("the connection broke: \(error)") }
    }

    private func bytes(_ path: String) async throws(KubernetesFailure) -> [UInt8] {
        let response = try await response(path)
        do {
            return Array(try await response.body.collect(upTo: Self.maximumPageBytes).readableBytesView)
        } catch { throw .failed("\(path): \(error)") }
    }

    private func response(_ path: String) async throws(KubernetesFailure) -> HTTPClientResponse {
        var request = HTTPClientRequest(url: access.server + path)
        request.headers.add(name: "Accept", value: "application/json")
        request.headers.add(name: "User-Agent", value: "custody/\(Custody.version)")
        if let token = try token() { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        let response: HTTPClientResponse
        do {
            response = try await http.execute(request, deadline: .distantFuture)
        } catch { throw .failed("\(access.server): \(error)") }
        guard response.status != .ok else { return response }
        let body = (try? await response.body.collect(upTo: 1 << 20)).map { Array($0.readableBytesView) } ?? []
        let said = (try? JSONDecoder().decode(KubernetesObjects.Status.self, from: Data(body)))?.message
        let reason = "\(path.prefix { $0 != "?" }): \(said ?? "status \(response.status.code)")"
        switch response.status.code {
        case 410: throw .gone
        case 401, 403: throw .denied(reason)
        case 429, 500...: throw .busy(reason, retryAfter: response.headers.first(name: "retry-after").flatMap(Int.init))
        default: throw .failed(reason)
        }
    }

    private func token() throws(KubernetesFailure) -> String? {
        switch access.credential {
        case .none, .certificate: return nil
        case .token(let token): return token
        case .tokenFile(let file):
            do {
                let text = String(decoding: try context.fileSystem.contents(of: FilePath(file)), as: UTF8.self)
                return text.trimmingCharacters(in: .whitespacesAndNewlines)
            } catch { throw .failed("the token in \(file) cannot be read: \(error)") }
        }
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type, _ bytes: [UInt8], of path: String
    ) throws(KubernetesFailure) -> Value {
        do { return try JSONDecoder().decode(type, from: Data(bytes)) } catch {
            throw .failed("\(path.prefix { $0 != "?" }): an answer that cannot be read: \(error)")
        }
    }
}
