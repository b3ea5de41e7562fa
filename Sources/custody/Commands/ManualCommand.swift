import ArgumentParser
import DurableFiles
import SystemPackage

/// Writes the manual pages; for packagers, so not in the list of commands.
struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual", abstract: "Write the manual pages of all commands into a directory.",
        shouldDisplay: false)

    @Argument(help: "The directory, which exists; pages in it are replaced.")
    var directory: String

    func run() throws {
        let fileSystem = CommandContext.current.fileSystem
        for page in ManualPage.all(of: try CommandDescription(dump: Custody._dumpHelp()), version: Custody.version) {
            try fileSystem.writeAtomically(
                Array(page.text.utf8), to: FilePath(directory).appending(page.name + ".1"),
                permissions: FilePermissions(rawValue: 0o644))
        }
    }
}
