import EventModel
import Foundation
import Intake
import Testing

private let key = [UInt8](repeating: 5, count: 32)

/// Redacts text; nil when it stays as it is.
private func redact(_ text: String, key: [UInt8] = key) -> (text: String, counts: [SecretKind: Int])? {
    switch Redactor().redact(Array(text.utf8), fingerprintKey: key) {
    case .unchanged: return nil
    case .redacted(let redaction): return (String(decoding: redaction.bytes, as: UTF8.self), redaction.counts)
    case .tooManySecrets:
        Issue.record("too many secrets")
        return nil
    }
}

private func parses(_ text: String) -> Bool {
    (try? JSONParser().withDocument(Array(text.utf8)) { _ in true }) ?? false
}

/// Fake tokens are put together at run time, so that no scanner takes this file for a leak.
private func run(_ length: Int) -> String {
    String((0..<length).map { Array("aB3dE5gH7jK9mN2pQ4rS6tU8vW")[($0 * 7) % 26] })
}

private func hexadecimal(_ length: Int) -> String {
    String((0..<length).map { Array("0a1b2c3d4e5f6789")[($0 * 5) % 16] })
}

private func base64(_ text: String) -> String {
    Data(text.utf8).base64EncodedString().replacing("=", with: "").replacing("+", with: "-").replacing("/", with: "_")
}

