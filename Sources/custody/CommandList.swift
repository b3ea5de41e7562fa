import ArgumentParser

/// Every command of the program, in the order of its help.
enum CommandList {
    static let all: [any ParsableCommand.Type] = [
        ServeCommand.self, WitnessCommand.self, RelayCommand.self, GuardCommand.self, KeyCommand.self, PushCommand.self,
        PushKubernetesCommand.self, RunCommand.self,
        SearchCommand.self, TailCommand.self, ShowCommand.self, ExportCommand.self, VerifyCommand.self,
        SourceCommand.self, RuleCommand.self, AlertCommand.self, DestinationCommand.self, TokenCommand.self,
        IdentityCommand.self,
        ApproverCommand.self, RetentionCommand.self, HoldCommand.self, RedactCommand.self,
        BackupCommand.self, RestoreCommand.self, RebuildCommand.self, DoctorCommand.self, DemoCommand.self,
        BenchCommand.self, ManualCommand.self,
    ]

    /// Commands whose names people type as two words, because they belong to another command. That one takes files, so its
    /// parser would take the second word for one; a file of that name is written `./kubernetes`.
    private static let inTwoWords = [["push", "kubernetes"]]

    /// The arguments with such a name as one word.
    static func joined(_ arguments: [String]) -> [String] {
        guard inTwoWords.contains(Array(arguments.prefix(2))) else { return arguments }
        return [arguments[0] + "-" + arguments[1]] + arguments.dropFirst(2)
    }
}
