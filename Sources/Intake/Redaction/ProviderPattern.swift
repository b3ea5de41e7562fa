import EventModel

/// A token that says itself what it is: a literal that no other text begins with, then a run of characters.
struct ProviderPattern: Sendable {
    /// The characters of a token's run.
    enum Run: Sendable {
        case alphanumeric, hexadecimal
        /// Letters, digits, `_` and `-`.
        case base64URL
        /// The same and `.`.
        case dotted
        /// The same as ``base64URL`` and `+`, `/`, `=`, `%`: base64 and its form in URLs.
        case base64

        func contains(_ byte: UInt8) -> Bool {
            switch self {
            case .alphanumeric: CharacterClass.isAlphanumeric(byte)
            case .hexadecimal: CharacterClass.isHexadecimal(byte)
            case .base64URL: CharacterClass.isBase64URL(byte)
            case .dotted: CharacterClass.isName(byte)
            case .base64:
                CharacterClass.isBase64URL(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/")
                    || byte == UInt8(ascii: "=") || byte == UInt8(ascii: "%")
            }
        }
    }

    let kind: SecretKind
    let literal: StaticString
    /// Where in the literal the four bytes begin that the scan looks for: chosen so that they are rare in audit events.
    let anchor: Int
    let run: Run
    let minimumRun: Int
    /// Redact the run alone: the literal belongs to a URL or a parameter that people want to see.
    let keepsLiteral: Bool

    init(
        _ kind: SecretKind, _ literal: StaticString, anchor: Int = 0, _ run: Run, _ minimumRun: Int,
        keepsLiteral: Bool = false
    ) {
        self.kind = kind
        self.literal = literal
        self.anchor = anchor
        self.run = run
        self.minimumRun = minimumRun
        self.keepsLiteral = keepsLiteral
    }

