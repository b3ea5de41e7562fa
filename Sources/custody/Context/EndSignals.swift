import Dispatch
import Foundation

/// The first SIGINT or SIGTERM asks a command to come to an end, a second one ends the process, for as long as a value of this
/// exists.
final class EndSignals {
    private let sources: [any DispatchSourceSignal]

    /// - Parameter handler: Called on the main queue, once for each of the two signals at most.
    init(_ handler: @escaping @Sendable () -> Void) {
        sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler {
                handler()
                signal(number, SIG_DFL)
            }
            source.activate()
            return source
        }
    }

    deinit { sources.forEach { $0.cancel() } }
}
