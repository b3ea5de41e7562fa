import EventModel
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Intake
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle

/// The HTTP side of a server: all routes on one router, one listener.
struct CustodyApplication: Sendable {
    private let state: ServerState

    init(_ state: ServerState) { self.state = state }

    /// The router with every route; tests drive it without a socket.
    func router() -> Router<CustodyRequestContext> {
        // Middlewares come before the routes that they serve, so the list of routes is taken from a router of its own.
        let listed = Router(context: CustodyRequestContext.self)
        register(on: listed)
        let table = RouteTable(listed.routes.map { ("\($0.path)", $0.method.rawValue) })

        let router = Router(context: CustodyRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: FormQueryMiddleware())
        router.add(
            middleware: AuthenticationMiddleware(
                tokens: state.tokens, failures: state.credentialFailures, now: state.now))
        router.add(middleware: ProblemMiddleware(state: state, routes: table))
        register(on: router)
        return router
    }

    private func register(on router: Router<CustodyRequestContext>) {
        DocumentRoutes().register(on: router)
        VerificationPageRoutes().register(on: router)
        HealthRoutes(state: state).register(on: router)
        LedgerRoutes(state: state).register(on: router)
        EventIntakeRoutes(state: state).register(on: router)
        SplunkRoutes(state: state).register(on: router)
        ElasticsearchRoutes(state: state).register(on: router)
        LogExportRoutes(state: state).register(on: router)
        CloudEventRoutes(state: state).register(on: router)
        SearchRoutes(state: state).register(on: router)
        EventRoutes(state: state).register(on: router)
        ExportRoutes(state: state).register(on: router)
        TailRoutes(state: state).register(on: router)
        IntegrityRoutes(state: state).register(on: router)
        if let witness = state.witness {
            WitnessRoutes(witness: witness, counters: state.witnessCounters, prefix: "/witness").register(on: router)
        }
        TokenRoutes(state: state).register(on: router)
        ApproverRoutes(state: state).register(on: router)
        RetentionRoutes(state: state).register(on: router)
        HoldRoutes(state: state).register(on: router)
        RedactionRoutes(state: state).register(on: router)
        SourceRoutes(state: state).register(on: router)
        GitHubRoutes(state: state).register(on: router)
        QuarantineRoutes(state: state).register(on: router)
        RuleRoutes(state: state).register(on: router)
        AlertRoutes(state: state).register(on: router)
        IncidentRoutes(state: state).register(on: router)
        SilenceRoutes(state: state).register(on: router)
        DestinationRoutes(state: state).register(on: router)
    }

    /// Serves until the task is cancelled or told to stop gracefully.
    ///
    /// - Parameter onListening: Called with the port once connections are taken.
    func service(onListening: @escaping @Sendable (Int) async -> Void) throws -> any Service {
        let configuration = state.configuration
        return Application(
            router: router(), server: try server(configuration),
            configuration: .init(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? configuration.port) },
            logger: state.logger)
    }

    private func server(_ configuration: ServerConfiguration) throws -> HTTPServerBuilder {
        let limit = configuration.intake.deliveryBytes
        let http1 = HTTPServerBuilder.http1(
            configuration: .init(additionalChannelHandlers: [ExpectContinueHandler(limit: limit), DisconnectHandler()]))
        guard let certificate = configuration.tlsCertificate, let key = configuration.tlsKey else {
            guard configuration.tlsCertificate == nil, configuration.tlsKey == nil else {
                throw ConfigurationError("TLS needs both a certificate and a key")
            }
            return http1
        }
        let chain: [NIOSSLCertificateSource]
        let privateKey: NIOSSLPrivateKey
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) }
        } catch {
            throw ConfigurationError("\(certificate) holds no certificate in PEM, or cannot be read")
        }
        do {
            privateKey = try NIOSSLPrivateKey(file: key, format: .pem)
        } catch {
            throw ConfigurationError("\(key) holds no private key in PEM, or cannot be read")
        }
        do {
            return try .tls(
                http1,
                tlsConfiguration: .makeServerConfiguration(
                    certificateChain: chain, privateKey: .privateKey(privateKey)))
        } catch {
            throw ConfigurationError("\(key) is not the key of the certificate in \(certificate)")
        }
    }
}
