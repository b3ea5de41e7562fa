import AccessControl
import HTTPTypes
import Hummingbird
import NIOCore

/// Makes pages of templates: what all of them have in common.
struct PageRenderer: Sendable {
    private let templates = PageTemplates()
    private let assets = AssetBundle.current

    func response(_ page: Page, _ request: Request, _ context: CustodyRequestContext) -> Response {
        var headers = page.headers
        PageSecurity.addPageHeaders(to: &headers)
        return Response(
            status: page.status, headers: headers,
            body: .init(byteBuffer: ByteBuffer(string: text(page, request, context))))
    }

    /// A text as templates write it.
    static func escaped(_ text: String) -> String { PageEscaping().escapeText(text) }

    func text(_ page: Page, _ request: Request, _ context: CustodyRequestContext) -> String {
        let isSignedIn = context.principal != nil
        var data = page.data
        data["form_token"] = context.session?.formToken ?? ""
        data["assets"] = assets.path("").dropLast().description
        let main = templates.render(page.template, data)
        let settings = PageSettings(request)
        let places = Page.Place.allCases.filter { isSignedIn || $0.isPublic }
        return templates.render(
            "layout",
            .of([
                "title": page.title,
                "assets": data["assets"],
                "theme": settings.theme?.rawValue,
                "keys_off": settings.areKeysOff ? true : nil,
                "refresh": page.refresh,
                "places": places.map { place -> PageData in
                    .of([
                        "label": place.label, "path": place.path, "name": place.rawValue,
                        "is_current": place == page.place ? true : nil,
                    ])
                },
                "scripts": (["shell.js"] + page.scripts).map { assets.path($0) },
                "style": assets.path("custody.css"),
                "mark": assets.path("mark.svg"),
                "user": context.principal?.name,
                "form_token": context.session.map { $0.formToken },
                "main": main,
            ]))
    }
}

/// What a person chose for this browser, kept in its cookies.
struct PageSettings {
    enum Theme: String, CaseIterable { case light, dark }

    static let themeCookie = "custody_theme"
    static let keysCookie = "custody_keys"

    /// nil follows the system.
    let theme: Theme?
    /// Whether single keys do nothing (WCAG 2.2, 2.1.4).
    let areKeysOff: Bool

    init(_ request: Request) {
        let cookies = request.cookies
        theme = (cookies[Self.themeCookie]?.value).flatMap { Theme(rawValue: $0) }
        areKeysOff = cookies[Self.keysCookie]?.value == "off"
    }
}
