import CustodyServer
import DurableFiles
import Ledger
import Synchronization
import SystemPackage

/// The servers that a command talked to: when it is done, the ledger of each is held against what was seen of it before.
final class ServerContacts: Sendable {
    private let clients = Mutex<[ServerClient]>([])

    func note(_ client: ServerClient) {
        clients.withLock { known in
            if !known.contains(where: { $0.address == client.address }) { known.append(client) }
        }
    }

    /// Hands over those that were noted, once.
    func take() -> [ServerClient] {
        clients.withLock { known in
            defer { known = [] }
            return known
        }
    }
}

extension SeenLedgers {
    /// How often a server is asked: each time beyond the second takes another command that saw a newer checkpoint meanwhile.
    private static let attempts = 4

    /// Demands that a server's ledger is the one that it had before and extends what was seen of it, and remembers it.
    ///
    /// Costs one request when nothing is new, else about six small ones. A server that does not answer is compared the next
    /// time, which is said when it was seen before.
    ///
    /// - Throws: ``CommandFailure`` `integrity` when the ledger was rolled back, rewritten, or exchanged for another. A server of
    ///   this machine may have another, as it has after every trial: that is said and remembered.
    func check(server client: ServerClient) async throws {
        var compared: [UInt8]?
        for _ in 0..<Self.attempts {
            guard let answer = try? await client.send(.get, "/ledger/checkpoint") else {
                return noteUncompared(origin(at: client.address), "it did not answer")
            }
            do {
                return try await check(client, answer)
            } catch let failure as CommandFailure {
                // Another command may have seen and remembered a newer checkpoint meanwhile.
                guard compared != answer.body else { throw failure }
                compared = answer.body
            }
        }
        noteUncompared(origin(at: client.address), "it went on too fast")
    }

    /// Compares with what a server has answered as its checkpoint.
    func check(_ client: ServerClient, _ answer: ServerAnswer) async throws {
        let known = origin(at: client.address)
        guard answer.isSuccess else {
            guard answer.status == 404 else { return noteUncompared(known, "it answered \(answer.status)") }
            // A ledger without events has no checkpoint; one that had some has.
            guard let known else { return }
            return try exchanged(known, "no checkpoint at all", client)
        }
        do {
            let origin = try Checkpoint(parsing: try SignedNote(parsing: answer.body).text).origin
            if let known, known != origin {
                try exchanged(known, "the ledger \(VisibleText.of(origin))", client)
            }
            try await check(client, handedOut: answer.body, isLatest: true)
            remember(origin, at: client.address)
        } catch let error as LedgerError {
            throw CommandFailure(.integrity, "\(client.address.text) has no sound checkpoint: \(error.reason)")
        } catch let failure as CommandFailure where failure.code != .integrity {
            noteUncompared(known, failure.reason ?? "it could not be asked")
        }
    }

    private func noteUncompared(_ known: String?, _ reason: String) {
        guard known != nil else { return }
        context.console.note("note: the server's ledger was not compared with what was seen here before: \(reason)")
    }

    private func exchanged(_ known: String, _ found: String, _ client: ServerClient) throws {
        let text =
            "\(client.address.text) had the ledger \(VisibleText.of(known)) when it was seen here before, now it has \(found)"
        guard !client.address.isLocal else {
            context.console.note("note: \(text)")
            return forget(client.address)
        }
        throw CommandFailure(
            .integrity,
            "\(text). If its operator announced another ledger (custody key succeed, a new installation), remove "
                + "\(place(of: client.address)); otherwise keep that file and see docs/witnesses.md, \"When a client refuses a ledger\""
        )
    }

    // MARK: Which ledger a server has

    private func place(of address: ServerAddress) -> FilePath {
        directory.appending("servers").appending(ServerAddress.encoded(address.text))
    }

    private func origin(at address: ServerAddress) -> String? {
        guard let bytes = try? context.fileSystem.contents(of: place(of: address)) else { return nil }
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
        return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }

    private func remember(_ origin: String, at address: ServerAddress) {
        guard self.origin(at: address) != origin else { return }
        do {
            try context.fileSystem.createDirectory(directory.appending("servers"))
            try context.fileSystem.writeAtomically(
                Array("\(origin)\n".utf8), to: place(of: address), permissions: .privateFile)
        } catch {
            context.console.note("note: which ledger \(address.text) has was not remembered: \(error)")
        }
    }

    private func forget(_ address: ServerAddress) {
        let path = place(of: address)
        if (try? context.fileSystem.exists(path)) == true { try? context.fileSystem.remove(path) }
    }
}
