import ArgumentParser
import CustodyServer
import DurableFiles
import Foundation
import NIOCore
import ServiceLifecycle
import SystemPackage

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the server on a data directory.",
        discussion: """
            The first start makes the directory, its keys and an admin token, and says where they are. \
            SIGTERM and SIGINT stop it after everything acknowledged has been sealed.
            """)

    @Option(help: "The data directory.")
    var data = "custody-data"
    @Option(help: ArgumentHelp("The address to listen on.", valueName: "host:port"))
    var listen: String?
    @Option(help: ArgumentHelp("Listen for syslog there, over UDP and TCP.", valueName: "host:port"))
    var syslog: String?
    @Option(help: ArgumentHelp("A YAML configuration file; see docs/configuration.md.", valueName: "file"))
    var config: String?
    @Option(name: .customLong("tls-cert"), help: ArgumentHelp("The certificate chain, PEM.", valueName: "file"))
    var tlsCertificate: String?
    @Option(name: .customLong("tls-key"), help: ArgumentHelp("The certificate's private key, PEM.", valueName: "file"))
    var tlsKey: String?
    @Option(
        name: .customLong("guard"),
        help: ArgumentHelp("Where the signer remembers what it signed; outside the data directory.", valueName: "dir"))
    var guardDirectory: String?
    @Option(help: ArgumentHelp("The policy whose witnesses cosign before publication.", valueName: "file"))
    var policy: String?
    @Flag(help: "Serve the ledger's entries without a token.")
    var publicEntries = false

    func run() async throws {
        var configuration = ServerConfiguration()
        configuration.dataDirectory = FilePath(data)
        configuration.tlsCertificate = tlsCertificate
        configuration.tlsKey = tlsKey
        configuration.publicEntries = publicEntries
        configuration.adminToken = ProcessInfo.processInfo.environment["CUSTODY_ADMIN_TOKEN"]
        do {
            if let config {
                guard let bytes = FileManager.default.contents(atPath: config) else {
                    throw ConfigurationError("\(config) cannot be read")
                }
                try configuration.read(yaml: String(decoding: bytes, as: UTF8.self), file: config)
            }
            if let listen { try configuration.listen(on: listen) }
            if let syslog { try configuration.listenForSyslog(on: syslog) }
            if let policy { configuration.witnessPolicy = try ServerConfiguration.policy(at: policy) }
            configuration.guardDirectory = try GuardPlace.directory(
                guardDirectory, configuration.guardDirectory, data: configuration.dataDirectory)
            try await ServerRun(configuration: configuration).run()
        } catch {
            FileHandle.standardError.write(Data("custody serve: \(Self.reason(error, configuration))\n".utf8))
            throw ExitCode(Self.exitCode(for: error))
        }
    }

    private static func exitCode(for error: any Error) -> Int32 {
        switch error {
        case is ConfigurationError: 64
        default: CommandFailure.Code.unreachable.rawValue
        }
    }

    /// A listener that cannot be had is the commonest failure, and the system's words for it are no help.
    private static func reason(_ error: any Error, _ configuration: ServerConfiguration) -> String {
        let address = "\(configuration.host):\(configuration.port)"
        switch (error as? IOError)?.errnoCode {
        case EADDRINUSE: return "\(address) is taken by another program; choose another with --listen"
        case EACCES: return "\(address) may not be listened on by this account; choose a port above 1023"
        case EADDRNOTAVAIL: return "\(address) is no address of this machine"
        default: return "\(error)"
        }
    }
}
