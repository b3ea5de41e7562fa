import Foundation

/// Base64 with padding (RFC 4648 §4).
enum PaddedBase64 {
    static func encode(_ bytes: UnsafeRawBufferPointer) -> String { Data(bytes).base64EncodedString() }
}
