import AccessControl
import Connectors
import Delivery
import Detection
import EventModel
import EventStore
import HTTPTypes
import Hummingbird
import Identity
import Intake
import Ledger
import QueryLanguage

/// Says for every error of every module what the caller is told.
enum ProblemMapper {
    /// Seconds after which a refused sender should try again.
    static let retryAfterSeconds = "1"

    static func problem(for error: any Error) -> Problem {
        switch error {
        case let error as Problem: error
        case let error as AccessError: problem(error)
        case let error as IntakeError: problem(error)
        case let error as QueryError: problem(error)
        case let error as IdentityError: problem(error)
        case let error as ConnectorError: problem(error)
        case let error as DetectionError: problem(error)
        case let error as DeliveryError: problem(error)
        case let error as EventStoreError: problem(error)
        case let error as LedgerError: problem(error)
        case let error as RecordError: problem(error)
        case let error as HTTPError:
            Problem(error.status, "http_\(error.status.code)", error.body ?? error.status.reasonPhrase)
        default: Problem(.internalServerError, "internal", "something went wrong here; the log has the request id")
        }
    }

    private static func problem(_ error: AccessError) -> Problem {
        if error.code == .tooManyFailures {
            return Problem(.tooManyRequests, error.code.rawValue, error.reason, headers: [.retryAfter: "60"])
        }
        return Problem(error.code.isAboutCredential ? .unauthorized : .forbidden, error.code.rawValue, error.reason)
    }

    private static func problem(_ error: IntakeError) -> Problem {
        let status: HTTPResponse.Status =
            switch error.code {
            case .overloaded: .tooManyRequests
            case .diskFull, .diskFailed, .stopping: .serviceUnavailable
            case .tooLarge, .tooManyEvents: .contentTooLarge
            case .malformed: .badRequest
            }
        var problem = Problem(status, error.code.rawValue, error.reason)
        if status == .tooManyRequests || status == .serviceUnavailable {
            problem.headers[.retryAfter] = retryAfterSeconds
        }
        return problem
    }

    private static func problem(_ error: QueryError) -> Problem {
        var problem = Problem.badRequest("query_" + error.code.rawValue, error.description)
        problem.members = [("column", String(error.column)), ("length", String(error.length))]
        if let suggestion = error.suggestion {
            var json: [UInt8] = []
            JSONText.appendString(suggestion, to: &json)
            problem.members.append(("suggestion", String(decoding: json, as: UTF8.self)))
        }
        return problem
    }

    private static func problem(_ error: IdentityError) -> Problem {
        switch error.code {
        case .notFound: .notFound(error.reason)
        case .alreadyExists: Problem(.conflict, error.code.rawValue, error.reason)
        case .unreadableSecret: Problem(.internalServerError, "internal", "a stored secret cannot be read")
        default: .badRequest(error.code.rawValue, error.reason)
        }
    }

    private static func problem(_ error: ConnectorError) -> Problem {
        switch error.code {
        case .unknownConnector: .badRequest("unknown_connector", error.reason)
        case .unsigned, .badSignature, .staleSignature, .missingCredential:
            Problem(.unauthorized, "bad_signature", error.reason)
        default: .badRequest("connector", error.reason)
        }
    }

    private static func problem(_ error: DetectionError) -> Problem {
        switch error.code {
        case .unknownAlert, .unknownSilence, .unknownRule: .notFound(error.reason)
        case .invalidTransition: Problem(.conflict, error.code.rawValue, error.reason)
        default: .badRequest(error.code.rawValue, error.description)
        }
    }

    private static func problem(_ error: DeliveryError) -> Problem {
        switch error.code {
        case .unknownDestination, .unknownNotification: .notFound(error.reason)
        case .duplicateDestination: Problem(.conflict, error.code.rawValue, error.reason)
        default: .badRequest(error.code.rawValue, error.reason)
        }
    }

    private static func problem(_ error: EventStoreError) -> Problem {
        switch error.code {
        case .queryTimedOut: Problem(.requestTimeout, error.code.rawValue, error.reason)
        case .tooManyGroups, .tooManyRows, .tooMuchMemory, .exhausted:
            Problem(.unprocessableContent, error.code.rawValue, error.reason)
        case .tooManySearches:
            Problem(
                .tooManyRequests, error.code.rawValue, error.reason, headers: [.retryAfter: retryAfterSeconds])
        case .searchesHoldMemory:
            Problem(
                .serviceUnavailable, error.code.rawValue, error.reason, headers: [.retryAfter: retryAfterSeconds])
        case .invalidCursor, .invalidLimit: .badRequest(error.code.rawValue, error.reason)
        case .damaged, .missing: Problem(.internalServerError, "damaged", "stored data is damaged; see custody verify")
        default: Problem(.internalServerError, "internal", "the event store cannot answer")
        }
    }

    private static func problem(_ error: LedgerError) -> Problem {
        error.code == .outOfRange
            ? .notFound(error.reason) : Problem(.internalServerError, "internal", "the ledger cannot be read")
    }
}
