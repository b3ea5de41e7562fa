import CustodyServer
import EventModel
import Foundation
import Ledger

/// A request for approvers to sign, as a file that goes from hand to hand.
enum ApprovalFile {
    /// A request of a server's ledger, with what every request has.
    static func request(
        _ action: AuthorityRequest.Action, of client: ServerClient, reason: String?, _ context: CommandContext
    ) async throws -> AuthorityRequest {
        let answer = try await client.call(.get, "/v1/approvers")
        let ledger = try JSONDocument.read(answer) { $0.text("ledger") }
        var random = SystemRandomNumberGenerator()
        let nonce = (0..<2).map { _ in String(UInt64.random(in: .min ... .max, using: &random), radix: 16) }.joined()
        var request = AuthorityRequest(
            ledger: ledger, action: action, created: context.now().text,
            nonce: String(repeating: "0", count: max(0, 32 - nonce.count)) + nonce)
        request.reason = reason
        return request
    }

    /// Writes a request that nobody has signed yet, and says how to go on.
    static func write(
        _ request: AuthorityRequest, to path: String, then command: String, _ context: CommandContext
    ) throws {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure(.usage, "\(path) is there already; name another with --request")
        }
        try Data(request.text()).write(to: URL(fileURLWithPath: path))
        try context.console.line(VisibleText.of(path))
        context.console.note(
            "not done yet: let approvers sign it (custody approver sign \(path) --key FILE), then \(command) --approval \(path)"
        )
    }

    /// The text of a file, as the body of a change.
    static func body(_ path: String) throws -> [UInt8] {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.refused, "\(path) cannot be read")
        }
        var body = JSONObject()
        body.add("approval", String(decoding: bytes, as: UTF8.self))
        return body.text
    }

    /// Adds a signature to a request's file.
    ///
    /// - Returns: the request, for whoever signs to read.
    static func sign(_ path: String, with key: LedgerKey) throws -> AuthorityRequest {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.refused, "\(path) cannot be read")
        }
        let bytes = Array(data)
        let known = try? SignedNote(parsing: bytes)
        let text = known?.text ?? bytes
        let request: AuthorityRequest
        do { request = try AuthorityRequest(text: text) } catch { throw CommandFailure(.refused, "\(path): \(error)") }
        var note = try SignedNote(signing: text, with: key)
        if let known {
            guard !known.signatures.contains(where: { $0.name == key.verifierKey.name }) else {
                throw CommandFailure(.refused, "\(key.verifierKey.name) has signed it already")
            }
            note.signatures = known.signatures + note.signatures
        }
        try Data(note.bytes).write(to: URL(fileURLWithPath: path))
        return request
    }
}
