"""Who speaks when, and why: text and times only. No audio, no clock, no IO."""
