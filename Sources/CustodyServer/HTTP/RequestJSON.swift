import Delivery
import Foundation
import HTTPTypes
import Hummingbird

/// Reads small JSON bodies of the resource routes.
enum RequestJSON {
    /// Bytes of a body: these are settings, not events.
    static let maximumBytes = 1 << 20

    /// - Throws: ``Problem`` 400 that says what is missing or wrong, 413.
    static func decode<Value: Decodable>(
        _ request: Request, _ context: CustodyRequestContext
    ) async throws -> Value {
        var request = request
        let buffer: ByteBuffer
        do {
            buffer = try await request.collectBody(upTo: maximumBytes)
        } catch {
            throw Problem(.contentTooLarge, "too_large", "the body is larger than \(maximumBytes) bytes")
        }
        do {
            return try JSONDecoder().decode(Value.self, from: Data(buffer.readableBytesView))
        } catch let error as DeliveryError {
            throw error
        } catch let DecodingError.keyNotFound(key, _) {
            throw Problem.badRequest("missing_member", "the member \(key.stringValue) is missing")
        } catch let DecodingError.typeMismatch(_, place) {
            let path = place.codingPath.map(\.stringValue).joined(separator: ".")
            throw Problem.badRequest("wrong_type", "the member \(path) has the wrong type")
        } catch {
            throw Problem.badRequest("malformed", "the body is not the JSON that this route takes")
        }
    }
}
