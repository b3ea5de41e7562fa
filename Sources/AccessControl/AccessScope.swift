/// Which events a grant is about, in the words of their sealed fields.
///
/// Each list holds names or patterns (`*` any run of characters, `?` one); an empty list does not restrict. An event is in
/// scope when, for each list that is not empty, the field has a value and a member of the list matches it: an event without
/// a repository is in nobody's repository scope.
package struct AccessScope: Hashable, Sendable {
    /// Names of configured sources (`source.name`). Never the kind, which a sender's payload can influence.
    package let sources: [String]
    /// `vcs.repo`.
    package let repositories: [String]
    /// `app.env`.
    package let environments: [String]

    package init(sources: [String] = [], repositories: [String] = [], environments: [String] = []) {
        self.sources = sources
        self.repositories = repositories
        self.environments = environments
    }

    /// All events.
    package static let everything = AccessScope()

    package var isEverything: Bool { sources.isEmpty && repositories.isEmpty && environments.isEmpty }
}
