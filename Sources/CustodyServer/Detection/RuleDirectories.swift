import Detection
import Foundation
import SystemPackage

/// Where rules come from: the built-in pack, the operator's directories, and those that were added through the server.
enum RuleDirectories {
    /// - Throws: When a directory cannot be read. What is wrong with single rules is in the set's errors.
    static func load(_ directories: [String]) throws -> RuleSet {
        try directories.reduce(BuiltInRules.load()) { set, directory in
            set.adding(try RuleSet.load(URL(fileURLWithPath: directory)))
        }
    }
}

extension ServerConfiguration {
    /// Where rules lie that were added through the server.
    var addedRules: FilePath { dataDirectory.appending("rules") }

    /// The operator's directories and, once there is one, that of added rules.
    var allRuleDirectories: [String] {
        let added = addedRules.string
        return ruleDirectories + (FileManager.default.fileExists(atPath: added) ? [added] : [])
    }
}

/// A file of rules on its way into the server.
struct RuleUpload: Decodable, Sendable {
    /// Directories on the way to a file.
    static let maximumDepth = 16
    /// Bytes of one name on the way.
    static let maximumNameBytes = 200

    var name: String
    var text: String

    /// The path below the directory of added rules.
    /// - Throws: ``Problem`` for a name that leads elsewhere or is no name of a rule file.
    func path(in directory: FilePath) throws -> FilePath {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in
            (1...Self.maximumNameBytes).contains(part.utf8.count) && part.first != "."
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"):
                        true
                    default: "._-+ ".utf8.contains(byte)
                    }
                }
        }
        guard isPlain, parts.count <= Self.maximumDepth, name.hasSuffix(".yml") || name.hasSuffix(".yaml") else {
            throw Problem.badRequest(
                "invalid_rule_name",
                "a rule file's name is relative, of letters, digits and ._-+ and blanks, and ends in .yml or .yaml")
        }
        return parts.reduce(directory) { $0.appending(String($1)) }
    }
}
