import HTTPTypes
import NIOCore
import NIOHTTPTypes
import NIOSSL
import Synchronization

/// Whether the peer of a connection is still there, so that work whose answer nobody would read ends.
final class ClientConnection: Sendable {
    private struct State {
        var isClosed = false
        var nextTicket: UInt64 = 0
        var cancellations: [UInt64: @Sendable () -> Void] = [:]
        var certificate: PeerCertificate?
    }

    private let state = Mutex(State())

    /// Runs `body` as long as the peer is there; it is cancelled when the peer has gone.
    func whileOpen<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let task = Task { try await body() }
        let ticket = onClose { task.cancel() }
        defer { forget(ticket) }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Who the peer's certificate says it is; nil without one. Known before the first request is read.
    var certificate: PeerCertificate? { state.withLock { $0.certificate } }

    fileprivate func note(_ certificate: PeerCertificate?) { state.withLock { $0.certificate = certificate } }

    /// The peer has gone.
    func close() {
        let cancellations = state.withLock { state in
            state.isClosed = true
            defer { state.cancellations = [:] }
            return state.cancellations.values.map(\.self)
        }
        for cancel in cancellations { cancel() }
    }

    /// Calls `cancel` once when the peer goes, or now when it has gone.
    private func onClose(_ cancel: @escaping @Sendable () -> Void) -> UInt64 {
        let (ticket, isClosed) = state.withLock { state in
            state.nextTicket += 1
            if !state.isClosed { state.cancellations[state.nextTicket] = cancel }
            return (state.nextTicket, state.isClosed)
        }
        if isClosed { cancel() }
        return ticket
    }

    private func forget(_ ticket: UInt64) { state.withLock { $0.cancellations[ticket] = nil } }

    // MARK: By channel

    /// The connections that are open. A request's context is made of its channel alone, wherever that is.
    private static let open = Mutex<[ObjectIdentifier: ClientConnection]>([:])

    /// The connection of a channel with a ``DisconnectHandler``; nil for others.
    static func of(_ channel: any Channel) -> ClientConnection? { open.withLock { $0[ObjectIdentifier(channel)] } }

    fileprivate func register(_ channel: any Channel) {
        Self.open.withLock { $0[ObjectIdentifier(channel)] = self }
    }

    fileprivate static func remove(_ channel: any Channel) {
        let connection = open.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }
        connection?.close()
    }
}

/// Notices that a peer has closed its connection, or the half of it on which it sends: no client of HTTP does so while it
/// waits for an answer.
final class DisconnectHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    private let connection = ClientConnection()
    private var hasLooked = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // The handshake is over once something was read.
        if !hasLooked {
            hasLooked = true
            let certificate = (try? context.pipeline.syncOperations.nioSSL_peerCertificate()) ?? nil
            connection.note(certificate.flatMap(PeerCertificate.init))
        }
        context.fireChannelRead(data)
    }

    func handlerAdded(context: ChannelHandlerContext) { connection.register(context.channel) }

    func handlerRemoved(context: ChannelHandlerContext) { ClientConnection.remove(context.channel) }

    func channelInactive(context: ChannelHandlerContext) {
        ClientConnection.remove(context.channel)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { connection.close() }
        context.fireUserInboundEventTriggered(event)
    }
}
