/// Manual pages in the macros of man(7): one for the program, one for each command, with its subcommands inside.
struct ManualPage: Equatable {
    /// Without the section: `custody-search`.
    var name: String
    /// roff, ending in a newline.
    var text: String

    /// All pages of a program.
    ///
    /// - Parameters:
    ///   - program: What the program says of itself.
    ///   - version: Shown at the foot of each page.
    static func all(of program: CommandDescription, version: String) -> [ManualPage] {
        let root = program.commandName
        let commands = program.visibleSubcommands
        var first = ManualPage(name: root, title: root, description: program, version: version)
        first.section("COMMANDS")
        for command in commands {
            first.item("\\fB\(escaped("\(root)-\(command.commandName)"))\\fR(1)", command.abstract ?? "")
        }
        first.exitStatus()
        first.section("FILES")
        first.item("\\fIDIR\\fR/keys/admin.token", "The token that commands use when CUSTODY_TOKEN is not set.")
        return [first]
            + commands.map { command in
                var page = ManualPage(
                    name: "\(root)-\(command.commandName)", title: "\(root) \(command.commandName)",
                    description: command,
                    version: version)
                for subcommand in command.visibleSubcommands {
                    page.describe(subcommand, called: "\(root) \(command.commandName) \(subcommand.commandName)")
                }
                page.exitStatus()
                page.section("SEE ALSO")
                page.text += "\\fB\(escaped(root))\\fR(1)\n"
                return page
            }
    }

    private init(name: String, title: String, description: CommandDescription, version: String) {
        self.name = name
        text = ".TH \(Self.escaped(name.uppercased())) 1 \"\" \"Custody \(version)\" \"Custody\"\n"
        section("NAME")
        text += "\(Self.escaped(name)) \\- \(Self.escaped(description.abstract ?? title))\n"
        section("SYNOPSIS")
        text += Self.synopsis(of: description, called: title) + "\n"
        if let discussion = description.discussion, !discussion.isEmpty {
            section("DESCRIPTION")
            paragraphs(discussion)
        }
        options(of: description, heading: ".SH OPTIONS")
    }

    private mutating func section(_ title: String) { text += ".SH \(title)\n" }

    /// A term and what it means.
    private mutating func item(_ term: String, _ meaning: String) {
        text += ".TP\n\(term)\n\(Self.escaped(meaning))\n"
    }

    private mutating func describe(_ command: CommandDescription, called title: String) {
        text += ".SH \"\(Self.escaped(title.uppercased()))\"\n\(Self.synopsis(of: command, called: title))\n"
        if let abstract = command.abstract { text += ".PP\n\(Self.escaped(abstract))\n" }
        if let discussion = command.discussion, !discussion.isEmpty {
            text += ".PP\n"
            paragraphs(discussion)
        }
        options(of: command, heading: nil)
        for subcommand in command.visibleSubcommands {
            describe(subcommand, called: "\(title) \(subcommand.commandName)")
        }
    }

    private mutating func options(of command: CommandDescription, heading: String?) {
        let arguments = command.visibleArguments
        guard !arguments.isEmpty else { return }
        if let heading { text += heading + "\n" }
        for argument in arguments {
            var meaning = [argument.abstract, argument.discussion].compactMap(\.self).filter { !$0.isEmpty }
            if let value = argument.defaultValue, !value.isEmpty { meaning.append("Default: \(value).") }
            item(Self.term(argument), meaning.joined(separator: " "))
        }
    }

    /// Prose; lines that begin with a blank are examples and keep their form.
    private mutating func paragraphs(_ prose: String) {
        var isExample = false
        for line in prose.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix(" ") != isExample, !line.isEmpty {
                isExample.toggle()
                text += isExample ? ".nf\n" : ".fi\n"
            }
            text += line.isEmpty ? (isExample ? "\n" : ".PP\n") : Self.escaped(String(line)) + "\n"
        }
        if isExample { text += ".fi\n" }
    }

    private mutating func exitStatus() {
        section("EXIT STATUS")
        for (code, meaning) in [
            ("0", "success"), ("1", "nothing found, or not compliant"), ("2", "integrity failure"), ("64", "usage"),
            ("65", "refused input"), ("69", "server unreachable"), ("77", "denied"),
        ] { item(code, meaning) }
    }

    private static func synopsis(of command: CommandDescription, called title: String) -> String {
        var parts = ["\\fB\(escaped(title))\\fR"]
        if !command.visibleSubcommands.isEmpty { parts.append("\\fIcommand\\fR") }
        for argument in command.visibleArguments {
            let shown = argument.kind == "positional" ? value(argument) : term(argument, shortest: true)
            let repeated = argument.isRepeating ? " ..." : ""
            parts.append(argument.isOptional ? "[\(shown)\(repeated)]" : shown + repeated)
        }
        return parts.joined(separator: " ")
    }

    private static func term(_ argument: CommandDescription.Argument, shortest: Bool = false) -> String {
        guard let names = argument.names, !names.isEmpty else { return value(argument) }
        let shown = (shortest ? Array(names.prefix(1)) : names).map { "\\fB\(escaped($0.typed))\\fR" }.joined(
            separator: ", ")
        return argument.kind == "option" ? shown + " " + value(argument) : shown
    }

    private static func value(_ argument: CommandDescription.Argument) -> String {
        "\\fI\(escaped(argument.valueName ?? "value"))\\fR"
    }

    /// Text in which nothing is a request, an escape or a hyphen that could be broken.
    static func escaped(_ text: String) -> String {
        let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("\"", with: "\\(dq")
        return plain.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.hasPrefix(".") || $0.hasPrefix("'") ? "\\&\($0)" : String($0) }
            .joined(separator: "\n")
    }
}
