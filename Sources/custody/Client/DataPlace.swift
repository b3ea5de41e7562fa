import DurableFiles
import SystemPackage

/// Where commands that only read look for the data directory of this machine's server when `--data` does not say.
///
/// Commands that write there are told: as root they would leave files that the service may not open.
enum DataPlace {
    /// Where the package's service keeps it.
    static let ofPackage = "/var/lib/custody/data"
    static let ofWorkingDirectory = "custody-data"

    /// `./custody-data` when it is there, else that of the installed service when it is, else `./custody-data`.
    static var usual: String { usual(CommandContext.current.fileSystem) }

    static func usual(_ fileSystem: any FileSystem) -> String {
        func exists(_ path: String) -> Bool { (try? fileSystem.exists(FilePath(path))) == true }
        return exists(ofWorkingDirectory) || !exists(ofPackage) ? ofWorkingDirectory : ofPackage
    }
}
