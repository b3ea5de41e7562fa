import ArgumentParser
import CustodyServer
import DurableFiles
import Foundation
import Ledger
import SystemPackage

/// `custody approver`.
struct ApproverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approver",
        abstract: "Keys whose signatures let something be destroyed.",
        discussion: """
            The server never holds these keys. Two approvers have to sign every policy, redaction, release of a hold and \
            change of approvers; while there is only one, that one.
            """,
        subcommands: [Keygen.self, Sign.self, List.self, Add.self, Remove.self])

    struct Keygen: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an approver's key, on the approver's own machine.",
            discussion: "The file is readable by you alone. The verifier key is printed; it is no secret.")

        @Argument(help: "The approver's name, without spaces.") var name: String
        @Option(name: [.short, .long], help: ArgumentHelp("Where the key goes.", valueName: "file"))
        var output = "approver.key"

        func run() async throws {
            let context = CommandContext.current
            guard !FileManager.default.fileExists(atPath: output) else {
                throw CommandFailure(.usage, "\(output) is there already")
            }
            var random = SystemRandomNumberGenerator()
            do {
                let key = try LedgerKey.load(
                    from: FilePath(output), in: RealFileSystem(), orCreateNamed: { name }, using: &random)
                try context.console.line(key.verifierKey.description)
            } catch let error as LedgerError {
                throw CommandFailure(.usage, error.reason)
            }
            context.console.note("the key is in \(output): keep it away from the server, and a copy of it")
        }
    }

    struct Sign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign a request. Works offline.",
            discussion: "What the request says is printed: read it before you hand it on.")

        @Argument(help: ArgumentHelp("The request.", valueName: "file")) var request: String
        @Option(help: ArgumentHelp("The approver's key.", valueName: "file")) var key: String

        func run() async throws {
            let context = CommandContext.current
            let signer = try ApproverCommand.key(key)
            let signed = try ApprovalFile.sign(request, with: signer)
            let lines = String(decoding: try signed.text(), as: UTF8.self).split(separator: "\n")
            try context.console.line(VisibleText.of(String(lines.last ?? "")))
            context.console.note("signed by \(signer.verifierKey.name)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the approvers.")

        @OptionGroup var output: OutputOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let context = CommandContext.current
            let answer = try await server.client(context).call(.get, "/v1/approvers")
            try JSONDocument.read(answer) { json in
                let columns = ResourceList([.init("name"), .init("vkey")])
                let any = try columns.write(json.value(at: "approvers"), asJSON: output.json, to: context.console)
                guard any else { throw CommandFailure(.nothingFound, "no approvers: nothing can be destroyed") }
            }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register an approver.",
            discussion: """
                The new approver signs the request, and those that there are.

                Examples:
                  custody approver add 'alice+5f1e…+AQ…' --request add-alice
                  custody approver sign add-alice --key alice.key
                  custody approver add --approval add-alice
                """)

        @Argument(help: ArgumentHelp("The approver's verifier key.", valueName: "vkey")) var vkey: String?
        @OptionGroup var approval: ApprovalOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            try await ApproverCommand.change(.addApprover, vkey, approval, server, "custody approver add")
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take an approver off the list.")

        @Argument(help: ArgumentHelp("The approver's verifier key.", valueName: "vkey")) var vkey: String?
        @OptionGroup var approval: ApprovalOptions
        @OptionGroup var server: ClientOptions

        func run() async throws {
            try await ApproverCommand.change(.removeApprover, vkey, approval, server, "custody approver remove")
        }
    }

    private static func change(
        _ action: AuthorityRequest.Action, _ vkey: String?, _ approval: ApprovalOptions, _ server: ClientOptions,
        _ command: String
    ) async throws {
        try await approval.run("/v1/approvers", action, server, command) { request in
            guard let vkey, let key = try? VerifierKey(parsing: vkey) else {
                throw CommandFailure(
                    .usage, "give the approver's verifier key, as `custody approver keygen` printed it")
            }
            request.vkey = key.description
        }
    }

    static func key(_ path: String) throws -> LedgerKey {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.refused, "\(path) cannot be read")
        }
        do { return try LedgerKey(parsing: String(decoding: bytes, as: UTF8.self)) } catch {
            throw CommandFailure(.refused, "\(path) is no key")
        }
    }
}

/// The two ways of every change that approvers sign: write the request, or hand it in with their signatures.
struct ApprovalOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where the request for the approvers goes.", valueName: "file"))
    var request = "request.custody"
    @Option(help: ArgumentHelp("The request with the approvers' signatures: do it.", valueName: "file"))
    var approval: String?
    @Option(help: ArgumentHelp("Why; stands in the request.", valueName: "text"))
    var reason: String?
    @OptionGroup var output: OutputOptions

    /// - Parameter fill: Completes the request; not called when there is an approval.
    func run(
        _ path: String, _ action: AuthorityRequest.Action, _ server: ClientOptions, _ command: String,
        _ fill: (inout AuthorityRequest) async throws -> Void
    ) async throws {
        let context = CommandContext.current
        let client = try server.client(context)
        guard let approval else {
            var wanted = try await ApprovalFile.request(action, of: client, reason: reason, context)
            try await fill(&wanted)
            return try ApprovalFile.write(wanted, to: request, then: command, context)
        }
        let answer = try await client.call(.post, path, body: try ApprovalFile.body(approval))
        try JSONDocument.read(answer) { json in
            if output.json { return try context.console.writeOutput(JSONDocument.line(json)) }
            try context.console.line("done; on record as leaf \(json.text("leaf"))")
            let copies = json.text("unreached_copies")
            if !copies.isEmpty { context.console.note("not reached: \(copies)") }
        }
    }
}
