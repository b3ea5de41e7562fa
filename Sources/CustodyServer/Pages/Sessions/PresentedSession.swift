import AccessControl
import Identity

/// The session that a request came with.
struct PresentedSession: Sendable {
    let session: Session
    let principal: Principal
    private let text: String

    init(_ session: Session, principal: Principal, text: String) {
        self.session = session
        self.principal = principal
        self.text = text
    }

    /// What this session's forms carry.
    var formToken: String { FormToken.text(ofSession: text) }

    func accepts(formToken: String) -> Bool { FormToken.isRight(formToken, forSession: text) }
}
