import AccessControl
import Connectors
import Detection
import Foundation
import SystemPackage

/// Where rules come from: the built-in pack, the operator's directories, and those that were added through the server.
enum RuleDirectories {
    /// Rules for sources that no connector here makes are dormant.
    /// - Throws: When a directory cannot be read. What is wrong with single rules is in the set's errors.
    static func load(_ directories: [String], _ catalogue: ConnectorCatalogue) throws -> RuleSet {
        try directories.reduce(BuiltInRules.load()) { set, directory in
            set.adding(try RuleSet.load(URL(fileURLWithPath: directory)))
        }.knowing(kinds: catalogue.kinds)
    }

    /// Refused rules that a start names one by one; the list of rules has them all.
    private static let maximumNamed = 20

    /// What an operator has to know when starting: which rules are not in force, and why.
    static func refusals(_ rules: RuleSet) -> [String] {
        let more = rules.errors.count - maximumNamed
        return rules.errors.prefix(maximumNamed).map { "rule refused: \($0)" }
            + (more > 0 ? ["\(more) more rules were refused: `custody rule list` names them"] : [])
    }
}

extension ConnectorCatalogue {
    /// The kinds of sources that events may have: connectors' names, and our own.
    var kinds: [String] { connectors.map(\.name) + [OwnAudit.source] }
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
