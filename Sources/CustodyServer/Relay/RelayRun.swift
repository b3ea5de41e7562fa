package import DurableFiles
package import EventModel
import EventStore
import Foundation
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle
package import SystemPackage
import UnixSignals

/// How `custody relay` is set up.
package struct RelayConfiguration: Sendable {
    package var dataDirectory: FilePath
    package var host = "127.0.0.1"
    package var port = 8402
    package var tlsCertificate: String?
    package var tlsKey: String?
    /// The server's public key; nil takes the one that an earlier start was given.
    package var server: RelayPublicKey?
    package var limits = RelayLimits()

    package init(dataDirectory: FilePath) { self.dataDirectory = dataDirectory }
}

/// A relay, from opening its spool to its end: what `custody relay` runs.
package struct RelayRun: Sendable {
    private let configuration: RelayConfiguration
    private let lock: DirectoryLock
    private let identity: RelayIdentity
    private let routes: RelayRoutes
    private let logger: Logger

    /// Opens the relay's directory, made when missing.
    ///
    /// - Parameter onFatal: Called once when the disk can no longer be trusted.
    /// - Throws: `DurableFilesError` `directoryLocked` when another one runs on the directory; ``ConfigurationError`` without a
    ///   server's key; ``RelayError`` for a spool that is none.
    package init(
        _ configuration: RelayConfiguration, fileSystem: any FileSystem = RealFileSystem(),
        logger: Logger = ServerRun.defaultLogger, now: @escaping @Sendable () -> Timestamp = WallClock.now,
        monotonic: @escaping @Sendable () -> Double = { Double(MonotonicClock.nanoseconds()) / 1e9 },
        onFatal: @escaping @Sendable (any Error) -> Void
    ) throws {
        self.configuration = configuration
        self.logger = logger
        let data = configuration.dataDirectory
        try fileSystem.createDirectory(data)
        lock = try fileSystem.lock(directory: data)
        let keys = data.appending("keys")
        identity = try RelayIdentity.load(directory: keys, fileSystem: fileSystem)
        let server = try Self.server(configuration.server, in: keys, fileSystem)
        guard let channel = try? RelayChannel(identity, with: server, isRelay: true) else {
            throw ConfigurationError("\(server) is no key that can be used")
        }
        let log = try SpoolLog(directory: data.appending("spool"), fileSystem: fileSystem, limits: configuration.limits)
        if log.tornBytes > 0 {
            logger.warning(
                "a write that was cut short, which nobody was told was kept, is passed over",
                metadata: ["bytes": "\(log.tornBytes)"])
        }
        routes = RelayRoutes(
            spool: SpoolQueue(log) { onFatal($0) },
            sources: try RelaySources(path: data.appending("sources.json"), fileSystem: fileSystem),
            channel: channel, counters: RelayCounters(),
            limits: configuration.limits, now: now, monotonic: monotonic)
    }

    /// The server's key of this start, else of an earlier one. A new one does not take the place of an old one by itself: what waits
    /// was sealed for the old one.
    private static func server(
        _ given: RelayPublicKey?, in keys: FilePath, _ fileSystem: any FileSystem
    ) throws -> RelayPublicKey {
        let path = keys.appending("server.pub")
        var known: RelayPublicKey?
        if try fileSystem.exists(path) {
            let text = String(decoding: try fileSystem.contents(of: path), as: UTF8.self)
            known = try RelayPublicKey(text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        guard let key = given ?? known else {
            throw ConfigurationError(
                "name the server's key with --server; on its machine, `custody relay key` prints it")
        }
        if let known, known != key {
            throw ConfigurationError(
                "this relay is for the server with the key \(known); for another one use another --data, or remove \(path) "
                    + "once the spool is drained")
        }
        if known == nil { try fileSystem.writeAtomically(Array("\(key)\n".utf8), to: path) }
        return key
    }

    /// The key that the server is told.
    package var publicKey: RelayPublicKey { identity.publicKey }

    /// The router with every route; tests drive it without a socket.
    func router() -> Router<RelayRequestContext> {
        let router = Router(context: RelayRequestContext.self)
        routes.register(on: router)
        return router
    }

    /// Serves until a signal or the task's cancellation.
    package func run(onListening: @escaping @Sendable (Int) -> Void = { _ in }) async throws {
        let configuration = configuration
        let publicKey = publicKey
        let application = Application(
            router: router(),
            server: try TLSFiles(certificate: configuration.tlsCertificate, key: configuration.tlsKey).serving(
                .http1(configuration: .init(idleTimeout: Self.idle))),
            configuration: .init(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? configuration.port
                Self.announce(configuration, publicKey, port)
                onListening(port)
            }, logger: logger)
        try await ServiceGroup(
            configuration: .init(
                services: [.init(service: application, serviceName: "listener")],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        ).run()
    }

    /// A connection on which nothing comes for so long is closed: it holds memory for a body that does not come.
    private static let idle = TimeAmount.seconds(30)

    private static func announce(_ configuration: RelayConfiguration, _ key: RelayPublicKey, _ port: Int) {
        let scheme = configuration.tlsCertificate == nil ? "http" : "https"
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        let text = """
            Custody's relay is listening on \(scheme)://\(host):\(port)
              data    \(configuration.dataDirectory)
              key     \(key)
            The server's configuration file names it so, with the address under which the server reaches it:
              pull: [{name: relay, relay: {url: "\(scheme)://\(host):\(port)", key: "\(key)"}}]

            """
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}
