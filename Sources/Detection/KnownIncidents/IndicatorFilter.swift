/// Writes filters of the query language for packages, files, actions and the like.
///
/// The filters look at columns wherever a field can hold the indicator, so that they stay quick on any number of events; text is
/// searched for what is rare only.
enum IndicatorFilter {
    /// Bytes of one regular expression; what needs more is spread over several (`QueryLimits.regexLength` is 4 KiB).
    static let regexBytes = 3_500

    /// Fields that hold the path or name of what was fetched.
    private static let placeFields = ["api.path", "resource.name", "artifact.name"]

    // MARK: Packages

    /// Versions of packages: by package URL, and by the paths under which registries and proxies serve them.
    ///
    /// - Parameter packages: Names with their versions; `*` is any version.
    /// - Returns: nil for an ecosystem whose paths are not known.
    static func packages(_ packages: [(name: String, versions: [String])], ecosystem: String) -> String? {
        let purls: [String]
        let paths: [String]
        switch ecosystem {
        case "npm":
            purls = packages.map { "^pkg:npm\\/" + npmName($0.name) + "@" + versions($0.versions) + end }
            paths = packages.map(npmPath)
        case "pypi":
            purls = packages.map { "^pkg:pypi\\/" + pypiName($0.name) + "@" + versions($0.versions) + end }
            paths = packages.map {
                "(^|[\\/:])" + pypiName($0.name) + "-" + versions($0.versions)
                    + "(\\.tar\\.gz|\\.zip|-[^\\/]*\\.whl)" + end
            }
        default: return nil
        }
        return anyOf(
            regexes(purls).map { "artifact.purl:\($0)" }
                + regexes(paths).flatMap { regex in placeFields.map { "\($0):\(regex)" } })
    }

    /// What may stand behind a whole name: nothing, or the qualifiers of a URL.
    private static let end = "([?#]|$)"

    private static func npmName(_ name: String) -> String {
        guard name.hasPrefix("@"), let slash = name.firstIndex(of: "/") else { return escaped(name) }
        let scope = name[name.index(after: name.startIndex)..<slash]
        return "(%40|@)" + escaped(String(scope)) + "(%2f|\\/)" + escaped(String(name[name.index(after: slash)...]))
    }

    /// `NAME/-/NAME-VERSION.tgz`, and before a name without scope no scope: `@acme/debug` is another package than `debug`.
    private static func npmPath(_ package: (name: String, versions: [String])) -> String {
        let base = package.name.split(separator: "/").last.map(String.init) ?? package.name
        let file = "\\/-\\/([^\\/]*\\/)?" + escaped(base) + "-" + versions(package.versions) + "\\.tgz" + end
        guard !package.name.hasPrefix("@") else { return npmName(package.name) + file }
        return "(^\\/?|(^|[\\/:])[^@%\\/:][^\\/:]*[\\/:])" + escaped(package.name) + file
    }

    /// Runs of `-`, `_` and `.` are one separator in names of Python packages (PEP 503).
    private static func pypiName(_ name: String) -> String {
        name.split { "-_.".contains($0) }.map { escaped(String($0)) }.joined(separator: "[-_.]+")
    }

    private static func versions(_ versions: [String]) -> String {
        versions.contains("*") ? "[^\\/?#]+" : "(" + versions.map(escaped).joined(separator: "|") + ")"
    }

    /// Package URLs as they are written, `*` for anything but a version's end.
    static func purls(_ purls: [String]) -> String {
        anyOf(
            regexes(
                purls.map {
                    "^"
                        + $0.split(separator: "*", omittingEmptySubsequences: false)
                        .map { escaped(String($0)) }.joined(separator: "[^@?#]*") + end
                }
            ).map { "artifact.purl:\($0)" })
    }

    // MARK: Files, digests, commits, actions, hosts, repositories

    /// Files by their names at the end of a path.
    static func files(_ names: [String]) -> String {
        anyOf(
            regexes(names.map { "(^|[\\/:])" + escaped($0) + end })
                .flatMap { regex in placeFields.map { "\($0):\(regex)" } })
    }

    /// Jobs that ran an action by something that can be moved: not by a whole commit. A step that was given a name of its own does
    /// not tell which action it is.
    static func action(_ name: String) -> String {
        "raw.workflow_job.steps.name:/(?i)^(Run )?" + escaped(name)
            + "(\\/[^@ ]*)?@([^ ]{0,39}|[^ ]*[^0-9a-f ][^ ]*)$/"
    }

    /// Digests as `alg:hex`, in the field for them.
    static func digests(_ digests: [String]) -> String {
        anyOf(digests.map { "artifact.digest:\($0)" })
    }

    /// What is rare: commits, the hexadecimal part of digests, hosts, places. A word is found as whole, other text anywhere.
    static func words(_ words: [String]) -> String { anyOf(words.map { phrase($0) }) }

    /// Words among events of any kind. The tokens of an IPv4 address are short and common, so looking for it as text reads every
    /// record: there it is looked for as the address from which somebody came.
    static func wordsAnywhere(_ words: [String]) -> String {
        anyOf(words.map { isAddress($0) ? "client.ip:\($0)" : phrase($0) })
    }

    private static func isAddress(_ word: String) -> Bool {
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Repositories by the last part of their names, `*` for anything.
    static func repositories(_ patterns: [String]) -> String {
        let regex = regexes(
            patterns.map {
                "(^|\\/)"
                    + $0.split(separator: "*", omittingEmptySubsequences: false)
                    .map { escaped(String($0)) }.joined(separator: "[^\\/]*") + "$"
            })
        return anyOf(regex.flatMap { ["vcs.repo:\($0)", "resource.name:\($0)"] })
    }

    // MARK: Parts

    static func anyOf(_ filters: [String]) -> String {
        filters.count == 1 ? filters[0] : "(" + filters.joined(separator: " OR ") + ")"
    }

    /// A word that is found by its tokens: dots, dashes and slashes need no quotes, a colon does.
    private static func phrase(_ word: String) -> String {
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "/"):
                true
            default: false
            }
        }
        return isPlain && !word.hasPrefix("-") && !word.hasPrefix("/") ? word : "\"" + quoted(word) + "\""
    }

    private static func quoted(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }

    /// Alternatives as few regular expressions, each within ``regexBytes``, case ignored.
    private static func regexes(_ alternatives: [String]) -> [String] {
        var regexes: [String] = []
        var current = ""
        for alternative in alternatives {
            if !current.isEmpty, current.utf8.count + alternative.utf8.count > regexBytes {
                regexes.append(current)
                current = ""
            }
            current += (current.isEmpty ? "" : "|") + alternative
        }
        if !current.isEmpty { regexes.append(current) }
        return regexes.map { "/(?i)(\($0))/" }
    }

    /// Text as itself inside of a regular expression between slashes.
    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            if "\\.+*?()|[]{}^$/".contains(character) { result.append("\\") }
            result.append(character)
        }
    }
}
