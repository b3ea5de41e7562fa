package import DurableFiles
import Foundation
import Hummingbird
package import Ledger
package import Logging
import ServiceLifecycle
import Synchronization
package import SystemPackage
import UnixSignals

/// A witness as a server of its own: what `custody witness` runs.
package struct WitnessRun: Sendable {
    private let host: String
    private let port: Int
    private let lock: DirectoryLock
    private let witness: Witness
    private let logger: Logger

    /// Opens the witness' data directory, made when missing, with its key.
    ///
    /// - Parameters:
    ///   - policy: its `log` lines say which logs are cosigned.
    ///   - now: seconds since 1970.
    /// - Throws: `DurableFilesError` `directoryLocked` when another one runs on the directory; ``ConfigurationError`` when the
    ///   policy names no log that can be cosigned.
    package init(
        data: FilePath, host: String, port: Int, policy: WitnessPolicy, fileSystem: any FileSystem = RealFileSystem(),
        logger: Logger = ServerRun.defaultLogger, now: @escaping @Sendable () -> UInt64 = WallClock.seconds
    ) throws {
        self.host = host
        self.port = port
        self.logger = logger
        try fileSystem.createDirectory(data)
        lock = try fileSystem.lock(directory: data)
        witness = try Self.open(data, policy, fileSystem, now)
    }

    /// The witness of a directory: its key in `keys/witness.key`, the checkpoints it cosigned in `witness/`.
    static func open(
        _ data: FilePath, _ policy: WitnessPolicy, _ fileSystem: any FileSystem,
        _ now: @escaping @Sendable () -> UInt64
    ) throws -> Witness {
        let logs = policy.logs.compactMap(\.key)
        guard !logs.isEmpty else { throw ConfigurationError("the policy names no log with an Ed25519 key to cosign") }
        var random = SystemRandomNumberGenerator()
        try fileSystem.createDirectory(data.appending("keys"))
        let key = try WitnessKey.load(
            from: data.appending("keys").appending("witness.key"), in: fileSystem, orCreateNamed: Self.newName,
            using: &random)
        return try Witness(
            directory: data.appending("witness"), fileSystem: fileSystem, key: key, logs: logs, now: now)
    }

    /// Unique without saying whose it is: names of witnesses stand under checkpoints, which are public.
    private static func newName() -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return "custody-witness/" + String(repeating: "0", count: 8 - digits.utf8.count) + digits
    }

    /// The key that its cosignatures verify with.
    package var verifierKey: VerifierKey { witness.verifierKey }

    /// Serves until a signal or the task's cancellation.
    package func run(onListening: @escaping @Sendable (Int) -> Void = { _ in }) async throws {
        let router = Router(context: BasicRequestContext.self)
        let counters = WitnessCounters()
        WitnessRoutes(witness: witness, counters: counters, prefix: "").register(on: router)
        router.get("healthz") { _, _ in "ok\n" }
        let (witness, host, port) = (witness, host, port)
        let application = Application(
            router: router, configuration: .init(address: .hostname(host, port: port), serverName: nil),
            onServerRunning: { channel in
                let listening = channel.localAddress?.port ?? port
                Self.announce(witness, host, listening)
                onListening(listening)
            }, logger: logger)
        try await ServiceGroup(
            configuration: .init(
                services: [.init(service: application, serviceName: "listener")],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        ).run()
    }

    private static func announce(_ witness: Witness, _ host: String, _ port: Int) {
        let name = host.contains(":") ? "[\(host)]" : host
        var text = """
            Custody's witness is listening on http://\(name):\(port)
              vkey    \(witness.verifierKey)

            """
        for origin in witness.origins.sorted() { text += "  cosigns \(origin)\n" }
        text += "A log's policy names it so: witness NAME \(witness.verifierKey) http://\(name):\(port)\n"
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}
