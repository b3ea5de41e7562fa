import DurableFiles
import Foundation
import SystemPackage
import Testing

@testable import custody

/// Where a cluster is found.
struct KubernetesAccessTests {
    private static func context(_ files: [String: String], environment: [String: String] = [:]) throws -> CommandContext
    {
        let disk = FaultingFileSystem(seed: 1)
        for (path, text) in files {
            try disk.createDirectory(FilePath(path).removingLastComponent())
            try disk.writeAtomically(Array(text.utf8), to: FilePath(path))
        }
        var context = CommandContext.current
        context.fileSystem = disk
        context.environment = environment
        return context
    }

    private static func kubeconfig(cluster: String = "server: https://k.example:6443/", user: String) -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: prod
        contexts: [{name: prod, context: {cluster: c, user: u}}, {name: other, context: {cluster: gone, user: u}}]
        clusters: [{name: c, cluster: {\(cluster)}}]
        users: [{name: u, user: {\(user)}}]
        """
    }

    @Test("In a pod the service account is used, and its token is read again for each request")
    func inCluster() throws {
        #expect(try KubernetesAccess.inCluster(Self.context([:])) == nil)
        let context = try Self.context(
            [KubernetesAccess.serviceAccount + "/ca.crt": "PEM"],
            environment: ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"])
        let access = try #require(try KubernetesAccess.inCluster(context))
        #expect(access.server == "https://[fd00::1]:6443" && access.authorities == Array("PEM".utf8))
        #expect(access.credential == .tokenFile(KubernetesAccess.serviceAccount + "/token"))
    }

    @Test("A kubeconfig names server, authority and token or certificate; relative paths are beside it")
    func kubeconfig() throws {
        let certificate = Data("C".utf8).base64EncodedString()
        let context = try Self.context([
            "/k/token": Self.kubeconfig(
                cluster: "server: https://k.example:6443/, certificate-authority: ca.pem", user: "token: t"),
            "/k/ca.pem": "CA",
            "/k/certificate": Self.kubeconfig(user: "client-certificate-data: \(certificate), client-key: /k/ca.pem"),
        ])
        let token = try KubernetesAccess.kubeconfig("/k/token", context: nil, context)
        #expect(token.server == "https://k.example:6443" && token.name == "c")
        #expect(token.authorities == Array("CA".utf8) && token.credential == .token("t"))
        let other = try KubernetesAccess.kubeconfig("/k/certificate", context: "prod", context)
        #expect(other.credential == .certificate(Array("C".utf8), key: Array("CA".utf8)))
    }

    @Test(
        "What cannot be used is refused with what to do instead",
        arguments: [
            ("server: s", "exec: {command: aws}", "prod", "signs in with the program aws"),
            ("server: s, insecure-skip-tls-verify: true", "token: t", "prod", "is not to be verified"),
            ("server: s", "token: t", "none", "no context none; there are: prod, other"),
            ("server: s", "token: t", "other", "the context's cluster gone has no server"),
            ("server: s, certificate-authority-data: '?%'", "token: t", "prod", "not Base64"),
        ])
    func refused(cluster: String, user: String, name: String, reason: String) throws {
        let context = try Self.context(["/k": Self.kubeconfig(cluster: cluster, user: user)])
        let failure = #expect(throws: CommandFailure.self) {
            try KubernetesAccess.kubeconfig("/k", context: name, context)
        }
        #expect(failure?.code == .refused && failure?.reason?.contains(reason) == true, "\(failure?.reason ?? "")")
    }
}
