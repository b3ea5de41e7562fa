import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import CustodyServer

@Suite("What pages let in")
struct PageSecurityTests {
    @Test("Values become text, whatever marks follow their characters")
    func escaping() throws {
        let hostile = "<script>\"x\" 'y' & <\u{301}b> \"\u{301} onfocus=alert(1) \0"
        let text = PageRenderer.escaped(hostile)
        for scalar in text.unicodeScalars { #expect(!["<", ">", "\"", "'", "\0"].contains(scalar)) }
        #expect(text.hasPrefix("&lt;script&gt;&quot;x&quot; &#39;y&#39; &amp; &lt;\u{301}b&gt; &quot;\u{301} onfocus"))
    }

    @Test("Templates escape by the rule above, in parts of others too, and only the layout puts markup into a page")
    func templates() {
        for (name, bytes) in PageTemplates.files {
            let text = String(decoding: bytes, as: UTF8.self)
            let raw = text.split(separator: "{{{").count - 1 + text.split(separator: "{{&").count - 1
            #expect(raw == (name == "layout" ? 1 : 0), "\(name)")
            #expect(!text.contains(" style=") && !text.contains("<style"), "\(name)")
            #expect(!text.contains("javascript:") && !text.contains("://"), "\(name)")
            // Nothing inside a page is run: neither scripts without an address nor handlers in attributes.
            #expect(!text.contains("<script>"), "\(name)")
            #expect(text.range(of: " on[a-z]+=", options: .regularExpression) == nil, "\(name)")
        }
    }

    @Test(
        "Every page forbids everything that does not come from this server",
        arguments: ["/sign-in", "/verify", "/set-up", "/nothing"])
    func policy(path: String) async throws {
        try await TestServer.run { _, client in
            let answer = try await Browser(client: client).get(path)
            let policy = try #require(answer.headers[.contentSecurityPolicy])
            #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self';"))
            #expect(!policy.contains("unsafe") && !policy.contains("*") && !policy.contains("nonce"))
            #expect(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"))
            #expect(answer.headers[.xContentTypeOptions] == "nosniff")
            #expect(answer.headers[.cacheControl] == "no-store")
        }
    }

    @Test("Files of pages are kept for ever under their version, and answered by their tag")
    func assets() async throws {
        try await TestServer.run { _, client in
            let browser = Browser(client: client)
            let page = try await browser.get("/sign-in").text
            let paths = page.matches(of: #//assets/[0-9a-f]{16}/[a-z.-]+/#).map { String($0.output) }
            #expect(Set(paths).count >= 3)
            for path in Set(paths) {
                let answer = try await browser.get(path)
                let tag = try #require(answer.headers[.eTag])
                #expect(answer.status == 200 && tag.hasPrefix("\"") && !answer.text.isEmpty, "\(path)")
                #expect(answer.headers[.cacheControl] == "public, max-age=31536000, immutable")
                let again = try await client.send(.get, path, token: nil, headers: [.ifNoneMatch: tag])
                #expect(again.status == 304 && again.text.isEmpty)
            }
            let old = try await browser.get("/assets/0123456789abcdef/shell.js")
            #expect(old.status == 200 && old.headers[.cacheControl] == "no-cache")
            #expect(try await browser.get("/assets/0123456789abcdef/nothing.js").status == 404)
        }
    }

    @Test("Scripts and styles name no other server, and never make markup of text")
    func scripts() {
        for (name, bytes) in AssetBundle.files where name != "mark.svg" {
            let text = String(decoding: bytes, as: UTF8.self)
            for word in ["://", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "@import"] {
                #expect(!text.contains(word), "\(name): \(word)")
            }
        }
    }

    @Test("Errors are pages for browsers and problems for programs")
    func problems() async throws {
        try await TestServer.run { _, client in
            let page = try await Browser(client: client).get("/v1/nothing")
            #expect(page.status == 404 && page.headers[.contentType] == "text/html; charset=utf-8")
            #expect(page.text.contains("not_found") && page.text.contains("<main"))
            let problem = try await client.send(.get, "/v1/nothing", token: nil)
            #expect(problem.headers[.contentType] == "application/problem+json")
            let hostile = try await Browser.signedIn(client).get("/v1/search?q=%3Cscript%3Ealert(1)%3C/script%3E:x")
            #expect(hostile.status == 400 && !hostile.text.contains("<script>alert"))
        }
    }

    @Test("Programs that ask for the root get Elasticsearch's answer still")
    func root() async throws {
        try await TestServer.run { _, client in
            let answer = try await client.send(.get, "/")
            #expect((answer["version"] as? [String: Any])?["number"] as? String == ElasticsearchRoutes.version)
        }
    }
}
