import ArgumentParser
import DurableFiles
import Foundation
import SystemPackage

/// Where the server is and who asks: the options of every command that talks to one.
struct ClientOptions: ParsableArguments {
    static let defaultURL = "http://127.0.0.1:8400"

    @Option(
        help: ArgumentHelp("The server. [default: CUSTODY_URL, else \(defaultURL)]", valueName: "url"))
    var url: String?
    @Option(
        help: ArgumentHelp(
            "The server's data directory: without CUSTODY_TOKEN, the token in DIR/keys/admin.token is used. "
                + "[default: ./custody-data, else that of the installed service]", valueName: "dir"))
    var data: String?

    /// The server that these options and the environment name. When the command is done, its ledger is compared with what was
    /// seen of it.
    ///
    /// - Parameter sends: Whether the command only sends: then the identity of a CI job or a pod will do, where there is neither
    ///   a token nor `--data`.
    /// - Throws: ``CommandFailure`` `usage` for what is no URL of a server.
    func client(_ context: CommandContext = .current, sends: Bool = false) throws -> ServerClient {
        let address = try ServerAddress(url ?? context.variable("CUSTODY_URL") ?? Self.defaultURL)
        var credential: ServerClient.Credential?
        if sends, data == nil, context.variable("CUSTODY_TOKEN") == nil, let origin = WorkloadCredential.origin(context)
        {
            credential = .workload(WorkloadCredential(origin, context: context))
        }
        let client = ServerClient(
            address: address, credential: try credential ?? self.credential(for: address, context))
        context.contacts.note(client)
        return client
    }

    /// The token of the environment, else that of the data directory.
    ///
    /// The token of the default directory belongs to the server of this machine and is sent to no other unless `--data`
    /// says so: a mistyped address must not collect admin tokens.
    private func credential(for address: ServerAddress, _ context: CommandContext) throws -> ServerClient.Credential {
        if let token = context.variable("CUSTODY_TOKEN") { return .token(token) }
        let path = FilePath(data ?? DataPlace.usual(context.fileSystem)).appending("keys/admin.token")
        guard data != nil || address.isLocal else {
            return .none(hint: "set CUSTODY_TOKEN, or add --data DIR to send the admin token of that directory")
        }
        do {
            let text = String(decoding: try context.fileSystem.contents(of: path), as: UTF8.self)
            return .token(text.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch let error as DurableFilesError where error.code == .notPermitted {
            return .none(hint: "\(path) may only be read by the account of the server; set CUSTODY_TOKEN")
        } catch {
            return .none(hint: "set CUSTODY_TOKEN, or add --data DIR; there is no \(path)")
        }
    }
}

/// `--json` of the commands that have it.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print NDJSON instead of a table.")
    var json = false
}
