import Foundation
import Identity
import Ledger
package import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

/// A whole server, from opening the data directory to the last checkpoint: what `custody serve` runs.
package struct ServerRun: Sendable {
    private let configuration: ServerConfiguration
    private let logger: Logger
    private let announces: Bool
    private let onListening: @Sendable (CustodyService, Int) async -> Void

    /// - Parameters:
    ///   - announces: Whether URL, token file and vkey are printed once requests are taken.
    ///   - onListening: Called at the same moment, with the port.
    package init(
        configuration: ServerConfiguration, logger: Logger = ServerRun.defaultLogger, announces: Bool = true,
        onListening: @escaping @Sendable (CustodyService, Int) async -> Void = { _, _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.announces = announces
        self.onListening = onListening
    }

    /// Logs warnings and errors to standard error, so that standard output holds only what was asked for.
    package static var defaultLogger: Logger {
        var logger = Logger(label: "custody") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        return logger
    }

    /// Serves until a signal or the task's cancellation, then stops in good order.
    package func run() async throws {
        let logger = logger
        Allocator.configure()
        let service = try CustodyService(configuration, logger: logger) { error in
            // What the disk holds is not known any more; only a new start, which reads it, can tell.
            logger.critical("the server cannot go on", metadata: ["error": "\(error)"])
            exit(70)
        }
        for warning in service.warnings { logger.warning("\(warning)") }
        let syslog: SyslogListeners
        let pulls: PullWork
        do {
            try await service.finishRestore()
            try await ConfiguredSources(service.state).make(configuration)
            syslog = try await SyslogListeners(
                configuration.syslog, state: service.state, counters: service.state.syslogCounters)
            pulls = try PullWork(configuration.pulls, state: service.state)
        } catch {
            await service.stop()
            throw error
        }
        let github = GitHubWork(service.state)
        let application = CustodyApplication(service.state)
        let manager = announces ? ServiceManagerNotice(environment: ProcessInfo.processInfo.environment) : nil
        let listening = try application.service { port in
            if announces { announce(service, port: port) }
            manager?.send("READY=1")
            await onListening(service, port)
        }
        let group = ServiceGroup(
            configuration: .init(
                // With names: a group makes one of all that a service holds otherwise, in 0.1 s, and would log it.
                services: [
                    .init(service: listening, serviceName: "listener"),
                    .init(
                        service: BackgroundWork(service: service, syslog: syslog, pulls: pulls, github: github),
                        serviceName: "background work"),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch {
            await service.stop()
            throw error
        }
        manager?.send("STOPPING=1")
        await service.stop()
    }

    private func announce(_ service: CustodyService, port: Int) {
        let scheme = configuration.tlsCertificate == nil ? "http" : "https"
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        var text = """
            Custody is listening on \(scheme)://\(host):\(port)
              data    \(configuration.dataDirectory)
              token   \(configuration.adminTokenFile)
              vkey    \(service.state.ledgerKey.verifierKey.description)

            """
        if let code = service.setUpCode {
            text += """
                  set up  \(scheme)://\(host):\(port)/set-up?code=\(code)
                          (opens Custody in a browser, once, within \(SessionLimits.setUpSeconds / 3_600) hours)

                """
        }
        if service.newAdminToken != nil {
            text += "This was the first start: the admin token is in the file above, readable by you alone.\n"
        }
        FileHandle.standardOutput.write(Data(text.utf8))
    }
}

/// What runs beside the listener, as a service that ends when the listener does.
private struct BackgroundWork: Service {
    let service: CustodyService
    let syslog: SyslogListeners
    let pulls: PullWork
    let github: GitHubWork

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await service.run() }
                group.addTask { await syslog.run() }
                group.addTask { await pulls.run() }
                group.addTask { await github.run() }
            }
        }
    }
}
