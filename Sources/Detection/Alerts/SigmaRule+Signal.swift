extension SigmaRule {
    /// Whether the rule runs in the shadow: it is not finished, so what it finds is recorded and nobody is called.
    package var isShadow: Bool { status == .experimental || status == .unsupported }

    /// Whether matches become signals (recorded, searchable, countable) instead of alerts (which ask for a person).
    /// Informational is by Sigma's definition what enriches other findings and is no finding itself.
    package var raisesSignals: Bool { isShadow || severity == .informational || extensions.isSignal }
}