    /// Not here, because they are identifiers: AWS key ids (`AKIA…`), Twilio key SIDs (`SK…`). Not here, because they have
    /// no shape of their own and are found under telling names only: AWS secret keys, Vault's old `s.` tokens, Twilio auth
    /// tokens, Discord bot tokens.
    static let all: [ProviderPattern] = [
        .init(.github, "ghp_", .alphanumeric, 30), .init(.github, "gho_", .alphanumeric, 30),
        .init(.github, "ghu_", .alphanumeric, 30), .init(.github, "ghs_", .dotted, 30),
        .init(.github, "ghr_", .alphanumeric, 30), .init(.github, "github_pat_", anchor: 5, .base64URL, 40),
        .init(.gitlab, "glpat-", .dotted, 20), .init(.gitlab, "gldt-", .dotted, 20),
        .init(.gitlab, "glrt-", .dotted, 20), .init(.gitlab, "glrtr-", .dotted, 20),
        .init(.gitlab, "glcbt-", .dotted, 20), .init(.gitlab, "glptt-", .dotted, 20),
        .init(.gitlab, "glft-", .dotted, 20), .init(.gitlab, "glsoat-", .dotted, 20),
        .init(.gitlab, "glimt-", .dotted, 20), .init(.gitlab, "glagent-", .dotted, 20),
        .init(.gitlab, "gloas-", .dotted, 20), .init(.gitlab, "glffct-", .dotted, 20),
        .init(.npm, "npm_", .alphanumeric, 30), .init(.pypi, "pypi-", anchor: 1, .base64URL, 50),
        .init(.slack, "xoxb-", .base64URL, 20), .init(.slack, "xoxp-", .base64URL, 20),
        .init(.slack, "xoxa-", .base64URL, 20), .init(.slack, "xoxr-", .base64URL, 20),
        .init(.slack, "xoxs-", .base64URL, 20), .init(.slack, "xoxo-", .base64URL, 20),
        .init(.slack, "xoxe-", .base64URL, 20), .init(.slack, "xoxe.xox", .dotted, 20),
        .init(.slack, "xoxc-", .base64URL, 20), .init(.slack, "xoxd-", .base64, 20),
        .init(.slack, "xapp-", .base64URL, 20),
        .init(.slack, "hooks.slack.com/services/", anchor: 2, .base64, 20, keepsLiteral: true),
        .init(.slack, "hooks.slack.com/workflows/", anchor: 2, .base64, 20, keepsLiteral: true),
        .init(.google, "AIza", .base64URL, 30), .init(.google, "ya29.", .dotted, 20),
        .init(.google, "GOCSPX-", anchor: 1, .base64URL, 20),
        .init(.azureSignature, "sig=", .base64, 20, keepsLiteral: true),
        .init(.stripe, "sk_live_", anchor: 1, .alphanumeric, 16),
        .init(.stripe, "rk_live_", anchor: 1, .alphanumeric, 16),
        .init(.stripe, "sk_test_", anchor: 1, .alphanumeric, 16),
        .init(.stripe, "rk_test_", anchor: 1, .alphanumeric, 16),
        .init(.stripe, "whsec_", .base64, 20),
        .init(.docker, "dckr_pat_", .base64URL, 20), .init(.docker, "dckr_oat_", .base64URL, 20),
        .init(.vault, "hvs.", .base64URL, 20), .init(.vault, "hvb.", .base64URL, 20),
        .init(.vault, "hvr.", .base64URL, 20),
        .init(.doppler, "dp.st.", .dotted, 30), .init(.doppler, "dp.pt.", .dotted, 30),
        .init(.doppler, "dp.ct.", .dotted, 30), .init(.doppler, "dp.sa.", .dotted, 30),
        .init(.doppler, "dp.scim.", .dotted, 30), .init(.doppler, "dp.audit.", .dotted, 30),
        .init(.databricks, "dapi", .hexadecimal, 32),
        .init(.digitalocean, "dop_v1_", anchor: 3, .hexadecimal, 40),
        .init(.digitalocean, "doo_v1_", anchor: 3, .hexadecimal, 40),
        .init(.digitalocean, "dor_v1_", anchor: 3, .hexadecimal, 40),
        .init(.atlassian, "ATATT3", .base64, 40), .init(.atlassian, "ATCTT3", .base64, 40),
        .init(.atlassian, "ATBB", .alphanumeric, 28),
        .init(.discord, "api/webhooks/", anchor: 2, .base64, 40, keepsLiteral: true),
        .init(.custody, "custody_", anchor: 3, .base64URL, 50),
        .init(.provider, "glsa_", .base64URL, 30), .init(.provider, "shpat_", .hexadecimal, 30),
        .init(.provider, "lin_api_", .alphanumeric, 30), .init(.provider, "pul-", .hexadecimal, 40),
        .init(.provider, "rubygems_", anchor: 5, .hexadecimal, 40), .init(.provider, "bkua_", .hexadecimal, 40),
        .init(.provider, "CCIPAT_", .base64URL, 30), .init(.provider, "sbp_", .hexadecimal, 40),
        .init(.provider, "AKCp", .alphanumeric, 60), .init(.provider, "AGE-SECRET-KEY-1", anchor: 8, .alphanumeric, 50),
    ]

    /// The part of `text` to redact when this token's anchor is at `position`; nil when it is something else.
    func match(_ text: UnsafeRawBufferPointer, anchorAt position: Int) -> Range<Int>? {
        let start = position - anchor
        let runStart = start + literal.utf8CodeUnitCount
        guard start >= 0, runStart + minimumRun <= text.count, text.slice(start..<runStart).hasSameBytes(as: literal),
            start == 0 || !CharacterClass.isWord(text[start - 1]) || keepsLiteral
        else { return nil }
        if case .azureSignature = kind, start > 0, text[start - 1] != UInt8(ascii: "?"),
            text[start - 1] != UInt8(ascii: "&")
        {
            return nil
        }
        var end = runStart
        while end < text.count, run.contains(text[end]) { end += 1 }
        // A full stop after a token belongs to the sentence.
        while end > runStart, text[end - 1] == UInt8(ascii: ".") { end -= 1 }
        guard end - runStart >= minimumRun else { return nil }
        return (keepsLiteral ? runStart : start)..<end
    }
}
