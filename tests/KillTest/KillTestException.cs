namespace LlmAspire.KillTest;

/// <summary>The test could not be made, which says nothing about the ledger.</summary>
public sealed class KillTestException(string message, Exception? innerException = null) : Exception(message, innerException);
