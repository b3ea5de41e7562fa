import Connectors
import EventModel
import Foundation
import Intake
import Synchronization
import Testing

@testable import CustodyServer

@Suite("Pulling over HTTP")
struct HTTPPullTests {
    /// Answers from a table of addresses, and remembers what was asked.
    private final class Place: PullTransport {
        private let replies: Mutex<[String: PullReply]>
        private let log = Mutex<[String]>([])

        init(_ replies: [String: PullReply]) { self.replies = Mutex(replies) }

        var asked: [String] { log.withLock { $0 } }

        func put(_ url: String, _ reply: PullReply) { replies.withLock { $0[url] = reply } }

        func get(_ url: String, headers: [(name: String, value: String)], limit: Int) async throws -> PullReply {
            log.withLock { $0.append(url) }
            return replies.withLock { $0[url] } ?? PullReply(status: 404, headers: [], body: [])
        }
    }

    private let now = Timestamp(parsing: "2026-11-20T10:00:00Z")!

    private func reply(_ body: String, status: Int = 200, _ headers: [(String, String)] = []) -> PullReply {
        PullReply(status: status, headers: headers.map { (name: $0.0, value: $0.1) }, body: Array(body.utf8))
    }

    private func bodies(_ page: PullPage) -> [String] {
        (page.delivery?.frames ?? []).map { String(decoding: page.delivery!.body[$0.range], as: UTF8.self) }
    }

    // MARK: Pages

    private func pages(
        _ place: Place, items: [String] = [], next: PagedPull.Next, since: String? = nil, retention: Int64? = nil,
        now moment: Timestamp? = nil
    ) -> PagedPull {
        let moment = moment ?? now
        return PagedPull(
            settings: PagedPull.Settings(
                url: "https://api.example/logs?limit=2", headers: [], items: items, next: next,
                sinceParameter: since == nil ? nil : "since", since: since.flatMap { Timestamp(parsing: $0) },
                overlapSeconds: 60, retentionSeconds: retention),
            transport: place, limit: 1 << 20, now: { moment })
    }

    @Test("A link is followed and kept, an empty page is the end for now, and its link is asked again")
    func links() async throws {
        let first = "https://api.example/logs?limit=2&since=2026-11-20T00:00:00.000Z"
        let place = Place([
            first: reply(
                "[{\"uuid\":1},{\"uuid\":2}]",
                [
                    ("Link", "<https://api.example/logs?limit=2>; rel=\"self\""),
                    ("link", "<https://api.example/logs?after=a>; rel=\"next\""),
                ]),
            "https://api.example/logs?after=a": reply("[]", [("Link", "<https://api.example/logs?after=a>; rel=next")]),
        ])
        let pull = pages(place, next: .link, since: "2026-11-20T00:00:00Z")
        let one = try await pull.page(after: nil)
        #expect(bodies(one) == ["{\"uuid\":1}", "{\"uuid\":2}"] && one.hasMore)
        let two = try await pull.page(after: one.cursor)
        #expect(two.delivery == nil && !two.hasMore)
        _ = try await pull.page(after: two.cursor)
        #expect(place.asked == [first] + Array(repeating: "https://api.example/logs?after=a", count: 2))
    }

