import ArgumentParser
import CustodyServer
import DurableFiles
import Foundation
import SystemPackage

struct RelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay",
        abstract: "Take deliveries on the internet for a server that is not there.",
        discussion: """
            A relay keeps webhooks durably and sealed for its server, which drains it by connections of its own. It \
            knows no secret of a source and cannot read what it keeps. docs/relay.md tells how to set one up.

              custody relay key                          at the server: prints its key
              custody relay --server KEY --listen :8402  on the internet
            """,
        subcommands: [Serve.self, Key.self], defaultSubcommand: Serve.self)

    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "serve", abstract: "Run the relay. This is what `custody relay` does.")

        @Option(help: "The relay's own directory: its key and its spool.")
        var data = "custody-relay"
        @Option(help: ArgumentHelp("The address to listen on.", valueName: "host:port"))
        var listen = "127.0.0.1:8402"
        @Option(
            help: ArgumentHelp(
                "The key of the server that drains this relay; needed once. `custody relay key` prints it.",
                valueName: "key"))
        var server: String?
        @Option(help: ArgumentHelp("The spool's size at most, in MiB.", valueName: "mib"))
        var spool = RelayLimits().spoolBytes >> 20
        @Option(help: ArgumentHelp("A certificate chain in PEM.", valueName: "file"))
        var tlsCert: String?
        @Option(help: ArgumentHelp("Its key in PEM.", valueName: "file"))
        var tlsKey: String?

        func validate() throws {
            guard (16...1_048_576).contains(spool) else {
                throw ValidationError("--spool is between 16 and 1,048,576 MiB")
            }
        }

        func run() async throws {
            do {
                let run = try RelayRun(try configuration()) { error in
                    // What the disk holds is not known any more; only a new start, which reads it, can tell.
                    FileHandle.standardError.write(Data("custody relay: \(error)\n".utf8))
                    Foundation.exit(70)
                }
                try await run.run()
            } catch let error as ConfigurationError {
                throw CommandFailure(.usage, error.description)
            } catch let error as DurableFilesError {
                throw CommandFailure(.refused, error.description)
            }
        }

        private func configuration() throws -> RelayConfiguration {
            var configuration = RelayConfiguration(dataDirectory: FilePath(data))
            var address = ServerConfiguration()
            try address.listen(on: listen)
            (configuration.host, configuration.port) = (address.host, address.port)
            (configuration.tlsCertificate, configuration.tlsKey) = (tlsCert, tlsKey)
            configuration.server = try server.map { try RelayPublicKey($0) }
            configuration.limits.spoolBytes = spool << 20
            return configuration
        }
    }

    struct Key: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the key of a server, for its relays; makes it when there is none.")

        @Option(help: ArgumentHelp("The server's data directory.", valueName: "dir"))
        var data = DataPlace.ofWorkingDirectory

        func run() throws {
            let context = CommandContext.current
            guard (try? context.fileSystem.exists(FilePath(data))) == true else {
                throw CommandFailure(.refused, "there is no \(data) here; name the server's directory with --data")
            }
            do {
                let identity = try RelayIdentity.load(
                    directory: FilePath(data).appending("keys"), fileSystem: context.fileSystem)
                try context.console.line(identity.publicKey.description)
            } catch let error as ConfigurationError {
                throw CommandFailure(.refused, error.description)
            } catch let error as DurableFilesError {
                throw CommandFailure(.refused, error.description)
            }
        }
    }
}
