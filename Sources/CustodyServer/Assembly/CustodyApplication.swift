import EventModel
import Hummingbird
import HummingbirdCore
import Intake
import Logging
import NIOCore
import ServiceLifecycle

/// The HTTP side of a server: all routes on one router, one listener.
struct CustodyApplication: Sendable {
    private let state: ServerState

    init(_ state: ServerState) { self.state = state }

    /// The router with every route; tests drive it without a socket.
    func router() -> Router<CustodyRequestContext> {
        // Middlewares come before the routes that they serve, so the list of routes is taken from a router of its own.
        let listed = Router(context: CustodyRequestContext.self)
        registerAtOnce(on: listed)
        registerRecovered(on: listed)
        let table = RouteTable(listed.routes.map { ("\($0.path)", $0.method.rawValue) })

        let router = Router(context: CustodyRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: FormQueryMiddleware())
        router.add(
            middleware: AuthenticationMiddleware(
                tokens: state.tokens, sessions: state.sessions, workloads: state.workloads,
                isTLS: state.configuration.tlsCertificate != nil,
                failures: state.credentialFailures, now: state.now))
        router.add(middleware: ProblemMiddleware(state: state, routes: table))
        registerAtOnce(on: router)
        router.add(middleware: RecoveryMiddleware(recovery: state.recovery, limit: state.configuration.recoveryWait))
        registerRecovered(on: router)
        return router
    }

    /// What asks no view: taking deliveries, what is published of the ledger, health.
    private func registerAtOnce(on router: Router<CustodyRequestContext>) {
        DocumentRoutes().register(on: router)
        AssetBundle.current.register(on: router)
        HealthRoutes(state: state).register(on: router)
        LedgerRoutes(state: state).register(on: router)
        EventIntakeRoutes(state: state).register(on: router)
        SplunkRoutes(state: state).register(on: router)
        ElasticsearchRoutes(state: state).register(on: router)
        LogExportRoutes(state: state).register(on: router)
        CloudEventRoutes(state: state).register(on: router)
        FirehoseRoutes(state: state).register(on: router)
        if let witness = state.witness {
            WitnessRoutes(witness: witness, counters: state.witnessCounters, prefix: "/witness").register(on: router)
        }
    }

    /// What waits for the views after a restart (``RecoveryMiddleware``).
    private func registerRecovered(on router: Router<CustodyRequestContext>) {
        HomePage(state: state).register(on: router)
        SignInPages(state: state).register(on: router)
        SetUpPages(state: state).register(on: router)
        YouPages(state: state).register(on: router)
        SearchPage(state: state).register(on: router)
        TailPage(state: state).register(on: router)
        EventPage(state: state).register(on: router)
        AlertPages(state: state).register(on: router)
        ExposurePage(state: state).register(on: router)
        DestinationPages(state: state).register(on: router)
        SourcePages(state: state).register(on: router)
        ConnectPages(state: state).register(on: router)
        IntegrityPage(state: state).register(on: router)
        VerifyPage(state: state).register(on: router)
        SearchRoutes(state: state).register(on: router)
        CompletionRoutes(state: state).register(on: router)
        EventRoutes(state: state).register(on: router)
        ExportRoutes(state: state).register(on: router)
        TailRoutes(state: state).register(on: router)
        IntegrityRoutes(state: state).register(on: router)
        TokenRoutes(state: state).register(on: router)
        IdentityRoutes(state: state).register(on: router)
        ApproverRoutes(state: state).register(on: router)
        RetentionRoutes(state: state).register(on: router)
        HoldRoutes(state: state).register(on: router)
        RedactionRoutes(state: state).register(on: router)
        SourceRoutes(state: state).register(on: router)
        ConnectRoutes(state: state).register(on: router)
        CompletenessRoutes(state: state).register(on: router)
        RenormalisationRoutes(state: state).register(on: router)
        EnrichmentRoutes(state: state).register(on: router)
        GitHubRoutes(state: state).register(on: router)
        QuarantineRoutes(state: state).register(on: router)
        RuleRoutes(state: state).register(on: router)
        AlertRoutes(state: state).register(on: router)
        IncidentRoutes(state: state).register(on: router)
        ExposureRoutes(state: state).register(on: router)
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
        return try TLSFiles(
            certificate: configuration.tlsCertificate, key: configuration.tlsKey,
            clientAuthorities: configuration.clientAuthorities
        ).serving(http1)
    }
}
