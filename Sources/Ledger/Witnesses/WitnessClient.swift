/// Has one witness cosign checkpoints of a log, in order. The client side of C2SP `tlog-witness`.
package struct WitnessClient: Sendable {
    /// A witness that answers 409 names the size to begin at; one that names another each time is not followed for ever.
    private static let attempts = 3

    private let url: String
    private let key: VerifierKey
    private let transport: any WitnessTransport
    private let timeout: Duration
    /// The size that the witness has cosigned last, as far as is known.
    private(set) var size: UInt64 = 0

    /// - Parameter prefix: the witness' submission prefix.
    package init(prefix: String, key: VerifierKey, transport: any WitnessTransport, timeout: Duration) {
        url = prefix + (prefix.hasSuffix("/") ? "" : "/") + "add-checkpoint"
        self.key = key
        self.transport = transport
        self.timeout = timeout
    }

    /// The witness' cosignature under a checkpoint.
    ///
    /// - Parameter proof: gives the consistency proof from a smaller size to the checkpoint.
    /// - Throws: ``WitnessFailure``; ``LedgerError`` when the own tree cannot be read.
    package mutating func cosign(
        _ signed: SignedCheckpoint, proof: (_ oldSize: UInt64) throws -> [TreeHash]
    ) async throws -> SignedNote.Signature {
        let wanted = signed.checkpoint.size
        // Cosignatures of others say nothing to a witness.
        let note = SignedNote(
            text: signed.note.text,
            signatures: signed.note.signatures.filter { $0.name == signed.checkpoint.origin })
        for _ in 0..<Self.attempts {
            guard size <= wanted else {
                throw WitnessFailure(
                    .ahead, "it has cosigned \(size) leaves of this ledger, which has \(wanted)")
            }
            let request = AddCheckpointRequest(
                oldSize: size, proof: size == wanted ? [] : try proof(size), note: note)
            let reply: WitnessReply
            do {
                reply = try await transport.post(request.bytes, to: url, timeout: timeout)
            } catch {
                throw WitnessFailure(.unreachable, "no answer: \(error)")
            }
            switch reply.status {
            case 200:
                let signature = try signature(in: reply.body, over: note.text)
                size = wanted
                return signature
            case 409: size = try Self.size(in: reply)
            default: throw Self.failure(reply)
            }
        }
        throw WitnessFailure(.badAnswer, "it names another size each time")
    }

    private func signature(in body: [UInt8], over text: [UInt8]) throws -> SignedNote.Signature {
        guard let signatures = try? SignedNote.Signature.list(body[...]) else {
            throw WitnessFailure(.badAnswer, "its answer holds no signature lines")
        }
        guard let signature = signatures.first(where: { $0.name == key.name && $0.keyID == key.keyID }) else {
            throw WitnessFailure(.badAnswer, "its answer holds no signature of \(key.name)")
        }
        guard key.isValid(signature.bytes, over: text), let time = Cosignature(signature.bytes)?.time, time > 0 else {
            throw WitnessFailure(.badAnswer, "its signature is not valid")
        }
        return signature
    }

    private static func size(in reply: WitnessReply) throws -> UInt64 {
        let type = reply.contentType?.split(separator: ";").first.map(String.init)
        guard type?.trimmingSpaces == Witness.sizeType, reply.body.last == 0x0a,
            let size = StrictDecimal.decode(String(decoding: reply.body.dropLast(), as: UTF8.self))
        else { throw WitnessFailure(.badAnswer, "it answers 409 without a size") }
        return size
    }

    private static func failure(_ reply: WitnessReply) -> WitnessFailure {
        switch reply.status {
        case 422: WitnessFailure(.inconsistent, "it has cosigned another tree of this ledger (422)")
        case 404: WitnessFailure(.refused, "it does not know this ledger (404)")
        case 403: WitnessFailure(.refused, "it does not accept this ledger's key (403)")
        case 429, 500...599: WitnessFailure(.unreachable, "it cannot cosign now (\(reply.status))")
        default: WitnessFailure(.refused, "it answers \(reply.status)")
        }
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
