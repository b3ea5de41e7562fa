import HTTPTypes
import Hummingbird

/// `GET /verify`: a page that checks evidence packs in the browser. It needs no session, since the server takes no part in it.
struct VerifyPage {
    let state: ServerState

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/verify") { request, context in
            state.pages.response(
                Page(
                    title: "Verify an evidence pack", place: .verify, template: "verify", scripts: ["verify-page.js"]),
                request, context)
        }
        // Where others fetch them, whatever the version.
        for name in ["verify.js", "verify-policy.js"] {
            router.get(RouterPath("/verify/\(name)")) { request, _ in
                try AssetBundle.current.answer(request, name, isCurrent: false)
            }
        }
    }
}
