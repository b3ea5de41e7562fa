package import AccessControl
import EventModel
import QueryLanguage

extension EventPredicate {
    /// What an authorized query finds, one event at a time: its filter over the fields that the reader may see, and
    /// everything that limits which events these are. Stages and the default window do not apply.
    package init(_ authorized: AuthorizedQuery) {
        let request = SearchRequest(authorized)
        let compiler = FilterCompiler(groups: FieldGroupSet(request.visibleGroups))
        self.init(.conjunction([request.scope, compiler.compile(request.query.filter)]))
    }
}
