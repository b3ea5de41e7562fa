import DurableFiles
import Foundation
import SystemPackage
import Yams

/// Where a cluster's API is, and who asks.
struct KubernetesAccess: Equatable, Sendable {
    enum Credential: Equatable, Sendable {
        /// Read again for each request: projected tokens are replaced every hour.
        case tokenFile(String)
        case token(String)
        /// PEM, certificate and key.
        case certificate([UInt8], key: [UInt8])
        case none
    }

    /// Without a slash at the end.
    var server: String
    /// PEM; nil for the system's authorities.
    var authorities: [UInt8]?
    var credential: Credential
    /// What the cluster is called where this was found.
    var name: String

    static let serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// That of the pod in which this runs.
    ///
    /// - Returns: nil outside a cluster.
    static func inCluster(_ context: CommandContext) throws -> KubernetesAccess? {
        guard let host = context.variable("KUBERNETES_SERVICE_HOST") else { return nil }
        let port =
            context.variable("KUBERNETES_SERVICE_PORT_HTTPS") ?? context.variable("KUBERNETES_SERVICE_PORT") ?? "443"
        let authorities = FilePath(serviceAccount + "/ca.crt")
        return KubernetesAccess(
            server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)",
            authorities: try context.fileSystem.exists(authorities)
                ? context.fileSystem.contents(of: authorities) : nil,
            credential: .tokenFile(serviceAccount + "/token"), name: "kubernetes")
    }

    // MARK: kubeconfig

    private struct File: Decodable {
        struct Named<Content: Decodable>: Decodable {
            var name: String
            var content: Content

            private struct Key: CodingKey {
                var stringValue: String
                var intValue: Int? { nil }
                init(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }

            /// The content lies under a key of its kind: `cluster`, `context`, `user`.
            init(from decoder: any Decoder) throws {
                let fields = try decoder.container(keyedBy: Key.self)
                name = try fields.decode(String.self, forKey: Key(stringValue: "name"))
                let key = fields.allKeys.first { $0.stringValue != "name" } ?? Key(stringValue: "content")
                content = try fields.decode(Content.self, forKey: key)
            }
        }
        struct Cluster: Decodable {
            var server: String?
            var authority: String?
            var authorityData: String?
            var skipsVerification: Bool?

            enum CodingKeys: String, CodingKey {
                case server
                case authority = "certificate-authority"
                case authorityData = "certificate-authority-data"
                case skipsVerification = "insecure-skip-tls-verify"
            }
        }
        struct Context: Decodable {
            var cluster: String
            var user: String
        }
        struct User: Decodable {
            struct Plugin: Decodable { var command: String? }
            var token: String?
            var tokenFile: String?
            var certificate: String?
            var certificateData: String?
            var key: String?
            var keyData: String?
            var exec: Plugin?

            enum CodingKeys: String, CodingKey {
                case token, tokenFile, exec
                case certificate = "client-certificate"
                case certificateData = "client-certificate-data"
                case key = "client-key"
                case keyData = "client-key-data"
            }
        }
        var currentContext: String?
        var clusters: [Named<Cluster>]?
        var contexts: [Named<Context>]?
        var users: [Named<User>]?

        enum CodingKeys: String, CodingKey {
            case currentContext = "current-context"
            case clusters, contexts, users
        }
    }

    /// What a kubeconfig says.
    ///
    /// - Parameter name: Of the context; that file's current one when nil.
    /// - Throws: ``CommandFailure`` `refused` with what is missing, and with a way round what is not supported: credential
    ///   plugins, which are other programs, and servers that are not verified, whose events would prove nothing.
    static func kubeconfig(_ path: String, context name: String?, _ context: CommandContext) throws -> KubernetesAccess
    {
        func refuse(_ reason: String) -> CommandFailure { CommandFailure(.refused, "\(path): \(reason)") }
        let directory = FilePath(path).removingLastComponent()
        func bytes(_ data: String?, _ file: String?) throws -> [UInt8]? {
            if let data {
                guard let decoded = Data(base64Encoded: data, options: .ignoreUnknownCharacters) else {
                    throw refuse("a certificate or key in it is not Base64")
                }
                return Array(decoded)
            }
            guard let file else { return nil }
            let place = FilePath(file)
            return try context.fileSystem.contents(of: place.isAbsolute ? place : directory.appending(file))
        }
        let file: File
        do {
            file = try YAMLDecoder().decode(
                File.self, from: String(decoding: try context.fileSystem.contents(of: FilePath(path)), as: UTF8.self))
        } catch let error as DecodingError {
            throw refuse("no kubeconfig: \(error)")
        }
        guard let wanted = name ?? file.currentContext,
            let found = file.contexts?.first(where: { $0.name == wanted })?.content
        else {
            let names = (file.contexts ?? []).map(\.name).joined(separator: ", ")
            throw refuse("no context \(name ?? file.currentContext ?? "is current"); there are: \(names)")
        }
        guard let cluster = file.clusters?.first(where: { $0.name == found.cluster })?.content,
            let server = cluster.server
        else { throw refuse("the context's cluster \(found.cluster) has no server") }
        guard cluster.skipsVerification != true else {
            throw refuse(
                "the cluster \(found.cluster) is not to be verified; give its authority as certificate-authority")
        }
        let user = file.users?.first { $0.name == found.user }?.content
        let credential: Credential
        if let certificate = try bytes(user?.certificateData, user?.certificate),
            let key = try bytes(user?.keyData, user?.key)
        {
            credential = .certificate(certificate, key: key)
        } else if let token = user?.token {
            credential = .token(token)
        } else if let tokenFile = user?.tokenFile {
            credential = .tokenFile(tokenFile)
        } else if let plugin = user?.exec {
            throw refuse(
                "the user \(found.user) signs in with the program \(plugin.command ?? "?"), which is not run here; make a token "
                    + "(kubectl create token custody-watch -n custody --duration 24h) and give --server, --token-file and "
                    + "--ca-file")
        } else {
            credential = .none
        }
        return KubernetesAccess(
            server: server.hasSuffix("/") ? String(server.dropLast()) : server,
            authorities: try bytes(cluster.authorityData, cluster.authority), credential: credential,
            name: found.cluster)
    }
}
