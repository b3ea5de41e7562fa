/// How requests reach a witness. The program's is HTTP; tests have their own.
package protocol WitnessTransport: Sendable {
    /// Sends a body by POST and returns the answer, following no redirect.
    ///
    /// - Throws: any error when there is no answer within `timeout`.
    func post(_ body: [UInt8], to url: String, timeout: Duration) async throws -> WitnessReply
}

/// What a witness answered.
package struct WitnessReply: Sendable {
    /// Bytes of an answer's body that are read at most: more signature lines than any witness has keys.
    package static let maximumBytes = 1 << 16

    package let status: Int
    package let contentType: String?
    package let body: [UInt8]

    package init(status: Int, contentType: String?, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

/// Why a witness has not cosigned.
package struct WitnessFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Hashable, Sendable {
        /// No answer, or one that says to come again.
        case unreachable
        /// It does not know the log, or does not accept its key, or does not understand.
        case refused
        /// It has cosigned a larger tree of this log than there is: the ledger was rolled back, or another copy signs.
        case ahead
        /// It has cosigned another tree of this log.
        case inconsistent
        /// Its answer is not in the form of the protocol.
        case badAnswer
    }

    package let kind: Kind
    package let reason: String

    init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    /// Whether it is evidence that this ledger has a second history.
    package var isConflict: Bool { kind == .ahead || kind == .inconsistent }
    package var description: String { reason }
}
