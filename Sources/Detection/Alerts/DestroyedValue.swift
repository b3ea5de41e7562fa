/// What stands where a value was destroyed.
package enum DestroyedValue {
    package static let text = "[redacted]"
}
