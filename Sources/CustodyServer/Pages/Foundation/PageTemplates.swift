import Mustache

/// The templates of all pages, compiled once.
struct PageTemplates: Sendable {
    private static let library: MustacheLibrary = {
        MustacheContentTypes.register(PageEscaping(), named: PageEscaping.name)
        var library = MustacheLibrary()
        do {
            for (name, bytes) in files {
                let text = String(decoding: bytes, as: UTF8.self)
                // Each says it for itself, since a part that another includes starts with the library's own escaping.
                try library.register("{{% CONTENT_TYPE:\(PageEscaping.name)}}" + text, named: name)
            }
        } catch {
            // Files of our own, compiled by every test run.
            preconditionFailure("page template: \(error)")
        }
        return library
    }()

    /// Compiles the templates, unless it was done before.
    init() { _ = Self.library }

    func render(_ name: String, _ data: PageData) -> String {
        guard let text = Self.library.render(data, withTemplate: name) else {
            preconditionFailure("there is no template \(name)")
        }
        return text
    }

    static let files: [(name: String, bytes: [UInt8])] = [
        ("layout", PackageResources.layout_mustache),
        ("problem", PackageResources.problem_mustache),
        ("arrive", PackageResources.arrive_mustache),
        ("sign-in", PackageResources.sign_in_mustache),
        ("set-up", PackageResources.set_up_mustache),
        ("you", PackageResources.you_mustache),
        ("home", PackageResources.home_mustache),
        ("search", PackageResources.search_mustache),
        ("event-row", PackageResources.event_row_mustache),
        ("tail", PackageResources.tail_mustache),
        ("event", PackageResources.event_mustache),
        ("alerts", PackageResources.alerts_mustache),
        ("alert", PackageResources.alert_mustache),
        ("exposure", PackageResources.exposure_mustache),
        ("exposure-incident", PackageResources.exposure_incident_mustache),
        ("destinations", PackageResources.destinations_mustache),
        ("destination", PackageResources.destination_mustache),
        ("destination-form", PackageResources.destination_form_mustache),
        ("destination-input", PackageResources.destination_input_mustache),
        ("integrity", PackageResources.integrity_mustache),
        ("source-rows", PackageResources.source_rows_mustache),
        ("sources", PackageResources.sources_mustache),
        ("connect", PackageResources.connect_mustache),
        ("connect-form", PackageResources.connect_form_mustache),
        ("source", PackageResources.source_mustache),
        ("verify", PackageResources.verify_mustache),
    ]
}
