import CustodyServer
import Foundation
import SystemPackage

/// Finds the signer's guard directory.
enum GuardPlace {
    /// The directory of the option, else of the configuration file, else the usual one of this account.
    ///
    /// - Throws: ``ConfigurationError`` when there is none, or it lies inside the data directory, with which it would be copied
    ///   and rolled back.
    static func directory(_ option: String?, _ configured: FilePath?, data: FilePath) throws -> FilePath {
        let found =
            option.map { FilePath($0) } ?? configured
            ?? ServerConfiguration.usualGuardDirectory(
                environment: ProcessInfo.processInfo.environment, isRoot: geteuid() == 0)
        guard let found else {
            throw ConfigurationError("there is no home directory to keep the signer's guard in: name one with --guard")
        }
        let (guardPath, dataPath) = (absolute(found), absolute(data))
        guard guardPath != dataPath, !guardPath.hasPrefix(dataPath + "/") else {
            throw ConfigurationError(
                "the guard directory \(found) lies in the data directory, with which it would be rolled back: name another "
                    + "with --guard")
        }
        return found
    }

    private static func absolute(_ path: FilePath) -> String {
        URL(fileURLWithPath: path.string).standardizedFileURL.resolvingSymlinksInPath().path
    }
}
