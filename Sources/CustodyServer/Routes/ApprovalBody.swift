import Foundation
import HTTPTypes
import Hummingbird

/// The body of every change that approvers sign.
struct ApprovalBody: Decodable {
    /// The signed note: request and signatures.
    var approval: String

    /// A document of the request's action that carries the note.
    ///
    /// - Throws: ``RecordError`` when there is no request in it, or one about something else.
    func document(_ allowed: SystemDocument.Kind...) throws -> SystemDocument {
        let request = try request()
        guard let kind = SystemDocument.Kind(rawValue: request.action.rawValue), allowed.contains(kind) else {
            throw RecordError(.malformed, "a request of the kind \(request.action.rawValue) does not belong here")
        }
        var document = SystemDocument(kind)
        document.approval = approval
        return document
    }

    /// What the signatures are under; they are not verified here.
    func request() throws -> AuthorityRequest {
        guard let end = approval.range(of: "\n\n") else {
            throw RecordError(.malformed, "the request is not signed; use `custody approver sign`")
        }
        return try AuthorityRequest(text: Array(approval[..<end.lowerBound].utf8) + [0x0a])
    }
}

extension ProblemMapper {
    static func problem(_ error: RecordError) -> Problem {
        switch error.code {
        case .malformed: Problem(.badRequest, "invalid_record", error.reason)
        case .unauthorized: Problem(.forbidden, "not_approved", error.reason)
        case .held: Problem(.conflict, "held", error.reason)
        case .unknown: Problem(.notFound, "not_found", error.reason)
        }
    }
}
