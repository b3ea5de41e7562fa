import EventModel

/// Why a command ends without success: what is said on standard error, and the exit status.
struct CommandFailure: Error, Equatable {
    /// The exit statuses of the program. There are no others.
    enum Code: Int32 {
        /// Nothing was found, or something does not comply. Not an error.
        case nothingFound = 1
        case integrity = 2
        case usage = 64
        /// The input was refused: by the server, or because it cannot be read.
        case refused = 65
        /// The server cannot be reached, or cannot serve now.
        case unreachable = 69
        case denied = 77
    }

    let code: Code
    /// Lower case, without a final stop; nil when everything has been said.
    let reason: String?

    init(_ code: Code, _ reason: String?) {
        self.code = code
        self.reason = reason
    }

    /// Gives any error a place among ours.
    init(_ error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as EventModelError: self.init(.refused, error.reason)
        default: self.init(.unreachable, String(describing: error))
        }
    }
}
