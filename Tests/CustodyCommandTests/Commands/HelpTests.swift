import ArgumentParser
import Testing

@testable import custody

struct HelpTests {
    @Test("Every command explains itself, and its examples fit 80 columns")
    func everyCommand() async {
        for (path, command) in Self.commands(below: Custody.self, []) {
            let run = await CommandBench().run(path + ["--help"], input: [])
            #expect(run.status == 0, "\(path)")
            #expect(run.output.hasPrefix("OVERVIEW: "), "\(path)")
            #expect(run.errors.isEmpty)
            for line in command.configuration.discussion.split(separator: "\n") where line.hasPrefix("  ") {
                #expect(run.output.contains(line), "wrapped in the help of \(path)")
            }
        }
    }

    private static func commands(
        below command: any ParsableCommand.Type, _ path: [String]
    ) -> [(path: [String], command: any ParsableCommand.Type)] {
        [(path, command)]
            + command.configuration.subcommands.flatMap { commands(below: $0, path + [$0._commandName]) }
    }

    @Test(
        "What nobody can mean is a usage error",
        arguments: [["nope"], ["search", "--limit", "0", "a"], ["show", "x"]])
    func usage(arguments: [String]) async throws {
        let run = await CommandBench().run(arguments, input: [])
        #expect(run.status == 64)
        #expect(run.output.isEmpty)
        #expect(run.errors.hasPrefix("Error: "))
    }

    @Test("The version is printed alone")
    func version() async throws {
        #expect(await CommandBench().run("--version").output == Custody.version + "\n")
    }

    @Test("Completion scripts come for the common shells", arguments: ["bash", "zsh", "fish"])
    func completion(shell: String) async throws {
        let run = await CommandBench().run("--generate-completion-script", shell)
        #expect(run.status == 0)
        #expect(run.output.contains("custody"))
    }

    @Test("The help of search is what it was")
    func search() async throws {
        let run = await CommandBench().run("search", "--help")
        #expect(
            run.output.hasPrefix(
                """
                OVERVIEW: Find events, or count them.

                Examples:
                  custody search 'actor:octocat repo:acme/api' --since -7d
                  custody search 'outcome:failure | top 10 actor'
                  custody search 'artifact:sha256:9f2c*' --json
                """))
    }
}
