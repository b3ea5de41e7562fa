import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Ledger
import NIOCore

/// The scripts, styles and pictures of the pages, which are part of the program: nothing is fetched from anywhere else.
///
/// Their address holds the digest of all of them together, so that browsers keep them for ever and never mix those of two
/// versions; scripts name each other by relative addresses.
struct AssetBundle: Sendable {
    struct Asset: Sendable {
        let bytes: [UInt8]
        let type: String
        /// A strong validator (RFC 9110 §8.8.1): the digest of the bytes.
        let tag: String
    }

    static let current = AssetBundle(files)

    let version: String
    private let assets: [String: Asset]

    init(_ files: [(name: String, bytes: [UInt8])]) {
        var whole = SHA256()
        var assets: [String: Asset] = [:]
        for (name, bytes) in files {
            let digest = SHA256.hash(data: bytes)
            whole.update(data: Array(name.utf8))
            whole.update(data: Array(digest))
            assets[name] = Asset(bytes: bytes, type: Self.type(of: name), tag: "\"\(LowercaseHex.encode(digest))\"")
        }
        self.assets = assets
        version = String(LowercaseHex.encode(whole.finalize()).prefix(16))
    }

    /// Where a browser finds a file.
    func path(_ name: String) -> String { "/assets/\(version)/\(name)" }

    func register(on router: Router<CustodyRequestContext>) {
        router.get("/assets/:version/:name") { request, context in
            try answer(
                request, context.parameters.require("name"), isCurrent: context.parameters.get("version") == version)
        }
    }

    /// - Throws: ``Problem`` 404.
    func answer(_ request: Request, _ name: String, isCurrent: Bool) throws -> Response {
        guard let asset = assets[name] else { throw Problem.notFound("there is no such file") }
        var headers: HTTPFields = [
            .contentType: asset.type, .eTag: asset.tag,
            // A page of the version before, still open in a tab, gets what there is now and keeps nothing.
            .cacheControl: isCurrent ? "public, max-age=31536000, immutable" : "no-cache",
        ]
        PageSecurity.addAssetHeaders(to: &headers)
        let known = request.headers[.ifNoneMatch] ?? ""
        guard !known.split(separator: ",").contains(where: { $0.trimmingCharacters(in: .whitespaces) == asset.tag })
        else { return Response(status: .notModified, headers: headers) }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: asset.bytes)))
    }

    private static func type(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "svg": "image/svg+xml"
        default: "application/octet-stream"
        }
    }

    static let files: [(name: String, bytes: [UInt8])] = [
        ("custody.css", PackageResources.custody_css),
        ("mark.svg", PackageResources.mark_svg),
        ("shell.js", PackageResources.shell_js),
        ("search.js", PackageResources.search_js),
        ("tail.js", PackageResources.tail_js),
        ("event.js", PackageResources.event_js),
        ("connect.js", PackageResources.connect_js),
        ("copy.js", PackageResources.copy_js),
        ("exposure.js", PackageResources.exposure_js),
        ("integrity.js", PackageResources.integrity_js),
        ("ledger-memory.js", PackageResources.ledger_memory_js),
        ("verify.js", PackageResources.verify_js),
        ("verify-page.js", PackageResources.verify_page_js),
        ("verify-policy.js", PackageResources.verify_policy_js),
    ]
}