    @Test("A page's number comes from the answer; the next round asks from where this one began, with an overlap")
    func members() async throws {
        let base = "https://api.example/logs?limit=2&since="
        let place = Place([
            base + "2026-11-19T00:00:00.000Z": reply(#"{"data":[{"id":"b"},{"id":"a"}],"pagination":{"next_page":2}}"#),
            base + "2026-11-19T00:00:00.000Z&page%5Bnumber%5D=2": reply(
                #"{"data":[{"id":"0"}],"pagination":{"next_page":null}}"#),
            base + "2026-11-20T09:59:00.000Z": reply(#"{"data":[{"id":"b"}],"pagination":{"next_page":null}}"#),
        ])
        let next = PagedPull.Next.member(path: ["pagination", "next_page"], parameter: "page[number]")
        let pull = pages(place, items: ["data"], next: next, since: "2026-11-19T00:00:00Z")
        let one = try await pull.page(after: nil)
        let two = try await pull.page(after: one.cursor)
        let three = try await pull.page(after: two.cursor)
        #expect(
            bodies(one).count == 2 && one.hasMore && bodies(two) == ["{\"id\":\"0\"}"] && !two.hasMore, "\(place.asked)"
        )
        #expect(bodies(three) == ["{\"id\":\"b\"}"])
        // What overlaps has the same id, for events that bring none.
        #expect(one.delivery?.frames?.first?.identifier == three.delivery?.frames?.first?.identifier)
    }

    @Test("More time than the API keeps events is a gap")
    func retention() async throws {
        let place = Place(["https://api.example/logs?limit=2&since=2026-11-20T09:59:00.000Z": reply("[]")])
        let first = Place(["https://api.example/logs?limit=2&since=2026-11-20T00:00:00.000Z": reply("[]")])
        let cursor = try await pages(first, next: .none, since: "2026-11-20T00:00:00Z", retention: 86_400).page(
            after: nil
        ).cursor
        let later = now.advanced(byNanoseconds: 15 * 86_400 * 1_000_000_000)
        let late = try await pages(
            place, next: .none, since: "2026-11-20T00:00:00Z", retention: 14 * 86_400, now: later
        )
        .page(after: cursor)
        #expect(late.gaps.count == 1 && late.gaps.first?.place == "https://api.example/logs")
    }

    @Test("A link to another host is not followed; what is no array is malformed")
    func hostile() async throws {
        let place = Place([
            "https://api.example/logs?limit=2": reply("[{}]", [("Link", "<https://evil.example/>; rel=\"next\"")])
        ])
        let elsewhere = await #expect(throws: PullError.self) { try await pages(place, next: .link).page(after: nil) }
        #expect(elsewhere?.code == .malformed)
        place.put("https://api.example/logs?limit=2", reply("{\"data\":1}"))
        for items in [[], ["data"], ["none"]] {
            let error = await #expect(throws: PullError.self) {
                try await pages(place, items: items, next: .none).page(after: nil)
            }
            #expect(error?.code == .malformed)
        }
    }

    @Test(
        "Statuses say whether to wait, and for how long",
        arguments: [
            (429, [("Retry-After", "17")], PullError.Code.limited, 17),
            (429, [("X-Rate-Limit-Reset", "1795255230")], .limited, nil), (503, [], .limited, nil),
            (500, [], .unavailable, nil), (401, [], .denied, nil), (404, [], .malformed, nil),
            (302, [], .malformed, nil),
        ] as [(Int, [(String, String)], PullError.Code, Int64?)])
    func statuses(status: Int, headers: [(String, String)], code: PullError.Code, seconds: Int64?) throws {
        let error = try #require(throws: PullError.self) { try reply("", status: status, headers).successful(now: now) }
        #expect(error.code == code)
        if let seconds { #expect(error.retryAfterSeconds == seconds) }
    }

    // MARK: Buckets

    private func listing(_ objects: [(String, String)], next: String? = nil) -> PullReply {
        let contents = objects.map {
            "<Contents><Key>\($0.0)</Key><LastModified>\($0.1)</LastModified><ETag>&quot;e1&quot;</ETag><Size>9</Size></Contents>"
        }
        let more =
            next.map { "<IsTruncated>true</IsTruncated><NextContinuationToken>\($0)</NextContinuationToken>" } ?? ""
        return reply("<?xml version=\"1.0\"?><ListBucketResult>\(contents.joined())\(more)</ListBucketResult>")
    }

    private func bucket(_ place: Place) -> BucketPull {
        BucketPull(
            BucketPull.Settings(
                endpoint: "http://s3.example:9000", bucket: "b", prefix: "logs/", suffix: ".json", region: "us-east-1",
                accessKey: "a", secretKey: "s"),
            transport: place, limit: 1 << 20, now: { now })
    }

    @Test("Objects are taken once each, oldest first; one that appears late with a smaller name is taken, too")
    func objects() async throws {
        let list = "http://s3.example:9000/b/?encoding-type=url&list-type=2&prefix=logs%2F"
        let place = Place([
            list: listing(
                [("logs/b.json", "2026-11-20T09:00:02Z"), ("logs/x.txt", "2026-11-20T09:00:00Z")], next: "t+1"),
            list.replacing("?", with: "?continuation-token=t%2B1&"): listing([
                ("logs/c%2Bd.json", "2026-11-20T09:00:01Z")
            ]),
            "http://s3.example:9000/b/logs/b.json": reply("{\"n\":1}"),
            "http://s3.example:9000/b/logs/c%2Bd.json": reply("{\"n\":0}"),
            "http://s3.example:9000/b/logs/a.json": reply("{\"n\":2}"),
        ])
        let pull = bucket(place)
        let one = try await pull.page(after: nil)
        #expect(one.deliveryID == "s3:b/logs/c+d.json#e1" && one.hasMore, "\(place.asked)")
        let two = try await pull.page(after: one.cursor)
        #expect(two.deliveryID == "s3:b/logs/b.json#e1" && !two.hasMore)
        place.put(list, listing([("logs/b.json", "2026-11-20T09:00:02Z"), ("logs/a.json", "2026-11-20T08:59:00Z")]))
        // A new process knows but the cursor.
        let three = try await bucket(place).page(after: two.cursor)
        #expect(three.deliveryID == "s3:b/logs/a.json#e1")
        let four = try await pull.page(after: three.cursor)
        #expect(four.delivery == nil && four.cursor == three.cursor)
    }

    @Test("An object that is gone, or too large, is a gap and holds up nothing; a listing that is none is an error")
    func badObjects() async throws {
        let list = "http://s3.example:9000/b/?encoding-type=url&list-type=2&prefix=logs%2F"
        let place = Place([list: listing([("logs/gone.json", "2026-11-20T09:00:02Z")])])
        let page = try await bucket(place).page(after: nil)
        #expect(page.gaps.first?.place == "b/logs/gone.json" && page.delivery == nil && page.cursor != nil)
        place.put(list, reply("<html>"))
        let error = await #expect(throws: PullError.self) { try await bucket(place).page(after: nil) }
        #expect(error?.code == .malformed)
    }

    @Test("Dates in a prefix stand for yesterday and today")
    func dates() {
        let pull = BucketPull(
            BucketPull.Settings(
                endpoint: "https://s3.example", bucket: "b", prefix: "t/{yyyy}/{mm}/{dd}/", suffix: "", region: "r",
                accessKey: "a", secretKey: "s"),
            transport: Place([:]), limit: 1, now: { Timestamp(parsing: "2027-01-01T00:00:01Z")! })
        #expect(pull.prefixes() == ["t/2026/12/31/", "t/2027/01/01/"])
    }

    @Test("The signature is that of AWS's own example (Amazon S3 API reference, \"GET Bucket (List Objects)\")")
    func signature() {
        let signature = RequestSignature(
            accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", sessionToken: nil,
            region: "us-east-1", service: "s3")
        let headers = signature.headers(
            host: "examplebucket.s3.amazonaws.com", path: "/", query: [("max-keys", "2"), ("prefix", "J")],
            now: Timestamp(parsing: "2013-05-24T00:00:00Z")!)
        let value = headers.first { $0.name == "Authorization" }?.value ?? ""
        #expect(
            value.hasSuffix("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"), "\(value)")
    }

    // MARK: Settings

    @Test(
        "What is wrong with a pull is said",
        arguments: [
            ("{source: a}", "it is one of files, s3, http and relay"),
            ("{source: a, files: {paths: [app.log]}}", "paths are absolute"),
            ("{source: a, http: {url: 'ftp://x'}}", "url is an http(s) URL"),
            ("{source: a, http: {url: 'https://x', next: page}}", "next is link"),
            (
                "{source: a, http: {url: 'https://x', headers: {a: '${NO_SUCH_VARIABLE_HERE}'}}}",
                "the environment has no"
            ),
            ("{source: a, every: 0, files: {paths: [/a]}}", "every is 1 to 86400"),
        ])
    func settings(entry: String, reason: String) throws {
        var configuration = ServerConfiguration()
        let error = try #require(throws: ConfigurationError.self) {
            try configuration.read(yaml: "pull:\n  - \(entry)\n", file: "c.yml")
        }
        #expect(error.description.contains(reason), "\(error)")
    }

    @Test("The examples of Okta and HCP Terraform in docs/pulling.md are read")
    func examples() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../../docs/pulling.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let blocks = text.components(separatedBy: "```yaml\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
        let pulls = try blocks.filter { $0.hasPrefix("pull:") }.flatMap { block -> [PullSettings] in
            var configuration = ServerConfiguration()
            try configuration.read(
                yaml: block.replacingOccurrences(of: "\\$\\{[A-Z_]+\\}", with: "secret", options: .regularExpression),
                file: "pulling.md")
            return configuration.pulls
        }
        #expect(Set(pulls.map(\.name)).isSuperset(of: ["okta", "terraform", "cloudtrail", "vault"]))
    }
}
