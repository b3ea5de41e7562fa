import ArgumentParser

/// Every command of the program, in the order of its help.
enum CommandList {
    static let all: [any ParsableCommand.Type] = [
        ServeCommand.self, WitnessCommand.self, GuardCommand.self, KeyCommand.self, PushCommand.self, RunCommand.self,
        SearchCommand.self, TailCommand.self, ShowCommand.self, ExportCommand.self, VerifyCommand.self,
        SourceCommand.self, RuleCommand.self, AlertCommand.self, DestinationCommand.self, TokenCommand.self,
        ApproverCommand.self, RetentionCommand.self, HoldCommand.self, RedactCommand.self,
        BackupCommand.self, RestoreCommand.self, RebuildCommand.self, DoctorCommand.self, DemoCommand.self,
        BenchCommand.self,
    ]
}
