namespace LlmAspire.Usage;

/// <summary>The spool does not take events: its disk is full or broken.</summary>
internal sealed class SpoolException(string message, Exception innerException) : Exception(message, innerException);
