import Crypto
import EventModel
import Ledger
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// The syslog listeners of a server: bound at once, so that an address that cannot be had stops the start, and served until the
/// task is cancelled.
struct SyslogListeners: Sendable {
    private typealias Connection = NIOAsyncChannel<[SyslogFrame], Never>
    private typealias Datagrams = NIOAsyncChannel<[AddressedEnvelope<ByteBuffer>], Never>

    private enum Bound: Sendable {
        case stream(NIOAsyncChannel<Connection, Never>, SyslogSettings)
        case datagrams(Datagrams, SyslogSettings)
    }

    private let sink: SyslogSink
    private let bound: [Bound]

    /// The ports that are listened on, in the order of the settings.
    var ports: [Int] {
        bound.map {
            switch $0 {
            case .stream(let channel, _): channel.channel.localAddress?.port ?? 0
            case .datagrams(let channel, _): channel.channel.localAddress?.port ?? 0
            }
        }
    }

    /// - Throws: ``ConfigurationError`` for TLS files that cannot be used; the system's error for an address that cannot be had.
    init(_ settings: [SyslogSettings], state: ServerState, counters: SyslogCounters) async throws {
        sink = SyslogSink(state: state, counters: counters)
        var bound: [Bound] = []
        do {
            for one in settings { bound.append(try await Self.bind(one)) }
        } catch {
            for one in bound { try? await Self.close(one) }
            throw error
        }
        self.bound = bound
    }

    /// Serves until the task is cancelled; open connections are closed then.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            for one in bound {
                switch one {
                case .stream(let channel, let settings): group.addTask { await accept(channel, settings) }
                case .datagrams(let channel, let settings): group.addTask { await receive(channel, settings) }
                }
            }
        }
    }

    // MARK: Binding

    private static func bind(_ settings: SyslogSettings) async throws -> Bound {
        switch settings.transport {
        case .udp:
            let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                // What is sent while a commit is waited for has to wait in the kernel.
                .channelOption(.socketOption(.so_rcvbuf), value: 4 << 20)
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65_536))
                .bind(host: settings.host, port: settings.port)
                .flatMapThrowing { channel in
                    try channel.pipeline.syncOperations.addHandler(SyslogBatcher<AddressedEnvelope<ByteBuffer>>())
                    return try Datagrams(wrappingChannelSynchronously: channel)
                }.get()
            return .datagrams(channel, settings)
        case .tcp, .tls:
            let tls = try settings.transport == .tls ? context(settings) : nil
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: settings.host, port: settings.port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                        try pipeline.addHandler(ByteToMessageHandler(SyslogStreamDecoder()))
                        try pipeline.addHandler(SyslogBatcher<SyslogFrame>())
                        return try Connection(wrappingChannelSynchronously: channel)
                    }
                }
            return .stream(channel, settings)
        }
    }

    private static func close(_ bound: Bound) async throws {
        switch bound {
        case .stream(let channel, _): try await channel.channel.close()
        case .datagrams(let channel, _): try await channel.channel.close()
        }
    }

    /// TLS 1.2 and later (RFC 9662 for syslog); with authorities of clients, no client comes in without a certificate of theirs.
    private static func context(_ settings: SyslogSettings) throws -> NIOSSLContext {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(settings.certificate ?? "").map {
                NIOSSLCertificateSource.certificate($0)
            }
            let key = try NIOSSLPrivateKey(file: settings.key ?? "", format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            if let authorities = settings.clientAuthorities {
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorities))
                configuration.certificateVerification = .noHostnameVerification
            }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw ConfigurationError("syslog on port \(settings.port): tls_cert, tls_key or client_ca cannot be used")
        }
    }

    // MARK: Serving

    private func accept(_ listener: NIOAsyncChannel<Connection, Never>, _ settings: SyslogSettings) async {
        do {
            try await listener.executeThenClose { connections in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await connection in connections {
                        let open = sink.counters.connections.add(1, ordering: .relaxed).newValue
                        group.addTask {
                            defer { sink.counters.connections.subtract(1, ordering: .relaxed) }
                            guard open <= SyslogLimits.connections else {
                                sink.counters.closed.add(1, ordering: .relaxed)
                                try? await connection.executeThenClose { _ in }
                                return
                            }
                            await serve(connection, settings)
                        }
                    }
                }
            }
        } catch {
            guard !Task.isCancelled else { return }
            sink.state.logger.error("a syslog listener failed", metadata: ["error": "\(error)"])
        }
    }

    private func serve(_ connection: Connection, _ settings: SyslogSettings) async {
        let address = connection.channel.remoteAddress?.ipAddress
        do {
            try await connection.executeThenClose { batches in
                var fingerprint: String?
                var source: String?
                var isKnown = false
                for try await batch in batches {
                    if !isKnown {
                        // The handshake is over once something was read.
                        if settings.clientAuthorities != nil {
                            fingerprint = try await Self.fingerprint(connection.channel)
                        }
                        source = settings.source(address: address, fingerprint: fingerprint)
                        isKnown = true
                    }
                    try await sink.take(batch, as: source, isAuthenticated: fingerprint != nil)
                    guard source != nil else { return }
                }
            }
        } catch {
            if !Task.isCancelled { sink.counters.closed.add(1, ordering: .relaxed) }
        }
    }

    private static func fingerprint(_ channel: any Channel) async throws -> String? {
        guard let certificate = try await channel.nioSSL_peerCertificate().get() else { return nil }
        return LowercaseHex.encode(SHA256.hash(data: try certificate.toDERBytes()))
    }

    private func receive(_ channel: Datagrams, _ settings: SyslogSettings) async {
        do {
            try await channel.executeThenClose { batches in
                for try await batch in batches {
                    var bySource: [String?: [SyslogFrame]] = [:]
                    for datagram in batch {
                        let source = settings.source(address: datagram.remoteAddress.ipAddress, fingerprint: nil)
                        bySource[source, default: []].append(
                            SyslogFrame(bytes: Array(datagram.data.readableBytesView)))
                    }
                    for (source, frames) in bySource { try await sink.take(frames, as: source, isAuthenticated: false) }
                }
            }
        } catch {
            guard !Task.isCancelled else { return }
            sink.state.logger.error("a syslog listener failed", metadata: ["error": "\(error)"])
        }
    }
}