private let jwt = [base64(#"{"alg":"RS256","typ":"JWT"}"#), base64(#"{"sub":"system:serviceaccount:a:b"}"#), run(64)]
    .joined(separator: ".")

@Suite("Tokens that say what they are")
struct ProviderTokenTests {
    private static let tokens: [(SecretKind, String)] = [
        (.github, "gh" + "p_" + run(36)), (.github, "gh" + "o_" + run(36)), (.github, "gh" + "u_" + run(36)),
        (.github, "gh" + "s_" + run(36)), (.github, "gh" + "r_" + run(36)),
        (.github, "github" + "_pat_" + run(22) + "_" + run(59)),
        (.gitlab, "gl" + "pat-" + run(20)), (.gitlab, "gl" + "dt-" + run(20)), (.gitlab, "gl" + "rt-" + run(20)),
        (.gitlab, "gl" + "cbt-64_" + run(20)), (.npm, "npm" + "_" + run(36)),
        (.pypi, "pypi" + "-AgEIcHlwaS5vcmc" + run(90)),
        (.slack, "xox" + "b-123456789012-1234567890123-" + run(24)), (.slack, "xox" + "p-123456789012-" + run(30)),
        (.google, "AI" + "za" + run(35)), (.google, "ya" + "29." + run(60)), (.stripe, "sk" + "_live_" + run(24)),
        (.stripe, "rk" + "_live_" + run(24)), (.docker, "dckr" + "_pat_" + run(27)),
        (.terraform, run(14) + ".atlas" + "v1." + run(67)), (.vault, "hv" + "s." + run(90)),
        (.doppler, "dp" + ".st.dev." + run(40)), (.databricks, "da" + "pi" + hexadecimal(32)),
        (.sendgrid, "S" + "G." + run(22) + "." + run(43)), (.openai, "sk" + "-" + run(48)),
        (.openai, "sk" + "-proj-" + run(48)), (.anthropic, "sk" + "-ant-api03-" + run(93)),
        (.digitalocean, "dop" + "_v1_" + hexadecimal(64)), (.atlassian, "ATA" + "TT3xFfGF0" + run(120) + "=AB12CD34"),
        (.telegram, "123456789" + ":AA" + run(33)), (.custody, "custody" + "_" + run(10) + "_" + run(44)), (.jwt, jwt),
    ]

    @Test("A token is found in JSON, in text, in a URL and in an escaped document", arguments: tokens)
    func found(kind: SecretKind, token: String) throws {
        let contexts: [(before: String, after: String)] = [
            (#"{"a":""#, #""}"#), (#"{"message":"used "#, #" to push","b":[1,2]}"#), ("", ""), ("pushed with ", ".\n"),
            (#"{"url":"https://example.com/a?k="#, #"&b=1"}"#), (#"{"body":"{\"k\":\""#, #"\"}"}"#),
        ]
        for (before, after) in contexts {
            let result = try #require(redact(before + token + after), "\(before)")
            #expect(result.counts == [kind: 1])
            #expect(!result.text.contains(token))
            #expect(result.text.hasPrefix(before + "[redacted:\(kind.rawValue):"))
            #expect(result.text.hasSuffix("]" + after))
            #expect(redact(result.text) == nil, "not idempotent: \(result.text)")
        }
    }

    @Test("Under a telling name the kind of the token is kept", arguments: tokens)
    func underName(kind: SecretKind, token: String) throws {
        let result = try #require(redact(#"{"access_token":""# + token + #"","n":1}"#))
        #expect(result.counts == [kind: 1])
        #expect(result.text.hasPrefix(#"{"access_token":"[redacted:"#))
    }

    @Test("A fingerprint tells equal secrets of one source, and nothing across sources")
    func fingerprints() throws {
        let one = "gh" + "p_" + run(36)
        let other = "gh" + "p_" + run(35) + "x"
        let text = try #require(redact("\(one) \(one) \(other)")).text.split(separator: " ")
        #expect(text[0] == text[1])
        #expect(text[0] != text[2])
        #expect(text[0].count == "[redacted:github-token:]".count + 16)
        #expect(try #require(redact(one, key: [1, 2, 3])).text != text[0])
    }

    @Test("Slack and Discord webhooks and shared access signatures lose their secret part only")
    func urls() throws {
        let slack = "https://hooks.slack.com/services/" + "T00000000/B00000000/" + run(24)
        #expect(try #require(redact(slack)).text.hasPrefix("https://hooks.slack.com/services/[redacted:slack-token:"))
        let azure = "https://a.blob.core.windows.net/c?sv=2020&sig=" + run(42) + "%3D&se=2026"
        let result = try #require(redact(azure)).text
        #expect(result.hasPrefix("https://a.blob.core.windows.net/c?sv=2020&sig=[redacted:azure-sas:"))
        #expect(result.hasSuffix("]&se=2026"))
    }
}

@Suite("Secrets by their context")
struct ContextTests {
    @Test("PEM private keys are found with real and with escaped line ends, whole and cut off")
    func privateKeys() throws {
        for label in [
            "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY",
        ] {
            let begin = "-----" + "BEGIN \(label)-----"
            let end = "-----" + "END \(label)-----"
            for line in ["\n", #"\n"#, #"\\n"#] {
                let pem = begin + line + run(64) + line + run(40) + line + end
                let result = try #require(redact(#"{"a":"x "# + pem + #" y","b":1}"#))
                #expect(result.counts == [.privateKey: 1])
                #expect(result.text.hasPrefix(#"{"a":"x [redacted:private-key:"#))
                #expect(result.text.hasSuffix(#"] y","b":1}"#))
            }
            let cut = try #require(redact(#"{"a":""# + begin + #"\n"# + run(64) + #"","b":1}"#))
            #expect(cut.text.hasSuffix(#"]","b":1}"#))
        }
        #expect(redact("-----BEGIN PUBLIC KEY-----\n" + run(64) + "\n-----END PUBLIC KEY-----") == nil)
        #expect(redact("-----BEGIN CERTIFICATE-----\n" + run(64) + "\n-----END CERTIFICATE-----") == nil)
    }

    @Test(
        "Passwords in URLs go, users stay",
        arguments: [
            ("https://octocat:hunter2@example.com/a", "https://octocat:[redacted:url-password]@example.com/a"),
            ("postgres://app:p%40ss@db:5432/x?y=1", "postgres://app:[redacted:url-password]@db:5432/x?y=1"),
            (
                #"{"u":"https:\/\/octocat:hunter2@example.com\/a"}"#,
                #"{"u":"https:\/\/octocat:[redacted:url-password]@example.com\/a"}"#
            ),
            ("redis://:hunter2@cache", "redis://:[redacted:url-password]@cache"),
        ])
    func urlPasswords(text: String, expected: String) throws {
        #expect(try #require(redact(text)).text == expected)
        #expect(redact(expected) == nil)
    }

    private static let basic = Data("octocat:hunter2".utf8).base64EncodedString()

    @Test(
        "Authorization values go, schemes stay",
        arguments: [
            (#"{"Authorization":"Bearer "# + run(30) + #""}"#, #"{"Authorization":"Bearer [redacted:authorization]"}"#),
            (
                #"{"Authorization":["Bearer "# + run(30) + #""]}"#,
                #"{"Authorization":["Bearer [redacted:authorization]"]}"#
            ),
            (
                #"{"headers":{"authorization":"Basic "# + basic + #""}}"#,
                #"{"headers":{"authorization":"Basic [redacted:authorization]"}}"#
            ),
            (
                "curl -H 'Authorization: Bearer " + run(30) + "' x",
                "curl -H 'Authorization: Bearer [redacted:authorization]' x"
            ),
            ("authorization: token " + run(40) + "\n", "authorization: token [redacted:authorization]\n"),
        ])
    func authorization(text: String, expected: String) throws {
        #expect(try #require(redact(text)).text == expected)
        #expect(redact(expected) == nil)
    }

    @Test("Values of Kubernetes Secrets go, in objects, lists, patches and kubectl's annotation")
    func kubernetesSecrets() throws {
        let objects = [
            #"{"kind":"Secret","metadata":{"name":"db"},"data":{"a.b":"aHVudGVyMg==","c":"aHVudGVyMw=="},"type":"Opaque"}"#,
            #"{"data":{"a":"aHVudGVyMg=="},"stringData":{"b":"hunter2"},"kind":"Secret"}"#,
            #"{"requestObject":{"data":{"a":"aHVudGVyMg=="}},"objectRef":{"resource":"secrets","name":"db"}}"#,
            #"{"objectRef":{"resource":"secrets"},"requestObject":[{"op":"replace","path":"/data/a","value":"aHVudGVyMg=="}]}"#,
            #"{"responseObject":{"kind":"SecretList","items":[{"metadata":{"name":"a"},"data":{"x":"aHVudGVyMg=="}}]}}"#,
            #"{"kind":"Secret","metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"a\":\"aHVudGVyMg==\"}}"}}}"#,
        ]
        for object in objects {
            let result = try #require(redact(object), "\(object)")
            #expect(!result.text.contains("aHVudGVy") && !result.text.contains("hunter2"), "\(result.text)")
            #expect(parses(result.text))
            #expect(redact(result.text) == nil)
            #expect(result.counts.keys.contains(.kubernetes))
        }
        #expect(redact(#"{"kind":"ConfigMap","data":{"a":"b"},"objectRef":{"resource":"configmaps"}}"#) == nil)
        #expect(redact(#"{"kind":"Secret","metadata":{"name":"db"}}"#) == nil)
    }

    @Test("A secret spelt with escapes is found")
    func escapes() throws {
        let token = "gl" + #"pat\u002d"# + run(20)
        let result = try #require(redact(#"{"a":""# + token + #"","b":"\u00e9\u002d"}"#))
        #expect(result.counts == [.gitlab: 1])
        #expect(result.text.hasSuffix(#"]","b":"\u00e9\u002d"}"#))
        #expect(redact(#"{"pass\u0077ord":"hunter2"}"#)?.text == #"{"pass\u0077ord":"[redacted:password]"}"#)
        #expect(
            redact(#"{"a":"b\u0026token=abc1\u0026c=d"}"#)?.text == #"{"a":"b\u0026token=[redacted:secret]\u0026c=d"}"#)
        #expect(redact(#"{"a":"\\u002d \u003c"}"#) == nil)
    }
}

@Suite("Values under telling names")
struct TellingNameTests {
    @Test(
        "Names that tell of a secret",
        arguments: [
            "password", "passwd", "dbPassword", "DB_PASSWORD", "db-password", "user.password", "new_password",
            "passphrase",
            "secret", "clientSecret", "client_secret", "CLIENT_SECRET", "webhook-secret", "SecretString", "token",
            "access_token", "accessToken", "refreshToken", "APIToken", "x-auth-token", "X-Vault-Token", "tokens",
            "apikey", "api_key", "apiKey", "x-api-key", "API_KEY_PROD", "access_key", "secretAccessKey", "private_key",
            "privateKey", "credential", "credentials", "auth_key", "encryption_key", "DB_PASS", "sessionToken",
            "token_value", "authToken", "signing_key", "apiKeyProd", "accessKeyData", "apikeyvalue", "pwdValue",
        ])
    func telling(name: String) throws {
        let result = try #require(redact(#"{"\#(name)":"hunter2!x","after":"kept"}"#))
        let isPassword = result.counts == [.password: 1]
        #expect(isPassword || result.counts == [.named: 1])
        let mark = isPassword ? "password" : "secret"
        #expect(result.text == #"{"\#(name)":"[redacted:\#(mark)]","after":"kept"}"#)
    }

    @Test(
        "Names that tell of something about a secret, or of nothing",
        arguments: [
            "token_id", "tokenId", "hashed_token", "token_type", "token_scopes", "secret_name", "secretName",
            "secretRef",
            "credential_id", "key_id", "keyId", "accessKeyId", "access_key_id", "public_key", "publicKey",
            "password_changed_at", "passwordLastChanged", "programmatic_access_type", "secrets", "secretKeyRef",
            "token_expires_at", "tokenUri", "token_endpoint", "author", "author_association", "authorized",
            "authenticated", "passed", "bypass", "compass", "tokenizer", "secretary", "passwordless", "key", "keys_url",
            "monkey", "primary_key", "has_password", "requirePassword", "next_page_token", "nextToken", "secretId",
            "secret_arn", "passwordPolicy", "secret_scanning", "auth_method", "token_accessor", "credential_type",
            "tokenreviews", "httpTokens", "passport", "keyboard", "credit",
        ])
    func notTelling(name: String) { #expect(redact(#"{"\#(name)":"hunter2!x","after":"kept"}"#) == nil) }

    @Test(
        "Values that are no secrets stay under any name",
        arguments: [
            "null", "true", "12345", "1.5", #""""#, #""********""#, #""[FILTERED]""#, #""[redacted:password]""#,
            #""${{ secrets.X }}""#, #""$(TOKEN)""#, #""{{ .Values.x }}""#, #""hmac-sha256:0a1b""#, #""sha256:0a1b""#,
            #""2026-11-23T10:00:00Z""#, #""AKIAIOSFODNN7EXAMPLE""#, #"{"id":"a1","name":"b2"}"#, "[]", "{}",
            #"[{"id":"a1"}]"#,
        ])
    func harmless(value: String) {
        for name in ["token", "access_key", "secret"] { #expect(redact(#"{"\#(name)":\#(value)}"#) == nil) }
    }

    @Test(
        "Notations",
        arguments: [
            (
                #"{"a":"{\"password\":\"hunter2\",\"b\":1}"}"#,
                #"{"a":"{\"password\":\"[redacted:password]\",\"b\":1}"}"#
            ),
            (
                #"{"a":"{\"b\":\"{\\\"password\\\": \\\"hunter2\\\"}\"}"}"#,
                #"{"a":"{\"b\":\"{\\\"password\\\": \\\"[redacted:password]\\\"}\"}"}"#
            ),
            (#"{"a":"x\"y","password":"a\"b\\","c":1}"#, #"{"a":"x\"y","password":"[redacted:password]","c":1}"#),
            (
                #"{"passwords":["a1","b2"],"c":["d"]}"#,
                #"{"passwords":["[redacted:password]","[redacted:password]"],"c":["d"]}"#
            ),
            (
                #"{"password" : { "old":"a1","new":["b2"]},"c":"d"}"#,
                #"{"password" : { "old":"[redacted:password]","new":["[redacted:password]"]},"c":"d"}"#
            ),
            ("GET /a?token=abc1&b=c HTTP/1.1", "GET /a?token=[redacted:secret]&b=c HTTP/1.1"),
            (#"{"q":"access_token=abc1"}"#, #"{"q":"access_token=[redacted:secret]"}"#),
            ("login --user a --password hunter2 --b", "login --user a --password [redacted:password] --b"),
            ("login --password=hunter2 b", "login --password=[redacted:password] b"),
            (
                #"{"args":["login","--password","hunter2","-v"]}"#,
                #"{"args":["login","--password","[redacted:password]","-v"]}"#
            ),
            (#"{"run":"export NPM_TOKEN=abc1\nmake"}"#, #"{"run":"export NPM_TOKEN=[redacted:secret]\nmake"}"#),
            ("DB_PASSWORD='a b' x", "DB_PASSWORD='[redacted:password]' x"),
            ("password: hunter2\n", "password: [redacted:password]\n"),
            ("X-Api-Key: abc123\r\n", "X-Api-Key: [redacted:secret]\r\n"),
            ("<password>hunter2</password>", "<password>[redacted:password]</password>"),
            ("Endpoint=a;SharedAccessKey=abc1=;b", "Endpoint=a;SharedAccessKey=[redacted:secret];b"),
        ])
    func notations(text: String, expected: String) throws {
        #expect(redact(text)?.text == expected)
        #expect(redact(expected) == nil)
    }

    @Test(
        "Prose, paths and identifiers stay",
        arguments: [
            "the password: must be changed", "token expired", "no secret here", "docker.io/token:latest",
            "if token == null",
            "Bearer authentication is required", "Basic auth", "https://example.com/a@b:c",
            "git@github.com:acme/api.git",
            "mailto:a@example.com", "ssh://git@host:22/x", "a: 9f2c1a6b4d8e9f2c1a6b4d8e9f2c1a6b4d8e9f2c",
            "sha256:" + hexadecimal(64), "123e4567-e89b-42d3-a456-426614174000", "AKIAIOSFODNN7EXAMPLE",
            "task-1 risk-2",
            "sk-learn-pipeline-for-everybody", "PWD=/home/a", "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20190509",
            #"{"organization_secrets":"read"}"#, "eyJub3QiOiJqd3QifQ.abc", "ghp_short",
            #"{"resource":"secrets"}"#,
            #"{"text":"token","secret":null}"#, "-----BEGIN", "://", #"{"a":"password"}"#, #"["--password"]"#,
            "password=", "token:", "deployed registry.example/team/app:v1.25@sha256:0a1b by ci",
        ])
    func stays(text: String) { #expect(redact(text) == nil) }
}

@Suite("What redaction promises")
struct RedactionPropertyTests {
    @Test("Cut and mutated payloads never trap, and JSON stays JSON")
    func mutations() {
        let seed = Array(
            (#"{"password":"hunter2","kind":"Secret","data":{"a":"b"},"u":"https://a:b@c","t":""# + jwt
                + #"","e":"{\"token\":\"x1\\u002d\"}","objectRef":{"resource":"secrets"},"requestObject":[{"value":"q"}]}"#)
                .utf8)
        var random = SystemRandomNumberGenerator()
        let parser = JSONParser()
        for length in 0...seed.count { _ = Redactor().redact(Array(seed[..<length]), fingerprintKey: key) }
        for _ in 0..<5_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] =
                    Bool.random(using: &random)
                    ? Array("\"\\{}[]:,= -".utf8).randomElement(using: &random)! : .random(in: 0...255, using: &random)
            }
            guard case .redacted(let redaction) = Redactor().redact(bytes, fingerprintKey: key) else { continue }
            let wasJSON = (try? parser.withDocument(bytes) { _ in true }) ?? false
            let isJSON = (try? parser.withDocument(redaction.bytes) { _ in true }) ?? false
            #expect(isJSON || !wasJSON, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    /// Each of these would take minutes or hours if the work grew with the square of the length, or doubled with the depth.
    @Test(
        "Hostile payloads take time in proportion to their length", .timeLimit(.minutes(1)),
        arguments: [
            "token=", "tokenid=", "token=$", #""password":["#, #""password":{"#, #""token":["#, #"\"tokenid\":\""#,
            "eyJa-",
            "eyJaaaaaaaaaaaaaaa.", "glpat-", "sk-a.", ":AA1", "SG.a", "Bearer ", "password", "'password=", "<token>",
            "://a:b",
            "-----BEGIN PRIVATE KEY", #"{"kind":"Secret","data":"#, #"{"kind":"SecretList","items":["#, #"\u002d"#,
            #"\"#,
            #"{"objectRef":{"resource":"secrets"},"requestObject":"#, "--token ", "token: a ", "[", "?sig=",
        ])
    func hostilePayloads(part: String) {
        let payload = Array(String(repeating: part, count: (1 << 20) / part.utf8.count).utf8)
        _ = Redactor().redact(payload, fingerprintKey: key)
        // The same closed again, so that a walk that goes by depth meets the end of each container.
        let depth = 150
        let closed = String(repeating: part, count: depth) + String(repeating: "}", count: depth)
        _ = Redactor().redact(Array(closed.utf8), fingerprintKey: key)
    }

    @Test("A payload with more secrets than the limit is refused, one at the limit is not")
    func limit() {
        func payload(_ count: Int) -> [UInt8] {
            Array("[\(repeatElement(#"{"password":"x1"}"#, count: count).joined(separator: ","))]".utf8)
        }
        guard
            case .redacted(let redaction) = Redactor().redact(
                payload(Redactor.maximumReplacements), fingerprintKey: key)
        else { return #expect(Bool(false)) }
        #expect(redaction.counts == [.password: Redactor.maximumReplacements])
        guard case .tooManySecrets = Redactor().redact(payload(Redactor.maximumReplacements + 1), fingerprintKey: key)
        else {
            return #expect(Bool(false))
        }
    }
}
