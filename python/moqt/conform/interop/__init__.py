"""The cases and the contract of the public interop runner (englishm/moq-interop-runner)."""
